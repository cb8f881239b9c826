//! Lines changed one by one.

use std::collections::BTreeMap;

use halle_base::{Dice as _, SeededDice};
use halle_model::ColumnKind;

use super::table::{Cell, Table, batch, numbers, request};
use crate::Query;
use crate::ast::{GroupBy, Interval, Metric, Operand, TextView};
use crate::engine::{Index, SearchEngine, ValuesAggRequest};

fn editable() -> Table {
    let columns = [("_id", ColumnKind::Text), ("_i", ColumnKind::Integer), ("text", ColumnKind::Text)];
    Table { editable: true, ..Table::new(&columns) }
}

fn row(id: &str, line: i64, text: &str) -> Vec<Cell> {
    vec![id.into(), line.into(), text.into()]
}

async fn apply(index: &dyn Index, removed: &[&str], added: &[Vec<Cell>]) {
    let batch = (!added.is_empty()).then(|| batch(&index.spec().columns, added));
    let removed = removed.iter().map(|id| (*id).to_owned()).collect();
    index.apply(removed, batch).await.expect("apply");
}

pub(super) async fn changes_are_seen_by_later_readers_only(engine: &dyn SearchEngine) {
    let table = editable().row(row("a", 10, "un")).row(row("b", 20, "deux"));
    let before = super::build(engine, "edits-seen", &table).await;
    apply(&*before, &["a"], &[row("a", 10, "one"), row("c", 30, "trois")]).await;
    assert_eq!(before.rows(), 2, "a reader keeps its version");
    let id = crate::IndexId("edits-seen".to_owned());
    let after = engine.open(&id).await.expect("open");
    assert_eq!(numbers(&*after, Query::All).await, [10, 20, 30]);
    let word =
        |word: &str| Query::Word { columns: Vec::new(), word: word.to_owned(), view: TextView::Stemmed };
    assert_eq!(numbers(&*after, word("one")).await, [10]);
    assert_eq!(numbers(&*after, word("un")).await, Vec::<i64>::new());
    assert_eq!(numbers(&*before, word("one")).await, Vec::<i64>::new());
    let line = after.line("a").await.expect("line").expect("a line");
    assert!(std::str::from_utf8(&line).expect("UTF-8").contains("one"));
    apply(&*after, &["a", "b", "c"], &[]).await;
    assert_eq!(engine.open(&id).await.expect("open").rows(), 0);
}

pub(super) async fn many_changes_add_up(engine: &dyn SearchEngine) {
    let dice = SeededDice::new(3);
    let mut model: BTreeMap<i64, String> = BTreeMap::new();
    let mut index = super::build(engine, "edits-many", &editable()).await;
    for step in 0..60 {
        let mut removed = Vec::new();
        let mut added: BTreeMap<i64, String> = BTreeMap::new();
        for _ in 0..dice.roll() % 8 {
            let line = (dice.roll() % 50) as i64;
            removed.push(format!("id{line}"));
            model.remove(&line);
            if !dice.roll().is_multiple_of(3) {
                added.insert(line, format!("texte{}", dice.roll() % 5));
            }
        }
        let rows: Vec<Vec<Cell>> =
            added.iter().map(|(line, text)| row(&format!("id{line}"), *line, text)).collect();
        model.extend(added);
        let removed: Vec<&str> = removed.iter().map(String::as_str).collect();
        apply(&*index, &removed, &rows).await;
        index = engine.open(&crate::IndexId("edits-many".to_owned())).await.expect("open");

        let lines: Vec<i64> = model.keys().copied().collect();
        assert_eq!(numbers(&*index, Query::All).await, lines, "step {step}");
        let asked = Query::In { column: "text".to_owned(), values: vec![Operand::Text("texte1".to_owned())] };
        let with = model.iter().filter(|(_, text)| *text == "texte1").map(|(line, _)| *line);
        assert_eq!(numbers(&*index, asked).await, with.collect::<Vec<_>>(), "step {step}");
        let mut texts: Vec<&String> = model.values().collect();
        texts.sort_unstable();
        texts.dedup();
        let level = GroupBy {
            column: "text".to_owned(),
            interval: Interval::Value,
            size: 9,
            order: Vec::new(),
            missing: None,
        };
        let groups = ValuesAggRequest {
            query: Query::All,
            levels: vec![level],
            metrics: Vec::new(),
            size: 0,
            select: Vec::new(),
            sort: Vec::new(),
            places: false,
        };
        let groups = index.values_agg(groups).await.expect("groups");
        assert_eq!(groups.total_values, texts.len() as u64, "step {step}");
        let distinct = index.metric(Query::All, "text", Metric::Cardinality, &[]).await.expect("metric");
        assert_eq!(distinct.1, texts.len() as u64, "step {step}");
        assert_eq!(index.summary().await.expect("summary").rows, model.len() as u64, "step {step}");
    }
}

pub(super) async fn the_last_change_comes_first(engine: &dyn SearchEngine) {
    let mut table = Table::new(&[
        ("_id", ColumnKind::Text),
        ("_i", ColumnKind::Integer),
        ("_updatedAt", ColumnKind::DateTime),
    ]);
    table.editable = true;
    table.columns[2].calculated = true;
    let rows = [
        ("a", 1, "2021-01-01T00:00:00Z"),
        ("b", 2, "2021-01-03T00:00:00Z"),
        ("c", 3, "2021-01-01T00:00:00Z"),
    ];
    table.rows = rows.map(|(id, line, at)| row(id, line, at)).to_vec();
    let index = super::build(engine, "edits-order", &table).await;
    assert_eq!(numbers(&*index, Query::All).await, [2, 3, 1]);
}

pub(super) async fn other_indexes_refuse_changes(engine: &dyn SearchEngine) {
    let index = super::build(engine, "edits-refused", &Table::of_texts(&["a"])).await;
    let before = index.lines(request(&*index, Query::All)).await.expect("lines").lines;
    index.apply(vec!["a".to_owned()], None).await.expect_err("the index is not editable");
    assert_eq!(index.lines(request(&*index, Query::All)).await.expect("lines").lines, before);
}
