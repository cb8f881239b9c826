//! The world of one plugin: that of its kind, without what its manifest does not ask for.
//!
//! Interpreted languages link every interface of their world, used or not. With a world made to measure, what a component
//! imports is what its manifest asks, as for Rust.

use std::collections::BTreeMap;
use std::path::Path;

use halle_extensions::manifest::{Manifest, PluginKind};

use crate::component::names;
use crate::embedded;
use crate::error::{Result, ToolError, at};

/// A world, written down as WIT.
#[derive(Debug)]
pub struct World {
    /// Its name.
    pub name: &'static str,
    /// Interfaces it imports, by the last part of their name in camel case: `log` is `halle:host/log@1.0.0`.
    pub interfaces: BTreeMap<String, String>,
    /// The interface it exports, as `halle:enricher/enrichment@1.0.0` says it last: `enrichment`.
    pub exports: String,
}

/// Writes the world of a plugin below `folder`: its package, and those it depends on in `deps/`.
pub fn write(manifest: &Manifest, folder: &Path) -> Result<World> {
    let (package, name) = names(manifest.plugin.kind);
    let mut world = World { name, interfaces: BTreeMap::new(), exports: String::new() };
    let mut text = String::new();
    for line in embedded::wit(package)?.lines() {
        let words = line.trim().trim_end_matches(';');
        if let Some(interface) = words.strip_prefix("import halle:host/") {
            let short = interface.split('@').next().unwrap_or(interface);
            if !is_asked(manifest, short) {
                continue;
            }
            world.interfaces.insert(short.to_owned(), format!("halle:host/{interface}"));
        } else if let Some(interface) = words.strip_prefix("export ") {
            world.exports = interface.to_owned();
        }
        text.push_str(line);
        text.push('\n');
    }
    if world.exports.is_empty() {
        return Err(ToolError::Component(format!("the world {name} exports nothing")));
    }
    put(folder, &format!("{package}.wit"), &text)?;
    for package in ["base", "host"] {
        put(folder, &format!("deps/{package}/{package}.wit"), &embedded::wit(package)?)?;
    }
    Ok(world)
}

/// Whether a plugin has an interface of its world.
fn is_asked(manifest: &Manifest, interface: &str) -> bool {
    match interface {
        "http" => !manifest.http.is_empty(),
        "state" => manifest.state.is_some(),
        "datasets" | "reference" | "source" => !manifest.slots.is_empty(),
        _ => true,
    }
}

fn put(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(at(parent))?;
    }
    std::fs::write(&path, text).map_err(at(&path))
}

/// Name of a kind in manifests.
pub fn kind_name(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::CatalogConnector => "catalog-connector",
        PluginKind::Processing => "processing",
        PluginKind::Enricher => "enricher",
        PluginKind::Visualisation => "visualisation",
        PluginKind::RemoteService => "remote-service",
    }
}
