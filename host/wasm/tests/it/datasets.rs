//! Datasets by slot: refused without a grant, read in batches, written in transactions that a fault undoes.

use std::sync::Arc;

use halle_extensions::PluginError;
use halle_extensions::grants::{Grants, Limits};
use halle_extensions::host::PluginHost;
use halle_extensions::registry::Installed;
use halle_extensions::services::Services;
use halle_testkit::guests::Script;
use serde_json::json;

use crate::ports::Tables;
use crate::sandbox::{Memory, Sandbox, call, call_with, manifest, tight};

const ASKS: &str = r#"
    [slots.input]
    direction = "read"
    [slots.output]
    direction = "write"
"#;

/// Runs a script over these tables, everything granted that it asks for; what it said.
async fn run(script: &Script, tables: &Arc<Tables>) -> Result<Vec<String>, PluginError> {
    run_within(tight(), script, tables).await
}

async fn run_within(
    limits: Limits,
    script: &Script,
    tables: &Arc<Tables>,
) -> Result<Vec<String>, PluginError> {
    let sandbox = Sandbox::with(&[("p", script.component())]);
    let log = Arc::new(Memory::default());
    let mut call = call("p", manifest("processing", ASKS));
    call.plugin = Arc::new(Installed { limits, ..(*call.plugin).clone() });
    call.services = Services {
        log: Arc::<Memory>::clone(&log),
        datasets: Some(Arc::<Tables>::clone(tables)),
        ..Services::none()
    };
    sandbox.host.run_processing(call, json!({})).await?;
    Ok(log.said())
}

fn names(count: usize) -> Arc<Tables> {
    Arc::new(Tables::with("input", (0..count).map(|row| format!("<{row}>"))))
}

fn writing() -> Script {
    Script::new().open_write("output", "replace", &[("name", "text"), ("town", "text")])
}

#[tokio::test]
async fn a_slot_without_a_grant_is_denied_and_the_platform_is_not_asked() {
    let tables = names(3);
    let long = "s".repeat(10_000);
    for slot in
        ["output", "other", "", "../input", "input/..", "in\0put\u{1b}[2J", "INPUT", "datasets/1", &long]
    {
        let error = run(&Script::new().read(slot, "{}", 0), &tables).await.unwrap_err();
        assert_eq!(error.code(), "denied/slot", "{slot:?}");
        let message = error.to_string();
        assert!(message.len() < 200 && !message.chars().any(char::is_control), "{message:?}");
    }
    // What may be read may not be written.
    let error = run(&Script::new().open_write("input", "replace", &[]), &tables).await.unwrap_err();
    assert_eq!(error.code(), "denied/slot");
    assert!(tables.told().is_empty(), "{:?}", tables.told());
}

#[tokio::test]
async fn what_an_administrator_left_out_is_denied() {
    let sandbox = Sandbox::with(&[("p", Script::new().read("input", "{}", 0).component())]);
    let narrowed = Grants { write_slots: vec!["output".to_owned()], ..Grants::default() };
    let mut call = call_with("p", manifest("processing", ASKS), Some(narrowed));
    let tables = names(3);
    call.services.datasets = Some(Arc::<Tables>::clone(&tables));
    let error = sandbox.host.run_processing(call, json!({})).await.unwrap_err();
    assert_eq!(error.code(), "denied/slot");
    assert!(tables.told().is_empty());
}

#[tokio::test]
async fn a_granted_slot_in_which_nothing_stands_says_so() {
    let script = Script::new().read("input", "{}", 0);
    let error = run(&script, &Arc::new(Tables::default())).await.unwrap_err();
    assert_eq!(error.code(), "dataset/unbound");
    let sandbox = Sandbox::with(&[("p", script.component())]);
    let error =
        sandbox.host.run_processing(call("p", manifest("processing", ASKS)), json!({})).await.unwrap_err();
    assert_eq!(error.code(), "dataset/unbound");
}

#[tokio::test]
async fn rows_come_whole_and_in_order_however_many_are_asked_for() {
    let tables = names(5);
    let said = run(&Script::new().read("input", r#"{"select":"name"}"#, 2), &tables).await.unwrap();
    assert_eq!(said, ["<0><1>", "<2><3>", "<4>"]);
    assert_eq!(tables.told(), [r#"read input {"select":"name"}"#]);
    let said = run(&Script::new().read("input", "{}", 0), &tables).await.unwrap();
    assert_eq!(said, ["<0><1><2><3><4>"]);
}

#[tokio::test]
async fn a_batch_is_never_larger_than_the_contract_says() {
    // Rows of 4 KiB, 6 MiB in all: fewer than a batch may have, but more bytes. The guest keeps one batch at a time.
    let long = Arc::new(Tables::with("input", (0..1_500).map(|row| format!("{row:4096}"))));
    // Builds without optimisation copy slowly; this is not about time.
    let limits = Limits { cpu_ms_max: 60_000, ..tight() };
    let said = run_within(limits, &Script::new().read("input", "{}", u32::MAX), &long).await.unwrap();
    assert_eq!(said.len(), 2, "6 MiB came in {} batches", said.len());
}

#[tokio::test]
async fn a_query_that_is_no_json_stops_the_guest() {
    let tables = names(1);
    for query in ["", "{", "select=name"] {
        let error = run(&Script::new().read("input", query, 0), &tables).await.unwrap_err();
        assert_eq!(error.code(), "plugin/bad-answer", "{query:?}");
    }
    assert!(tables.told().is_empty());
}

#[tokio::test]
async fn rows_are_written_and_committed() {
    let tables = names(0);
    let script = writing().write(2, &[&["Ada", "Bo"], &["Brest", "Caen"]]).write(0, &[&[], &[]]).commit();
    run(&script, &tables).await.unwrap();
    assert_eq!(tables.told(), ["replace output name,town", "rows Ada|Bo|Brest|Caen", "rows ", "commit"]);
}

#[tokio::test]
async fn what_is_not_committed_is_forgotten() {
    let begun = || writing().write(1, &[&["Ada"], &["Brest"]]);
    let faults = [
        (begun().raw("(unreachable)"), Some("plugin/trap")),
        (begun().loop_forever(), Some("plugin/cpu")),
        (begun().read("other", "{}", 0), Some("denied/slot")),
        (begun().drop_writer(), None),
        (begun(), None),
    ];
    for (script, expected) in faults {
        let tables = names(0);
        let ended = run(&script, &tables).await;
        assert_eq!(ended.err().map(|error| error.code().to_owned()).as_deref(), expected);
        assert_eq!(tables.told(), ["replace output name,town", "rows Ada|Brest", "forgotten"]);
    }
}

#[tokio::test]
async fn a_transaction_ends_once() {
    let tables = names(0);
    for after in [writing().commit().commit(), writing().commit().write(1, &[&["a"], &["b"]])] {
        assert_eq!(run(&after, &tables).await.unwrap_err().code(), "plugin/trap");
    }
    assert_eq!(tables.told().iter().filter(|told| *told == "commit").count(), 2);
    assert!(!tables.told().iter().any(|told| told.starts_with("rows")));
}

#[tokio::test]
async fn batches_that_lie_do_not_reach_the_platform() {
    let lies = [
        ("fewer values than rows", writing().write(3, &[&["a"], &["b"]])),
        ("more values than rows", writing().write(1, &[&["a", "b"], &["c", "d"]])),
        ("a column too few", writing().write(1, &[&["a"]])),
        ("a column too many", writing().write(1, &[&["a"], &["b"], &["c"]])),
        ("no columns", writing().write(1, &[])),
        ("too many rows", writing().write(u32::MAX, &[&["a"], &["b"]])),
        (
            "texts as integers",
            Script::new().open_write("output", "replace", &[("n", "integer")]).write(1, &[&["1"]]),
        ),
    ];
    for (what, script) in lies {
        let tables = names(0);
        let error = run(&script.commit(), &tables).await.unwrap_err();
        assert_eq!(error.code(), "plugin/bad-answer", "{what}: {error}");
        assert_eq!(tables.told()[1..], ["forgotten"], "{what}");
    }
}

#[tokio::test]
async fn schemas_and_modes_that_mean_nothing_are_refused() {
    let tables = names(0);
    let open = |mode, fields: &[(&str, &str)]| Script::new().open_write("output", mode, fields);
    for mode in ["", "truncate", "replace ", "Replace"] {
        let error = run(&open(mode, &[("a", "text")]), &tables).await.unwrap_err();
        assert_eq!(error.code(), "dataset/mode", "{mode:?}");
    }
    let odd: [&[(&str, &str)]; 4] =
        [&[("a", "tensor")], &[("", "text")], &[("a\nb", "text")], &[("a", "text"), ("a", "integer")]];
    for fields in odd {
        let error = run(&open("replace", fields), &tables).await.unwrap_err();
        assert_eq!(error.code(), "plugin/bad-answer", "{fields:?}");
    }
    assert!(tables.told().is_empty());
}

#[tokio::test]
async fn a_file_arrives_under_a_plain_name_only() {
    let long = format!("{}.csv", "n".repeat(200));
    let odd = [
        "",
        ".",
        "..",
        ".hidden.csv",
        "../../etc/passwd",
        "a/b.csv",
        "a\\b.csv",
        "C:x.csv",
        "a\0.csv",
        "a\n.csv",
        &long,
    ];
    for name in odd {
        let tables = names(0);
        let script = writing().blob("a,b\n1,2\n").replace_file(name).commit();
        assert_eq!(run(&script, &tables).await.unwrap_err().code(), "dataset/file-name", "{name:?}");
        assert_eq!(tables.told()[1..], ["forgotten"], "{name:?}");
    }
    let tables = names(0);
    run(&writing().blob("a,b\n1,2\n").replace_file("données 2026.csv").commit(), &tables).await.unwrap();
    assert_eq!(tables.told()[1..], ["file données 2026.csv: a,b\n1,2\n", "commit"]);
}
