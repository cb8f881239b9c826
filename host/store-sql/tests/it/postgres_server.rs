//! PostgreSQL, from Debian's package: a server of our own in a temporary folder, stopped with the test. Tests of other crates
//! use it too.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the server may take to start; only a failing test waits that long.
const START_SECONDS_MAX: u64 = 60;

/// A running server, stopped when dropped.
pub struct Server {
    process: Child,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts one with an empty database.
    pub fn start() -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap();
        if as_postgres() {
            // The server refuses to run as root, so its user owns the folder.
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let data = folder.path().join("data");
        run(program(&programs, "initdb")
            .args(["--auth=trust", "--username=halle", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
            .arg("--pgdata")
            .arg(&data));
        // On a socket in the folder and on no port: nothing to collide with.
        let process = program(&programs, "postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, folder };
        server.wait();
        server
    }

    /// Address of the database.
    pub fn url(&self) -> String {
        format!("postgres://halle@localhost/postgres?host={}", self.folder.path().display())
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.path().join("data").join("postmaster.pid")
    }

    fn wait(&self) {
        let socket = self.folder.path().join(".s.PGSQL.5432");
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        let ready = || {
            let status = std::fs::read_to_string(self.pid_file());
            socket.exists()
                && status.is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
        };
        while !ready() {
            assert!(
                Instant::now() < deadline,
                "PostgreSQL did not start in {}",
                self.folder.path().display()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server itself, not `runuser` around it, which ends with it. SIGINT: without waiting for clients.
        let text = std::fs::read_to_string(self.pid_file()).unwrap_or_default();
        if let Some(pid) = text.lines().next().map(str::trim).filter(|pid| !pid.is_empty()) {
            let _gone = Command::new("kill").args(["-INT", pid]).status();
        } else {
            let _gone = self.process.kill();
        }
        let _ended = self.process.wait();
    }
}

/// The folder of the newest version's programs.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            let programs = version.path().join("bin");
            programs.join("postgres").is_file().then_some((number, programs))
        })
        .collect();
    found.sort();
    let newest = found.pop().expect(
        "PostgreSQL is not installed: run `cargo xtask test`, which installs Debian's package, or `apt-get install \
         postgresql`",
    );
    newest.1
}

fn as_postgres() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim() == "0"
}

/// A command that runs a program of the server, as its own user where we are root.
fn program(programs: &Path, name: &str) -> Command {
    let path = programs.join(name);
    if !as_postgres() {
        return Command::new(path);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(path);
    command
}

fn run(command: &mut Command) {
    let output = command.current_dir("/").output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
