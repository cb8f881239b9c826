//! Random tables, random questions.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use halle_base::{Dice as _, SeededDice};
use halle_model::ColumnKind;
use serde_json::Value;

use super::naive;
use super::table::{Cell, Table, request};
use crate::ast::{Bound, GroupBy, GroupOrder, Interval, Metric, Operand, SortBy};
use crate::engine::{Index, LinesRequest, ScanRequest, SearchEngine, ValuesAggRequest};
use crate::{Query, SortKey};

const ROWS: u64 = 500;
const QUESTIONS: usize = 40;
const TEXTS: [&str; 9] = ["aaa", "AAA", "bbb", "BBB", "ééé", "eee", "zzz", "à b", "bb"];
pub(super) const COLUMNS: [(&str, ColumnKind); 8] = [
    ("text", ColumnKind::Text),
    ("code", ColumnKind::Text),
    ("int", ColumnKind::Integer),
    ("num", ColumnKind::Number),
    ("bool", ColumnKind::Boolean),
    ("day", ColumnKind::Date),
    ("at", ColumnKind::DateTime),
    ("full", ColumnKind::Integer),
];

fn below(dice: &SeededDice, end: u64) -> u64 {
    dice.roll() % end
}

pub(super) fn cell(dice: &SeededDice, column: &str) -> Cell {
    if column != "full" && below(dice, 8) == 0 {
        return Cell::None;
    }
    let small = below(dice, 40) as i64 - 20;
    match column {
        "text" => TEXTS[below(dice, TEXTS.len() as u64) as usize].into(),
        "code" => Cell::Text(format!("c{:03}", below(dice, 400))),
        "int" | "full" => small.into(),
        "num" => (small as f64 / 4.0).into(),
        "bool" => (small > 0).into(),
        "day" => Cell::Day(18_000 + 11 * small as i32),
        _ => {
            let hour = below(dice, 24);
            let offset = ["Z", "+02:00", "-05:30"][below(dice, 3) as usize];
            Cell::Text(format!(
                "2021-{:02}-{:02}T{hour:02}:00:00{offset}",
                1 + below(dice, 12),
                1 + below(dice, 28)
            ))
        }
    }
}

fn table(dice: &SeededDice) -> Table {
    let mut table = Table::new(&COLUMNS);
    for _ in 0..ROWS {
        table.rows.push(COLUMNS.iter().map(|(key, _)| cell(dice, key)).collect());
    }
    table
}

fn column(dice: &SeededDice) -> (&'static str, ColumnKind) {
    COLUMNS[below(dice, COLUMNS.len() as u64) as usize]
}

fn operand(dice: &SeededDice, (key, kind): (&str, ColumnKind)) -> Operand {
    loop {
        return match cell(dice, key) {
            Cell::None => continue,
            Cell::Text(text) if kind == ColumnKind::DateTime => Operand::Instant(naive::instant(&text)),
            Cell::Text(text) => Operand::Text(text),
            Cell::Integer(value) => Operand::Integer(value),
            Cell::Number(value) => Operand::Number(value),
            Cell::Boolean(value) => Operand::Boolean(value),
            Cell::Day(day) => Operand::Day(day),
        };
    }
}

pub(super) fn query(dice: &SeededDice, depth: u64) -> Query {
    let target = column(dice);
    let name = target.0.to_owned();
    let bound = |dice: &SeededDice| match below(dice, 3) {
        0 => Bound::None,
        1 => Bound::Included(operand(dice, target)),
        _ => Bound::Excluded(operand(dice, target)),
    };
    let some = |dice: &SeededDice| (0..=below(dice, 3)).map(|_| query(dice, depth - 1)).collect();
    match below(dice, if depth == 0 { 5 } else { 9 }) {
        0 => Query::All,
        1 => Query::Exists { column: name },
        2 if target.1 == ColumnKind::Text => Query::Prefix {
            column: name,
            prefix: ["a", "b", "é", "c1", ""][below(dice, 5) as usize].to_owned(),
        },
        2 | 3 if target.1 != ColumnKind::Boolean => {
            Query::Range { column: name, lower: bound(dice), upper: bound(dice) }
        }
        2..=4 => {
            let values = (0..=below(dice, 4)).map(|_| operand(dice, target)).collect();
            Query::In { column: name, values }
        }
        5 => Query::Not(Box::new(query(dice, depth - 1))),
        6 => Query::Or(some(dice)),
        _ => Query::And(some(dice)),
    }
}

pub(super) fn sort(dice: &SeededDice) -> Vec<SortKey> {
    (0..below(dice, 3))
        .map(|_| SortKey { by: SortBy::Column(column(dice).0.to_owned()), descending: below(dice, 2) == 0 })
        .collect()
}

/// The numbers of the rows that match, in order.
fn expected(table: &Table, query: &Query, sort: &[SortKey]) -> Vec<i64> {
    let mut found: Vec<i64> = (1..)
        .zip(&table.rows)
        .filter(|(_, row)| naive::matches(table, row, query))
        .map(|(line, _)| line)
        .collect();
    found.sort_by(|a, b| {
        let rows = (&table.rows[*a as usize - 1][..], &table.rows[*b as usize - 1][..]);
        compare(table, rows, sort).then(a.cmp(b))
    });
    found
}

/// How two rows compare by these keys.
pub(super) fn compare(table: &Table, (a, b): (&[Cell], &[Cell]), sort: &[SortKey]) -> Ordering {
    for key in sort {
        let SortBy::Column(name) = &key.by else { continue };
        let index = table.index(name);
        let found = naive::order(&a[index], &b[index], name == "at");
        let missing = a[index] == Cell::None || b[index] == Cell::None;
        let found = if key.descending && !missing { found.reverse() } else { found };
        if found.is_ne() {
            return found;
        }
    }
    Ordering::Equal
}

pub(super) async fn pages_agree_with_plain_loops(engine: &dyn SearchEngine, seed: u64) {
    let dice = SeededDice::new(seed);
    let table = table(&dice);
    let index = super::build(engine, &format!("random-pages-{seed}"), &table).await;
    for _ in 0..QUESTIONS {
        let (query, sort) = (query(&dice, 3), sort(&dice));
        let expected = expected(&table, &query, &sort);
        let told = format!("{query:?} {sort:?}");

        let (skip, size) = (below(&dice, 40) as usize, below(&dice, 60) as usize + 1);
        let first = LinesRequest { sort: sort.clone(), size, ..request(&*index, query.clone()) };
        let page = index.lines(LinesRequest { skip, ..first.clone() }).await.expect(&told);
        assert_eq!(page.total, Some(expected.len() as u64), "{told}");
        let wanted: Vec<i64> = expected.iter().copied().skip(skip).take(size).collect();
        assert_eq!(numbers(&page.lines), wanted, "{told}");

        assert_eq!(follow(&*index, first, &told).await, expected, "by cursor: {told}");

        let scan = ScanRequest { query, sort, select: vec!["_i".to_owned()], limit: None };
        let batches = index.scan(scan).await.expect(&told).try_collect::<Vec<_>>().await.expect(&told);
        let lines: Vec<i64> = batches
            .iter()
            .flat_map(|batch| {
                let lines =
                    arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.column(0));
                lines.values().to_vec()
            })
            .collect();
        assert_eq!(lines, expected, "by scan: {told}");
    }
}

fn numbers(lines: &[bytes::Bytes]) -> Vec<i64> {
    let number = |line: &bytes::Bytes| {
        let line: Value = serde_json::from_slice(line).expect("JSON");
        line["_i"].as_i64().expect("a number")
    };
    lines.iter().map(number).collect()
}

/// Reads page after page by cursor, which goes through JSON as it does for clients.
async fn follow(index: &dyn Index, mut request: LinesRequest, told: &str) -> Vec<i64> {
    let mut found = Vec::new();
    loop {
        let page = index.lines(request.clone()).await.expect(told);
        found.extend(numbers(&page.lines));
        let Some(next) = page.next else { return found };
        let text = serde_json::to_string(&next).expect("JSON");
        request.after = Some(serde_json::from_str(&text).expect("JSON"));
        assert!(found.len() <= ROWS as usize, "a cursor goes round in circles: {told}");
    }
}

pub(super) async fn groups_agree_with_plain_loops(engine: &dyn SearchEngine, seed: u64) {
    let dice = SeededDice::new(seed + 1_000);
    let table = table(&dice);
    let index = super::build(engine, &format!("random-groups-{seed}"), &table).await;
    for _ in 0..QUESTIONS {
        check_groups(&*index, &table, &dice).await;
    }
}

/// Asks one random question about groups and compares with loops over the rows.
pub(super) async fn check_groups(index: &dyn Index, table: &Table, dice: &SeededDice) {
    let (query, (key, kind)) = (query(dice, 2), column(dice));
    let width = 2.5;
    let by_width = matches!(kind, ColumnKind::Number | ColumnKind::Integer) && below(dice, 2) == 0;
    let interval = if by_width { Interval::Number(width) } else { Interval::Value };
    let size = below(dice, 12) as usize + 1;
    let level = GroupBy {
        column: key.to_owned(),
        interval,
        size,
        order: vec![(GroupOrder::Count, true)],
        missing: None,
    };
    let metrics = ["num", "int"].map(|column| (column.to_owned(), Metric::Sum, format!("{column}_sum")));
    let request = ValuesAggRequest {
        query: query.clone(),
        levels: vec![level],
        metrics: metrics.to_vec(),
        size: 0,
        select: Vec::new(),
        sort: Vec::new(),
        places: false,
    };
    let told = format!("{request:?}");
    let found = index.values_agg(request).await.expect(&told);
    let rows: Vec<&Vec<Cell>> = table.rows.iter().filter(|row| naive::matches(table, row, &query)).collect();
    assert_eq!(found.total, rows.len() as u64, "{told}");

    let mut groups: BTreeMap<String, (u64, f64)> = BTreeMap::new();
    for row in &rows {
        if let Some(value) = shown(&row[table.index(key)], by_width.then_some(width)) {
            let group = groups.entry(value).or_default();
            group.0 += 1;
            if let Cell::Number(number) = row[table.index("num")] {
                group.1 += number;
            }
        }
    }
    let mut counts: Vec<u64> = groups.values().map(|group| group.0).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let totals: Vec<u64> = found.groups.iter().map(|group| group.total).filter(|total| *total > 0).collect();
    assert_eq!(totals, counts.iter().copied().take(size).collect::<Vec<_>>()[..totals.len()], "{told}");
    if !by_width {
        assert_eq!(found.total_values, groups.len() as u64, "{told}");
        assert_eq!(totals.len(), size.min(groups.len()), "{told}");
    }
    for group in found.groups.iter().filter(|group| group.total > 0) {
        let value = group.value.as_str().map_or_else(|| group.value.to_string(), str::to_owned);
        let (total, sum) = groups.get(&value).unwrap_or_else(|| panic!("no group {value}: {told}"));
        assert_eq!(group.total, *total, "{value}: {told}");
        assert_eq!(group.metrics["num_sum"].as_f64(), Some(*sum), "{value}: {told}");
    }

    let (total, distinct) = index.metric(query, "code", Metric::Cardinality, &[]).await.expect(&told);
    let mut codes: Vec<String> =
        rows.iter().filter_map(|row| shown(&row[table.index("code")], None)).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!((total, distinct.as_u64()), (rows.len() as u64, Some(codes.len() as u64)), "{told}");
}

/// The value of a group as text.
fn shown(cell: &Cell, width: Option<f64>) -> Option<String> {
    let number = |value: f64| {
        let value = width.map_or(value, |width| (value / width).floor() * width);
        (value + 0.0).to_string()
    };
    Some(match cell {
        Cell::None => return None,
        Cell::Text(text) => text.clone(),
        Cell::Integer(value) => number(*value as f64),
        Cell::Number(value) => number(*value),
        Cell::Boolean(value) => value.to_string(),
        Cell::Day(day) => {
            let epoch = jiff::civil::Date::constant(1970, 1, 1);
            (epoch + jiff::Span::new().days(*day)).to_string()
        }
    })
}
