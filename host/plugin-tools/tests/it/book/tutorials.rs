//! A tutorial is applied over the template that it begins with, then built, checked and run like any plugin.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use halle_plugin_tools::new::new;

use super::page;
use crate::sandbox::{prove, root};

/// What a reader of a tutorial ends up with.
struct Tutorial {
    kind: String,
    language: String,
    name: String,
    /// Files of the template that it removes.
    removed: Vec<String>,
    /// Files that it writes; where one is there twice, the last counts.
    files: Vec<(String, String)>,
    /// The same plugin in other languages: the file in the place of that of the template, as ```` ```js also=src/index.js ````.
    others: Vec<(String, String)>,
}

impl Tutorial {
    /// Reads the commands and the blocks that are marked with a file name, as ```` ```rust file=src/lib.rs ````.
    fn read(name: &str) -> Self {
        let text = page(name);
        let begun = text.lines().find_map(|line| line.strip_prefix("halle plugin new "));
        let words: Vec<&str> = begun.expect("a tutorial begins with `halle plugin new`").split(' ').collect();
        let ["--kind", kind, "--language", language, plugin] = words[..] else { panic!("{name}: {words:?}") };
        let removed = text.lines().filter_map(|line| line.strip_prefix(&format!("rm {plugin}/")));
        Self {
            kind: kind.to_owned(),
            language: language.to_owned(),
            name: plugin.to_owned(),
            removed: removed.map(str::to_owned).collect(),
            files: files(&text, "file"),
            others: files(&text, "also"),
        }
    }

    /// The same plugin in another language: that language's template, with the manifest and the cases of this tutorial.
    fn in_another(self, language: &str) -> Self {
        let main = if language == "python" { "main.py" } else { "src/index.js" };
        let mut files = self.files;
        files.retain(|(name, _)| name == "plugin.toml" || name.starts_with("tests/cases/"));
        let other = self.others.into_iter().find(|(name, _)| name == main);
        files.push(other.unwrap_or_else(|| panic!("the tutorial has no {main}")));
        Self { language: language.to_owned(), files, others: Vec::new(), ..self }
    }

    /// Does what the tutorial says in a new folder below `parent`.
    fn follow(&self, parent: &Path) -> PathBuf {
        let folder = new(&self.kind, &self.language, &self.name, parent).expect("there is such a template");
        for name in &self.removed {
            std::fs::remove_file(folder.join(name)).unwrap_or_else(|error| panic!("rm {name}: {error}"));
        }
        for (name, content) in &self.files {
            std::fs::write(folder.join(name), content).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        folder
    }
}

/// Blocks that are marked with this word and a name: the names and what is in them.
pub fn files(text: &str, word: &str) -> Vec<(String, String)> {
    let mark = format!(" {word}=");
    let mut files = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((_, content)) = open.as_mut().filter(|_| line != "```") {
            content.push_str(line);
            content.push('\n');
        } else if line == "```" {
            files.extend(open.take());
        } else if let Some((_, name)) = line.strip_prefix("```").and_then(|fence| fence.split_once(&mark)) {
            open = Some((name.to_owned(), String::new()));
        }
    }
    files
}

/// Follows a tutorial, and shows that what comes out is sound and passes its cases. Returns where the plugin is.
async fn holds(name: &str, parent: &Path, cases_min: usize) -> PathBuf {
    proven(name, &Tutorial::read(name), parent, cases_min).await
}

async fn proven(name: &str, tutorial: &Tutorial, parent: &Path, cases_min: usize) -> PathBuf {
    let folder = tutorial.follow(parent);
    let (report, cases) = prove(&folder).await;
    assert!(report.is_sound() && report.remarks.is_empty(), "{name}: {report}");
    assert!(cases.len() >= cases_min, "{name}: {} cases", cases.len());
    folder
}

/// What a tutorial shows in another language passes the very cases of the tutorial.
async fn holds_in(language: &str, name: &str, cases_min: usize) {
    let elsewhere = tempfile::tempdir().expect("a folder of the system");
    let other = Tutorial::read(name).in_another(language);
    proven(&format!("{name} in {language}"), &other, elsewhere.path(), cases_min).await;
}

fn passed(name: &str, tests: Output) {
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(tests.status.success(), "{name}: {}{}", told(&tests.stdout), told(&tests.stderr));
}

#[tokio::test]
async fn tutorials_in_rust_hold() {
    let elsewhere = tempfile::tempdir().unwrap();
    // The target folder of the templates, where the SDK's dependencies are built already.
    std::fs::create_dir_all(elsewhere.path().join(".cargo")).unwrap();
    let config = format!("[build]\ntarget-dir = {:?}\n", root().join("target/guests"));
    std::fs::write(elsewhere.path().join(".cargo/config.toml"), config).unwrap();
    let enricher = holds("tutorial-enricher.md", elsewhere.path(), 2).await;
    holds("tutorial-catalog-connector.md", elsewhere.path(), 4).await;
    holds("tutorial-remote-service.md", elsewhere.path(), 2).await;
    let mut tests = Command::new("cargo");
    tests.args(["test", "--quiet"]).current_dir(&enricher);
    tests.env("CARGO_TARGET_DIR", root().join("target/guests-native"));
    passed("tutorial-enricher.md", tests.output().unwrap());
}

#[tokio::test]
async fn the_tutorial_in_javascript_holds() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = holds("tutorial-visualisation.md", elsewhere.path(), 1).await;
    let tests = Command::new("node").args(["--test", "tests/"]).current_dir(&folder).output().unwrap();
    passed("tutorial-visualisation.md", tests);
}

#[tokio::test]
async fn the_tutorial_in_python_holds() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = holds("tutorial-processing.md", elsewhere.path(), 2).await;
    let mut tests = Command::new("python3");
    tests.args(["-m", "unittest", "discover", "-s", "tests"]).current_dir(&folder);
    tests.env("PYTHONPATH", format!("{}:.", folder.join(".halle-sdk/halle-plugin").display()));
    passed("tutorial-processing.md", tests.output().unwrap());
}

#[tokio::test]
async fn what_tutorials_show_in_javascript_holds() {
    holds_in("javascript", "tutorial-enricher.md", 2).await;
    holds_in("javascript", "tutorial-processing.md", 2).await;
    holds_in("javascript", "tutorial-remote-service.md", 2).await;
}

#[tokio::test]
async fn the_enricher_that_a_tutorial_shows_in_python_holds() {
    holds_in("python", "tutorial-enricher.md", 2).await;
}

#[tokio::test]
async fn the_visualisation_that_a_tutorial_shows_in_python_holds() {
    holds_in("python", "tutorial-visualisation.md", 1).await;
}

#[test]
fn a_block_is_a_file_only_where_it_says_so() {
    let text = "```js\nno\n```\n```js file=src/a.js\nyes\n\n```\n```sh\nrm a\n```\n";
    assert_eq!(files(text, "also"), []);
    assert_eq!(files(text, "file"), [("src/a.js".to_owned(), "yes\n\n".to_owned())]);
}
