//! Time and chance: languages that have both elsewhere have neither in a plugin, so that two runs of a case are alike.

use std::path::Path;

use halle_plugin_tools::cases::CaseReport;
use halle_plugin_tools::new::new;

use crate::sandbox::prove_twice;

/// Asks for chance and time, when the configuration names this address.
const PROBE_URL: &str = "https://api.test/probe";

/// When every run of the probe began.
const STARTED_AT: &str = "2001-02-03T04:05:06.000Z";

const JAVASCRIPT: &str = r#"
  run({ url }, trigger) {
    if (url === "https://api.test/probe") {
      const refused = (ask) => {
        try {
          return `a time: ${ask()}`;
        } catch (error) {
          return error.message;
        }
      };
      log.info(`chance ${Math.random()} ${Math.random()}`);
      log.info(`Date.now: ${refused(() => Date.now())}`);
      log.info(`new Date: ${refused(() => new Date())}`);
      log.info(`started ${new Date(trigger.startedAt).toISOString()}`);
      return "probed";
    }
"#;

const PYTHON: &str = r#"

import random
import time


class Probe(MyPlugin):
    """The same, that asks for chance and time when it is told to."""

    def run(self, config, trigger):
        if config["url"] == "https://api.test/probe":
            info(f"chance {random.random()} {random.randint(1, 10**12)}")
            info(f"started {trigger['startedAt']}")
            return "probed"
        if config["url"] == "https://api.test/clock":
            return f"a time: {time.time()}"
        return super().run(config, trigger)


plugin = Probe()
"#;

/// Adds a case in which the plugin is asked for `url`, and what is expected of it.
fn add_case(folder: &Path, name: &str, url: &str, expect: &str) {
    let case = format!(
        r#"{{ "config": {{ "url": "{url}" }}, "trigger": {{ "startedAt": "{STARTED_AT}" }}, "expect": {expect} }}"#
    );
    std::fs::write(folder.join(format!("tests/cases/{name}.json")), case)
        .expect("the template has a folder of cases");
}

/// What the probe logged in each of two runs, which is the same; the case of the template passed too.
fn probed(runs: &[Vec<CaseReport>; 2]) -> Vec<String> {
    let log = |run: &Vec<CaseReport>| {
        assert!(run.len() > 1, "the case of the template is missing");
        run.iter().find(|case| case.name == "probe").expect("the probe was run").log.clone()
    };
    let [first, second] = [log(&runs[0]), log(&runs[1])];
    assert_eq!(first, second, "two runs differ");
    assert!(first.iter().any(|record| record.contains(&format!("started {STARTED_AT}"))), "{first:?}");
    first
}

/// The numbers that chance gave, of which no two are the same.
fn chances(log: &[String]) -> Vec<&str> {
    let record = log.iter().find_map(|record| record.split_once("chance ")).expect("chance was told").1;
    let numbers: Vec<&str> = record.split(' ').take(2).collect();
    assert_ne!(numbers[0], numbers[1], "{record}");
    numbers
}

#[tokio::test]
async fn javascript_has_the_same_chance_in_every_run_and_no_clock() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = new("processing", "javascript", "probe", elsewhere.path()).unwrap();
    let path = folder.join("src/index.js");
    let source = std::fs::read_to_string(&path).unwrap();
    let probing = source.replace("\n  run({ url }) {\n", JAVASCRIPT);
    assert_ne!(probing, source);
    std::fs::write(&path, probing).unwrap();
    add_case(&folder, "probe", PROBE_URL, r#"{ "outcome": { "summary": "probed" } }"#);
    let (_, runs) = prove_twice(&folder).await;
    let log = probed(&runs);
    chances(&log);
    for asked in ["Date.now: ", "new Date: "] {
        let told = log.iter().find_map(|record| record.split_once(asked)).expect("it was asked").1;
        assert!(told.starts_with("there is no clock"), "{asked}{told}");
    }
}

/// One kind of plugin in Python goes all the way, the one that uses most of the host: eighteen megabytes of interpreter take
/// minutes in a debug build.
#[tokio::test]
async fn python_passes_its_tests_has_the_same_chance_in_every_run_and_no_clock() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = new("processing", "python", "probe", elsewhere.path()).unwrap();
    let path = folder.join("main.py");
    let source = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, source + PYTHON).unwrap();
    add_case(&folder, "probe", PROBE_URL, r#"{ "outcome": { "summary": "probed" } }"#);
    let clock = r#"{ "problem": { "code": "plugin/trap" } }"#;
    add_case(&folder, "clock", "https://api.test/clock", clock);
    let (report, runs) = prove_twice(&folder).await;
    assert!(report.is_sound() && report.remarks.is_empty(), "{:?}", report.remarks);
    assert!(report.component_bytes < 24 << 20, "{} bytes", report.component_bytes);
    chances(&probed(&runs));
}
