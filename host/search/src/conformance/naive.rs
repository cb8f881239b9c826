//! What a query means, said as plainly as possible: one row at a time.

use std::cmp::Ordering;

use super::table::{Cell, Table};
use crate::Query;
use crate::ast::{Bound, Operand};

/// Whether the row matches; only queries on values.
pub(super) fn matches(table: &Table, row: &[Cell], query: &Query) -> bool {
    let cell = |column: &str| &row[table.index(column)];
    match query {
        Query::All => true,
        Query::Nothing => false,
        Query::And(parts) => parts.iter().all(|part| matches(table, row, part)),
        Query::Or(parts) => parts.iter().any(|part| matches(table, row, part)),
        Query::Not(part) => !matches(table, row, part),
        Query::Unscored(part) => matches(table, row, part),
        Query::Exists { column } => *cell(column) != Cell::None,
        Query::In { column, values } => {
            values.iter().any(|value| compare(cell(column), value) == Some(Ordering::Equal))
        }
        Query::Range { column, lower, upper } => {
            let cell = cell(column);
            let above = match lower {
                Bound::None => true,
                Bound::Included(operand) => compare(cell, operand).is_some_and(Ordering::is_ge),
                Bound::Excluded(operand) => compare(cell, operand).is_some_and(Ordering::is_gt),
            };
            let below = match upper {
                Bound::None => true,
                Bound::Included(operand) => compare(cell, operand).is_some_and(Ordering::is_le),
                Bound::Excluded(operand) => compare(cell, operand).is_some_and(Ordering::is_lt),
            };
            *cell != Cell::None && above && below
        }
        Query::Prefix { column, prefix } => {
            matches!(cell(column), Cell::Text(text) if text.starts_with(prefix.as_str()))
        }
        other => panic!("{other:?} is not a query on values"),
    }
}

fn compare(cell: &Cell, operand: &Operand) -> Option<Ordering> {
    match (cell, operand) {
        (Cell::Text(a), Operand::Text(b)) => Some(a.cmp(b)),
        (Cell::Text(a), Operand::Instant(b)) => Some(instant(a).cmp(b)),
        (Cell::Integer(a), Operand::Integer(b)) => Some(a.cmp(b)),
        (Cell::Number(a), Operand::Number(b)) => a.partial_cmp(b),
        (Cell::Boolean(a), Operand::Boolean(b)) => Some(a.cmp(b)),
        (Cell::Day(a), Operand::Day(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Milliseconds since 1970-01-01 UTC.
pub(super) fn instant(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().expect(text).as_millisecond()
}

/// How two cells of a column sort, upwards; missing ones are last.
pub(super) fn order(a: &Cell, b: &Cell, is_instant: bool) -> Ordering {
    match (a, b) {
        (Cell::None, Cell::None) => Ordering::Equal,
        (Cell::None, _) => Ordering::Greater,
        (_, Cell::None) => Ordering::Less,
        (Cell::Text(a), Cell::Text(b)) if is_instant => instant(a).cmp(&instant(b)),
        (Cell::Text(a), Cell::Text(b)) => (fold(a), a).cmp(&(fold(b), b)),
        (Cell::Integer(a), Cell::Integer(b)) => a.cmp(b),
        (Cell::Number(a), Cell::Number(b)) => a.total_cmp(b),
        (Cell::Boolean(a), Cell::Boolean(b)) => a.cmp(b),
        (Cell::Day(a), Cell::Day(b)) => a.cmp(b),
        _ => panic!("cells of different kinds"),
    }
}

/// Folds the few letters that the tables use.
fn fold(text: &str) -> String {
    let fold = |c: char| match c {
        'é' | 'É' | 'è' => 'e',
        'à' | 'À' => 'a',
        c => c.to_ascii_lowercase(),
    };
    text.chars().map(fold).collect()
}
