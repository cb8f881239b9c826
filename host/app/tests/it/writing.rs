//! Guests write to editable datasets by slot, in every mode: all of a transaction is seen, or nothing of it happened.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use halle_testkit::guests::Script;
use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Client, DATASETS, PROCESSINGS, Server};

const WRITES: &str = "[slots.output]\ndirection = \"write\"\n";

const FIELDS: [(&str, &str); 2] = [("code", "text"), ("n", "text")];

/// Makes an editable dataset with codes and numbers, with two lines: `a` is 1, `b` is 2.
async fn editable(admin: &Client<'_>, id: &str, more: Value) {
    let schema = json!([{ "key": "code", "type": "string" }, { "key": "n", "type": "integer" }]);
    let mut dataset = json!({ "title": id, "isRest": true, "schema": schema });
    dataset.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    admin.json(Method::PUT, &format!("{DATASETS}/{id}"), &dataset).await;
    let lines = json!([{ "code": "a", "n": 1 }, { "code": "b", "n": 2 }]);
    admin.json(Method::POST, &format!("{DATASETS}/{id}/_bulk_lines"), &lines).await;
}

/// What readers see now: `code:n`, in order.
async fn seen(client: &Client<'_>, id: &str) -> Vec<String> {
    let (_, page) = client.get(&format!("{DATASETS}/{id}/lines?sort=code,n&size=100")).await;
    let lines = page["results"].as_array().unwrap_or_else(|| panic!("{page}")).iter();
    lines.map(|line| format!("{}:{}", line["code"].as_str().unwrap_or(""), line["n"])).collect()
}

/// Runs a script with this dataset in its slot; how the run ended, and its log.
async fn run(server: &Server, admin: &Client<'_>, dataset: &str, script: Script) -> (String, String) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let plugin = format!("writer{}", COUNT.fetch_add(1, Ordering::Relaxed));
    server.install(&plugin, WRITES, script.component());
    let processing = admin.processing(&plugin, json!({ "output": { "dataset": dataset } })).await;
    admin.ended(&admin.trigger(&processing).await).await
}

fn open(mode: &str) -> Script {
    Script::new().open_write("output", mode, &FIELDS)
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_added_or_take_the_place_of_those_with_their_key() {
    let server = Server::start().await;
    let admin = server.admin();
    editable(&admin, "mesures", json!({ "primaryKey": ["code"], "rest": { "history": true } })).await;

    let rows: [&[&str]; 2] = [&["a", "c", "a", "d"], &["10", "3", "11", "x"]];
    let upsert = open("upsert").write(4, &rows).say_problems().commit();
    let (status, log) = run(&server, &admin, "mesures", upsert).await;
    assert_eq!(status, "finished", "{log}");
    assert!(log.contains("Ligne 4 : /n doit être de type integer"), "{log}");
    assert_eq!(seen(&admin, "mesures").await, ["a:11", "b:2", "c:3"]);
    // Each state of a line is kept, as by the API.
    let (_, lines) = admin.get(&format!("{DATASETS}/mesures/lines?code_eq=a&select=_id")).await;
    let id = lines["results"][0]["_id"].as_str().unwrap();
    let (_, revisions) = admin.get(&format!("{DATASETS}/mesures/lines/{id}/revisions")).await;
    assert_eq!(revisions["total"], 3, "{revisions}");

    let append = open("append").write(2, &[&["b", "e"], &["20", "5"]]).say_problems().commit();
    let (status, log) = run(&server, &admin, "mesures", append).await;
    assert_eq!(status, "finished", "{log}");
    assert!(log.contains("Ligne 1 : La ligne"), "{log}");
    assert_eq!(seen(&admin, "mesures").await, ["a:11", "b:2", "c:3", "e:5"]);

    let replace = open("replace").write(1, &[&["z"], &["26"]]).commit();
    let (status, log) = run(&server, &admin, "mesures", replace).await;
    assert_eq!(
        (status.as_str(), seen(&admin, "mesures").await),
        ("finished", vec!["z:26".to_owned()]),
        "{log}"
    );
    let by_file = Script::new().blob("n;code\n7;y\n8;x\n").open_write("output", "replace", &[]);
    let (status, log) = run(&server, &admin, "mesures", by_file.replace_file("x.csv").commit()).await;
    assert_eq!(status, "finished", "{log}");
    assert_eq!(seen(&admin, "mesures").await, ["x:8", "y:7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_reach_its_commit_changes_nothing() {
    let server = Server::start().await;
    let admin = server.admin();
    editable(&admin, "mesures", json!({ "primaryKey": ["code"] })).await;
    let before = ["a:1", "b:2"];
    let rows: [&[&str]; 2] = [&["a", "c"], &["10", "3"]];
    for mode in ["upsert", "append", "replace"] {
        let traps = open(mode).write(2, &rows).raw("(unreachable)");
        let (status, log) = run(&server, &admin, "mesures", traps).await;
        assert_eq!(
            (status.as_str(), seen(&admin, "mesures").await),
            ("error", before.map(str::to_owned).to_vec()),
            "{log}"
        );
        let (status, log) = run(&server, &admin, "mesures", open(mode).write(2, &rows).drop_writer()).await;
        assert_eq!(
            (status.as_str(), seen(&admin, "mesures").await),
            ("finished", before.map(str::to_owned).to_vec()),
            "{log}"
        );
    }
    // Each batch by itself is right; together they have a key twice.
    let twice = open("append").write(1, &[&["c"], &["3"]]).write(2, &[&["d", "c"], &["4", "5"]]).commit();
    let (status, log) = run(&server, &admin, "mesures", twice).await;
    assert_eq!(status, "error", "{log}");
    assert!(log.contains("dataset/lines") && log.contains("Ligne 3 : "), "{log}");
    assert_eq!(seen(&admin, "mesures").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_none_or_all_of_more_lines_than_the_index_takes_at_a_time() {
    let server = Server::start().await;
    let admin = server.admin();
    editable(&admin, "mesures", json!({})).await;
    // 6 batches of 3,000 lines without a key.
    let (codes, numbers) = (vec!["x"; 3_000], vec!["1"; 3_000]);
    let mut script = open("append").write(3_000, &[&codes, &numbers]);
    for _ in 1..6 {
        script = script.again();
    }
    server.install("writer", WRITES, script.commit().component());
    let processing = admin.processing("writer", json!({ "output": { "dataset": "mesures" } })).await;
    let run = admin.trigger(&processing).await;
    let over = AtomicBool::new(false);
    let ended = async {
        let ended = admin.ended(&run).await;
        over.store(true, Ordering::Release);
        ended
    };
    let reading = async {
        loop {
            let last = over.load(Ordering::Acquire);
            let (_, page) = admin.get(&format!("{DATASETS}/mesures/lines?size=0")).await;
            match page["total"].as_u64() {
                Some(2) if !last => {}
                total => return total,
            }
        }
    };
    let ((status, log), total) = tokio::join!(ended, reading);
    assert_eq!((status.as_str(), total), ("finished", Some(18_002)), "{log}");
}

/// The columns of a dataset that a plugin declares: `key type title concept`.
async fn columns(client: &Client<'_>, id: &str) -> Vec<String> {
    let (_, dataset) = client.get(&format!("{DATASETS}/{id}")).await;
    let columns = dataset["schema"].as_array().unwrap_or_else(|| panic!("{dataset}")).iter();
    let own = columns.filter(|column| column["x-calculated"] != true);
    let names = ["key", "type", "title", "x-refersTo"];
    own.map(|column| names.map(|name| column[name].as_str().unwrap_or("-")).join(" ")).collect()
}

const COMMUNE: &str = "http://rdf.insee.fr/def/geo#codeCommune";

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_made_of_rows_has_the_columns_that_the_plugin_declares() {
    let server = Server::start().await;
    let admin = server.admin();
    let fields = [["insee", "text", "Code", COMMUNE], ["n", "text", "Numéro", ""]];
    let rows: [&[&str]; 2] = [&["75056", "29019"], &["1", "2"]];
    let script = Script::new().open_write_of("output", "replace", &fields).write(2, &rows).commit();
    server.install("columns", WRITES, script.component());
    let processing = admin.processing("columns", json!({ "output": { "title": "Fait" } })).await;
    let (status, log) = admin.ended(&admin.trigger(&processing).await).await;
    assert_eq!(status, "finished", "{log}");
    let (_, made) = admin.get(&format!("{PROCESSINGS}/processings/{processing}")).await;
    let id = made["slots"]["output"]["dataset"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let declared = [format!("insee string Code {COMMUNE}"), "n string Numéro -".to_owned()];
    assert_eq!(columns(&admin, &id).await, declared);

    // What somebody changed stays so when the processing runs again, and a column that it declares from now on comes so.
    let schema = json!([
        { "key": "insee", "type": "string", "title": "Commune", "x-refersTo": COMMUNE },
        { "key": "n", "type": "integer", "title": "Numéro" },
    ]);
    admin.json(Method::PATCH, &format!("{DATASETS}/{id}"), &json!({ "schema": schema })).await;
    let more = [fields[0], fields[1], ["zip", "text", "Code postal", ""]];
    let rows: [&[&str]; 3] = [&["75056"], &["1"], &["75001"]];
    let script = Script::new().open_write_of("output", "replace", &more).write(1, &rows).commit();
    let (status, log) = run(&server, &admin, &id, script).await;
    assert_eq!(status, "finished", "{log}");
    let changed = [
        format!("insee string Commune {COMMUNE}"),
        "n integer Numéro -".to_owned(),
        "zip string Code postal -".to_owned(),
    ];
    assert_eq!(columns(&admin, &id).await, changed);

    // A dataset that was made of a file with these titles keeps its keys.
    admin.upload("ancien", "Code,Numéro\nx,1\n".to_owned()).await;
    let script =
        Script::new().open_write_of("output", "replace", &fields).write(1, &[&["y"], &["2"]]).commit();
    let (status, log) = run(&server, &admin, "ancien", script).await;
    assert_eq!(status, "finished", "{log}");
    assert_eq!(columns(&admin, "ancien").await, ["code string - -", "numero integer - -"]);
    let (_, page) = admin.get(&format!("{DATASETS}/ancien/lines?select=code,numero")).await;
    assert_eq!((&page["total"], &page["results"][0]["code"]), (&json!(1), &json!("y")), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_cannot_be_written_so_says_why() {
    let server = Server::start().await;
    let admin = server.admin();
    admin.upload("arbres", "code,n\nif,12\n".to_owned()).await;
    editable(&admin, "sans", json!({})).await;
    editable(&admin, "mesures", json!({ "primaryKey": ["code"] })).await;
    let one = |key| Script::new().open_write("output", "append", &[(key, "text")]);
    let after_rows = open("replace").write(1, &[&["c"], &["3"]]).blob("code,n\n").replace_file("x.csv");
    let cases = [
        ("arbres", open("append"), "dataset/not-editable"),
        ("arbres", open("upsert"), "dataset/not-editable"),
        ("sans", open("upsert"), "dataset/no-primary-key"),
        ("sans", one("autre"), "dataset/unknown-column"),
        ("sans", one("_id"), "dataset/unknown-column"),
        ("mesures", one("n"), "dataset/primary-key"),
        ("mesures", open("append").blob("code,n\n").replace_file("x.csv"), "dataset/mode"),
        ("mesures", after_rows, "dataset/mode"),
    ];
    for (dataset, script, code) in cases {
        let (status, log) = run(&server, &admin, dataset, script.commit()).await;
        assert_eq!(status, "error", "{dataset} {code}: {log}");
        assert!(log.contains(code), "{dataset} {code}: {log}");
    }
    // A slot that waits for its first dataset has none to add to.
    for mode in ["append", "upsert"] {
        server.install(mode, WRITES, open(mode).commit().component());
        let processing = admin.processing(mode, json!({ "output": { "title": "Fait" } })).await;
        let (status, log) = admin.ended(&admin.trigger(&processing).await).await;
        assert_eq!((status.as_str(), log.contains("dataset/unbound")), ("error", true), "{mode}: {log}");
    }
    assert_eq!(seen(&admin, "mesures").await, ["a:1", "b:2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_commit_has_at_most_the_bytes_of_a_file() {
    let server = Server::start().await;
    let admin = server.admin();
    editable(&admin, "mesures", json!({})).await;
    let long = "x".repeat(200);
    let (codes, numbers) = (vec![long.as_str(); 100], vec!["1"; 100]);
    for mode in ["append", "replace"] {
        // 22 KB of lines at a time, 4 MB at most.
        let mut script = open(mode).write(100, &[&codes, &numbers]);
        for _ in 1..200 {
            script = script.again();
        }
        let (status, log) = run(&server, &admin, "mesures", script.commit()).await;
        assert_eq!((status.as_str(), log.contains("dataset/too-large")), ("error", true), "{mode}: {log}");
        assert_eq!(seen(&admin, "mesures").await, ["a:1", "b:2"], "{mode}");
    }
}
