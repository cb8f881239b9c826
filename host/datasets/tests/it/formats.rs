//! Every format through the API: what is uploaded, what is read, what can be taken back.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Harness, admin, stranger};

/// A file, and what a client sees of it once it is served.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    /// `file.name`, `originalFile.mimetype`.
    converted: &'static str,
    mimetype: &'static str,
    total: u64,
    /// A member of the first line.
    first: (&'static str, Value),
}

/// A fixture of the readers' own tests, whose script tells what is in it.
fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ingest/tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

const FEATURES: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"nom":"Ambérieu","pop":14134},"geometry":{"type":"Point","coordinates":[5.359,45.9608]}}]}"#;

fn tables() -> Vec<Case> {
    let case = |name, bytes: Vec<u8>, converted, mimetype, total, first| Case {
        name,
        bytes,
        converted,
        mimetype,
        total,
        first,
    };
    let fods = r#"<a><table name="t"><table-row><table-cell><p>nom</p></table-cell></table-row><table-row><table-cell><p>Ambérieu</p></table-cell></table-row></table></a>"#;
    vec![
        case("a.tsv", b"code\tn\n01004\t5\n".to_vec(), "a.tsv", "text/tab-separated-values", 1, ("n", json!(5))),
        case("a.txt", b"code|n\n01004|5\n".to_vec(), "a.txt", "text/plain", 1, ("code", json!("01004"))),
        case("a.json", b"[{\"n\": 5}, {\"n\": 6}]".to_vec(), "a.csv", "application/json", 2, ("n", json!(5))),
        case("a.ndjson", b"{\"n\": 5}\n".to_vec(), "a.csv", "application/x-ndjson", 1, ("n", json!(5))),
        case("a.fods", fods.into(), "a.csv", "application/vnd.oasis.opendocument.spreadsheet-flat-xml", 1, ("nom", json!("Ambérieu"))),
        case("a.xlsx", fixture("communes.xlsx"), "a.csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 3, ("code", json!("01004"))),
        case("a.xls", fixture("communes.xls"), "a.csv", "application/vnd.ms-excel", 3, ("population", json!(14134))),
        case("a.dbf", fixture("communes.dbf"), "a.csv", "application/dbase", 3, ("maj", json!("2021-02-23"))),
    ]
}

fn features() -> Vec<Case> {
    let kml = "<kml><Placemark><name>Ambérieu</name><Point><coordinates>5.359,45.9608</coordinates></Point></Placemark></kml>";
    let gpx = r#"<gpx><wpt lat="45.9608" lon="5.359"><name>Ambérieu</name></wpt></gpx>"#;
    let case = |name, bytes: Vec<u8>, converted, mimetype, total, first| Case {
        name,
        bytes,
        converted,
        mimetype,
        total,
        first,
    };
    vec![
        case("a.geojson", FEATURES.into(), "a.geojson", "application/geo+json", 1, ("pop", json!(14134))),
        case("a.zip", fixture("communes.shp.zip"), "a.geojson", "application/zip", 3, ("population", json!(14134))),
        case("a.gpkg", fixture("communes.gpkg"), "a.geojson", "application/geopackage+sqlite3", 3, ("prefecture", json!(true))),
        case("a.kml", kml.into(), "a.geojson", "application/vnd.google-earth.kml+xml", 1, ("name", json!("Ambérieu"))),
        case("a.gpx", gpx.into(), "a.geojson", "application/gpx+xml", 1, ("name", json!("Ambérieu"))),
    ]
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
    assert_eq!(dataset["file"]["name"], case.converted, "{}", case.name);
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
        let path = format!("/datasets/{}", dataset["id"].as_str().unwrap());
        let files = harness.get(&admin(), &format!("{path}/data-files")).await.ok();
        let keys: Vec<&str> = files.as_array().unwrap().iter().map(|f| f["key"].as_str().unwrap()).collect();
        let is_converted = case.name != case.converted;
        assert_eq!(keys, if is_converted { &["original", "normalized"][..] } else { &["original"] }, "{}", case.name);
        let convert = harness.get(&admin(), &format!("{path}/convert")).await;
        let full = harness.get(&admin(), &format!("{path}/full")).await;
        if is_converted {
            assert_eq!(convert.text, full.text, "{}", case.name);
            assert_eq!(convert.headers["content-type"], "text/csv; charset=utf-8");
            let name = format!("attachment; filename=\"{0}\"; filename*=UTF-8''{0}", case.converted);
            assert_eq!(convert.headers["content-disposition"], name.as_str());
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
        let geometry = dataset["schema"].as_array().unwrap().iter().find(|column| column["key"] == "geometry");
        assert_eq!(geometry.unwrap()["x-refersTo"], "https://purl.org/geojson/vocab#geometry", "{}", case.name);
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
    let fields = [("projection", r#"{"title":"Lambert 93","code":"EPSG:2154"}"#)];
    harness.upload(&admin(), "/datasets/e", ("a.geojson", text.as_bytes()), &fields).await.ok();
    harness.run().await;
    let full = harness.get(&admin(), "/datasets/e/full").await.ok();
    assert_eq!(full["features"][0]["geometry"]["coordinates"], json!([2.34992, 48.85297]));
}

#[tokio::test]
async fn a_broken_file_says_in_the_journal_where_it_is_broken() {
    let harness = Harness::new().await;
    for (name, bytes, words) in [
        ("a.json", &b"[{\"n\": 1},\n{\"n\": }]"[..], "ligne 2, élément 2"),
        ("a.kml", b"<kml><Placemark><Point><coordinates>x</coordinates></Point></Placemark></kml>", "élément 1"),
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

/// A zip of stored files, written by hand: the feature has no business with a library for it.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let (mut sum, start) = (!0_u32, out.len() as u32);
        for byte in *bytes {
            sum ^= u32::from(*byte);
            for _ in 0..8 {
                sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
            }
        }
        let sizes = [!sum, bytes.len() as u32, bytes.len() as u32].map(u32::to_le_bytes).concat();
        // Version 2.0, names in UTF-8, stored, 1 January 1980.
        let common = [&[20, 0, 0, 8, 0, 0, 0, 0, 33, 0][..], &sizes, &(name.len() as u16).to_le_bytes(), &[0, 0]].concat();
        out.extend([b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat());
        let entry = [b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &start.to_le_bytes(), name.as_bytes()];
        directory.extend(entry.concat());
    }
    let (count, start) = ((files.len() as u16).to_le_bytes(), (out.len() as u32).to_le_bytes());
    let end = [b"PK\x05\x06", &[0; 4][..], &count, &count, &(directory.len() as u32).to_le_bytes(), &start, &[0, 0]];
    out.extend(&directory);
    out.extend(end.concat());
    out
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
