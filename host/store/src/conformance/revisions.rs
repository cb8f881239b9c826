//! Revisions of lines.

use serde_json::{Map, json};

use super::at;
use crate::{RevisionRecord, RevisionsOf, Store, StoreResult};

const ALL: RevisionsOf<'static> = RevisionsOf { line: None, owner: None };

fn revision(line: &str, i: i64, seconds: i64) -> RevisionRecord {
    let body = Map::from_iter([("é".to_owned(), json!(i))]);
    RevisionRecord {
        line: line.to_owned(),
        i,
        action: "patch".to_owned(),
        at: at(seconds),
        owner: Some(format!("user:{line}")),
        body,
    }
}

async fn given(store: &dyn Store, dataset: &str, revisions: &[RevisionRecord]) -> StoreResult<()> {
    let mut work = store.begin().await?;
    work.revisions().add(dataset, revisions).await?;
    work.commit().await
}

async fn numbers(
    store: &dyn Store,
    dataset: &str,
    which: RevisionsOf<'_>,
    before: Option<i64>,
    limit: u32,
) -> StoreResult<Vec<i64>> {
    let found = store.read().await?.revisions().latest(dataset, which, before, limit).await?;
    Ok(found.iter().map(|revision| revision.i).collect())
}

pub(super) async fn revisions_are_read_newest_first_page_by_page(store: &dyn Store) -> StoreResult<()> {
    let all: Vec<RevisionRecord> =
        (1..=300).map(|i| revision(if i % 2 == 0 { "even" } else { "odd" }, i, i)).collect();
    given(store, "pages", &all).await?;
    let odd = RevisionsOf { line: Some("odd"), owner: None };
    let even = RevisionsOf { line: None, owner: Some("user:even") };
    assert_eq!(numbers(store, "pages", ALL, None, 3).await?, [300, 299, 298]);
    assert_eq!(numbers(store, "pages", ALL, Some(298), 2).await?, [297, 296]);
    assert_eq!(numbers(store, "pages", odd, Some(4), 9).await?, [3, 1]);
    assert_eq!(numbers(store, "pages-2", ALL, None, 9).await?, [0_i64; 0]);
    let neither = RevisionsOf { line: Some("odd"), ..even };
    assert_eq!(numbers(store, "pages", neither, None, 9).await?, [0_i64; 0]);
    let mut work = store.read().await?;
    assert_eq!(work.revisions().count("pages", ALL).await?, 300);
    assert_eq!(work.revisions().count("pages", even).await?, 150);
    assert_eq!(work.revisions().latest("pages", even, None, 1).await?, [all[299].clone()]);
    Ok(())
}

pub(super) async fn old_revisions_expire(store: &dyn Store) -> StoreResult<()> {
    given(store, "expire", &[revision("a", 1, 10), revision("a", 2, 20), revision("a", 3, 30)]).await?;
    given(store, "expire-2", &[revision("a", 1, 10)]).await?;
    let mut work = store.begin().await?;
    assert_eq!(work.revisions().expire("expire", at(20)).await?, 1);
    work.commit().await?;
    assert_eq!(numbers(store, "expire", ALL, None, 9).await?, [3, 2]);
    assert_eq!(numbers(store, "expire-2", ALL, None, 9).await?, [1], "other datasets keep theirs");
    let mut work = store.begin().await?;
    work.revisions().clear("expire").await?;
    work.commit().await?;
    assert_eq!(numbers(store, "expire", ALL, None, 9).await?, [0_i64; 0]);
    Ok(())
}
