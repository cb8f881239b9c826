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
pub struct Fixed;

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
    let (report, package) = built(folder);
    (report, run_cases(folder, &package).await)
}

/// As [`prove`], but the cases are run twice; the component is compiled once.
pub async fn prove_twice(folder: &Path) -> (Report, [Vec<CaseReport>; 2]) {
    let (report, package) = built(folder);
    let cache = tempfile::tempdir().expect("a temporary folder");
    let first = run_cases_with(folder, &package, cache.path()).await;
    (report, [first, run_cases_with(folder, &package, cache.path()).await])
}

fn built(folder: &Path) -> (Report, Package) {
    let out = tempfile::tempdir().expect("a temporary folder");
    let path =
        build(folder, Some(out.path()), &tools(), &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
    let report = check::check(&path).expect("the package can be read");
    let package =
        Package::read(&std::fs::read(&path).expect("it was just written")).expect("it was just checked");
    if folder.join("Cargo.toml").exists() {
        tells_nothing_of_this_machine(folder, package.component());
    }
    (report, package)
}

/// What was compiled names no folder of this machine: not that of the plugin, nor that of the repository, nor cargo's own.
fn tells_nothing_of_this_machine(folder: &Path, component: &[u8]) {
    let text = String::from_utf8_lossy(component);
    let folder = folder.canonicalize().expect("the plugin is here");
    let tools = ["/registry/src/", "/.cargo/", "/.rustup/"].map(str::to_owned);
    let places = [folder.display().to_string(), root().display().to_string()].into_iter().chain(tools);
    for place in places {
        if let Some((before, after)) = text.split_once(&place) {
            let before: String = before.chars().rev().take(60).collect();
            let before: String = before.chars().rev().collect();
            let after: String = after.chars().take(60).collect();
            panic!("the component of {} tells {before}{place}{after}", folder.display());
        }
    }
    assert!(text.contains("registry/serde"), "messages of panics still say where: {}", folder.display());
}

/// Runs the cases in `folder` with a package that is built. Panics with the differences of a case that fails.
pub async fn run_cases(folder: &Path, package: &Package) -> Vec<CaseReport> {
    let cache = tempfile::tempdir().expect("a temporary folder");
    run_cases_with(folder, package, cache.path()).await
}

/// The same, with a folder for the compiled component.
pub async fn run_cases_with(folder: &Path, package: &Package, cache: &Path) -> Vec<CaseReport> {
    let mut components = MemoryComponents::default();
    components.insert(package.digest(), package.component().clone());
    let host = sandbox_with(components, cache);
    let outcome = cases::run(folder, package, Arc::new(host)).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(outcome.passed(), "{outcome}");
    outcome.cases
}

/// A sandbox that has these components, and keeps what it compiles in a folder.
pub fn sandbox_with(components: MemoryComponents, cache: &Path) -> WasmHost {
    WasmHost::new(WasmConfig::new(cache), Arc::new(components), &Fixed).expect("the sandbox can be set up")
}
