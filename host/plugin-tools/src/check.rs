//! `halle plugin check`: whether a package is what its manifest says, before anybody installs it.

use std::path::Path;

use halle_extensions::manifest::{Manifest, PluginKind};
use halle_extensions::package::Package;

use crate::component::{self, Surface, without_version};
use crate::error::{Result, at};

/// How serious a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The package cannot be installed, or cannot do its work.
    Error,
    /// Something to look at.
    Warning,
}

/// A remark on a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// How serious it is.
    pub severity: Severity,
    /// What it is about: `component`, or a key of the manifest.
    pub about: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// What is known of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Identity of the package.
    pub digest: String,
    /// Bytes of the component.
    pub component_bytes: u64,
    /// Interfaces in and out.
    pub surface: Surface,
    /// Remarks.
    pub remarks: Vec<Remark>,
}

impl Report {
    /// Whether nothing prevents installation.
    pub fn is_sound(&self) -> bool {
        self.remarks.iter().all(|remark| remark.severity != Severity::Error)
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "digest:    {}", self.digest)?;
        writeln!(f, "component: {} KiB", self.component_bytes.div_ceil(1024))?;
        for import in &self.surface.imports {
            writeln!(f, "imports:   {import}")?;
        }
        for export in &self.surface.exports {
            writeln!(f, "exports:   {export}")?;
        }
        for remark in &self.remarks {
            let severity = if remark.severity == Severity::Error { "error" } else { "warning" };
            writeln!(f, "{severity}: `{}` {}", remark.about, remark.message)?;
        }
        writeln!(f, "{}", if self.is_sound() { "sound" } else { "not to be installed" })
    }
}

/// Checks a package file.
pub fn check(package: &Path) -> Result<Report> {
    let archive = std::fs::read(package).map_err(at(package))?;
    let package = Package::read(&archive)?;
    let surface = component::surface(package.component())?;
    let world = component::world_of(package.manifest.plugin.kind)?;
    let mut remarks = Vec::new();
    fits(&surface, &world, &mut remarks);
    asks(&package.manifest, &surface, &mut remarks);
    texts(&package.manifest, &mut remarks);
    Ok(Report {
        digest: package.digest(),
        component_bytes: package.component().len() as u64,
        surface,
        remarks,
    })
}

fn error(about: &str, message: String) -> Remark {
    Remark { severity: Severity::Error, about: about.to_owned(), message }
}

fn warning(about: &str, message: impl Into<String>) -> Remark {
    Remark { severity: Severity::Warning, about: about.to_owned(), message: message.into() }
}

/// Whether the component stays within its world.
fn fits(surface: &Surface, world: &Surface, remarks: &mut Vec<Remark>) {
    for import in &surface.imports {
        if !world.imports(without_version(import)) {
            remarks.push(error("component", format!("imports `{import}`, which this kind may not use")));
        }
    }
    for export in &world.exports {
        if !surface.exports.contains(export) {
            remarks.push(error(
                "component",
                format!("does not export `{export}`: is the export macro of this kind called?"),
            ));
        }
    }
}

/// Whether the manifest asks for what the component uses, and the other way round.
fn asks(manifest: &Manifest, surface: &Surface, remarks: &mut Vec<Remark>) {
    let slots = match manifest.plugin.kind {
        PluginKind::CatalogConnector => "halle:host/source",
        PluginKind::Enricher => "halle:host/reference",
        _ => "halle:host/datasets",
    };
    let pairs = [
        ("http", !manifest.http.is_empty(), "halle:host/http"),
        ("state", manifest.state.is_some(), "halle:host/state"),
        ("slots", !manifest.slots.is_empty(), slots),
    ];
    for (key, is_asked, interface) in pairs {
        match (is_asked, surface.imports(interface)) {
            (true, false) => {
                remarks.push(warning(key, format!("is asked for but never used (`{interface}`): remove it")));
            }
            (false, true) => {
                remarks.push(error(
                    key,
                    format!(
                        "is not asked for, but the component calls `{interface}`: every call would be denied"
                    ),
                ));
            }
            _ => {}
        }
    }
}

fn texts(manifest: &Manifest, remarks: &mut Vec<Remark>) {
    for language in ["fr", "en"] {
        if !manifest.plugin.title.contains_key(language) {
            remarks.push(warning("plugin.title", format!("has no `{language}`")));
        }
    }
    if manifest.plugin.description.is_empty() {
        remarks.push(warning("plugin.description", "is missing: say in a sentence what the plugin is for"));
    }
}
