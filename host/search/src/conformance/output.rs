//! Collapsed pages, marked passages, words.

use halle_model::ColumnKind;
use serde_json::{Value, json};

use super::table::{Cell, Table, ask, request};
use crate::ast::{SortBy, SortKey, TextView};
use crate::engine::{LinesRequest, SearchEngine, WordsRequest};
use crate::{Query, SearchError};

fn by(column: &str, descending: bool) -> Vec<SortKey> {
    vec![SortKey { by: SortBy::Column(column.to_owned()), descending }]
}

fn word(word: &str) -> Query {
    Query::Word { columns: Vec::new(), word: word.to_owned(), view: TextView::Stemmed }
}

pub(super) async fn the_best_line_of_each_value_is_kept(engine: &dyn SearchEngine) {
    let mut table = Table::new(&[("city", ColumnKind::Text), ("size", ColumnKind::Integer)]);
    for (city, size) in [("b", 1), ("a", 5), ("b", 9), ("", 4), ("a", 2), ("", 3), ("c", 7)] {
        let city = if city.is_empty() { Cell::None } else { city.into() };
        table = table.row(vec![city, size.into()]);
    }
    let index = super::build(engine, "output-collapse", &table).await;
    let collapsed = LinesRequest {
        collapse: Some("city".to_owned()),
        sort: by("size", true),
        ..request(&*index, Query::All)
    };
    let page = index.lines(collapsed.clone()).await.expect("collapsed");
    assert_eq!((page.total, page.total_collapse), (Some(7), Some(3)), "lines without value are no value");
    let sizes = async |request: LinesRequest| -> Vec<i64> {
        let lines = ask(&*index, request).await;
        lines.iter().map(|line| line["size"].as_i64().expect("a number")).collect()
    };
    assert_eq!(sizes(collapsed.clone()).await, [9, 7, 5, 4]);
    let first = LinesRequest { size: 2, ..collapsed.clone() };
    let next = index.lines(first.clone()).await.expect("first page").next;
    assert_eq!(sizes(LinesRequest { after: next, ..first.clone() }).await, [5, 4], "pages go on");
    assert_eq!(sizes(LinesRequest { skip: 1, ..first }).await, [7, 5]);
    let ascending = LinesRequest { sort: by("size", false), ..collapsed.clone() };
    assert_eq!(sizes(ascending).await, [1, 2, 3, 7]);
    let natural = LinesRequest { sort: Vec::new(), ..collapsed.clone() };
    assert_eq!(sizes(natural).await, [1, 5, 4, 7], "the order of the file");
    let unknown = LinesRequest { collapse: Some("nowhere".to_owned()), ..collapsed };
    assert!(matches!(index.lines(unknown).await, Err(SearchError::BadRequest(_))));
}

pub(super) async fn passages_that_match_are_marked(engine: &dyn SearchEngine) {
    let table = Table::new(&[("text", ColumnKind::Text), ("other", ColumnKind::Text)])
        .row(vec!["Les bibliothèques <ouvertes>".into(), "une bibliothèque".into()])
        .row(vec!["rien".into(), "des bibliothèques".into()]);
    let index = super::build(engine, "output-highlight", &table).await;
    let asked = LinesRequest {
        highlight: vec!["text".to_owned()],
        select: vec!["other".to_owned()],
        sort: vec![SortKey { by: SortBy::Line, descending: false }],
        ..request(&*index, word("bibliothèque"))
    };
    let lines = ask(&*index, asked.clone()).await;
    let found: Vec<&Value> = lines.iter().map(|line| &line["_highlight"]).collect();
    let mark = "Les <em class=\"highlighted\">bibliothèques</em> &lt;ouvertes&gt;";
    assert_eq!(found, [&json!({ "text": [mark] }), &json!({ "text": ["rien"] })]);
    let here = Query::Word {
        columns: vec!["other".to_owned()],
        word: "bibliothèque".to_owned(),
        view: TextView::Stemmed,
    };
    let filter = LinesRequest { query: Query::Unscored(Box::new(here)), ..asked };
    let lines = ask(&*index, filter).await;
    assert_eq!(lines[0]["_highlight"], json!({ "text": ["Les bibliothèques &lt;ouvertes&gt;"] }));
}

pub(super) async fn words_are_counted_by_stem_and_shown_as_written(engine: &dyn SearchEngine) {
    let mut table = Table::new(&[("text", ColumnKind::Text), ("kind", ColumnKind::Text)]);
    for _ in 0..4 {
        table = table.row(vec!["les écoles de la ville".into(), "x".into()]);
    }
    table = table.row(vec!["une École et une école".into(), "x".into()]);
    for _ in 0..15 {
        table = table.row(vec!["la mairie de la ville".into(), "y".into()]);
    }
    let index = super::build(engine, "output-words", &table).await;
    let asked =
        |query: Query, significant| WordsRequest { query, column: "text".to_owned(), size: 3, significant };
    let words = async |request| {
        let found = index.words(request).await.expect("words");
        let words = found.words.into_iter().map(|word| (word.word, word.total));
        (found.total, words.collect::<Vec<_>>())
    };
    let named = |words: &[(&str, u64)]| words.iter().map(|(w, n)| ((*w).to_owned(), *n)).collect::<Vec<_>>();
    let all = words(asked(Query::All, false)).await;
    assert_eq!(all, (20, named(&[("ville", 19), ("mairie", 15), ("écoles", 5)])));
    let here =
        Query::In { column: "kind".to_owned(), values: vec![crate::ast::Operand::Text("x".to_owned())] };
    assert_eq!(words(asked(here.clone(), false)).await, (5, named(&[("écoles", 5), ("ville", 4)])));
    assert_eq!(words(asked(here, true)).await, (5, named(&[("écoles", 5)])), "the town is everywhere");
}
