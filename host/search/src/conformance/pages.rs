//! Pages of lines.

use arrow::array::AsArray as _;
use arrow::datatypes::{Date32Type, Int64Type};
use futures::TryStreamExt as _;
use halle_model::ColumnKind;
use serde_json::json;

use super::table::{Cell, Table, ask, numbers, numbers_sorted, request};
use crate::ast::{Bound, Operand, SortBy};
use crate::engine::{LineFields, LinesRequest, ScanRequest, SearchEngine, SearchError};
use crate::{Query, SortKey};

fn kinds() -> Table {
    let at = "2021-02-23T10:27:50+01:00";
    Table::new(&[
        ("text", ColumnKind::Text),
        ("int", ColumnKind::Integer),
        ("num", ColumnKind::Number),
        ("bool", ColumnKind::Boolean),
        ("day", ColumnKind::Date),
        ("at", ColumnKind::DateTime),
        ("json", ColumnKind::Object),
    ])
    .row(vec![
        "a \"b\"\n".into(),
        3.into(),
        1.0.into(),
        true.into(),
        Cell::Day(1),
        at.into(),
        r#"{"b":[1]}"#.into(),
    ])
    .row(vec![Cell::None; 7])
    .row(vec![
        "é".into(),
        (-4).into(),
        0.25.into(),
        false.into(),
        Cell::Day(-1),
        "2020-01-01T00:00:00Z".into(),
        "[]".into(),
    ])
}

fn text(value: &str) -> Operand {
    Operand::Text(value.to_owned())
}

fn is_in(column: &str, values: &[Operand]) -> Query {
    Query::In { column: column.to_owned(), values: values.to_vec() }
}

pub(super) async fn lines_are_json_in_the_order_of_the_file(engine: &dyn SearchEngine) {
    let index = super::build(engine, "pages-kinds", &kinds()).await;
    assert_eq!(index.rows(), 3);
    let plain = LinesRequest { fields: LineFields::default(), ..request(&*index, Query::All) };
    let page = index.lines(plain).await.expect("lines");
    assert_eq!(page.total, Some(3));
    assert_eq!(page.next, None, "the page is not full");
    let lines: Vec<&str> = page.lines.iter().map(|line| std::str::from_utf8(line).expect("UTF-8")).collect();
    assert_eq!(
        lines,
        [
            r#"{"text":"a \"b\"\n","int":3,"num":1,"bool":true,"day":"1970-01-02","at":"2021-02-23T10:27:50+01:00","json":{"b":[1]}}"#,
            "{}",
            r#"{"text":"é","int":-4,"num":0.25,"bool":false,"day":"1969-12-31","at":"2020-01-01T00:00:00Z","json":[]}"#,
        ]
    );
}

pub(super) async fn fields_beside_the_columns(engine: &dyn SearchEngine) {
    let index = super::build(engine, "pages-fields", &kinds()).await;
    let fields = LineFields { id: true, line: true, random: true, score: true, distance: false };
    let select = vec!["int".to_owned()];
    let lines = ask(&*index, LinesRequest { fields, select, ..request(&*index, Query::All) }).await;
    assert_eq!(lines[0]["_i"], 1);
    assert_eq!(lines[0]["_score"], json!(null));
    assert!((0..1_000_000).contains(&lines[0]["_rand"].as_i64().expect("a number")));
    assert_ne!(lines[0]["_rand"], lines[2]["_rand"]);

    let id = lines[2]["_id"].as_str().expect("a text");
    let line = index.line(id).await.expect("line").expect("a line of this identifier");
    let line: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
    assert_eq!((&line["text"], &line["_i"]), (&json!("é"), &json!(3)));
    assert_eq!(numbers(&*index, is_in("_id", &[text(id)])).await, [3]);
    assert_eq!(index.line("nobody").await.expect("line"), None);

    let nothing = LinesRequest { size: 0, ..request(&*index, Query::All) };
    let page = index.lines(nothing).await.expect("lines");
    assert_eq!((page.total, page.lines.len(), page.next), (Some(3), 0, None));
}

pub(super) async fn filters(engine: &dyn SearchEngine) {
    let index = super::build(engine, "pages-filters", &kinds()).await;
    let range = |column: &str, lower, upper| Query::Range { column: column.to_owned(), lower, upper };
    let wildcard = |pattern: &str| Query::Wildcard { column: "text".to_owned(), pattern: pattern.to_owned() };
    let cases = [
        (is_in("text", &[text("é"), text("x")]), vec![3]),
        (is_in("int", &[Operand::Integer(3)]), vec![1]),
        (is_in("num", &[Operand::Number(0.25)]), vec![3]),
        (is_in("bool", &[Operand::Boolean(false)]), vec![3]),
        (is_in("day", &[Operand::Day(1)]), vec![1]),
        (is_in("at", &[Operand::Instant(1_577_836_800_000)]), vec![3]),
        (is_in("int", &[]), vec![]),
        (range("int", Bound::Excluded(Operand::Integer(-4)), Bound::None), vec![1]),
        (range("num", Bound::None, Bound::Included(Operand::Number(1.0))), vec![1, 3]),
        (range("text", Bound::Included(text("b")), Bound::None), vec![3]),
        (range("at", Bound::None, Bound::Excluded(Operand::Instant(1_600_000_000_000))), vec![3]),
        (Query::Prefix { column: "text".to_owned(), prefix: "a \"".to_owned() }, vec![1]),
        (wildcard("*b*"), vec![1]),
        (wildcard("?"), vec![3]),
        (Query::Exists { column: "json".to_owned() }, vec![1, 3]),
        (Query::Not(Box::new(is_in("text", &[text("é")]))), vec![1, 2]),
        (is_in("_i", &[Operand::Integer(2)]), vec![2]),
        (Query::Nothing, vec![]),
    ];
    for (query, expected) in cases {
        let told = format!("{query:?}");
        assert_eq!(numbers(&*index, query).await, expected, "{told}");
    }
}

pub(super) async fn values_of_multivalued_columns_match_one_by_one(engine: &dyn SearchEngine) {
    let mut table = Table::of_texts(&["a ; b", "b", "ab", "c;a"]);
    table.columns[0].separator = Some(" ; ".to_owned());
    let index = super::build(engine, "pages-multivalued", &table).await;
    assert_eq!(numbers(&*index, is_in("text", &[text("a")])).await, [1, 4]);
    assert_eq!(numbers(&*index, is_in("text", &[text("b")])).await, [1, 2]);
    let prefix = Query::Prefix { column: "text".to_owned(), prefix: "a".to_owned() };
    assert_eq!(numbers(&*index, prefix).await, [1, 3, 4]);
}

fn by(column: &str, descending: bool) -> Vec<SortKey> {
    vec![SortKey { by: SortBy::Column(column.to_owned()), descending }]
}

pub(super) async fn texts_sort_folded_then_by_code_points(engine: &dyn SearchEngine) {
    let mut table = Table::of_texts(&["zzz", "bbb", "aaa", "ééé", "AAA", "eee", "BBB"]);
    let index = super::build(engine, "pages-folded", &table).await;
    assert_eq!(numbers_sorted(&*index, Query::All, by("text", false)).await, [5, 3, 7, 2, 6, 4, 1]);
    table.columns[0].capabilities.insensitive = Some(false);
    let index = super::build(engine, "pages-raw", &table).await;
    assert_eq!(numbers_sorted(&*index, Query::All, by("text", false)).await, [5, 7, 3, 2, 6, 1, 4]);
}

pub(super) async fn missing_values_sort_last(engine: &dyn SearchEngine) {
    let index = super::build(engine, "pages-missing", &kinds()).await;
    for column in ["text", "int", "num", "bool", "day", "at"] {
        let up = numbers_sorted(&*index, Query::All, by(column, false)).await;
        let down = numbers_sorted(&*index, Query::All, by(column, true)).await;
        assert_eq!((up[2], down[2]), (2, 2), "{column}");
        assert_eq!((up[0], up[1]), (down[1], down[0]), "{column}");
    }
    let random = [SortKey { by: SortBy::Random, descending: false }];
    let first = numbers_sorted(&*index, Query::All, random.to_vec()).await;
    assert_eq!(first, numbers_sorted(&*index, Query::All, random.to_vec()).await, "_rand is stable");
}

pub(super) async fn boxes_and_distances(engine: &dyn SearchEngine) {
    let pair = Table::new(&[("lat", ColumnKind::Number), ("lon", ColumnKind::Number)])
        .concept("lat", "http://schema.org/latitude")
        .concept("lon", "http://schema.org/longitude")
        .row(vec![48.8566.into(), 2.3522.into()])
        .row(vec![45.764.into(), 4.8357.into()])
        .row(vec![Cell::None, 1.0.into()])
        .row(vec![99.0.into(), 1.0.into()]);
    let joined = Table::of_texts(&["48.8566, 2.3522", "45.764,4.8357", "", "99,1"])
        .concept("text", "http://www.w3.org/2003/01/geo/wgs84_pos#lat_long");
    for (name, table) in [("pages-pair", pair), ("pages-joined", joined)] {
        let index = super::build(engine, name, &table).await;
        assert_eq!(numbers(&*index, Query::Box([4.0, 45.0, 5.0, 46.0])).await, [2]);
        assert_eq!(index.bbox(Query::All).await.expect("bbox"), Some([2.3522, 45.764, 4.8357, 48.8566]));
        assert_eq!(index.bbox(Query::Nothing).await.expect("bbox"), None);

        let near = Query::Near { lon: 4.8, lat: 45.7, metres: 500_000.0 };
        let fields = LineFields { line: true, distance: true, ..LineFields::default() };
        let lines = ask(&*index, LinesRequest { fields, ..request(&*index, near) }).await;
        let found: Vec<i64> = lines.iter().filter_map(|line| line["_i"].as_i64()).collect();
        assert_eq!(found, [2, 1], "the nearest first");
        let metres = lines[0]["_geo_distance"].as_f64().expect("a distance");
        assert!((7_000.0..8_000.0).contains(&metres), "{metres}");
        let place = [SortKey { by: SortBy::Distance { lon: 2.0, lat: 48.0 }, descending: false }];
        let all = numbers_sorted(&*index, Query::All, place.to_vec()).await;
        assert_eq!(all, [1, 2, 3, 4], "lines without point come last");
        let point = LinesRequest { select: vec!["_geopoint".to_owned()], ..request(&*index, Query::All) };
        let lines = ask(&*index, point).await;
        assert_eq!(lines[0]["_geopoint"], "48.8566,2.3522");
        assert_eq!(lines[3].get("_geopoint"), None, "a latitude of 99 is no place");
    }
}

pub(super) async fn unknown_columns_are_named(engine: &dyn SearchEngine) {
    let index = super::build(engine, "pages-unknown", &kinds()).await;
    let requests = [
        request(&*index, Query::Exists { column: "nowhere".to_owned() }),
        LinesRequest { sort: by("nowhere", false), ..request(&*index, Query::All) },
        LinesRequest { select: vec!["nowhere".to_owned()], ..request(&*index, Query::All) },
    ];
    for request in requests {
        match index.lines(request).await {
            Err(SearchError::BadRequest(text)) => assert!(text.contains("nowhere"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
    let after = LinesRequest { after: Some(vec![json!("x"), json!(1)]), ..request(&*index, Query::All) };
    let error = index.lines(after).await.expect_err("a cursor of another order");
    assert_eq!(error.to_string(), "\"after\" parameter is malformed");
}

pub(super) async fn scans_give_typed_columns(engine: &dyn SearchEngine) {
    let index = super::build(engine, "pages-scan", &kinds()).await;
    let select = ["_i", "day", "at"].map(str::to_owned).to_vec();
    let scan = ScanRequest { query: Query::All, sort: by("int", false), select, limit: Some(2) };
    let batches: Vec<_> = index.scan(scan).await.expect("scan").try_collect().await.expect("batches");
    let rows: usize = batches.iter().map(arrow::record_batch::RecordBatch::num_rows).sum();
    assert_eq!(rows, 2);
    let batch = &batches[0];
    assert_eq!(batch.schema().field(2).name(), "at");
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[3, 1]);
    assert_eq!(batch.column(1).as_primitive::<Date32Type>().values(), &[-1, 1]);
    assert_eq!(batch.column(2).as_string::<i32>().value(1), "2021-02-23T10:27:50+01:00");
}
