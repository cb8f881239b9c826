//! Files of lines, and documents.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use halle_base::limits::BATCH_ROWS_MAX;
use halle_ingest::{Analysis, Options, analyze, read};

/// Delimited text: its encoding, its dialect, its types. What was found in every value fits every value.
pub fn csv(input: &[u8]) {
    file("a.csv", input, true);
}

/// A zipped shapefile, or an archive of anything else.
pub fn zip(input: &[u8]) {
    file("a.zip", input, false);
}

/// Features of GeoJSON.
pub fn geojson(input: &[u8]) {
    file("a.geojson", input, false);
}

/// A workbook.
pub fn workbook(input: &[u8]) {
    file("a.xlsx", input, false);
}

/// A database of SQLite with features.
pub fn geopackage(input: &[u8]) {
    file("a.gpkg", input, false);
}

/// The text of a PDF.
pub fn pdf(input: &[u8]) {
    document("a.pdf", input);
}

/// The text of an RTF.
pub fn rtf(input: &[u8]) {
    document("a.rtf", input);
}

/// Zipped shapefiles.
pub fn zip_seeds() -> Vec<Vec<u8>> {
    fixtures(".shp.zip")
}

/// Workbooks.
pub fn workbook_seeds() -> Vec<Vec<u8>> {
    fixtures(".xlsx")
}

/// GeoPackages.
pub fn geopackage_seeds() -> Vec<Vec<u8>> {
    fixtures(".gpkg")
}

/// Fixtures of the tests whose names end so.
fn fixtures(end: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ingest/tests/fixtures");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(end));
    paths.sort();
    assert!(!paths.is_empty(), "no fixture in {} ends in {end}", folder.display());
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

/// One folder for all files: nothing but this process looks into it. Who started the process removes it.
static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("the folder of temporary files can be written"));

/// Analyses a file and reads every row. What was found out is the same after it was stored; batches are bounded and their
/// lines go up. `typed` says that no value can be a problem, because types are those of all values.
fn file(name: &str, input: &[u8], typed: bool) {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, input).expect("the folder of temporary files can be written");
    let Ok(analysis) = analyze(&path, name, &Options::default()) else { return };
    let stored = serde_json::to_string(&analysis).expect("an analysis can be stored");
    let found: Analysis = serde_json::from_str(&stored).expect("a stored analysis can be read");
    assert_eq!(found, analysis, "an analysis that was stored");
    let Ok(rows) = read(&path, &analysis, &analysis.columns) else { return };
    let mut count = 0;
    for batch in rows {
        let Ok(batch) = batch else { return };
        let rows = batch.rows.num_rows();
        assert!(rows <= BATCH_ROWS_MAX, "a batch of {rows} rows");
        assert_eq!(batch.lines.len(), rows, "lines of a batch");
        assert!(batch.lines.is_sorted(), "lines of a batch: {:?}", batch.lines);
        assert!(!typed || batch.problems_total == 0, "{:?}", batch.problems);
        count += rows as u64;
    }
    assert_eq!(count, analysis.rows, "rows that were counted, and rows that were read");
}

/// Reads the text of a document. A panic that its reader keeps to itself is one all the same.
fn document(name: &str, input: &[u8]) {
    if let Err(error) = halle_ingest::document::text(name, input) {
        assert!(!error.to_string().contains("interrompue"), "the reader of {name} panicked");
    }
}
