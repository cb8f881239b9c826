//! A contender: a process of its own, whose time and memory the system counts.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How often memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(20);

/// Time after which a process without work has nothing left to do.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// Clock ticks per second in `/proc`: fixed for programs on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running contender; ended when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: u32,
    /// `127.0.0.1:port`.
    pub address: String,
    peak: Arc<Peak>,
}

/// Largest memory seen, in KiB.
#[derive(Debug, Default)]
struct Peak {
    /// What the process allocated.
    own: AtomicU64,
    /// That, and pages of files it has mapped.
    resident: AtomicU64,
    stop: AtomicBool,
}

/// What a process used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// Processor time in seconds, over all threads and children that ended.
    pub cpu_seconds: f64,
    /// Largest memory the process allocated, in MiB.
    pub own_mib: f64,
    /// That, and pages of files it has mapped, which the system takes back when it needs them.
    pub resident_mib: f64,
}

impl Process {
    /// Starts a yardstick: this program, in its other role. Returns when its rows are loaded.
    pub async fn yardstick(name: &str, csv: &Path, dir: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["yardstick", name, "--csv"]).arg(csv).arg("--dir").arg(dir);
        let mut process = Self::start(command.stdout(Stdio::piped()), String::new())?;
        let stdout = process.child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        line.trim().clone_into(&mut process.address);
        if process.address.is_empty() {
            bail!("the yardstick {name} did not start: {}", process.child.wait().await?);
        }
        Ok(process)
    }

    /// Starts a command that will listen on `address`.
    pub fn start(command: &mut Command, address: String) -> Result<Self> {
        let child = command.kill_on_drop(true).spawn().context("a contender cannot be started")?;
        let pid = child.id().context("a contender ended at once")?;
        let peak = Arc::new(Peak::default());
        let watched = Arc::clone(&peak);
        std::thread::spawn(move || watched.watch(pid));
        Ok(Self { child, pid, address, peak })
    }

    /// What it used so far. Peaks count from the last call of [`Process::forget_peak`].
    pub fn used(&self) -> Result<Used> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name of the command may have spaces; it ends with the last parenthesis. User, system, and both of children
        // are fields 14 to 17 of proc(5).
        let after_name = stat.rsplit_once(')').context("/proc has another form")?.1;
        let ticks: f64 =
            after_name.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<f64>().ok()).sum();
        let mib = |kib: &AtomicU64| kib.load(Ordering::Relaxed) as f64 / 1024.0;
        Ok(Used {
            cpu_seconds: ticks / TICKS_PER_SECOND,
            own_mib: mib(&self.peak.own),
            resident_mib: mib(&self.peak.resident),
        })
    }

    /// Memory that the process has allocated once it does nothing, in MiB.
    pub async fn memory_now(&self) -> Result<f64> {
        tokio::time::sleep(SETTLED_AFTER).await;
        self.forget_peak();
        tokio::time::sleep(5 * SAMPLE_EVERY).await;
        Ok(self.used()?.own_mib)
    }

    /// Peaks count from now on.
    pub fn forget_peak(&self) {
        self.peak.own.store(0, Ordering::Relaxed);
        self.peak.resident.store(0, Ordering::Relaxed);
    }

    /// The error of a process that ended, if it did.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("a contender ended: {status}"),
            None => Ok(()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.peak.stop.store(true, Ordering::Relaxed);
    }
}

impl Peak {
    fn watch(&self, pid: u32) {
        while !self.stop.load(Ordering::Relaxed) {
            let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { return };
            let kib = |name: &str| -> u64 {
                let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
                line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
            };
            self.own.fetch_max(kib("RssAnon:"), Ordering::Relaxed);
            self.resident.fetch_max(kib("VmRSS:"), Ordering::Relaxed);
            std::thread::sleep(SAMPLE_EVERY);
        }
    }
}

/// Bytes of the files in a folder and below.
pub fn bytes_in(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir).with_context(|| format!("{} cannot be read", dir.display()))? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_in(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
