//! Parquet, written by the library that reads it, in forms that our own writer never uses.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array,
    Int64Array, ListArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::refused;
use crate::Sample;

fn written(columns: Vec<(&str, ArrayRef)>, compression: Compression, geo: Option<&str>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    );
    let batch = batch.unwrap();
    let pairs = geo.map(|geo| vec![KeyValue::new("geo".to_owned(), geo.to_owned())]);
    let properties =
        WriterProperties::builder().set_compression(compression).set_key_value_metadata(pairs).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// A file of every type that others write.
pub(super) fn file(compression: Compression) -> Vec<u8> {
    let moments = || TimestampMicrosecondArray::from(vec![Some(1_614_075_670_000_000), None]);
    let amounts = Decimal128Array::from(vec![Some(1_250), Some(-7)]).with_precision_and_scale(10, 2).unwrap();
    let town: DictionaryArray<Int32Type> = vec!["Paris", "Lyon"].into_iter().collect();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None]);
    let members = StructArray::from(vec![(
        Arc::new(Field::new("rue", DataType::Utf8, true)),
        Arc::new(StringArray::from(vec!["A", "B"])) as ArrayRef,
    )]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("code", Arc::new(StringArray::from(vec!["12", "34"]))),
        ("jour écrit", Arc::new(StringArray::from(vec!["2021-02-23", "2021-02-24"]))),
        ("n", Arc::new(Int64Array::from(vec![Some(1), Some(0)]))),
        ("x", Arc::new(Float64Array::from(vec![Some(0.5), Some(f64::NAN)]))),
        ("vrai", Arc::new(BooleanArray::from(vec![Some(true), Some(false)]))),
        ("jour", Arc::new(Date32Array::from(vec![Some(18_681), None]))),
        ("local", Arc::new(moments())),
        ("instant", Arc::new(moments().with_timezone("Europe/Paris"))),
        ("montant", Arc::new(amounts)),
        ("ville", Arc::new(town)),
        ("liste", Arc::new(lists)),
        ("adresse", Arc::new(members)),
        ("octets", Arc::new(BinaryArray::from(vec!["été".as_bytes(), &[0xff]]))),
    ];
    written(columns, compression, None)
}

#[test]
fn the_types_of_the_file_are_kept() {
    let compressions = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::GZIP(GzipLevel::default()),
    ];
    for compression in compressions {
        let (columns, rows) = Sample::new("a.parquet", file(compression)).table();
        assert_eq!(
            columns,
            "code:text jour_ecrit:date n:integer x:number vrai:boolean jour:date local:date-time instant:date-time \
             montant:number ville:text liste:text adresserue:text octets:text"
        );
        assert_eq!(
            rows,
            "12 | 2021-02-23 | 1 | 0.5 | true | 2021-02-23 | 2021-02-23T10:21:10+01:00 | 2021-02-23T10:21:10Z | 12.5 | Paris | [1,null] | A | été\n\
             34 | 2021-02-24 | 0 | - | false | - | - | - | -0.07 | Lyon | - | B | -"
        );
    }
}

#[test]
fn geometries_of_geoparquet_are_brought_to_degrees() {
    let mut point = vec![1, 1, 0, 0, 0];
    point.extend(652_298.413_2_f64.to_le_bytes());
    point.extend(6_861_633.010_7_f64.to_le_bytes());
    let columns = || -> Vec<(&str, ArrayRef)> {
        vec![
            ("forme", Arc::new(BinaryArray::from(vec![Some(point.as_slice()), None]))),
            ("nom", Arc::new(StringArray::from(vec!["Paris", "Nulle part"]))),
        ]
    };
    let geo = |crs: &str| {
        format!(
            r#"{{"version":"1.1.0","primary_column":"forme","columns":{{"forme":{{"encoding":"WKB","crs":{crs}}}}}}}"#
        )
    };
    let told = geo(r#"{"id":{"authority":"EPSG","code":2154}}"#);
    let bytes = written(columns(), Compression::SNAPPY, Some(&told));
    let (columns_found, rows) = Sample::new("a.parquet", bytes).table();
    assert_eq!(columns_found, "nom:text geometry:object");
    assert_eq!(rows, "Paris | {\"type\":\"Point\",\"coordinates\":[2.34992,48.85297]}\nNulle part | -");
    let unknown = geo(r#"{"id":{"authority":"IAU","code":49900}}"#);
    refused(
        "a.parquet",
        written(columns(), Compression::SNAPPY, Some(&unknown)),
        &["« IAU:49900 » est inconnu"],
    );
    refused(
        "a.parquet",
        written(columns(), Compression::SNAPPY, Some(&geo("null"))),
        &["ligne 1", "« projection »"],
    );
}

#[test]
fn broken_files_are_refused() {
    let whole = file(Compression::SNAPPY);
    refused("a.parquet", &whole[..whole.len() - 1], &["le fichier Parquet", "endommagé"]);
    refused("a.parquet", b"code;nom", &["le fichier Parquet"]);
}
