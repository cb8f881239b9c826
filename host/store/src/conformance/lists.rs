//! Lists of documents.

use serde_json::json;

use super::{at, document, given};
use crate::documents::SECTION;
use crate::{ABSENT, Document, Filter, Key, Order, Store, StoreResult};

/// Four trees: two oaks (one red and green), a beech, and one without keys.
async fn trees(store: &dyn Store, collection: &'static str) -> StoreResult<()> {
    let tree = |id, keys: &[(&'static str, &str)], text: &str| {
        let keys = keys.iter().map(|(name, value)| Key::new(name, *value)).collect();
        Document { search_text: text.to_owned(), ..document(collection, id, keys, json!({})) }
    };
    let trees = [
        tree("a", &[("kind", "oak"), ("colour", "red"), ("colour", "green")], "chene rouge du parc"),
        tree("b", &[("kind", "oak"), ("colour", "green")], "chene vert"),
        tree("c", &[("kind", "beech"), ("colour", "red")], "hetre rouge 100%_sur"),
        tree("d", &[], "souche"),
    ];
    given(store, &trees).await
}

async fn ids(store: &dyn Store, collection: &'static str, filter: &Filter) -> StoreResult<String> {
    let page = store.read().await?.documents().list(collection, filter).await?;
    assert_eq!(page.count, page.results.len() as u64, "these lists fit in one page");
    Ok(page.results.into_iter().map(|document| document.id).collect())
}

fn values(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn by_title() -> Filter {
    Filter { order: Order::TitleAsc, ..Filter::all(10) }
}

pub(super) async fn filters_by_keys(store: &dyn Store) -> StoreResult<()> {
    trees(store, "by-keys").await?;
    let any = |name, wanted: &[&str]| Filter { any_of: vec![(name, values(wanted))], ..by_title() };
    assert_eq!(ids(store, "by-keys", &by_title()).await?, "abcd");
    assert_eq!(ids(store, "by-keys", &any("kind", &["oak"])).await?, "ab");
    assert_eq!(ids(store, "by-keys", &any("kind", &["oak", "beech", "elm"])).await?, "abc");
    assert_eq!(ids(store, "by-keys", &any("kind", &["Oak"])).await?, "", "values compare byte by byte");
    assert_eq!(ids(store, "by-keys", &any("kind", &["oak"]).with("colour", "red")).await?, "a");
    let none = Filter { none_of: vec![("colour", values(&["red"]))], ..by_title() };
    assert_eq!(ids(store, "by-keys", &none).await?, "bd");
    assert_eq!(ids(store, "by-keys", &none.with("kind", "oak")).await?, "b");
    Ok(())
}

pub(super) async fn empty_lists_of_values_match_nothing(store: &dyn Store) -> StoreResult<()> {
    trees(store, "empty-lists").await?;
    let any = Filter { any_of: vec![("kind", vec![])], ..by_title() };
    assert_eq!(ids(store, "empty-lists", &any).await?, "");
    let none = Filter { none_of: vec![("kind", vec![])], ..by_title() };
    assert_eq!(ids(store, "empty-lists", &none).await?, "abcd");
    let no_ids = Filter { ids: Some(vec![]), ..by_title() };
    assert_eq!(ids(store, "empty-lists", &no_ids).await?, "");
    Ok(())
}

pub(super) async fn filters_by_identifiers(store: &dyn Store) -> StoreResult<()> {
    trees(store, "by-ids").await?;
    let wanted = Filter { ids: Some(values(&["d", "a", "zz"])), ..by_title() };
    assert_eq!(ids(store, "by-ids", &wanted).await?, "ad");
    let many = (0..1_000).map(|n| format!("x{n}")).chain(values(&["b"])).collect();
    let wanted = Filter { ids: Some(many), ..by_title() };
    assert_eq!(ids(store, "by-ids", &wanted).await?, "b");
    Ok(())
}

pub(super) async fn filters_by_words_taken_literally(store: &dyn Store) -> StoreResult<()> {
    trees(store, "by-words").await?;
    let words = |wanted: &[&str]| Filter { words: values(wanted), ..by_title() };
    assert_eq!(ids(store, "by-words", &words(&["rouge"])).await?, "ac");
    assert_eq!(ids(store, "by-words", &words(&["parc", "rou"])).await?, "a", "all words, anywhere");
    assert_eq!(ids(store, "by-words", &words(&["100%_s"])).await?, "c");
    for pattern in ["r%e", "_ouche", r"\", "'"] {
        assert_eq!(ids(store, "by-words", &words(&[pattern])).await?, "", "{pattern} is no pattern");
    }
    Ok(())
}

pub(super) async fn orders(store: &dyn Store) -> StoreResult<()> {
    let made = |id, title: &str, created, updated| Document {
        sort_title: title.to_owned(),
        created_at: at(created),
        updated_at: at(updated),
        ..document("orders", id, vec![], json!({}))
    };
    given(
        store,
        &[
            made("a", "hetre", 1, 30),
            made("b", "chene", 2, 20),
            made("c", "Zone", 3, 10),
            made("d", "chene", 2, 20),
        ],
    )
    .await?;
    let expected = [
        (Order::CreatedDesc, "cdba"),
        (Order::CreatedAsc, "abdc"),
        (Order::UpdatedDesc, "adbc"),
        (Order::UpdatedAsc, "cbda"),
        (Order::IdAsc, "abcd"),
        (Order::TitleAsc, "cbda"),
        (Order::TitleDesc, "adbc"),
    ];
    for (order, expected) in expected {
        let filter = Filter { order, ..Filter::all(10) };
        assert_eq!(ids(store, "orders", &filter).await?, expected, "{order:?}");
    }
    assert_eq!(Order::default(), Order::CreatedDesc);
    Ok(())
}

pub(super) async fn pages_by_identifier_skip_nothing_when_documents_go(store: &dyn Store) -> StoreResult<()> {
    let keyed = |id| document("by-id", id, vec![Key::new("kind", "x")], json!({}));
    given(store, &["e", "b", "d", "a", "c"].map(keyed)).await?;
    let page = async |after: Option<&str>| -> StoreResult<String> {
        let after_id = after.map(str::to_owned);
        let filter = Filter { order: Order::IdAsc, after_id, ..Filter::all(2).with("kind", "x") };
        let page = store.read().await?.documents().list("by-id", &filter).await?;
        Ok(page.results.into_iter().map(|document| document.id).collect())
    };
    assert_eq!(page(None).await?, "ab");
    let mut unit = store.begin().await?;
    unit.documents().delete("by-id", "a").await?;
    unit.commit().await?;
    assert_eq!(page(Some("b")).await?, "cd");
    assert_eq!(page(Some("d")).await?, "e");
    assert_eq!(page(Some("e")).await?, "");
    Ok(())
}

pub(super) async fn pages_are_disjoint_and_complete(store: &dyn Store) -> StoreResult<()> {
    let readers = || vec![Key::new("reader", "a"), Key::new("reader", "b")];
    let all: Vec<Document> =
        (0..25).map(|n| document("pages", &format!("d{n:02}"), readers(), json!(n))).collect();
    given(store, &all).await?;
    let mut read = store.read().await?;
    // A document that has two of the values asked for is one document still.
    for any_of in [vec![], vec![("reader", values(&["a", "b"]))]] {
        let mut seen = Vec::new();
        for skip in [0, 10, 20, 30] {
            let order = Order::CreatedAsc;
            let filter = Filter { skip, order, any_of: any_of.clone(), ..Filter::all(10) };
            let page = read.documents().list("pages", &filter).await?;
            assert_eq!(page.count, 25, "the count is over all pages");
            seen.extend(page.results.into_iter().map(|document| document.id));
        }
        assert_eq!(seen, all.iter().map(|document| document.id.clone()).collect::<Vec<_>>(), "{any_of:?}");
    }

    let count_only = read.documents().list("pages", &Filter::all(0)).await?;
    assert_eq!((count_only.count, count_only.results.len()), (25, 0));
    Ok(())
}

pub(super) async fn facets_count_the_documents_that_match(store: &dyn Store) -> StoreResult<()> {
    trees(store, "facets").await?;
    trees(store, "facets-elsewhere").await?;
    let mut read = store.read().await?;
    let pairs = |pairs: &[(&str, u64)]| -> Vec<(String, u64)> {
        pairs.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect()
    };
    let all = Filter::all(0);
    assert_eq!(read.documents().facet("facets", &all, "kind").await?, pairs(&[("oak", 2), ("beech", 1)]));
    // Equal counts: in the order of the values.
    assert_eq!(read.documents().facet("facets", &all, "colour").await?, pairs(&[("green", 2), ("red", 2)]));
    let oaks = Filter::all(0).with("kind", "oak");
    assert_eq!(read.documents().facet("facets", &oaks, "colour").await?, pairs(&[("green", 2), ("red", 1)]));
    assert_eq!(read.documents().facet("facets", &all, "none").await?, pairs(&[]));
    Ok(())
}

pub(super) async fn absence_is_a_value_to_filter_by(store: &dyn Store) -> StoreResult<()> {
    trees(store, "absence").await?;
    let any = |wanted: &[&str]| Filter { any_of: vec![("kind", values(wanted))], ..by_title() };
    assert_eq!(ids(store, "absence", &any(&[ABSENT])).await?, "d");
    assert_eq!(ids(store, "absence", &any(&[ABSENT, "beech"])).await?, "cd");
    let none = Filter { none_of: vec![("kind", values(&[ABSENT, "beech"]))], ..by_title() };
    assert_eq!(ids(store, "absence", &none).await?, "ab");
    Ok(())
}

pub(super) async fn keys_order_and_add_up(store: &dyn Store) -> StoreResult<()> {
    let made = |id, keys: &[(&'static str, &str)]| {
        let keys = keys.iter().map(|(name, value)| Key::new(name, *value)).collect();
        document("keyed", id, keys, json!({}))
    };
    let mut first = made("a", &[("day", "2026-02"), ("rows", "10"), ("kind", "x")]);
    given(
        store,
        &[
            first.clone(),
            made("b", &[("day", "2025-01"), ("rows", "5000000000"), ("kind", "x")]),
            made("c", &[("rows", "7"), ("kind", "y")]),
            made("d", &[("day", "2026-02"), ("kind", "y")]),
        ],
    )
    .await?;
    let ordered = |order, then| Filter { order, then, ..Filter::all(10) };
    let expected = [
        (ordered(Order::KeyAsc("day"), vec![Order::TitleDesc, Order::KeyAsc("kind")]), "cbda"),
        (ordered(Order::KeyDesc("day"), vec![Order::KeyDesc("kind")]), "dabc"),
        (ordered(Order::KeyAsc("kind"), vec![Order::KeyDesc("day")]), "abdc"),
    ];
    for (filter, expected) in expected {
        assert_eq!(ids(store, "keyed", &filter).await?, expected, "{filter:?}");
    }
    let sum =
        |filter: Filter| async move { store.read().await?.documents().sum("keyed", &filter, "rows").await };
    assert_eq!(sum(Filter::all(0)).await?, 5_000_000_017);
    assert_eq!(sum(Filter::all(0).with("kind", "y")).await?, 7);
    assert_eq!(sum(Filter::all(0).with("kind", "z")).await?, 0);

    first.revision = 1;
    first.keys = vec![Key::new("rows", "11"), Key::new("kind", "x")];
    let mut work = store.begin().await?;
    work.documents().put(&first).await?;
    work.commit().await?;
    assert_eq!(sum(Filter::all(0).with("kind", "x")).await?, 5_000_000_011, "a key that changed is replaced");
    assert_eq!(
        ids(store, "keyed", &Filter::all(10).with("day", "2026-02")).await?,
        "d",
        "one that went is gone"
    );
    Ok(())
}

pub(super) async fn words_of_the_title_come_first(store: &dyn Store) -> StoreResult<()> {
    let made = |id, title: &str, summary: &str, rest: &str| Document {
        search_text: [title, summary, rest].join(SECTION),
        ..document("relevance", id, vec![], json!({}))
    };
    given(
        store,
        &[
            made("a", "budget", "", "les arbres"),
            made("b", "arbres", "", ""),
            made("c", "parcs", "arbres et bancs", ""),
            made("d", "arbres remarquables", "arbres", "des parcs"),
        ],
    )
    .await?;
    let searched =
        |words: &[&str]| Filter { words: values(words), order: Order::Relevance, ..Filter::all(10) };
    let found = ids(store, "relevance", &searched(&["arbres"])).await?;
    assert_eq!((&found[2..], &found[..2] == "bd" || &found[..2] == "db"), ("ca", true), "{found}");
    assert_eq!(ids(store, "relevance", &searched(&["arbres", "parcs"])).await?, "cd");
    Ok(())
}
