//! Packages of Debian.

use std::process::Command;

use anyhow::{Result, bail};

use crate::sh;

/// Installs the packages that are missing, for the purpose named. Does nothing where they are all there; where it may not
/// install, the error says what a person must run.
pub fn install(purpose: &str, packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(" ");
    if !runs("apt-get") {
        bail!(
            "{purpose} needs what Debian calls {missing}: install it your system's way, then run this again"
        );
    }
    let Some(who) = Installer::find() else {
        bail!(
            "{purpose} needs Debian's packages {missing}, and there is no sudo here: as root, run `apt-get install \
             --no-install-recommends {missing}`, then run this again"
        );
    };
    sh::run("updating the lists of Debian's packages", &mut who.apt_get(&["update", "-qq"]))?;
    let mut args = vec!["install", "-y", "-qq", "--no-install-recommends"];
    args.extend(missing.split(' '));
    sh::run(&format!("installing {missing} from Debian's packages, for {purpose}"), &mut who.apt_get(&args))
}

fn is_installed(package: &str) -> bool {
    let mut query = sh::command("dpkg-query", ["-W", "-f", "${db:Status-Status}", package]);
    sh::output(&mut query).is_ok_and(|status| status.trim() == "installed")
}

/// Whether a program is there.
fn runs(program: &str) -> bool {
    sh::succeeds(&mut sh::command(program, ["--version"]))
}

/// Who may install packages.
enum Installer {
    Root,
    /// Asks for a password, if it must, where the reader can type it.
    Sudo,
}

impl Installer {
    fn find() -> Option<Self> {
        let is_root = sh::output(&mut sh::command("id", ["-u"])).is_ok_and(|id| id.trim() == "0");
        if is_root { Some(Self::Root) } else { runs("sudo").then_some(Self::Sudo) }
    }

    fn apt_get(&self, args: &[&str]) -> Command {
        // sudo clears the environment, so that the variable goes behind it.
        let apt_get = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
        let sudo: &[&str] = match self {
            Self::Root => &[],
            Self::Sudo => &["sudo"],
        };
        let words = [sudo, &apt_get, args].concat();
        sh::command(words[0], &words[1..])
    }
}
