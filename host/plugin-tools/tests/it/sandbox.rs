//! Builds a plugin, checks it, runs its cases.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use halle_base::Dice;
use halle_extensions::package::Package;
use halle_extensions::registry::MemoryComponents;
use halle_plugin_tools::build::build;
use halle_plugin_tools::cases::{self, CaseReport};
use halle_plugin_tools::check::{self, Report};
use halle_wasm::{WasmConfig, WasmHost};

/// Dice for the key of the compiled cache, which lives as long as the test.
#[derive(Debug)]
struct Fixed;

impl Dice for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is here")
}

/// Where tools are kept that build plugins, from one run to the next.
pub fn tools() -> PathBuf {
    root().join("target/plugin-tools")
}

/// Builds the plugin in `folder`, checks it and runs its cases. Panics with the differences of a case that fails.
pub async fn prove(folder: &Path) -> (Report, Vec<CaseReport>) {
    let out = tempfile::tempdir().expect("a temporary folder");
    let path =
        build(folder, Some(out.path()), &tools(), &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
    let report = check::check(&path).expect("the package can be read");
    let package =
        Package::read(&std::fs::read(&path).expect("it was just written")).expect("it was just checked");
    let mut components = MemoryComponents::default();
    components.insert(package.digest(), package.component().clone());
    let config = WasmConfig::new(out.path().join("cache"));
    let host = WasmHost::new(config, Arc::new(components), &Fixed).expect("the sandbox can be set up");
    let outcome =
        cases::run(folder, &package, Arc::new(host)).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(outcome.passed(), "{outcome}");
    (report, outcome.cases)
}
