//! What an author meets: `new`, then errors that say what to do.

use std::process::Command;

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

#[tokio::test]
async fn each_new_plugin_in_javascript_builds_and_passes_its_tests_anywhere() {
    let elsewhere = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let folder = new(kind, "javascript", &format!("try-{kind}"), elsewhere.path()).unwrap();
        let (report, cases) = prove(&folder).await;
        assert!(report.is_sound() && report.remarks.is_empty(), "{kind}: {:?}", report.remarks);
        assert!(report.component_bytes < 3 << 20, "{kind}: {} bytes", report.component_bytes);
        assert!(!cases.is_empty());
        let natively = Command::new("node").args(["--test", "tests/"]).current_dir(&folder).output().unwrap();
        assert!(natively.status.success(), "{kind}: {}", String::from_utf8_lossy(&natively.stdout));
    }
}

/// The other engine of JavaScript: the same templates, and what the first engine lacks. One test a kind, since building takes
/// half a minute.
async fn runs_in_starlingmonkey(kind: &str) {
    let elsewhere = tempfile::tempdir().expect("a folder of the system");
    let folder = new(kind, "javascript", &format!("try-{kind}"), elsewhere.path()).expect("a new plugin");
    change(&folder.join("package.json"), "quickjs", "starlingmonkey");
    // Loaded once, at build: a plugin that cannot be loaded is not built.
    let own = "if (new URL(\"http://a.test/b?c=é\").search !== \"?c=%C3%A9\") throw new Error(\"no URL\");\n\
               if (new TextEncoder().encode(\"é\").length !== 2) throw new Error(\"no TextEncoder\");\n\
               export default define";
    change(&folder.join("src/index.js"), "export default define", own);
    let (report, cases) = prove(&folder).await;
    assert!(report.is_sound() && report.remarks.is_empty(), "{kind}: {:?}", report.remarks);
    assert!(!cases.is_empty());
}

#[tokio::test]
async fn a_new_enricher_runs_in_starlingmonkey() {
    runs_in_starlingmonkey("enricher").await;
}

#[tokio::test]
async fn a_new_processing_runs_in_starlingmonkey() {
    runs_in_starlingmonkey("processing").await;
}

#[tokio::test]
async fn a_new_catalog_connector_runs_in_starlingmonkey() {
    runs_in_starlingmonkey("catalog-connector").await;
}

#[tokio::test]
async fn a_new_visualisation_runs_in_starlingmonkey() {
    runs_in_starlingmonkey("visualisation").await;
}

#[tokio::test]
async fn a_new_remote_service_runs_in_starlingmonkey() {
    runs_in_starlingmonkey("remote-service").await;
}

#[test]
fn an_engine_that_does_not_exist_is_told_with_those_that_do() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = new("enricher", "javascript", "modern", elsewhere.path()).unwrap();
    change(&folder.join("package.json"), "quickjs", "v8");
    let error = build(&folder, None, &crate::sandbox::tools(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("v8") && error.contains("quickjs or starlingmonkey"), "{error}");
}

/// Replaces a text of a file, which must have it.
fn change(path: &std::path::Path, from: &str, to: &str) {
    let broken = |error: std::io::Error| panic!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).unwrap_or_else(broken);
    assert!(text.contains(from), "{} has no `{from}`", path.display());
    std::fs::write(path, text.replace(from, to))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

#[test]
fn each_new_plugin_in_python_passes_its_tests_natively() {
    let elsewhere = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let folder = new(kind, "python", &format!("try-{kind}"), elsewhere.path()).unwrap();
        let sdk = folder.join(".halle-sdk/halle-plugin");
        let mut natively = Command::new("python3");
        natively
            .args(["-m", "unittest", "discover", "-s", "tests"])
            .env("PYTHONPATH", format!("{}:.", sdk.display()));
        let natively = natively.current_dir(&folder).output().unwrap();
        assert!(natively.status.success(), "{kind}: {}", String::from_utf8_lossy(&natively.stderr));
    }
}

#[test]
fn python_that_does_not_compile_is_told_with_its_place() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = new("enricher", "python", "broken", elsewhere.path()).unwrap();
    let build = || build(&folder, None, &crate::sandbox::tools(), &mut |_| {}).unwrap_err();
    std::fs::write(folder.join("main.py"), "import nowhere\n").unwrap();
    let error = build();
    assert!(matches!(error, ToolError::Compile(_)) && error.to_string().contains("nowhere"), "{error}");
    let project = folder.join("pyproject.toml");
    std::fs::write(&project, "[project]\nname = \"broken\"\n").unwrap();
    assert!(build().to_string().contains("[tool.halle]"));
    assert!(!folder.join("dist").exists());
}

#[tokio::test]
async fn typescript_and_packages_of_npm_become_part_of_a_plugin() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = new("enricher", "javascript", "typed", elsewhere.path()).unwrap();
    let source = std::fs::read_to_string(folder.join("src/index.js")).unwrap();
    std::fs::remove_file(folder.join("src/index.js")).unwrap();
    // npm brings the package, and what its own manifest says is followed, as Node would.
    let package = folder.join("greetings");
    std::fs::create_dir_all(&package).unwrap();
    std::fs::write(
        package.join("package.json"),
        r#"{"name": "greetings", "version": "1.0.0", "main": "hello.js"}"#,
    )
    .unwrap();
    std::fs::write(package.join("hello.js"), "export const hello = (name) => `Bonjour ${name}`;").unwrap();
    let typed = source
        .replace("`${prefix}Bonjour ${name}`", "prefix + (hello(name) as string)")
        .replace("const greetings = [];", "const greetings: string[] = [];")
        .replace("import { batchOfColumns", "import { hello } from \"greetings\";\nimport { batchOfColumns");
    assert!(typed.contains("hello(name)") && typed.contains(": string[]") && typed.contains("\"greetings\""));
    std::fs::write(folder.join("src/index.ts"), typed).unwrap();
    let manifest = folder.join("package.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let text = text.replace("src/index.js", "src/index.ts");
    let text = text.replace("\"dependencies\": {", "\"dependencies\": {\n\"greetings\": \"file:greetings\",");
    std::fs::write(&manifest, text).unwrap();
    let (report, _) = prove(&folder).await;
    assert!(report.is_sound(), "{report}");
}

#[test]
fn javascript_that_does_not_compile_is_told_with_its_place() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = new("enricher", "javascript", "broken", elsewhere.path()).unwrap();
    let build = || build(&folder, None, &crate::sandbox::tools(), &mut |_| {}).unwrap_err();
    std::fs::write(folder.join("src/index.js"), "import fs from \"node:fs\";\nexport default {};").unwrap();
    let error = build();
    assert!(matches!(error, ToolError::Compile(_)) && error.to_string().contains("node:fs"), "{error}");
    std::fs::write(folder.join("src/index.js"), "export const nothing = 1;").unwrap();
    assert!(build().to_string().contains("default"));
    std::fs::write(folder.join("package.json"), "{}").unwrap();
    std::fs::remove_dir_all(folder.join("node_modules")).unwrap();
    assert!(
        build().to_string().contains("halle-plugin"),
        "the SDK is missing, and the error says how to name it"
    );
    assert!(!folder.join("dist").exists());
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
    let error = build(&plugin, None, &crate::sandbox::tools(), &mut |line| panic!("something ran: {line}"))
        .unwrap_err();
    assert!(
        matches!(error, ToolError::Manifest(_)) && error.to_string().contains("plugin.contract"),
        "{error}"
    );
}
