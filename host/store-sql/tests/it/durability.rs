//! What was acknowledged survives `kill -9`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use halle_base::Timestamp;
use halle_store::{Document, Filter, Key, LineRecord, NewJob, Store};
use halle_store_sql::SqlStore;
use serde_json::{Map, json};

/// Tells the child its database. Without it, the child's test has nothing to do.
const DATABASE_VARIABLE: &str = "HALLE_TEST_DURABILITY_DATABASE";

/// Units of work that the child must have acknowledged before it is killed, in each round.
const ACKNOWLEDGED_MIN: u64 = 60;

#[expect(clippy::disallowed_methods, reason = "how a test's child learns that it is one")]
fn child_database() -> Option<PathBuf> {
    std::env::var_os(DATABASE_VARIABLE).map(PathBuf::from)
}

/// One unit of work: a document with its keys, a record, a line and a job, all with the same number.
async fn write(store: &SqlStore, number: u64) {
    let id = format!("d{number}");
    let mut work = store.begin().await.unwrap();
    let document = Document {
        collection: "durable",
        id: id.clone(),
        owner: None,
        sort_title: id.clone(),
        search_text: String::new(),
        keys: vec![Key::unique("number", number.to_string())],
        body: json!(number),
        revision: 0,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    };
    work.documents().put(&document).await.unwrap();
    work.logs().append("journal/durable", Timestamp::UNIX_EPOCH, &json!(number), 10_000).await.unwrap();
    let line = LineRecord { id: id.clone(), i: 0, body: Map::new(), deleted: false };
    work.lines().put("durable", &[line]).await.unwrap();
    work.jobs().enqueue(&NewJob::now("durable", id, json!(number), Timestamp::UNIX_EPOCH)).await.unwrap();
    work.commit().await.unwrap();
}

/// Numbers that are stored; every part of a unit of work must be there, or none.
async fn stored(path: &Path) -> u64 {
    let store = SqlStore::sqlite(path).await.unwrap();
    store.check().await.unwrap();
    let mut read = store.read().await.unwrap();
    let documents = read.documents().list("durable", &Filter::all(0)).await.unwrap().count;
    let log = read.logs().after("journal/durable", 0, 100_000).await.unwrap();
    let bodies: Vec<u64> = log.iter().filter_map(|record| record.body.as_u64()).collect();
    assert_eq!(bodies, (1..=documents).collect::<Vec<_>>(), "a unit of work is there in part");
    assert_eq!(read.lines().count("durable").await.unwrap(), documents);
    for number in 1..=documents {
        let found = read.documents().find("durable", "number", &number.to_string()).await.unwrap();
        assert_eq!(found.map(|found| found.body), Some(json!(number)));
        assert_eq!(read.jobs().with_key(&format!("d{number}")).await.unwrap().len(), 1);
    }
    drop(read);
    store.close().await;
    documents
}

#[tokio::test]
async fn the_child_writes_until_it_is_killed() {
    let Some(path) = child_database() else { return };
    let store = SqlStore::sqlite(&path).await.unwrap();
    let first = store.read().await.unwrap().documents().list("durable", &Filter::all(0)).await.unwrap().count;
    for number in first + 1.. {
        write(&store, number).await;
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {number}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halle.sqlite");
    let mut before = 0;
    for _ in 0..3 {
        let last = killed_child(&path, before + ACKNOWLEDGED_MIN);
        let found = stored(&path).await;
        // The last one may have been committed and not yet told.
        assert!(found == last || found == last + 1, "{last} acknowledged, {found} stored");
        before = found;
    }
}

/// Starts a child that writes, kills it without warning once it acknowledged `wanted`, and returns the last number it
/// told.
fn killed_child(path: &Path, wanted: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::the_child_writes_until_it_is_killed", "--nocapture"])
        .env(DATABASE_VARIABLE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut last = 0;
    let output = BufReader::new(child.stdout.take().unwrap());
    for line in output.lines().map_while(Result::ok) {
        // The harness may have begun the line.
        let Some((_, number)) = line.split_once("acknowledged ") else { continue };
        last = number.parse().unwrap();
        if last == wanted {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(last >= wanted, "the child ended by itself: {status}");
    last
}
