//! Our own plugins.

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
