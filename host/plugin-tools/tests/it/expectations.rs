//! What a case expects of the log: a plugin that logs something else fails it, and is told which record.

use std::collections::BTreeMap;
use std::sync::Arc;

use halle_extensions::package::Package;
use halle_extensions::registry::MemoryComponents;
use halle_guests::Script;
use halle_plugin_tools::cases::{self, CaseReport};
use halle_wasm::{WasmConfig, WasmHost};
use serde_json::{Value, json};

use crate::sandbox::Fixed;

const MANIFEST: &str = r#"
    schema = 1
    [plugin]
    id = "talks"
    version = "1.0.0"
    kind = "processing"
    contract = "halle:processing@1"
    title = { en = "Talks" }
    licence = "MIT"
"#;

/// A processing that logs two records; what became of it by what is expected of its log.
async fn expecting(expected: &[Value]) -> Vec<CaseReport> {
    let component = Script::new().say("2 lignes lues").task("Lecture", 2).say("fini").component();
    let package = Package::new(MANIFEST, component.into(), BTreeMap::new()).expect("a sound package");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kept = folder.path().join("tests/cases");
    std::fs::create_dir_all(&kept).expect("a folder for cases");
    for (at, log) in expected.iter().enumerate() {
        let case = json!({ "expect": { "log": log } });
        std::fs::write(kept.join(format!("{at}.json")), case.to_string()).expect("a case");
    }
    let mut components = MemoryComponents::default();
    components.insert(package.digest(), package.component().clone());
    let config = WasmConfig::new(folder.path().join("cache"));
    let host = WasmHost::new(config, Arc::new(components), &Fixed).expect("the sandbox can be set up");
    let report = cases::run(folder.path(), &package, Arc::new(host)).await;
    report.unwrap_or_else(|error| panic!("{error}")).cases
}

#[tokio::test]
async fn a_case_says_which_record_of_the_log_is_not_as_expected() {
    let first = json!({ "level": "info", "message": "2 lignes lues" });
    let second = json!({ "contains": "fin" });
    let expected = [
        json!([first, second]),
        json!([{}, {}]),
        json!([{ "level": "warn", "message": "2 lignes lues" }, second]),
        json!([first, { "contains": "commencé" }]),
        json!([first]),
        json!([first, second, { "level": "error", "contains": "trop" }]),
        json!([second, first]),
        json!([first, { "fields": { "page": "2" } }]),
        json!([]),
    ];
    let told: Vec<Vec<String>> =
        expecting(&expected).await.into_iter().map(|case| case.differences).collect();
    let differences: [&[&str]; 9] = [
        &[],
        &[],
        &["log[0]: expected warn `2 lignes lues`, found info `2 lignes lues`"],
        &["log[1]: expected a record with `commencé` in it, found info `fini`"],
        &["log[1]: expected nothing more, found info `fini`"],
        &["log[2]: expected error with `trop` in it, and there is no such record"],
        &[
            "log[0]: expected a record with `fin` in it, found info `2 lignes lues`",
            "log[1]: expected info `2 lignes lues`, found info `fini`",
        ],
        &["log[1]: expected a record {\"page\": \"2\"}, found info `fini`"],
        &["log[0]: expected nothing more, found info `2 lignes lues`"],
    ];
    assert_eq!(told, differences);
}

#[tokio::test]
async fn a_case_that_does_not_speak_of_the_log_takes_any() {
    let reports = expecting(&[Value::Null]).await;
    assert_eq!(reports[0].differences, [""; 0]);
}
