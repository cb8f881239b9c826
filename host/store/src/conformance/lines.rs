//! Lines of editable datasets.

use serde_json::{Map, json};

use crate::{LineRecord, Store, StoreResult};

fn line(id: &str, value: i64) -> LineRecord {
    let body = Map::from_iter([("zeta".to_owned(), json!(value)), ("alpha".to_owned(), json!("é"))]);
    LineRecord { id: id.to_owned(), i: 0, body, deleted: false }
}

fn deleted(id: &str) -> LineRecord {
    LineRecord { deleted: true, body: Map::new(), ..line(id, 0) }
}

async fn put(store: &dyn Store, dataset: &str, lines: &[LineRecord]) -> StoreResult<i64> {
    let mut work = store.begin().await?;
    let last = work.lines().put(dataset, lines).await?;
    work.commit().await?;
    Ok(last)
}

async fn after(store: &dyn Store, dataset: &str, i: i64) -> StoreResult<Vec<LineRecord>> {
    store.read().await?.lines().after(dataset, i, 10_000).await
}

fn ids(lines: &[LineRecord]) -> String {
    lines.iter().map(|line| line.id.as_str()).collect::<Vec<_>>().join(" ")
}

pub(super) async fn lines_read_back_in_the_order_of_their_writes(store: &dyn Store) -> StoreResult<()> {
    let written: Vec<LineRecord> = (0..1_000).rev().map(|n| line(&format!("l{n}"), n)).collect();
    let last = put(store, "order", &written).await?;
    let read = after(store, "order", 0).await?;
    assert_eq!(ids(&read), ids(&written));
    assert_eq!(read.last().map(|line| line.i), Some(last));
    assert!(read.windows(2).all(|pair| pair[0].i < pair[1].i), "numbers grow");
    assert_eq!(read[7].body, written[7].body);

    let mut work = store.read().await?;
    assert_eq!(work.lines().get("order", "l3").await?.map(|line| line.body), Some(line("", 3).body));
    assert_eq!(work.lines().get("order", "l1000").await?, None);
    assert_eq!(work.lines().get("order-2", "l3").await?, None);
    assert_eq!(work.lines().count("order").await?, 1_000);
    assert_eq!(ids(&work.lines().after("order", read[9].i, 2).await?), "l989 l988");
    Ok(())
}

pub(super) async fn a_rewritten_line_moves_to_the_end(store: &dyn Store) -> StoreResult<()> {
    let first = put(store, "rewrite", &[line("a", 1), line("b", 1)]).await?;
    let second = put(store, "rewrite", &[line("a", 2)]).await?;
    assert!(second > first);
    assert_eq!(ids(&after(store, "rewrite", 0).await?), "b a");
    assert_eq!(ids(&after(store, "rewrite", first).await?), "a", "who read up to there sees the change");
    let mut work = store.read().await?;
    assert_eq!(work.lines().before("rewrite", second).await?, first, "`b` is the last before it");
    assert_eq!(work.lines().before("rewrite", first).await?, 0, "`a` is not before it any more");
    assert_eq!(work.lines().before("rewrite-2", second).await?, 0);
    assert_eq!(store.read().await?.lines().count("rewrite").await?, 2);
    Ok(())
}

pub(super) async fn a_line_twice_in_one_write_keeps_the_last(store: &dyn Store) -> StoreResult<()> {
    let last = put(store, "twice", &[line("a", 1), line("b", 1), line("a", 2)]).await?;
    let read = after(store, "twice", 0).await?;
    assert_eq!(ids(&read), "b a");
    assert_eq!((read[1].i, &read[1].body["zeta"]), (last, &json!(2)));
    assert_eq!(put(store, "twice", &[]).await?, last, "an empty write tells the highest number");
    Ok(())
}

pub(super) async fn deleted_lines_stay_until_purged(store: &dyn Store) -> StoreResult<()> {
    put(store, "deleted", &[line("a", 1), line("b", 1), line("c", 1)]).await?;
    let first = put(store, "deleted", &[deleted("a")]).await?;
    put(store, "deleted", &[deleted("b")]).await?;
    let mut work = store.begin().await?;
    assert_eq!(work.lines().get("deleted", "a").await?, None);
    assert_eq!(work.lines().count("deleted").await?, 1);
    assert_eq!(ids(&work.lines().after("deleted", 0, 10).await?), "c a b", "the index has to hear of them");
    work.lines().purge("deleted", first).await?;
    assert_eq!(ids(&work.lines().after("deleted", 0, 10).await?), "c b");
    work.lines().put("deleted", &[line("a", 2)]).await?;
    assert_eq!(work.lines().count("deleted").await?, 2, "a deleted identifier can come back");
    work.commit().await
}

pub(super) async fn numbers_never_come_back(store: &dyn Store) -> StoreResult<()> {
    put(store, "numbers-2", &[line("a", 1)]).await?;
    let before = put(store, "numbers", &[line("a", 1), deleted("b")]).await?;
    let mut work = store.begin().await?;
    work.lines().purge("numbers", before).await?;
    work.lines().clear("numbers").await?;
    work.commit().await?;
    assert_eq!(after(store, "numbers", 0).await?, []);
    assert_eq!(store.read().await?.lines().count("numbers").await?, 0);

    let many: Vec<LineRecord> = (0..300).map(|n| line(&format!("l{n}"), n)).collect();
    for _ in 0..5 {
        put(store, "numbers", &many).await?;
    }
    assert_eq!(after(store, "numbers", before).await?.len(), 300);
    assert_eq!(store.read().await?.lines().count("numbers-2").await?, 1, "another dataset is untouched");
    Ok(())
}

pub(super) async fn an_amended_line_keeps_its_number(store: &dyn Store) -> StoreResult<()> {
    let many: Vec<LineRecord> = (0..300).map(|n| line(&format!("l{n}"), n)).collect();
    put(store, "amend", &many).await?;
    put(store, "amend-2", &many).await?;
    let mut read = after(store, "amend", 0).await?;
    put(store, "amend", &[line("l1", -1), deleted("l2")]).await?;
    for line in &mut read {
        line.body.insert("added".to_owned(), json!("'\u{e9}"));
    }
    read.push(LineRecord { i: 7, ..line("ghost", 0) });
    let mut work = store.begin().await?;
    assert_eq!(
        work.lines().amend("amend", &read).await?,
        298,
        "lines that were written since stay as they are"
    );
    assert_eq!(work.lines().amend("amend", &[]).await?, 0);
    work.commit().await?;
    let now = after(store, "amend", 0).await?;
    assert_eq!(now[0], read[0]);
    assert_eq!(now[297], read[299]);
    assert_eq!(ids(&now[298..]), "l1 l2");
    assert_eq!(now[298].body, line("l1", -1).body);
    assert_eq!(store.read().await?.lines().count("amend").await?, 299, "no line comes to be");
    assert_eq!(after(store, "amend-2", 0).await?[0].body, many[0].body, "another dataset is untouched");
    Ok(())
}
