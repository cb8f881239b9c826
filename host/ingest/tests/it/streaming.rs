//! Many rows: batches stay small, lines stay right.

use std::fmt::Write as _;

use halle_base::limits::BATCH_ROWS_MAX;
use halle_ingest::read;

use crate::{Sample, kinds};

#[test]
fn many_rows_come_in_small_batches_with_their_lines() {
    const ROWS: usize = 200_000;
    let mut text = "id;nom;montant\n".to_owned();
    for n in 0..ROWS {
        writeln!(text, "{n};commune {n};{n},5").unwrap();
    }
    let sample = Sample::new("a.csv", text);
    let analysis = sample.analyze().unwrap();
    assert_eq!(kinds(&analysis.columns), "id:integer nom:text montant:number");
    assert_eq!((analysis.rows, analysis.dialect.as_ref().unwrap().num_lines), (ROWS as u64, ROWS as u64 + 1));
    let (mut rows, mut batches) = (0, 0);
    for batch in read(&sample.path(), &analysis, &analysis.columns).unwrap() {
        let batch = batch.unwrap();
        assert!(batch.rows.num_rows() <= BATCH_ROWS_MAX);
        assert_eq!(batch.first_line, rows as u64 + 2);
        rows += batch.rows.num_rows();
        batches += 1;
    }
    assert_eq!((rows, batches), (ROWS, ROWS.div_ceil(BATCH_ROWS_MAX)));
}

#[test]
fn long_rows_make_smaller_batches() {
    let row = format!("{}\n", "x".repeat(512 << 10));
    let sample = Sample::new("a.csv", format!("texte\n{}", row.repeat(20)));
    let analysis = sample.analyze().unwrap();
    let sizes: Vec<usize> = read(&sample.path(), &analysis, &analysis.columns)
        .unwrap()
        .map(|batch| batch.unwrap().rows.num_rows())
        .collect();
    assert_eq!(sizes, [8, 8, 4]);
}

#[test]
fn an_error_late_in_the_file_ends_the_rows() {
    let mut text = "a;b\n".to_owned();
    for n in 0..5_000 {
        writeln!(text, "{n};x").unwrap();
    }
    let sample = Sample::new("a.csv", &text);
    let analysis = sample.analyze().unwrap();
    std::fs::write(sample.path(), text + "1;2;3\n").unwrap();
    let mut rows = read(&sample.path(), &analysis, &analysis.columns).unwrap();
    assert!(rows.next().unwrap().is_ok());
    assert_eq!(rows.next().unwrap().unwrap_err().line(), Some(5_002));
    assert!(rows.next().is_none());
}
