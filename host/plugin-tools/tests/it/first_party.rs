//! Our own plugins.

use std::path::PathBuf;

use halle_extensions::package::Package;
use halle_plugin_tools::build::pack;
use halle_plugin_tools::check::Report;

use crate::sandbox::{prove, root};

/// Imports of a component, without versions.
fn imports(report: &Report) -> Vec<&str> {
    let mut names: Vec<&str> =
        report.surface.imports.iter().filter_map(|name| name.split(['/', '@']).nth(1)).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn territory_is_small_pure_and_right() {
    let (report, cases) = prove(&root().join("plugins/territory")).await;
    assert!(report.remarks.is_empty(), "{report}");
    assert!(imports(&report).is_empty(), "it needs nothing of the host: {report}");
    assert!(report.component_bytes < 500 << 10, "{} bytes", report.component_bytes);
    assert!(!cases.is_empty());
}

#[tokio::test]
async fn clean_is_small_pure_and_right() {
    let (report, cases) = prove(&root().join("plugins/clean")).await;
    assert!(report.remarks.is_empty() && imports(&report).is_empty(), "{report}");
    assert!(report.component_bytes < 500 << 10, "{} bytes", report.component_bytes);
    assert!(cases.len() >= 4);
}

#[tokio::test]
async fn language_detect_is_pure_and_right() {
    let (report, cases) = prove(&root().join("plugins/language-detect")).await;
    assert!(report.remarks.is_empty() && imports(&report).is_empty(), "{report}");
    assert!(!cases.is_empty());
}

#[tokio::test]
async fn pseudonymise_reads_its_salt_and_writes_nothing() {
    let (report, cases) = prove(&root().join("plugins/pseudonymise")).await;
    assert!(report.remarks.is_empty(), "{report}");
    assert_eq!(imports(&report), ["reference"], "no log, to which a value could leak");
    assert!(cases.len() >= 2);
}

#[tokio::test]
async fn import_api_asks_for_what_it_uses() {
    let (report, cases) = prove(&root().join("plugins/import-api")).await;
    assert!(report.remarks.is_empty(), "{report}");
    assert_eq!(imports(&report), ["blobs", "cancel", "config", "datasets", "http", "log", "progress"]);
    assert!(cases.len() >= 2);
}

#[tokio::test]
async fn chart_draws_in_the_sandbox() {
    let (report, cases) = prove(&root().join("plugins/chart")).await;
    assert!(report.remarks.is_empty() && imports(&report).is_empty(), "{report}");
    assert!(cases.len() >= 3);
}

#[tokio::test]
async fn openapi_enriches_through_a_service() {
    let (report, _) = prove(&root().join("plugins/openapi")).await;
    assert!(report.remarks.is_empty() && imports(&report).is_empty(), "{report}");
}

#[tokio::test]
async fn ban_and_company_enrich_through_their_services() {
    for (plugin, cases_min) in [("ban", 2), ("company", 1)] {
        let (report, cases) = prove(&root().join("plugins").join(plugin)).await;
        assert!(report.remarks.is_empty() && imports(&report).is_empty(), "{report}");
        assert!(cases.len() >= cases_min, "{plugin}");
    }
}

#[tokio::test]
async fn maps_tables_figures_and_calendars_draw_in_the_sandbox() {
    for (plugin, cases_min) in [("map", 2), ("table", 1), ("key-figures", 1), ("calendar", 1)] {
        let (report, cases) = prove(&root().join("plugins").join(plugin)).await;
        assert!(report.remarks.is_empty() && imports(&report).is_empty(), "{report}");
        assert!(report.component_bytes < 500 << 10, "{plugin}: {} bytes", report.component_bytes);
        assert!(cases.len() >= cases_min, "{plugin}");
    }
}

#[tokio::test]
async fn data_fair_exchanges_with_another_catalogue() {
    let (report, cases) = prove(&root().join("catalog-connectors/data-fair")).await;
    assert!(report.remarks.is_empty(), "{report}");
    assert_eq!(imports(&report), ["blobs", "cancel", "config", "http", "log", "source"]);
    assert!(cases.len() >= 3);
}

/// Folders of all our plugins.
fn folders() -> Vec<PathBuf> {
    let rooms = ["plugins", "catalog-connectors"].map(|room| root().join(room));
    let entries = rooms.iter().flat_map(|room| std::fs::read_dir(room).expect("it is a folder"));
    entries
        .map(|entry| entry.expect("it can be read").path())
        .filter(|folder| folder.join("plugin.toml").is_file())
        .collect()
}

#[test]
fn every_package_has_documentation_and_its_licence() {
    let out = tempfile::tempdir().unwrap();
    let component = out.path().join("component.wasm");
    std::fs::write(&component, "what it does is of no matter here").unwrap();
    let agpl = std::fs::read(root().join("LICENSE")).unwrap();
    let folders = folders();
    assert!(folders.len() >= 16, "{folders:?}");
    for folder in folders {
        let path = pack(&folder, Some(&component), Some(out.path())).unwrap();
        let package = Package::read(&std::fs::read(path).unwrap()).unwrap();
        let (plugin, pages) = (&package.manifest.plugin, package.pages());
        let text = |page: Option<String>, missing: &str| {
            let name = page.unwrap_or_else(|| panic!("{}: add {missing}", folder.display()));
            package.static_file(&name).unwrap().body
        };
        let documentation = text(pages.documentation, "README.md");
        let documentation = std::str::from_utf8(&documentation).unwrap();
        let title = documentation.lines().next().unwrap_or_default();
        assert_eq!(title, format!("# {}", plugin.id), "the title of README.md");
        assert!(documentation.len() > 200, "{}: README.md says nothing", plugin.id);
        let licence = text(pages.licence, "LICENSE");
        assert_eq!(plugin.licence, "AGPL-3.0-or-later", "{}", plugin.id);
        assert!(licence == agpl, "{}: LICENSE is another text than that of the platform", plugin.id);
    }
}
