//! Every template, unchanged. Those in Rust and JavaScript are built and run without the command line, too: see `plugin-tools`.

use crate::desk::Desk;

/// What `halle plugin test` and `halle plugin check` say of a plugin that is fresh from its template. Tests build.
fn is_tested_and_checked(desk: &Desk, name: &str) {
    let tested = desk.done(&["test", name]);
    let passed = tested.lines().filter(|line| line.contains(" ... ok (")).count();
    assert!(passed > 0 && tested.ends_with(&format!("{passed} passed, 0 failed\n")), "{tested}");
    let checked = desk.done(&["check", name]);
    assert!(checked.trim_end().ends_with("sound") && !checked.contains("warning"), "{checked}");
}

/// Interpreters take long to build and longer to compile: one test a kind, so that they share the processors.
fn holds(kind: &str, language: &str) {
    let desk = Desk::new();
    let made = desk.done(&["new", "--kind", kind, "--lang", language, "mine"]);
    assert!(made.contains("halle plugin build mine"), "{made}");
    is_tested_and_checked(&desk, "mine");
}

/// From the template to an installed plugin, whose signature is trusted.
fn is_published(kind: &str, language: &str) {
    let desk = Desk::new();
    desk.done(&["new", "--kind", kind, "--lang", language, "mine"]);
    let built = desk.done(&["build", "mine"]);
    let package = desk.path(built.trim());
    let first = std::fs::read(&package).unwrap();
    // Packing compiles nothing: the component stays, and with it every byte.
    assert_eq!(desk.done(&["pack", "mine"]), built);
    assert_eq!(std::fs::read(&package).unwrap(), first);
    is_tested_and_checked(&desk, "mine");

    desk.done(&["key", "new", "us.key"]);
    let trusted = desk.done(&["key", "show", "us.key"]);
    let trusting = [("HALLE_TRUSTED_KEYS", trusted.trim())];
    let refused = desk.run(&["install", "mine", "--grant"], &trusting);
    assert!(!refused.status.success(), "nobody signed it yet");
    desk.done(&["sign", "mine", "--key", "us.key"]);
    let installed = desk.done_with(&["install", "mine", "--grant"], &trusting);
    assert!(installed.contains("mine 0.1.0 is installed"), "{installed}");
    let listed = desk.done(&["list"]);
    assert!(listed.starts_with(&format!("mine\t0.1.0\t{kind}\tgranted\t")), "{listed}");
    let versions = desk.done(&["versions", "mine"]);
    assert!(versions.contains("signed by us"), "{versions}");
}

#[test]
fn a_plugin_in_rust_goes_from_its_template_to_a_server() {
    is_published("enricher", "rust");
}

#[test]
fn a_plugin_in_javascript_goes_from_its_template_to_a_server() {
    is_published("visualisation", "javascript");
}

#[test]
fn a_plugin_in_python_goes_from_its_template_to_a_server() {
    is_published("processing", "python");
}

#[test]
fn a_new_enricher_in_python_runs() {
    holds("enricher", "python");
}

#[test]
fn a_new_catalog_connector_in_python_runs() {
    holds("catalog-connector", "python");
}

#[test]
fn a_new_visualisation_in_python_runs() {
    holds("visualisation", "python");
}

#[test]
fn a_new_remote_service_in_python_runs() {
    holds("remote-service", "python");
}
