//! Identity, keys and revisions of documents.

use halle_base::{AccountRef, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{at, document, given};
use crate::documents::Stored;
use crate::{Document, Entity, EntityExt, Filter, Key, Store, StoreError, StoreResult, rekey};

pub(super) async fn a_document_reads_back_as_written(store: &dyn Store) -> StoreResult<()> {
    let body = json!({ "z": 1, "a": ["é", null, 1.5, true], "n": { "deep": "\u{0} and \"quotes\"" } });
    let keys = vec![Key::unique("slug", "arbres"), Key::new("topic", "nature"), Key::new("topic", "ville")];
    let written =
        Document { owner: Some("user:u1".to_owned()), ..document("rw-read", "d1", keys, body.clone()) };
    given(store, std::slice::from_ref(&written)).await?;

    let read = store.read().await?.documents().get("rw-read", "d1").await?;
    assert_eq!(read, Some(Document { revision: 1, ..written.clone() }));
    let text = read.map(|read| read.body.to_string());
    assert_eq!(text, Some(body.to_string()), "the order of the body's keys");

    let found = store.read().await?.documents().find("rw-read", "slug", "arbres").await?;
    assert_eq!(found, Some(Document { revision: 1, ..written }));
    Ok(())
}

pub(super) async fn absence_is_none(store: &dyn Store) -> StoreResult<()> {
    given(store, &[document("absent", "d1", vec![Key::new("slug", "shared")], json!({}))]).await?;
    let mut work = store.begin().await?;
    assert_eq!(work.documents().get("absent", "d2").await?, None);
    assert_eq!(work.documents().get("absent-2", "d1").await?, None, "the same identifier elsewhere");
    assert_eq!(
        work.documents().find("absent", "slug", "shared").await?,
        None,
        "a key that is not unique finds nothing"
    );
    assert!(!work.documents().hold("absent", "d2").await?);
    assert!(work.documents().hold("absent", "d1").await?);
    assert!(!work.documents().delete("absent", "d2").await?);
    assert!(work.documents().delete("absent", "d1").await?);
    assert_eq!(work.documents().get("absent", "d1").await?, None);
    assert!(!work.documents().hold("absent", "d1").await?);
    Ok(())
}

pub(super) async fn an_identifier_is_taken_once(store: &dyn Store) -> StoreResult<()> {
    given(store, &[document("ids", "d1", vec![], json!("first"))]).await?;
    let again = given(store, &[document("ids", "d1", vec![], json!("second"))]).await;
    assert_duplicate(again, "id", "d1");
    let body = store.read().await?.documents().get("ids", "d1").await?.map(|document| document.body);
    assert_eq!(body, Some(json!("first")));
    Ok(())
}

pub(super) async fn a_unique_key_belongs_to_one_document(store: &dyn Store) -> StoreResult<()> {
    let with_slug = |collection, id| document(collection, id, vec![Key::unique("slug", "arbres")], json!({}));
    given(store, &[with_slug("unique", "d1"), with_slug("unique-2", "d1")]).await?;
    assert_duplicate(given(store, &[with_slug("unique", "d2")]).await, "slug", "arbres");
    assert_eq!(store.read().await?.documents().get("unique", "d2").await?, None);

    let mut work = store.begin().await?;
    work.documents().delete("unique", "d1").await?;
    work.commit().await?;
    given(store, &[with_slug("unique", "d2")]).await
}

pub(super) async fn a_refused_document_leaves_the_rest_of_the_work(store: &dyn Store) -> StoreResult<()> {
    let keys = |slug: &str| vec![Key::unique("slug", slug), Key::new("topic", slug)];
    given(
        store,
        &[document("refused", "d1", keys("one"), json!(1)), document("refused", "d2", keys("two"), json!(1))],
    )
    .await?;

    let mut work = store.begin().await?;
    let documents = work.documents();
    documents.put(&document("refused", "before", vec![], json!(2))).await?;
    assert_duplicate(
        documents.put(&document("refused", "d3", keys("one"), json!(2))).await.map(drop),
        "slug",
        "one",
    );
    let taking = Document { revision: 1, ..document("refused", "d2", keys("one"), json!(2)) };
    assert_duplicate(documents.put(&taking).await.map(drop), "slug", "one");
    documents.put(&document("refused", "after", vec![], json!(2))).await?;
    work.commit().await?;

    let mut read = store.read().await?;
    let mut bodies = Vec::new();
    for id in ["before", "after", "d2", "d3"] {
        bodies.push(read.documents().get("refused", id).await?.map(|document| document.body));
    }
    assert_eq!(bodies, [Some(json!(2)), Some(json!(2)), Some(json!(1)), None]);
    let still = read.documents().list("refused", &Filter::all(9).with("topic", "two")).await?;
    assert_eq!(still.count, 1, "a refused change leaves the keys as they were");
    Ok(())
}

pub(super) async fn keys_follow_the_document(store: &dyn Store) -> StoreResult<()> {
    let keys = |slug: &str| vec![Key::unique("slug", slug), Key::new("topic", slug), Key::new("topic", slug)];
    given(store, &[document("keys", "d1", keys("old"), json!({}))]).await?;
    let renamed = Document { revision: 1, ..document("keys", "d1", keys("new"), json!({})) };
    let unchanged = Document { revision: 2, ..renamed.clone() };
    given(store, &[renamed, unchanged]).await?;

    let mut read = store.read().await?;
    assert_eq!(read.documents().find("keys", "slug", "old").await?, None);
    assert_eq!(read.documents().find("keys", "slug", "new").await?.map(|found| found.revision), Some(3));
    assert_eq!(read.documents().list("keys", &Filter::all(9).with("topic", "old")).await?.count, 0);
    assert_eq!(read.documents().list("keys", &Filter::all(9).with("topic", "new")).await?.count, 1);
    Ok(())
}

pub(super) async fn an_old_revision_is_stale(store: &dyn Store) -> StoreResult<()> {
    let read = Document { revision: 1, ..document("stale", "d1", vec![Key::new("k", "v")], json!("mine")) };
    given(store, &[Document { revision: 0, ..read.clone() }]).await?;
    let theirs = Document { body: json!("theirs"), updated_at: at(9), ..read.clone() };
    given(store, &[theirs]).await?;

    for keys in [read.keys.clone(), vec![]] {
        let refused = given(store, &[Document { keys, ..read.clone() }]).await;
        assert!(
            matches!(&refused, Err(StoreError::Stale { collection: "stale", id }) if id == "d1"),
            "{refused:?}"
        );
    }
    let missing = given(store, &[Document { id: "d2".to_owned(), ..read }]).await;
    assert!(matches!(missing, Err(StoreError::Stale { .. })), "{missing:?}");

    let stored = store.read().await?.documents().get("stale", "d1").await?;
    let stored = stored.map(|stored| (stored.body, stored.revision, stored.created_at, stored.updated_at));
    assert_eq!(stored, Some((json!("theirs"), 2, at(0), at(9))));
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tree {
    id: String,
    name: String,
    owner: AccountRef,
}

impl Entity for Tree {
    const COLLECTION: &'static str = "trees";

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.owner)
    }

    fn title(&self) -> &str {
        &self.name
    }

    fn keys(&self) -> Vec<Key> {
        vec![Key::unique("name", &self.name)]
    }
}

pub(super) async fn keys_that_an_earlier_release_did_not_have_are_written(
    store: &dyn Store,
) -> StoreResult<()> {
    let mut work = store.begin().await?;
    for n in 0..3 {
        let owner = AccountRef::user("rekeyed", "");
        work.insert(
            &Tree { id: format!("rekey-{n}"), owner, name: format!("rekey {n}") },
            Timestamp::UNIX_EPOCH,
        )
        .await?;
    }
    let mut bare = work.documents().get("trees", "rekey-1").await?.expect("it was inserted");
    bare.keys.clear();
    work.documents().put(&bare).await?;
    work.commit().await?;
    assert!(store.read().await?.find::<Tree>("name", "rekey 1").await?.is_none());

    assert_eq!(rekey::<Tree>(store, "name").await?, 1, "those that have the key are left as they are");
    let found = store.read().await?.find::<Tree>("name", "rekey 1").await?.expect("it has its key now");
    assert_eq!((found.id.as_str(), found.updated_at), ("rekey-1", Timestamp::UNIX_EPOCH));
    assert_eq!(rekey::<Tree>(store, "unknown").await?, 0, "and those that have nothing to give");
    Ok(())
}

pub(super) async fn entities_are_typed_documents(store: &dyn Store) -> StoreResult<()> {
    let owner = AccountRef::user("u1", "Une");
    let tree = Tree { id: "t1".to_owned(), name: "Chêne".to_owned(), owner };
    let mut work = store.begin().await?;
    work.insert(&tree, at(0)).await?;
    work.commit().await?;

    let mut work = store.begin().await?;
    let loaded: Option<Stored<Tree>> = work.load("t1").await?;
    let Some(mut stored) = loaded else { panic!("the tree is gone") };
    assert_eq!((&stored.entity, stored.revision, stored.created_at), (&tree, 1, at(0)));
    stored.name = "Hêtre".to_owned();
    work.save(&mut stored, at(5)).await?;
    assert_eq!(stored.revision, 2);
    work.commit().await?;

    let mut read = store.read().await?;
    let found: Option<Stored<Tree>> = read.find("name", "Hêtre").await?;
    assert_eq!(found, Some(stored));
    let words = Filter { words: vec!["hetre".to_owned()], ..Filter::all(9) };
    assert_eq!(read.list::<Tree>(&words).await?.count, 1, "titles are searched folded");
    Ok(())
}

fn assert_duplicate(result: StoreResult<()>, key: &str, value: &str) {
    match result {
        Err(StoreError::Duplicate { key: found, value: taken, .. }) => {
            assert_eq!((&*found, &*taken), (key, value));
        }
        other => panic!("expected a duplicate {key}, got {other:?}"),
    }
}
