//! Every format: what it gives, and what it says of a file that is broken.

mod calendar;
mod json;
mod parquet;
mod shapes;
mod sheets;

use std::io::{Cursor, Write};
use std::sync::LazyLock;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use crate::{Sample, fixture};

/// A zip of these files.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Asserts that a file is refused in words that hold these.
fn refused(name: &str, bytes: impl AsRef<[u8]>, words: &[&str]) {
    let error = Sample::new(name, bytes).refusal();
    assert!(error.is_about_the_file(), "{name}: {error}");
    for word in words {
        assert!(error.to_string().contains(word), "{name}: « {error} » does not say « {word} »");
    }
}

/// A whole file of each format.
static WHOLE_FILES: LazyLock<Vec<(&'static str, Vec<u8>)>> = LazyLock::new(whole_files);

fn whole_files() -> Vec<(&'static str, Vec<u8>)> {
    let mut files = vec![
        ("a.json", json::ARRAY.as_bytes().to_vec()),
        ("a.ndjson", json::LINES.as_bytes().to_vec()),
        ("a.geojson", json::COLLECTION.as_bytes().to_vec()),
        ("a.fods", sheets::FODS.as_bytes().to_vec()),
        ("a.ods", zipped(&[("content.xml", sheets::FODS.as_bytes())])),
    ];
    for name in [
        "communes.xlsx",
        "communes.xls",
        "communes.dbf",
        "communes.gpkg",
        "communes.shp.zip",
        "zones.shp.zip",
    ] {
        files.push((name, fixture(name)));
    }
    files.extend([
        ("a.kml", shapes::KML.as_bytes().to_vec()),
        ("a.kmz", zipped(&[("doc.kml", shapes::KML.as_bytes())])),
        ("a.ics", calendar::ICS.as_bytes().to_vec()),
        ("a.gpx", shapes::GPX.as_bytes().to_vec()),
        ("a.parquet", parquet::file(::parquet::basic::Compression::SNAPPY)),
    ]);
    files
}

/// Reads a file that may be anything: it is read or refused, and nothing else happens.
fn survives(name: &str, bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let sample = Sample::new(name, bytes);
    match sample.analyze() {
        Ok(analysis) => {
            let (_, problems) = sample.rows(&analysis, &analysis.columns);
            prop_assert_eq!(problems, [], "what the analysis decided fits every value");
        }
        Err(error) => prop_assert!(error.is_about_the_file(), "{name}: {error}"),
    }
    Ok(())
}

#[test]
fn every_whole_file_is_read() {
    for (name, bytes) in WHOLE_FILES.iter() {
        let (columns, rows) = Sample::new(name, bytes).table();
        assert!(!columns.is_empty() && !rows.is_empty(), "{name}");
    }
}

#[test]
fn a_file_cut_anywhere_is_read_or_refused() {
    for (name, bytes) in WHOLE_FILES.iter() {
        for step in 0..40 {
            let cut = bytes[..bytes.len() * step / 40].to_vec();
            survives(name, cut).unwrap_or_else(|error| panic!("{name} cut at {step}/40: {error}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (name, mut bytes) = WHOLE_FILES[which.index(WHOLE_FILES.len())].clone();
        for (at, byte) in damages {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(name, bytes)?;
    }

    #[test]
    fn random_bytes_are_read_or_refused(
        which in any::<prop::sample::Index>(),
        kept in 0_usize..64,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let (name, whole) = &WHOLE_FILES[which.index(WHOLE_FILES.len())];
        // The beginning of a real file, so that readers go further than the first bytes.
        let mut mixed = whole[..kept.min(whole.len())].to_vec();
        mixed.extend(bytes);
        survives(name, mixed)?;
    }
}
