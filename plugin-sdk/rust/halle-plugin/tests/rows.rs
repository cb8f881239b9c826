//! Rows written by a plugin are the rows that a plugin reads.

use halle_plugin::{BatchBuilder, Cell, Field, Kind, Rows};
use serde_json::json;

#[test]
fn what_is_written_is_read_back() {
    let fields = [
        Field::new("name", Kind::Text),
        Field::new("size", Kind::Number),
        Field::new("open", Kind::Boolean),
        Field::new("day", Kind::Date),
        Field::new("seen", Kind::DateTime),
    ];
    let mut out = BatchBuilder::new(&fields);
    let first =
        [json!("Été"), json!(1.5), json!(true), json!("2024-02-29"), json!("2024-02-29T10:00:00+01:00")];
    assert_eq!(out.push_json(&first.each_ref()), Ok(Vec::new()));
    out.push_missing().unwrap();
    for _ in 0..9 {
        out.push([Cell::Text("x"), 2_i64.into(), false.into(), Cell::Date(0), Cell::DateTime(0)]).unwrap();
    }
    let batch = out.finish();
    let rows = Rows::new(&fields, &batch).unwrap();
    assert_eq!(rows.len(), 11);
    let expected = json!({ "name": "Été", "size": 1.5, "open": true, "day": "2024-02-29", "seen": "2024-02-29T09:00:00Z" });
    assert_eq!(json!(rows.json(0)), expected);
    assert_eq!(json!(rows.json(1)), json!({}));
    assert_eq!(rows.column("size").unwrap().number(10), Some(2.0));
    assert_eq!(batch.columns[0].valid, [0b1111_1101, 0b0000_0111]);
}

#[test]
fn a_value_of_the_wrong_kind_names_its_column() {
    let fields = [Field::new("size", Kind::Integer)];
    let mut out = BatchBuilder::new(&fields);
    let problem = out.push([Cell::Text("grand")]).unwrap_err();
    assert_eq!((problem.code.as_str(), problem.message.contains("size")), ("batch/kind", true));
    assert_eq!(out.push_json(&[&json!("grand")]).unwrap()[0].code, "value/kind");
    assert_eq!(out.finish().rows, 1, "the row is there, without its value");
}

#[test]
fn a_missing_value_is_missing_wherever_it_is() {
    let fields = [Field::new("name", Kind::Text), Field::new("always", Kind::Integer)];
    for missing in 0..20 {
        let mut out = BatchBuilder::new(&fields);
        for row in 0..20_i64 {
            let name = (row != missing).then_some("Brest");
            out.push([name.into(), row.into()]).unwrap();
        }
        let batch = out.finish();
        let rows = Rows::new(&fields, &batch).unwrap();
        let names = rows.column("name").unwrap();
        for row in 0..20 {
            assert_eq!(names.cell(row) == Cell::Null, row as i64 == missing, "row {row} without {missing}");
        }
        assert!(batch.columns[1].valid.is_empty(), "a column that has every value needs no bitmap");
    }
}
