//! What the sandbox costs: rows through an enricher, instances, loading; and a chart drawn by a plugin.

mod chart;
mod enricher;
mod hollow;
mod instances;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use halle_base::SeededDice;
use halle_extensions::PluginError;
use halle_extensions::grants::{HostLimits, asked};
use halle_extensions::host::Call;
use halle_extensions::metering::Subject;
use halle_extensions::package::Package;
use halle_extensions::registry::{Installed, MemoryComponents};
use halle_extensions::services::Services;
use halle_model::ColumnKind;
use halle_wasm::{WasmConfig, WasmHost};
use serde_json::json;

pub use chart::measure as chart;

use crate::alone::Seen;

/// A kept package whose component brings an interpreter of JavaScript.
pub const JAVASCRIPT: &str = "javascript-enricher";

/// Everything that needs no server, over `rows` rows, with the packages in the folder `packages` and the program `halle`.
pub async fn measure(halle: &Path, packages: &Path, work: &Path, rows: usize) -> Result<Vec<Seen>> {
    let mut seen = enricher::measure(halle, packages, work, rows).await?;
    seen.extend(instances::measure(packages, work).await?);
    Ok(seen)
}

/// A package of the corpus that every later host must run.
pub fn kept(name: &str) -> std::path::PathBuf {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin-tools/tests/fixtures/contract-1");
    corpus.join(name).join("plugin.halle-plugin")
}

fn read(path: &Path) -> Result<Package> {
    let bytes = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
    Package::read(&bytes).map_err(|error| anyhow!("{error}"))
}

/// The newest package of a first-party plugin.
fn built(packages: &Path, id: &str) -> Result<Package> {
    for entry in std::fs::read_dir(packages).with_context(|| format!("{}", packages.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.strip_prefix(id).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".halle-plugin"))
        {
            return read(&path);
        }
    }
    Err(anyhow!("no package `{id}` in {}: `cargo xtask plugins` builds it", packages.display()))
}

/// A sandbox that has one plugin, and a call of it that is granted what it asks.
fn sandbox(package: &Package, cache: &Path, alive_max: usize) -> Result<(WasmHost, Call)> {
    let mut components = MemoryComponents::default();
    components.insert(package.digest(), package.component().clone());
    let config = WasmConfig { concurrent_max: alive_max, ..WasmConfig::new(cache) };
    let host = WasmHost::new(config, Arc::new(components), &SeededDice::new(1)).map_err(failed)?;
    let manifest = package.manifest.clone();
    let plugin = Installed {
        id: manifest.plugin.id.clone(),
        digest: package.digest(),
        grants: Some(asked(&manifest)),
        limits: HostLimits::default().effective(manifest.plugin.kind, manifest.limits.as_ref()),
        signed_by: None,
        manifest,
    };
    let call = Call {
        subject: Subject::tool(&plugin),
        plugin: Arc::new(plugin),
        config: json!({}),
        secrets: Arc::new(Vec::new()),
        services: Services::none(),
        cancel: Default::default(),
    };
    Ok((host, call))
}

fn failed(error: PluginError) -> anyhow::Error {
    anyhow!("{error}")
}

fn field(key: &str, kind: ColumnKind) -> halle_extensions::Field {
    halle_extensions::Field { key: key.to_owned(), kind, nullable: true, title: None, concept: None }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
