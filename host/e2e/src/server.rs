//! A `halle serve` of our own, started and ended by its process id.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

/// The account that the demo signs in with.
pub const ADMIN_EMAIL: &str = "admin@example.org";

/// Its password: the demo listens on loopback only.
pub const ADMIN_PASSWORD: &str = "Halle-demo-2026!";

/// How long a server may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    halle: PathBuf,
    data: PathBuf,
    /// Address, without a trailing slash.
    pub url: String,
}

impl Server {
    /// Starts a server on `port` over a data folder and waits until it is ready. `private_origins` are the fixture
    /// servers that its plugins may call.
    pub async fn start(halle: &Path, data: &Path, port: u16, private_origins: &[String]) -> Result<Self> {
        let origins = private_origins.join(",");
        Self::start_with(halle, data, port, &[("HALLE_ALLOWED_PRIVATE_ORIGINS", &origins)]).await
    }

    /// Starts a server with more of its settings, as the environment names them.
    pub async fn start_with(halle: &Path, data: &Path, port: u16, options: &[(&str, &str)]) -> Result<Self> {
        std::fs::create_dir_all(data)?;
        let url = format!("http://127.0.0.1:{port}");
        let log = std::fs::File::options().create(true).append(true).open(data.join("server.log"))?;
        let child = Command::new(halle)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(data)
            .env("HALLE_PUBLIC_URL", &url)
            .env("HALLE_ADMIN_EMAIL", ADMIN_EMAIL)
            .env("HALLE_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .envs(options.iter().copied())
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", halle.display()))?;
        let mut server = Self { child, halle: halle.to_owned(), data: data.to_owned(), url };
        server.wait_until_ready().await?;
        Ok(server)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        let url = format!("{}/readyz", self.url);
        while tokio::time::Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("halle ended with {status}: see {}", self.data.join("server.log").display());
            }
            if reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("halle was not ready within {READY_WITHIN:?}: see {}", self.data.join("server.log").display())
    }

    /// Runs the command line over this server's data folder and returns its standard output, trimmed.
    pub async fn command(&self, args: &[&str]) -> Result<String> {
        let output = self.try_command(args).await?;
        if !output.status.success() {
            bail!("`halle {}` failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs the command line over this server's data folder, whatever the outcome.
    pub async fn try_command(&self, args: &[&str]) -> Result<std::process::Output> {
        let mut command = Command::new(&self.halle);
        command.args(args).arg("--data-dir").arg(&self.data);
        command.output().await.context("halle cannot be started")
    }

    /// Data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Ends the process at once, as a power cut would.
    pub async fn kill_now(&mut self) -> Result<()> {
        self.child.kill().await.context("the server could not be killed")
    }

    /// Asks the process to stop, and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(pid) = self.child.id() {
            Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        }
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        let status = ended.context("the server did not stop within 30 s of SIGTERM")??;
        if !status.success() {
            bail!("the server ended with {status} after SIGTERM");
        }
        Ok(())
    }

    /// Waits until the process ends by itself.
    pub async fn wait(mut self) -> Result<()> {
        self.child.wait().await?;
        Ok(())
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
