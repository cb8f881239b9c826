//! Parameters of the data API: either a question, or a refusal that says why.

use std::sync::LazyLock;

use halle_model::{Column, ColumnKind};
use halle_search::ast::Query;
use halle_search::params::{
    Fields, GeoAggParams, IN_VALUES_MAX, LinesParams, MetricAggParams, Params, QUERY_CLAUSES_MAX,
    QUERY_DEPTH_MAX, SimpleMetricsParams, ValuesAggParams, ValuesParams, WordsAggParams,
};

static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let kinds = [
        ("nom", ColumnKind::Text),
        ("n", ColumnKind::Integer),
        ("x", ColumnKind::Number),
        ("jour", ColumnKind::Date),
        ("vu", ColumnKind::DateTime),
        ("ok", ColumnKind::Boolean),
    ];
    let mut columns: Vec<Column> = kinds.into_iter().map(|(key, kind)| Column::new(key, kind)).collect();
    columns[0].capabilities.wildcard = Some(true);
    columns[3].refers_to = Some("http://schema.org/Date".to_owned());
    columns
});

/// Words for people.
pub fn q(input: &[u8]) {
    question("q", input);
}

/// The language of Lucene.
pub fn qs(input: &[u8]) {
    question("qs", input);
}

fn question(name: &str, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for mode in ["simple", "complete", "and"] {
        ask(&[(name, &text), ("q_mode", mode), ("field", "nom")]);
    }
}

/// Parameters as `name=value`, one behind the other with `&`.
pub fn filters(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let pairs: Vec<(&str, &str)> =
        text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    ask(&pairs);
    ask(&[&pairs[..], &[("field", "nom"), ("metric_field", "n"), ("metric", "sum")]].concat());
}

fn ask(pairs: &[(&str, &str)]) {
    let Ok(params) = Params::new(pairs.iter().copied()) else { return };
    let fields = Fields::new(&COLUMNS, true);
    if let Ok(lines) = LinesParams::parse(&params, &fields) {
        check(&lines.query);
        assert_eq!(LinesParams::parse(&params, &fields).ok(), Some(lines), "the same question, read again");
    }
    drop(ValuesAggParams::parse(&params, &fields));
    drop(MetricAggParams::parse(&params, &fields));
    drop(SimpleMetricsParams::parse(&params, &fields));
    drop(ValuesParams::parse(&params, "nom", &fields));
    drop(GeoAggParams::parse(&params, &fields, Some([-5.0, 42.0, 8.0, 51.0])));
    drop(WordsAggParams::parse(&params, &fields));
}

/// A question stays within what its text may ask for: whoever answers it walks it, column by column.
fn check(query: &Query) {
    let (parts, depth) = extent(query);
    let parts_max = 4 * COLUMNS.len() * QUERY_CLAUSES_MAX + IN_VALUES_MAX;
    assert!(parts <= parts_max, "a question of {parts} parts, more than {parts_max}");
    let depth_max = 4 * (QUERY_DEPTH_MAX + 4);
    assert!(depth <= depth_max, "a question {depth} levels deep, more than {depth_max}");
}

/// Parts that have no part themselves, and levels.
fn extent(query: &Query) -> (usize, usize) {
    match query {
        Query::And(parts) | Query::Or(parts) => {
            let inner = parts.iter().map(extent).fold((0, 0), |a, b| (a.0 + b.0, a.1.max(b.1)));
            (inner.0, inner.1 + 1)
        }
        Query::Not(part) | Query::Unscored(part) => {
            let (parts, depth) = extent(part);
            (parts, depth + 1)
        }
        Query::In { values, .. } => (values.len(), 1),
        _ => (1, 1),
    }
}
