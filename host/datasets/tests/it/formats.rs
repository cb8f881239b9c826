//! Every format through the API: what is uploaded, what is read, what can be taken back.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use axum::http::Method;
use halle_ingest::rows::{RowsWriter, arrow_schema};
use halle_model::{Column, ColumnKind};
use serde_json::{Value, json};

use crate::harness::{Harness, admin, stranger};

/// A file, and what a client sees of it once it is served.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    /// `originalFile.mimetype`.
    mimetype: &'static str,
    total: u64,
    /// A member of the first line.
    first: (&'static str, Value),
}

impl Case {
    fn new(
        name: &'static str,
        mimetype: &'static str,
        bytes: impl Into<Vec<u8>>,
        total: u64,
        key: &'static str,
        value: impl Into<Value>,
    ) -> Self {
        Self { name, bytes: bytes.into(), mimetype, total, first: (key, value.into()) }
    }

    /// Whether the reference would convert it.
    fn is_converted(&self) -> bool {
        !["a.tsv", "a.txt", "a.geojson"].contains(&self.name)
    }
}

/// A fixture of the readers' own tests, whose script tells what is in it.
fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ingest/tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

const FEATURES: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"nom":"Ambérieu","pop":14134},"geometry":{"type":"Point","coordinates":[5.359,45.9608]}}]}"#;

const SHEET: &str = r#"<a><table name="t"><table-row><table-cell><p>nom</p></table-cell></table-row><table-row><table-cell><p>Ambérieu</p></table-cell></table-row></table></a>"#;

const EVENT: &str = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20240229T100000Z\nSUMMARY:Conseil\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\nEND:VCALENDAR\n";

const PLACEMARK: &str = "<kml><Placemark><name>Ambérieu</name><Point><coordinates>5.359,45.9608</coordinates></Point></Placemark></kml>";

const WAYPOINT: &str = r#"<gpx><wpt lat="45.9608" lon="5.359"><name>Ambérieu</name></wpt></gpx>"#;

fn tables() -> Vec<Case> {
    let excel = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let flat = "application/vnd.oasis.opendocument.spreadsheet-flat-xml";
    let open = "application/vnd.oasis.opendocument.spreadsheet";
    let (xlsx, xls, dbf) = (fixture("communes.xlsx"), fixture("communes.xls"), fixture("communes.dbf"));
    let ods = zipped(&[("content.xml", SHEET.as_bytes())]);
    let wrapped = zipped(&[("communes.xlsx", &xlsx)]);
    let gzip = gzipped(b"code,n\n01004,5\n");
    vec![
        Case::new("a.tsv", "text/tab-separated-values", "code\tn\n01004\t5\n", 1, "n", 5),
        Case::new("a.txt", "text/plain", "code|n\n01004|5\n", 1, "code", "01004"),
        Case::new("a.csv.gz", "application/gzip", gzip, 1, "code", "01004"),
        Case::new("a.json", "application/json", "[{\"n\": 5}, {\"n\": 6}]", 2, "n", 5),
        Case::new("a.ndjson", "application/x-ndjson", "{\"n\": 5}\n", 1, "n", 5),
        Case::new("a.xlsx", excel, xlsx, 3, "code", "01004"),
        Case::new("a.zip", "application/zip", wrapped, 3, "maj", "2021-02-23T00:00:00.000Z"),
        Case::new("a.xls", "application/vnd.ms-excel", xls, 3, "population", 14134),
        Case::new("a.ods", open, ods, 1, "nom", "Ambérieu"),
        Case::new("a.fods", flat, SHEET, 1, "nom", "Ambérieu"),
        Case::new("a.dbf", "application/dbase", dbf, 3, "maj", "2021-02-23"),
        Case::new("a.parquet", "application/vnd.apache.parquet", parquet(), 2, "code", "12"),
        Case::new("a.ics", "text/calendar", EVENT, 2, "dtstart", "2024-02-29T10:00:00Z"),
    ]
}

fn features() -> Vec<Case> {
    let kmz = zipped(&[("doc.kml", PLACEMARK.as_bytes())]);
    let (shapefile, gpkg) = (fixture("communes.shp.zip"), fixture("communes.gpkg"));
    vec![
        Case::new("a.geojson", "application/geo+json", FEATURES, 1, "pop", 14134),
        Case::new("a.zip", "application/zip", shapefile, 3, "population", 14134),
        Case::new("a.gpkg", "application/geopackage+sqlite3", gpkg, 3, "prefecture", true),
        Case::new("a.kml", "application/vnd.google-earth.kml+xml", PLACEMARK, 1, "name", "Ambérieu"),
        Case::new("a.kmz", "application/vnd.google-earth.kmz", kmz, 1, "name", "Ambérieu"),
        Case::new("a.gpx", "application/gpx+xml", WAYPOINT, 1, "name", "Ambérieu"),
    ]
}

/// A Parquet file of codes that look like numbers, which its type says they are not.
fn parquet() -> Vec<u8> {
    let columns = [Column::new("code", ColumnKind::Text)];
    let codes: ArrayRef = Arc::new(StringArray::from(vec!["12", "34"]));
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = RowsWriter::create(file.path(), &columns).unwrap();
    writer.write(&RecordBatch::try_new(arrow_schema(&columns), vec![codes]).unwrap()).unwrap();
    writer.finish().unwrap();
    std::fs::read(file.path()).unwrap()
}

/// Uploads the file and checks what every format has in common; the description of the dataset.
async fn served(harness: &Harness, case: &Case) -> Value {
    let id = format!("d-{}", case.name.replace('.', "-"));
    let path = format!("/datasets/{id}");
    harness.upload(&admin(), &path, (case.name, &case.bytes), &[]).await.ok();
    harness.run().await;
    let dataset = harness.get(&admin(), &path).await.ok();
    assert_eq!(dataset["status"], "finalized", "{}: {dataset}", case.name);
    assert_eq!(dataset["originalFile"]["name"], case.name);
    assert_eq!(dataset["originalFile"]["mimetype"], case.mimetype);
    let lines = harness.get(&admin(), &format!("{path}/lines?sort=_i")).await.ok();
    assert_eq!(lines["total"], case.total, "{}", case.name);
    assert_eq!(lines["results"][0][case.first.0], case.first.1, "{}", case.name);
    let raw = harness.get(&admin(), &format!("{path}/raw")).await;
    assert_eq!(raw.headers["content-length"], case.bytes.len().to_string(), "{}", case.name);
    dataset
}

#[tokio::test]
async fn tables_of_every_format_become_lines() {
    let harness = Harness::new().await;
    for case in tables() {
        let dataset = served(&harness, &case).await;
        assert_eq!(dataset["file"]["mimetype"], "text/csv");
        let name = if case.is_converted() { "a.csv" } else { case.name };
        assert_eq!(dataset["file"]["name"], name, "{}", case.name);
        let path = format!("/datasets/{}", dataset["id"].as_str().unwrap());
        let files = harness.get(&admin(), &format!("{path}/data-files")).await.ok();
        let keys: Vec<&str> = files.as_array().unwrap().iter().map(|f| f["key"].as_str().unwrap()).collect();
        assert_eq!(
            keys,
            if case.is_converted() { &["original", "normalized"][..] } else { &["original"] },
            "{}",
            case.name
        );
        let convert = harness.get(&admin(), &format!("{path}/convert")).await;
        let full = harness.get(&admin(), &format!("{path}/full")).await;
        if case.is_converted() {
            assert_eq!(convert.text, full.text, "{}", case.name);
            assert_eq!(convert.headers["content-type"], "text/csv; charset=utf-8");
            let disposition = "attachment; filename=\"a.csv\"; filename*=UTF-8''a.csv";
            assert_eq!(convert.headers["content-disposition"], disposition);
            assert_eq!(dataset["file"]["props"]["fieldsDelimiter"], ",");
        } else {
            assert_eq!(convert.text.as_bytes(), case.bytes);
        }
        assert_eq!(full.text.lines().count() as u64, case.total + 1, "{}", case.name);
    }
}

#[tokio::test]
async fn features_of_every_format_become_lines_on_the_map() {
    let harness = Harness::new().await;
    for case in features() {
        let dataset = served(&harness, &case).await;
        assert_eq!(dataset["file"]["mimetype"], "application/geo+json");
        assert_eq!(dataset["file"]["name"], "a.geojson", "{}", case.name);
        let geometry =
            dataset["schema"].as_array().unwrap().iter().find(|column| column["key"] == "geometry");
        assert_eq!(
            geometry.unwrap()["x-refersTo"],
            "https://purl.org/geojson/vocab#geometry",
            "{}",
            case.name
        );
        let path = format!("/datasets/{}", dataset["id"].as_str().unwrap());
        let full = harness.get(&admin(), &format!("{path}/full")).await.ok();
        assert_eq!(full["type"], "FeatureCollection");
        assert_eq!(full["features"].as_array().unwrap().len() as u64, case.total, "{}", case.name);
        let point = json!({ "type": "Point", "coordinates": [5.359, 45.9608] });
        assert_eq!(full["features"][0]["geometry"], point, "{}", case.name);
        let near = format!("{path}/lines?format=geojson&geo_distance=5.36,45.96,1000");
        let near = harness.get(&admin(), &near).await.ok();
        assert_eq!(near["total"], 1, "{}", case.name);
        assert_eq!(near["features"][0]["geometry"], point, "{}", case.name);
        assert_eq!(near["features"][0]["properties"].get("geometry"), None, "{}", case.name);
        assert_eq!(dataset["bbox"].as_array().map(Vec::len), Some(4), "{}", case.name);
    }
}

#[tokio::test]
async fn where_the_table_is_in_a_spreadsheet_can_be_said() {
    let harness = Harness::new().await;
    let options = r#"{"spreadsheetWorksheetIndex":2,"spreadsheetHeaderLine":3,"spreadsheetStartCol":2}"#;
    let file = ("a.xlsx", &fixture("communes.xlsx")[..]);
    harness.upload(&admin(), "/datasets/d", file, &[("file_normalizeOptions", options)]).await.ok();
    harness.run().await;
    let lines = harness.get(&admin(), "/datasets/d/lines").await.ok();
    assert_eq!((&lines["total"], &lines["results"][0]["valeur"]), (&json!(1), &json!(12)));
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!(dataset["originalFile"]["normalizeOptions"]["spreadsheetHeaderLine"], 3);

    let wrong = harness.upload(&admin(), "/datasets/e", file, &[("file_normalizeOptions", "3")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("\"file_normalizeOptions\""), "{}", wrong.text);
}

#[tokio::test]
async fn the_coordinate_system_can_be_said() {
    let harness = Harness::new().await;
    let text = FEATURES.replace("5.359,45.9608", "652298.4132,6861633.0107");
    harness.upload(&admin(), "/datasets/d", ("a.geojson", text.as_bytes()), &[]).await.ok();
    harness.run().await;
    let error = harness.last_error("d").await;
    assert!(error.contains("élément 1") && error.contains("« projection »"), "{error}");
    let point =
        || async { harness.get(&admin(), "/datasets/d/full").await.ok()["features"][0]["geometry"].clone() };
    let notre_dame = json!({ "type": "Point", "coordinates": [2.34992, 48.85297] });
    let body = json!({ "projection": { "title": "Lambert 93", "code": "EPSG:2154" } });
    harness.json(&admin(), Method::PATCH, "/datasets/d", body).await.ok();
    harness.run().await;
    assert_eq!(point().await, notre_dame, "the upload is read again");
    let fields = [("projection", r#"{"title":"Lambert 93","code":"EPSG:2154"}"#)];
    harness.upload(&admin(), "/datasets/e", ("a.geojson", text.as_bytes()), &fields).await.ok();
    harness.run().await;
    let full = harness.get(&admin(), "/datasets/e/full").await.ok();
    assert_eq!(full["features"][0]["geometry"], notre_dame);
}

#[tokio::test]
async fn a_broken_file_says_in_the_journal_where_it_is_broken() {
    let harness = Harness::new().await;
    for (name, bytes, words) in [
        ("a.json", &b"[{\"n\": 1},\n{\"n\": }]"[..], "ligne 2, élément 2"),
        (
            "a.kml",
            b"<kml><Placemark><Point><coordinates>x</coordinates></Point></Placemark></kml>",
            "élément 1",
        ),
        ("a.xlsx", b"code;nom", "compress"),
        ("a.gpkg", b"x", "GeoPackage"),
        ("a.zip", b"PK", "compress"),
    ] {
        let id = format!("d-{}", name.replace('.', "-"));
        harness.upload(&admin(), &format!("/datasets/{id}"), (name, bytes), &[]).await.ok();
        harness.run().await;
        assert_eq!(harness.get(&admin(), &format!("/datasets/{id}")).await.ok()["status"], "error", "{name}");
        let error = harness.last_error(&id).await;
        assert!(error.contains(words), "{name}: {error}");
    }
}

/// The checksum of zip and gzip.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = !0_u32;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

/// A gzip of stored bytes, written by hand: the feature has no business with a library for it.
fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len() as u16;
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    let lengths = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    let tail = [crc32(bytes).to_le_bytes(), u32::from(length).to_le_bytes()].concat();
    [&head[..], &lengths, bytes, &tail].concat()
}

/// A zip of stored files, written by hand too.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let start = out.len() as u32;
        let sizes = [crc32(bytes), bytes.len() as u32, bytes.len() as u32].map(u32::to_le_bytes).concat();
        // Version 2.0, names in UTF-8, stored, 1 January 1980.
        let version = [20, 0, 0, 8, 0, 0, 0, 0, 33, 0];
        let common = [&version[..], &sizes, &(name.len() as u16).to_le_bytes(), &[0, 0]].concat();
        out.extend([b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat());
        let entry = [b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &start.to_le_bytes(), name.as_bytes()];
        directory.extend(entry.concat());
    }
    let (count, start) = ((files.len() as u16).to_le_bytes(), (out.len() as u32).to_le_bytes());
    let size = (directory.len() as u32).to_le_bytes();
    let end = [&b"PK\x05\x06"[..], &[0; 4], &count, &count, &size, &start, &[0, 0]].concat();
    [out, directory, end].concat()
}

#[tokio::test]
async fn a_zip_of_files_is_a_list_of_attachments() {
    let harness = Harness::new().await;
    let zip = zipped(&[("2024/délibération.pdf", b"%PDF-1.4"), ("page.html", b"<script>")]);
    harness.upload(&admin(), "/datasets/d", ("actes.zip", &zip), &[]).await.ok();
    harness.run().await;
    let lines = harness.get(&admin(), "/datasets/d/lines?sort=file").await.ok();
    assert_eq!(lines["results"][0]["file"], "2024/délibération.pdf");
    let path = "/datasets/d/attachments/2024/d%C3%A9lib%C3%A9ration.pdf";
    let act = harness.get(&admin(), path).await;
    assert_eq!((act.status.as_u16(), act.text.as_str()), (200, "%PDF-1.4"));
    assert_eq!(act.headers["content-type"], "application/pdf");
    let page = harness.get(&admin(), "/datasets/d/attachments/page.html").await;
    assert_eq!(page.headers["content-type"], "application/octet-stream", "scripts are not run");
    for missing in ["x.pdf", "..%2Fpage.html", "2024"] {
        let answer = harness.get(&admin(), &format!("/datasets/d/attachments/{missing}")).await;
        assert_eq!(answer.status, 404, "{missing}");
    }
    assert_eq!(harness.get(&stranger(), path).await.status, 403);
    harness.dataset("e", "a\n1\n").await;
    assert_eq!(harness.get(&admin(), "/datasets/e/attachments/data.csv").await.status, 404);
}
