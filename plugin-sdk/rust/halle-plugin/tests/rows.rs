//! Rows written by a plugin are the rows that a plugin reads.

use halle_plugin::{Batch, BatchBuilder, Cell, Column, Field, Kind, Rows};
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

/// A column of each kind, and a row for them in which a value is missing now and then.
const KINDS: [Kind; 6] = [Kind::Text, Kind::Integer, Kind::Number, Kind::Boolean, Kind::Date, Kind::DateTime];

fn row_of_every_kind(row: i32) -> [Cell<'static>; 6] {
    let texts = ["", "Brest", "Provence-Alpes-Côte d'Azur", "CU du Grand Reims"];
    let cells = [
        Cell::Text(texts[row as usize % 4]),
        Cell::Integer(row.into()),
        Cell::Number(0.5),
        Cell::Boolean(row % 2 == 0),
        Cell::Date(row),
        Cell::DateTime(row.into()),
    ];
    let mut column = 0;
    cells.map(|cell| {
        column += 1;
        if row % (column + 4) == 3 { Cell::Null } else { cell }
    })
}

#[test]
fn a_row_that_does_not_fit_leaves_nothing() {
    let fields = KINDS.map(|kind| Field::new(kind.as_str(), kind));
    for (bad, wrong) in KINDS.iter().enumerate() {
        let (mut out, mut expected) = (BatchBuilder::new(&fields), BatchBuilder::new(&fields));
        for row in 0..40 {
            let mut cells = row_of_every_kind(row);
            out.push(cells).unwrap();
            expected.push(cells).unwrap();
            // What comes before it has values, and none.
            cells[bad] = if *wrong == Kind::Text { Cell::Integer(1) } else { Cell::Text("x") };
            let problem = out.push(cells).unwrap_err();
            assert_eq!(problem.code, "batch/kind");
            assert!(problem.message.contains(wrong.as_str()), "{}", problem.message);
            assert_eq!(out.push(&cells[..5]).unwrap_err().code, "batch/columns");
        }
        assert_eq!(out.finish(), expected.finish(), "refused for its {wrong:?}");
    }
}

#[test]
fn columns_made_one_by_one_are_those_of_the_rows() {
    let fields = KINDS.map(|kind| Field::new(kind.as_str(), kind));
    for rows in [0, 1, 7, 8, 9, 200] {
        let mut by_row = BatchBuilder::new(&fields);
        (0..rows).for_each(|row| by_row.push(row_of_every_kind(row)).unwrap());
        let columns = (0..KINDS.len())
            .map(|column| Column::of(&fields[column], (0..rows).map(|row| row_of_every_kind(row)[column])));
        let columns = columns.collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!(Batch::of_columns(rows as usize, columns).unwrap(), by_row.finish(), "{rows} rows");
    }
}

#[test]
fn a_column_that_does_not_fit_is_refused() {
    let cells = |column: usize, rows: i32| (0..rows).map(move |row| row_of_every_kind(row)[column]);
    for (column, kind) in KINDS.iter().enumerate() {
        let field = Field::new("size", *kind);
        let wrong = if *kind == Kind::Text { Cell::Integer(1) } else { Cell::Text("grand") };
        let problem = Column::of(&field, cells(column, 3).chain([wrong, Cell::Null])).unwrap_err();
        assert_eq!((problem.code.as_str(), problem.message.contains("size")), ("batch/kind", true));
        let made = Column::of(&field, cells(column, 12)).unwrap();
        assert!(Batch::of_columns(12, vec![made.clone()]).is_ok());
        assert_eq!(Batch::of_columns(20, vec![made]).unwrap_err().code, "batch/columns");
    }
}
