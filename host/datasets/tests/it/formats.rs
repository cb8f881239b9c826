//! Every format through the API: what is uploaded, what is read, what can be taken back.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Harness, admin};

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
