//! Words.

use bytes::Bytes;
use halle_model::ColumnKind;
use serde_json::{Map, Value};

use super::table::{Cell, Table, ask, numbers, request};
use crate::ast::{Bound, Operand, SortBy, TextView};
use crate::engine::{LinesRequest, SearchEngine};
use crate::{Query, SortKey};

fn word(word: &str) -> Query {
    Query::Word { columns: Vec::new(), word: word.to_owned(), view: TextView::Stemmed }
}

fn sorted(mut numbers: Vec<i64>) -> Vec<i64> {
    numbers.sort_unstable();
    numbers
}

pub(super) async fn words_match_whatever_their_form(engine: &dyn SearchEngine) {
    let table =
        Table::of_texts(&["La voie lactée", "KOUMOUL, éditeur", "bibliothèques municipales", "autre"]);
    let index = super::build(engine, "text-forms", &table).await;
    for (asked, line) in [
        ("lacté", 1),
        ("Lactée", 1),
        ("lactee", 1),
        ("koumoul", 2),
        ("Koumoul", 2),
        ("bibliothèque", 3),
        ("municipale", 3),
    ] {
        assert_eq!(numbers(&*index, word(asked)).await, [line], "{asked}");
    }
    assert_eq!(numbers(&*index, word("absent")).await, Vec::<i64>::new());
    let here = |column: &str| Query::Word {
        columns: vec![column.to_owned()],
        word: "autre".to_owned(),
        view: TextView::Standard,
    };
    assert_eq!(numbers(&*index, here("text")).await, [4]);
}

pub(super) async fn fuzzy_words_match_what_is_nearly_the_same(engine: &dyn SearchEngine) {
    let table = Table::of_texts(&["Lyon", "un lion", "Lyno", "des lyonnais", "Paris"]);
    let index = super::build(engine, "text-fuzzy", &table).await;
    let near =
        |word: &str, distance| Query::FuzzyWord { columns: Vec::new(), word: word.to_owned(), distance };
    assert_eq!(sorted(numbers(&*index, near("LYÔN", 1)).await), [1, 2, 3]);
    assert_eq!(sorted(numbers(&*index, near("loin", 1)).await), [2], "letters that are swapped are one");
    assert_eq!(sorted(numbers(&*index, near("paros", 2)).await), [5]);
    assert_eq!(numbers(&*index, near("marseille", 2)).await, Vec::<i64>::new());
}

pub(super) async fn stop_words_and_elided_articles(engine: &dyn SearchEngine) {
    let table = Table::of_texts(&["l'avion de la ville", "d’Artagnan", "le train"]);
    let index = super::build(engine, "text-stops", &table).await;
    assert_eq!(numbers(&*index, word("avion")).await, [1]);
    assert_eq!(numbers(&*index, word("l'avion")).await, [1]);
    assert_eq!(numbers(&*index, word("Artagnan")).await, [2]);
    assert_eq!(numbers(&*index, word("le")).await, Vec::<i64>::new(), "a stop word alone");
    let both = |a: Query, b: Query| Query::And(vec![a, b]);
    assert_eq!(numbers(&*index, both(word("le"), word("train"))).await, [3], "never required");
    let filter = Query::Unscored(Box::new(Query::Exists { column: "text".to_owned() }));
    assert_eq!(numbers(&*index, both(word("le"), filter)).await, Vec::<i64>::new(), "beside a filter");
}

pub(super) async fn phrases_and_prefixes(engine: &dyn SearchEngine) {
    let table =
        Table::of_texts(&["mairie de Lyon centre", "Lyon, ancienne mairie", "la mairie Lyon", "mairies"]);
    let index = super::build(engine, "text-phrases", &table).await;
    let phrase = |words: &str, slop| Query::Phrase {
        columns: Vec::new(),
        words: words.to_owned(),
        slop,
        view: TextView::Stemmed,
    };
    assert_eq!(numbers(&*index, phrase("mairie de Lyon", 0)).await, [1]);
    assert_eq!(numbers(&*index, phrase("mairie Lyon", 0)).await, [3]);
    assert_eq!(sorted(numbers(&*index, phrase("mairie Lyon", 1)).await), [1, 3]);
    let prefix = |prefix: &str| Query::WordPrefix { columns: Vec::new(), prefix: prefix.to_owned() };
    assert_eq!(sorted(numbers(&*index, prefix("MAI")).await), [1, 2, 3, 4]);
    assert_eq!(sorted(numbers(&*index, prefix("ancienne mai")).await), [2], "the last word is the prefix");
    assert_eq!(numbers(&*index, prefix("x")).await, Vec::<i64>::new());
}

pub(super) async fn numbers_dates_and_truth_values_are_words(engine: &dyn SearchEngine) {
    let table = Table::new(&[
        ("int", ColumnKind::Integer),
        ("num", ColumnKind::Number),
        ("bool", ColumnKind::Boolean),
        ("day", ColumnKind::Date),
        ("at", ColumnKind::DateTime),
    ])
    .row(vec![11.into(), 110.5.into(), true.into(), Cell::Day(18_700), "2019-05-04T12:00:00+02:00".into()])
    .row(vec![110.into(), 11.0.into(), false.into(), Cell::Day(400), "2021-01-01T00:00:00Z".into()]);
    let index = super::build(engine, "text-values", &table).await;
    for (asked, expected) in [
        ("11", vec![1, 2]),
        ("110", vec![2]),
        ("110.5", vec![1]),
        ("true", vec![1]),
        ("2021", vec![1, 2]),
        ("2019", vec![1]),
        ("1971-02-05", vec![2]),
        ("12", vec![]),
    ] {
        assert_eq!(sorted(numbers(&*index, word(asked)).await), expected, "{asked}");
    }
}

pub(super) async fn labels_and_exact_forms_rank_higher(engine: &dyn SearchEngine) {
    let table = Table::new(&[("note", ColumnKind::Text), ("label", ColumnKind::Text)])
        .concept("label", "http://www.w3.org/2000/01/rdf-schema#label")
        .row(vec!["un marché".into(), "autre chose".into()])
        .row(vec!["autre chose".into(), "un marché".into()]);
    let index = super::build(engine, "text-labels", &table).await;
    assert_eq!(numbers(&*index, word("marché")).await, [2, 1]);

    let table = Table::of_texts(&["des marchés", "des marchés", "un marché"]);
    let index = super::build(engine, "text-exact", &table).await;
    assert_eq!(numbers(&*index, word("marché")).await, [3, 1, 2]);
}

pub(super) async fn scores_are_null_unless_words_are_asked(engine: &dyn SearchEngine) {
    let index = super::build(engine, "text-scores", &Table::of_texts(&["a", "b b", "chat"])).await;
    let scored = ask(&*index, request(&*index, word("chat"))).await;
    assert!(scored[0]["_score"].as_f64().is_some_and(|score| score > 0.0), "{scored:?}");
    let unscored = ask(&*index, request(&*index, Query::Unscored(Box::new(word("chat"))))).await;
    assert_eq!(unscored[0]["_score"], Value::Null);
}

/// A page in the order of a column tells lines of the same value apart by what they score, which is the same number
/// whether the page is small or has every line, and whichever page it is.
pub(super) async fn scores_tell_equal_values_apart(engine: &dyn SearchEngine) {
    let mut table =
        Table::new(&[("text", ColumnKind::Text), ("more", ColumnKind::Text), ("n", ColumnKind::Integer)]);
    for row in 0..900_i64 {
        let text = format!("{}{}", "lyon ".repeat((row % 7) as usize), "ville ".repeat((row % 5) as usize));
        let more = if row % 3 == 0 { "Lyon et Paris" } else { "Paris" };
        table = table.row(vec![text.as_str().into(), more.into(), (row % 4).into()]);
    }
    let index = super::build(engine, "text-late-scores", &table).await;
    let range = Query::Range {
        column: "n".to_owned(),
        lower: Bound::Included(Operand::Integer(1)),
        upper: Bound::None,
    };
    for query in [
        word("lyon"),
        Query::And(vec![word("lyon"), word("paris"), range]),
        Query::Or(vec![Query::And(vec![word("lyon"), word("ville")]), word("lyon"), word("3")]),
    ] {
        let by_score = ask(&*index, request(&*index, query.clone())).await;
        let rank = |line: &Map<String, Value>| {
            let score = line["_score"].as_f64().expect("a score");
            (line["n"].as_i64(), -score, line["_i"].as_i64())
        };
        let mut expected: Vec<_> = by_score.iter().map(rank).collect();
        expected.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        let sort = vec![SortKey { by: SortBy::Column("n".to_owned()), descending: false }];
        let mut pages = Vec::new();
        let mut asked = LinesRequest { sort, size: 7, ..request(&*index, query) };
        loop {
            let page = index.lines(asked.clone()).await.expect("lines");
            assert_eq!(page.total, Some(expected.len() as u64));
            let line = |line: &Bytes| serde_json::from_slice(line).expect("a JSON object");
            pages.extend(page.lines.iter().map(|json| rank(&line(json))));
            asked.after = page.next;
            if asked.after.is_none() {
                break;
            }
        }
        assert_eq!(pages, expected);
        assert!(expected.len() > 300, "{} lines", expected.len());
    }
}

/// Many lines of one value: too many to be held until their scores are known.
pub(super) async fn scores_tell_many_equal_values_apart(engine: &dyn SearchEngine) {
    let mut table = Table::new(&[("text", ColumnKind::Text), ("n", ColumnKind::Integer)]);
    for row in 0..20_000_i64 {
        let text = if row % 1_000 == 7 { "lyon lyon" } else { "lyon ville" };
        table = table.row(vec![text.into(), (row % 2).into()]);
    }
    let index = super::build(engine, "text-many-ties", &table).await;
    let sort = vec![SortKey { by: SortBy::Column("n".to_owned()), descending: true }];
    let request = LinesRequest { sort, size: 30, ..request(&*index, word("lyon")) };
    let lines = ask(&*index, request).await;
    let numbers: Vec<i64> = lines.iter().map(|line| line["_i"].as_i64().expect("a number")).collect();
    // Odd rows come first; of these, the twenty that say it twice; then the order of the lines.
    let twice = (0..20).map(|thousand| thousand * 1_000 + 8);
    let once = (0..).map(|half| half * 2 + 2).filter(|line| line % 1_000 != 8).take(10);
    assert_eq!(numbers, twice.chain(once).collect::<Vec<i64>>());
}
