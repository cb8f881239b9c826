//! Canonical rows as Parquet.

use halle_ingest::rows::{RowsReader, RowsWriter};
use halle_model::{Column, ColumnKind};

use crate::{Sample, lines_of};

const TABLE: &str = "t;i;n;b;d;z\nun;2;0,5;oui;1/2/2021;2021-02-23T10:27:50\n;3;1;non;;\n";

#[test]
fn rows_come_back_as_they_went_with_their_columns() {
    let sample = Sample::new("a.csv", TABLE);
    let analysis = sample.analyze().unwrap();
    let mut columns = analysis.columns.clone();
    columns.push(Column::new("territoire.region", ColumnKind::Text));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");

    let mut writer = RowsWriter::create(&path, &columns).unwrap();
    for batch in halle_ingest::read(&sample.path(), &analysis, &columns).unwrap() {
        writer.write(&batch.unwrap().rows).unwrap();
    }
    let summary = writer.finish().unwrap();
    assert_eq!((summary.rows, summary.bytes), (2, std::fs::metadata(&path).unwrap().len()));

    let reader = RowsReader::open(&path, None).unwrap();
    assert_eq!((reader.rows(), reader.columns()), (2, columns.as_slice()));
    let lines: Vec<String> = reader.flat_map(|batch| lines_of(&batch.unwrap())).collect();
    assert_eq!(
        lines,
        [
            "un | 2 | 0.5 | true | 2021-02-01 | 2021-02-23T10:27:50+01:00 | -",
            "- | 3 | 1.0 | false | - | - | -"
        ]
    );
}

#[test]
fn a_projection_gives_the_columns_asked_in_the_order_asked() {
    let sample = Sample::new("a.csv", TABLE);
    let analysis = sample.analyze().unwrap();
    let mut columns = analysis.columns.clone();
    columns.insert(0, Column::new("ext.i", ColumnKind::Text));
    let path = sample.folder.path().join("rows.parquet");
    let mut writer = RowsWriter::create(&path, &columns).unwrap();
    for batch in halle_ingest::read(&sample.path(), &analysis, &columns).unwrap() {
        writer.write(&batch.unwrap().rows).unwrap();
    }
    writer.finish().unwrap();

    let reader = RowsReader::open(&path, Some(&["n", "i", "ext.i"])).unwrap();
    let keys: Vec<&str> = reader.columns().iter().map(|column| column.key.as_str()).collect();
    assert_eq!(keys, ["n", "i", "ext.i"]);
    let lines: Vec<String> = reader.flat_map(|batch| lines_of(&batch.unwrap())).collect();
    assert_eq!(lines, ["0.5 | 2 | -", "1.0 | 3 | -"]);
    assert!(RowsReader::open(&path, Some(&["absent"])).err().unwrap().to_string().contains("absent"));
}

#[test]
fn a_file_that_was_not_finished_is_not_readable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    drop(RowsWriter::create(&path, &[Column::new("a", ColumnKind::Text)]).unwrap());
    assert!(RowsReader::open(&path, None).is_err());
}
