//! What an author meets: `new`, then errors that say what to do.

use halle_plugin_tools::ToolError;
use halle_plugin_tools::build::build;
use halle_plugin_tools::new::{KINDS, new};

use crate::sandbox::prove;

#[tokio::test]
async fn each_new_plugin_builds_and_passes_its_tests_anywhere() {
    let elsewhere = tempfile::tempdir().unwrap();
    // One target folder for all, so that the standard library is built once.
    let cargo = elsewhere.path().join(".cargo");
    std::fs::create_dir_all(&cargo).unwrap();
    let target = crate::sandbox::root().join("target/guests");
    std::fs::write(cargo.join("config.toml"), format!("[build]\ntarget-dir = {target:?}\n")).unwrap();
    for kind in KINDS {
        let folder = new(kind, "rust", &format!("try-{kind}"), elsewhere.path()).unwrap();
        assert!(folder.join(".halle-sdk/halle-plugin/wit/base/1/base.wit").exists());
        let (report, cases) = prove(&folder).await;
        assert!(report.is_sound() && report.remarks.is_empty(), "{kind}: {:?}", report.remarks);
        assert!(!cases.is_empty());
    }
}

#[test]
fn what_cannot_be_made_is_refused_and_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, language, name) in
        [("miner", "rust", "a"), ("enricher", "cobol", "a"), ("enricher", "rust", "../a")]
    {
        assert!(
            matches!(new(kind, language, name, folder.path()), Err(ToolError::Usage(_))),
            "{kind} {language} {name}"
        );
    }
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    assert!(matches!(new("enricher", "rust", "taken", folder.path()), Err(ToolError::Usage(_))));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_manifest_that_asks_for_what_does_not_exist_is_told_before_compiling() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = new("enricher", "rust", "greedy", folder.path()).unwrap();
    let manifest = plugin.join("plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("halle:enricher@1", "halle:enricher@9")).unwrap();
    let error = build(&plugin, None, &mut |line| panic!("something ran: {line}")).unwrap_err();
    assert!(
        matches!(error, ToolError::Manifest(_)) && error.to_string().contains("plugin.contract"),
        "{error}"
    );
}
