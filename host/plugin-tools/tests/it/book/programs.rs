//! Programs that readers are shown outside of tutorials run, and no page shows one that does not.

use std::path::{Path, PathBuf};
use std::process::Command;

use halle_plugin_tools::new::new;
use serde_json::{Value, json};

use super::folder;
use super::tutorials::files;
use crate::sandbox::{prove, root};

/// Languages of blocks that are programs.
const PROGRAMS: [&str; 6] = ["rust", "js", "javascript", "ts", "typescript", "python"];

/// The processings of the README of an SDK, by what they do to the dataset.
fn programs(language: &str) -> [(String, String); 2] {
    let path = root().join("plugin-sdk").join(language).join("README.md");
    let text = std::fs::read_to_string(&path).expect("the SDK has a README");
    let programs = files(&text, "program").try_into().expect("two programs");
    let [(first, _), (second, _)] = &programs;
    assert_eq!((&first[..], &second[..]), ("replace", "upsert"));
    programs
}

/// What the processings of both READMEs are given: a URL that answers this.
fn answered() -> Value {
    json!([{ "name": "Piscine", "opened": "1984-06-01" }, { "name": "Gymnase" }])
}

#[tokio::test]
async fn what_the_readme_for_javascript_shows_runs() {
    for (mode, program) in programs("javascript") {
        let elsewhere = tempfile::tempdir().unwrap();
        let folder = new("processing", "javascript", &mode, elsewhere.path()).unwrap();
        std::fs::write(folder.join("src/index.js"), program).unwrap();
        let url = "https://api.test/list";
        let case = json!({
            "config": { "url": url },
            "exchanges": [{
                "request": { "method": "GET", "url": url },
                "response": { "status": 200, "json": answered() },
            }],
            "expect": {
                "outcome": { "summary": "2 lignes écrites" },
                "written": { "output": { "mode": mode, "rows": answered() } },
            },
        });
        std::fs::write(folder.join("tests/cases/imports.json"), case.to_string()).unwrap();
        let (report, cases) = prove(&folder).await;
        assert!(report.is_sound() && cases.len() == 1, "{mode}: {report}");
    }
}

/// Runs the plugin beside it, without WebAssembly: the templates in Python show that what runs so runs in the sandbox.
const NATIVELY: &str = "import json, sys
from halle_plugin.testing import FakeHost
from main import plugin
url = 'https://api.test/list'
mode, rows = sys.argv[1], json.loads(sys.argv[2])
with FakeHost().on('GET', url, rows) as host:
    assert plugin.run({'url': url}, {'reason': 'manual'}) == '2 lignes écrites'
assert host.written == [{'slot': 'output', 'mode': mode, 'rows': rows}], host.written
";

#[test]
fn what_the_readme_for_python_shows_runs() {
    for (mode, program) in programs("python") {
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("main.py"), program).unwrap();
        let mut python = Command::new("python3");
        python.args(["-B", "-c", NATIVELY, &mode, &answered().to_string()]).current_dir(elsewhere.path());
        python.env("PYTHONPATH", format!("{}:.", root().join("plugin-sdk/python/halle-plugin").display()));
        let output = python.output().unwrap();
        assert!(output.status.success(), "{mode}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Pages below a folder.
fn pages(below: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(below).expect("the book is a folder");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    paths.flat_map(|path| if path.is_dir() { pages(&path) } else { vec![path] }).collect()
}

#[test]
fn no_page_shows_a_program_that_is_not_run() {
    let sdk = root().join("plugin-sdk");
    let readmes = ["README.md", "javascript/README.md", "python/README.md"].map(|name| sdk.join(name));
    let mut shown = 0;
    for path in pages(&folder()).into_iter().chain(readmes) {
        let text = std::fs::read_to_string(&path).unwrap();
        for fence in text.lines().filter_map(|line| line.strip_prefix("```")) {
            let (language, mark) = fence.split_once(' ').unwrap_or((fence, ""));
            if !PROGRAMS.contains(&language) {
                continue;
            }
            shown += 1;
            let is_tutorial =
                path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"tutorial-"));
            let is_run = match mark.split_once('=') {
                Some(("file" | "also", _)) => is_tutorial,
                Some(("program", _)) => path.ends_with("README.md"),
                _ => false,
            };
            assert!(is_run, "{}: nothing runs the block ```{fence}", path.display());
        }
    }
    assert!(shown >= 10, "only {shown} programs are shown");
}
