//! Packages of Debian.

use anyhow::{Result, bail};

use crate::sh;

/// Installs the packages that are missing, for the purpose named. Does nothing where they are all there.
pub fn install(purpose: &str, packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !sh::succeeds(&mut sh::command("apt-get", ["--version"])) {
        bail!("{purpose} needs {}: install them with your system's package manager", missing.join(", "));
    }
    sh::run("updating the lists of Debian's packages", &mut privileged(&["update", "-qq"]))?;
    let mut args = vec!["install", "-y", "-qq", "--no-install-recommends"];
    args.extend(&missing);
    let what = format!("installing {} from Debian's packages, for {purpose}", missing.join(", "));
    sh::run(&what, privileged(&args).env("DEBIAN_FRONTEND", "noninteractive"))
}

fn is_installed(package: &str) -> bool {
    let mut query = sh::command("dpkg-query", ["-W", "-f", "${db:Status-Status}", package]);
    sh::output(&mut query).is_ok_and(|status| status.trim() == "installed")
}

fn privileged(args: &[&str]) -> std::process::Command {
    let is_root = sh::output(&mut sh::command("id", ["-u"])).is_ok_and(|id| id.trim() == "0");
    if is_root {
        sh::command("apt-get", args)
    } else {
        sh::command("sudo", std::iter::once(&"apt-get").chain(args))
    }
}
