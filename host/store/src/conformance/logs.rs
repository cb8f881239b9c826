//! Journals and run logs.

use serde_json::json;

use super::at;
use crate::{LogRecord, Store, StoreResult};

/// Appends records that say their number, and returns the last number given.
async fn appended(store: &dyn Store, stream: &str, numbers: &[i64], keep_max: u32) -> StoreResult<i64> {
    let mut work = store.begin().await?;
    let mut last = 0;
    for number in numbers {
        last = work.logs().append(stream, at(*number), &json!({ "n": number }), keep_max).await?;
    }
    work.commit().await?;
    Ok(last)
}

fn seqs(records: &[LogRecord]) -> Vec<i64> {
    records.iter().map(|record| record.seq).collect()
}

pub(super) async fn records_are_numbered_per_stream(store: &dyn Store) -> StoreResult<()> {
    assert_eq!(appended(store, "journal/a", &[1, 2, 3], 100).await?, 3);
    assert_eq!(appended(store, "journal/b", &[1], 100).await?, 1);
    assert_eq!(appended(store, "journal/a", &[4], 100).await?, 4);

    let mut read = store.read().await?;
    let first = LogRecord { seq: 1, at: at(1), body: json!({ "n": 1 }) };
    assert_eq!(read.logs().after("journal/a", 0, 1).await?, [first]);
    assert_eq!(seqs(&read.logs().after("journal/a", 2, 100).await?), [3, 4]);
    assert_eq!(seqs(&read.logs().latest("journal/a", 3).await?), [4, 3, 2]);
    assert_eq!(seqs(&read.logs().after("journal/none", 0, 100).await?), [0; 0]);
    Ok(())
}

pub(super) async fn old_records_make_place(store: &dyn Store) -> StoreResult<()> {
    appended(store, "run/keep", &[1, 2, 3, 4, 5, 6], 3).await?;
    let mut read = store.read().await?;
    assert_eq!(seqs(&read.logs().after("run/keep", 0, 100).await?), [4, 5, 6]);
    drop(read);
    appended(store, "run/keep", &[7], 0).await?;
    let left = store.read().await?.logs().latest("run/keep", 100).await?;
    assert_eq!(seqs(&left), [7], "what was just appended stays");
    Ok(())
}

pub(super) async fn many_records_are_appended_as_one_after_the_other(store: &dyn Store) -> StoreResult<()> {
    let bodies: Vec<_> = (1..=300).map(|number| json!({ "n": number })).collect();
    let records: Vec<_> = (1..=300).map(at).zip(&bodies).collect();
    let mut work = store.begin().await?;
    assert_eq!(work.logs().append_all("run/many", &[], 100).await?, 0, "nothing was written");
    assert_eq!(work.logs().append("run/many", at(0), &json!({ "n": 0 }), 1_000).await?, 1);
    assert_eq!(work.logs().append_all("run/many", &records, 1_000).await?, 301);
    work.commit().await?;

    let mut read = store.read().await?;
    let found = read.logs().after("run/many", 0, 1_000).await?;
    assert_eq!(seqs(&found), (1..=301).collect::<Vec<_>>());
    assert!(
        found
            .iter()
            .all(|record| record.body == json!({ "n": record.seq - 1 }) && record.at == at(record.seq - 1))
    );
    drop(read);
    let mut work = store.begin().await?;
    assert_eq!(work.logs().append_all("run/many", &records, 200).await?, 601);
    work.commit().await?;
    let kept = store.read().await?.logs().after("run/many", 0, 1_000).await?;
    assert_eq!(
        seqs(&kept),
        (402..=601).collect::<Vec<_>>(),
        "of those appended together, too, only the last are kept"
    );
    Ok(())
}

pub(super) async fn a_cleared_stream_starts_again(store: &dyn Store) -> StoreResult<()> {
    appended(store, "run/cleared", &[1, 2], 100).await?;
    appended(store, "run/other", &[1], 100).await?;
    let mut work = store.begin().await?;
    work.logs().clear("run/cleared").await?;
    work.commit().await?;
    assert_eq!(appended(store, "run/cleared", &[9], 100).await?, 1);
    let other = store.read().await?.logs().latest("run/other", 100).await?;
    assert_eq!(seqs(&other), [1]);
    Ok(())
}
