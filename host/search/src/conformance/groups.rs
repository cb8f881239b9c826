//! Groups, metrics, statistics.

use halle_model::ColumnKind;
use serde_json::{Value, json};

use super::table::{Cell, Table};
use crate::Query;
use crate::ast::{GroupBy, GroupOrder, Interval, Metric, Operand};
use crate::engine::{Groups, Index, SearchEngine, SearchError, ValuesAggRequest};

fn level(column: &str, interval: Interval) -> GroupBy {
    GroupBy { column: column.to_owned(), interval, size: 20, order: Vec::new(), missing: None }
}

fn request(levels: Vec<GroupBy>) -> ValuesAggRequest {
    ValuesAggRequest {
        query: Query::All,
        levels,
        metrics: Vec::new(),
        size: 0,
        select: Vec::new(),
        sort: Vec::new(),
        places: false,
    }
}

async fn ask(index: &dyn Index, request: ValuesAggRequest) -> Groups {
    index.values_agg(request.clone()).await.unwrap_or_else(|error| panic!("{request:?}: {error}"))
}

fn shown(groups: &Groups) -> Vec<(Value, u64)> {
    groups.groups.iter().map(|group| (group.value.clone(), group.total)).collect()
}

fn sales() -> Table {
    Table::new(&[
        ("city", ColumnKind::Text),
        ("year", ColumnKind::Integer),
        ("price", ColumnKind::Number),
        ("day", ColumnKind::Date),
        ("open", ColumnKind::Boolean),
    ])
    .row(vec!["Lyon".into(), 2020.into(), 2.0.into(), Cell::Day(0), true.into()])
    .row(vec!["Paris".into(), 2020.into(), 10.0.into(), Cell::Day(31), true.into()])
    .row(vec!["Lyon".into(), 2021.into(), 4.5.into(), Cell::Day(120), false.into()])
    .row(vec!["Brest".into(), 2021.into(), Cell::None, Cell::Day(125), Cell::None])
    .row(vec![Cell::None, 2021.into(), 1.0.into(), Cell::None, Cell::None])
}

pub(super) async fn values_are_counted_and_cut(engine: &dyn SearchEngine) {
    let index = super::build(engine, "groups-values", &sales()).await;
    let found = ask(&*index, request(vec![level("city", Interval::Value)])).await;
    assert_eq!(shown(&found), [(json!("Lyon"), 2), (json!("Brest"), 1), (json!("Paris"), 1)]);
    assert_eq!((found.total, found.total_values, found.total_other), (5, 3, 1));

    let cut = GroupBy { size: 1, order: vec![(GroupOrder::Key, true)], ..level("city", Interval::Value) };
    let found = ask(&*index, request(vec![cut])).await;
    assert_eq!(shown(&found), [(json!("Paris"), 1)]);
    assert_eq!((found.total_values, found.total_other), (3, 4));

    let none = GroupBy { size: 0, ..level("city", Interval::Value) };
    assert_eq!(ask(&*index, request(vec![none])).await.total_values, 3);
    let open = ask(&*index, request(vec![level("open", Interval::Value)])).await;
    assert_eq!(shown(&open), [(json!("true"), 2), (json!("false"), 1)]);
}

pub(super) async fn levels_nest_and_carry_lines(engine: &dyn SearchEngine) {
    let index = super::build(engine, "groups-levels", &sales()).await;
    let levels = vec![level("year", Interval::Value), level("city", Interval::Value)];
    let metrics = vec![("price".to_owned(), Metric::Max, "metric".to_owned())];
    let select = vec!["price".to_owned()];
    let found = ask(&*index, ValuesAggRequest { metrics, size: 1, select, ..request(levels) }).await;
    assert_eq!(shown(&found), [(json!(2020), 2), (json!(2021), 3)], "by metric");
    assert_eq!(found.groups[0].metrics["metric"], json!(10));
    let inner = found.groups[1].inner.as_ref().expect("a second level");
    assert_eq!(shown(inner), [(json!("Lyon"), 1), (json!("Brest"), 1)], "groups without metric last");
    let line: Value = serde_json::from_slice(&inner.groups[0].lines[0]).expect("JSON");
    assert_eq!(line["price"], json!(4.5));
}

pub(super) async fn intervals_are_complete(engine: &dyn SearchEngine) {
    let index = super::build(engine, "groups-intervals", &sales()).await;
    let by_key = GroupBy { order: vec![(GroupOrder::Key, false)], ..level("price", Interval::Number(2.5)) };
    let found = ask(&*index, request(vec![by_key])).await;
    let expected = [(json!(0), 2), (json!(2.5), 1), (json!(5), 0), (json!(7.5), 0), (json!(10), 1)];
    assert_eq!(shown(&found), expected);

    let months = ask(&*index, request(vec![level("day", Interval::Calendar("month"))])).await;
    let days: Vec<(Value, u64)> =
        [("1970-01-01", 1), ("1970-02-01", 1), ("1970-03-01", 0), ("1970-04-01", 0)]
            .map(|(day, total)| (json!(day), total))
            .into_iter()
            .chain([(json!("1970-05-01"), 2)])
            .collect();
    assert_eq!(shown(&months), days);
}

pub(super) async fn calendar_units_follow_the_zone(engine: &dyn SearchEngine) {
    // Midnight in Paris is 23:00 UTC in winter and 22:00 in summer.
    let table = Table::new(&[("at", ColumnKind::DateTime)])
        .row(vec!["2021-03-27T23:30:00Z".into()])
        .row(vec!["2021-03-28T22:30:00Z".into()]);
    let index = super::build(engine, "groups-zone", &table).await;
    let days = ask(&*index, request(vec![level("at", Interval::Calendar("day"))])).await;
    let expected = [(json!("2021-03-28T00:00:00+01:00"), 1), (json!("2021-03-29T00:00:00+02:00"), 1)];
    assert_eq!(shown(&days), expected);
    let years = ask(&*index, request(vec![level("at", Interval::Calendar("year"))])).await;
    assert_eq!(shown(&years), [(json!("2021-01-01T00:00:00+01:00"), 2)]);
    let hours = ask(&*index, request(vec![level("at", Interval::Fixed(86_400_000))])).await;
    assert_eq!(hours.groups.iter().map(|group| group.total).sum::<u64>(), 2);
}

pub(super) async fn too_many_intervals_are_refused(engine: &dyn SearchEngine) {
    let index = super::build(engine, "groups-many", &sales()).await;
    let request = request(vec![level("price", Interval::Number(1e-6))]);
    assert!(matches!(index.values_agg(request).await, Err(SearchError::BadRequest(_))));
}

pub(super) async fn too_many_groups_are_refused(engine: &dyn SearchEngine) {
    let mut table = Table::new(&[("outer", ColumnKind::Integer), ("inner", ColumnKind::Integer)]);
    for outer in 0..110_i64 {
        for inner in 0..100_i64 {
            table = table.row(vec![outer.into(), inner.into()]);
        }
    }
    let index = super::build(engine, "groups-too-many", &table).await;
    let nested = |size| {
        let level = |column| GroupBy { size, ..level(column, Interval::Value) };
        request(vec![level("outer"), level("inner")])
    };
    assert_eq!(ask(&*index, nested(90)).await.groups.len(), 90);
    assert!(matches!(index.values_agg(nested(1_000)).await, Err(SearchError::BadRequest(_))));
}

pub(super) async fn missing_values_have_a_stand_in(engine: &dyn SearchEngine) {
    let index = super::build(engine, "groups-missing", &sales()).await;
    let stand_in = |column: &str, value| GroupBy { missing: Some(value), ..level(column, Interval::Value) };
    let text = |text: &str| Operand::Text(text.to_owned());
    let found = ask(&*index, request(vec![stand_in("city", text("Nantes"))])).await;
    assert_eq!(found.groups.iter().find(|group| group.value == "Nantes").map(|group| group.total), Some(1));
    assert_eq!((found.total_values, found.total_other), (4, 0));
    let found = ask(&*index, request(vec![stand_in("city", text("Lyon"))])).await;
    assert_eq!(shown(&found)[0], (json!("Lyon"), 3));
    let found = ask(&*index, request(vec![stand_in("price", Operand::Number(2.0))])).await;
    assert_eq!(shown(&found)[0], (json!(2), 2));
}

pub(super) async fn metrics_of_each_kind(engine: &dyn SearchEngine) {
    let index = super::build(engine, "groups-metrics", &sales()).await;
    let cases = [
        ("price", Metric::Avg, json!(4.375)),
        ("price", Metric::Sum, json!(17.5)),
        ("price", Metric::ValueCount, json!(4)),
        ("price", Metric::Stats, json!({"count": 4, "min": 1, "max": 10, "avg": 4.375, "sum": 17.5})),
        ("year", Metric::Cardinality, json!(2)),
        ("city", Metric::Min, json!("Brest")),
        ("city", Metric::Max, json!("Paris")),
        ("city", Metric::Cardinality, json!(3)),
        ("day", Metric::Max, json!("1970-05-06")),
        ("open", Metric::ValueCount, json!(3)),
    ];
    for (column, metric, expected) in cases {
        let found = index.metric(Query::All, column, metric, &[]).await.expect(column);
        assert_eq!(found, (5, expected), "{column} {metric:?}");
    }
    let found = index.metric(Query::All, "price", Metric::Percentiles, &[50.0]).await.expect("percentiles");
    assert_eq!(found.1, json!([{"key": 50, "value": 3.25}]));
    let none = index.metric(Query::Nothing, "price", Metric::Avg, &[]).await.expect("avg");
    assert_eq!(none, (0, Value::Null));
    let refused = index.metric(Query::All, "city", Metric::Avg, &[]).await;
    assert!(matches!(refused, Err(SearchError::BadRequest(_))), "{refused:?}");
}

pub(super) async fn summary_of_each_column(engine: &dyn SearchEngine) {
    let index = super::build(engine, "groups-summary", &sales()).await;
    let summary = index.summary().await.expect("summary");
    assert_eq!(summary.rows, 5);
    assert!(summary.bytes > 0);
    let city = &summary.columns[0];
    assert_eq!((city.key.as_str(), city.filled, city.cardinality), ("city", 4, 3));
    assert_eq!(city.values.as_ref().and_then(|values| values.first()), Some(&json!("Lyon")));
    let price = &summary.columns[2];
    assert_eq!((price.filled, price.cardinality), (4, 4));

    let names: Vec<String> = (0..3_000).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let index = super::build(engine, "groups-summary-many", &Table::of_texts(&names)).await;
    let column = index.summary().await.expect("summary").columns.remove(0);
    assert_eq!((column.cardinality, column.values), (3_000, None));
}
