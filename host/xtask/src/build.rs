//! Builds what the product is made of: the back office, the plugins, the binaries.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::setup::{node, python};
use crate::sh;

/// How optimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// For tests.
    Dev,
    /// For people.
    Release,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }

    /// Path of a binary of this profile.
    pub fn binary(self, name: &str) -> PathBuf {
        sh::target().join(self.folder()).join(name)
    }
}

/// Builds the back office into `target/ui/backoffice`, from where the binary embeds it. Skipped when its sources did not change.
pub fn ui() -> Result<()> {
    let sources = sh::root().join("host/backoffice/ui");
    let output = sh::target().join("ui/backoffice");
    let stamp = sh::target().join("ui/backoffice.stamp");
    let fingerprint = fingerprint(&sources)?;
    if output.join("index.html").exists()
        && std::fs::read_to_string(&stamp).is_ok_and(|old| old == fingerprint)
    {
        return Ok(());
    }
    let node = node::find_or_install()?;
    node.install_packages(&sources)?;
    let out = output.to_string_lossy().into_owned();
    let args = ["run", "build", "--", "--outDir", &out, "--emptyOutDir"];
    sh::run("building the back office", &mut node.command("npm", &args, &sources))?;
    std::fs::write(stamp, fingerprint)?;
    Ok(())
}

/// Builds `halle`, and the program that drives demos and journeys; with the profile for tests, all that is tested too.
///
/// Which features dependencies have depends on all that is built together: tests and the binaries that they drive are one
/// set, or every dependency would be compiled twice.
pub fn binaries(profile: Profile) -> Result<()> {
    match profile {
        Profile::Dev => {
            let all = ["build", "--workspace", "--all-targets"];
            sh::run("building everything for tests", &mut sh::command("cargo", all))
        }
        Profile::Release => release(&["halle-app", "halle-e2e"]),
    }
}

/// Builds packages for people.
pub fn release(packages: &[&str]) -> Result<()> {
    let mut args = vec!["build", "--release"];
    args.extend(packages.iter().flat_map(|name| ["--package", *name]));
    sh::run(&format!("building {} (release)", packages.join(", ")), &mut sh::command("cargo", args))
}

/// Builds every first-party plugin into `target/plugins`, with the binary of `profile`.
pub fn plugins(profile: Profile) -> Result<()> {
    let halle = profile.binary("halle");
    let output = sh::target().join("plugins");
    // Packages of earlier versions would be installed beside the new ones.
    if output.exists() {
        std::fs::remove_dir_all(&output)?;
    }
    std::fs::create_dir_all(&output)?;
    let path = guest_path()?;
    for folder in plugin_folders()? {
        let args =
            ["plugin".as_ref(), "build".as_ref(), folder.as_os_str(), "--out".as_ref(), output.as_os_str()];
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut build = sh::command(&halle.to_string_lossy(), args);
        sh::run(&format!("building the plugin {name}"), build.env("PATH", &path))?;
    }
    Ok(())
}

/// PATH with what builds plugins in JavaScript and Python first.
pub fn guest_path() -> Result<String> {
    Ok(format!("{}:{}", python::bin()?.display(), node::find_or_install()?.path()))
}

/// Folders that hold a `plugin.toml`, in order.
pub fn plugin_folders() -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for room in ["plugins", "catalog-connectors"] {
        let room = sh::root().join(room);
        for entry in std::fs::read_dir(&room).with_context(|| format!("{} is missing", room.display()))? {
            let folder = entry?.path();
            if folder.join("plugin.toml").exists() {
                folders.push(folder);
            }
        }
    }
    folders.sort();
    Ok(folders)
}

/// Names, sizes and times of every file below a folder, `node_modules` left out: changes when a source does.
fn fingerprint(folder: &Path) -> Result<String> {
    let mut lines = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(current) = pending.pop() {
        for entry in
            std::fs::read_dir(&current).with_context(|| format!("{} is missing", current.display()))?
        {
            let entry = entry?;
            if entry.file_name() == "node_modules" {
                continue;
            }
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                pending.push(entry.path());
            } else {
                lines.push(format!(
                    "{} {} {:?}",
                    entry.path().display(),
                    metadata.len(),
                    metadata.modified()?
                ));
            }
        }
    }
    lines.sort();
    Ok(lines.join("\n"))
}
