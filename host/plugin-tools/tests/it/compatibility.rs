//! Plugins as the SDKs of a released contract built them, kept for ever: every later host loads and runs them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use halle_extensions::host::PluginHost as _;
use halle_extensions::package::Package;
use halle_extensions::registry::MemoryComponents;

use crate::sandbox::{root, run_cases_with, sandbox_with};

/// Where packages of a released contract are: a folder per plugin, and `digests.txt`.
fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/contract-1")
}

/// The digest of each plugin of the corpus, by folder.
fn digests() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(corpus().join("digests.txt")).expect("the corpus has its digests");
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    lines.map(|(digest, folder)| (folder.to_owned(), digest.to_owned())).collect()
}

/// The plugin in whose terms others in Python are written down.
const PYTHON: &str = "python-processing";

/// The package in a folder: as it was built, or its manifest and what its component has more than that of [`PYTHON`]. They share
/// an interpreter of eighteen megabytes.
fn package(folder: &Path) -> Package {
    let read = |name: &str| std::fs::read(folder.join(name)).expect("the plugin is there");
    if folder.join("plugin.halle-plugin").exists() {
        return Package::read(&read("plugin.halle-plugin")).expect("the package can be read");
    }
    let first = package(&corpus().join(PYTHON));
    let patch = read("component.wasm.patch");
    let mut component = Vec::new();
    let patched = zstd::stream::read::Decoder::with_ref_prefix(&patch[..], first.component())
        .and_then(|mut decoder| decoder.read_to_end(&mut component));
    patched.expect("the component can be put together");
    let manifest = String::from_utf8(read("plugin.toml")).expect("the manifest is text");
    Package::new(&manifest, Bytes::from(component), BTreeMap::new()).expect("the package is sound")
}

/// Runs every case of the plugins in these languages.
async fn still_run(language: &str, count: usize) {
    let plugins: Vec<(String, String)> =
        digests().into_iter().filter(|(folder, _)| folder.starts_with(language)).collect();
    assert_eq!(plugins.len(), count, "plugins in {language} are missing");
    for (name, digest) in plugins {
        let folder = corpus().join(&name);
        let package = package(&folder);
        assert_eq!(package.digest(), digest, "{name} was exchanged: this corpus is never built again");
        let cases = run_cases_with(&folder, &package, &root().join("target/compiled-corpus")).await;
        assert!(!cases.is_empty(), "{name} has no case");
    }
}

#[tokio::test]
async fn what_each_kind_says_of_itself_is_kept_when_it_is_installed() {
    let host = sandbox_with(MemoryComponents::default(), &root().join("target/compiled-corpus"));
    let mut said = BTreeMap::new();
    for kind in ["catalog-connector", "enricher", "processing", "remote-service", "visualisation"] {
        let package = package(&corpus().join(format!("rust-{kind}")));
        let admission = host.admit(&package.manifest, package.component()).await.expect("it is admitted");
        assert!(!admission.described.title.is_empty(), "{kind} has no title");
        said.insert(kind, admission.described);
    }
    assert_eq!(said["catalog-connector"].abilities, ["browse", "search", "fetch"]);
    assert_eq!(said["remote-service"].formats, ["openapi-3.0"]);
    let column = &said["enricher"].columns[0];
    assert_eq!((column.key.as_str(), column.kind.as_str(), column.is_optional), ("name", "text", false));
    assert!(column.concept.as_ref().is_some_and(|concept| concept.starts_with("http")), "{column:?}");
    let others = [&said["processing"], &said["visualisation"]];
    assert!(others.iter().all(|said| said.columns.is_empty() && said.details.is_none()), "{others:?}");
}

#[tokio::test]
async fn plugins_in_rust_of_the_first_contract_run() {
    still_run("rust-", 5).await;
}

#[tokio::test]
async fn plugins_in_javascript_of_the_first_contract_run() {
    still_run("javascript-", 5).await;
}

/// The interpreter of each takes a minute to compile in a debug build, the first time: the corpus never changes, so that what was
/// compiled is kept for the next run of the same host.
#[tokio::test]
async fn plugins_in_python_of_the_first_contract_run() {
    still_run("python-", 5).await;
}
