//! JSON, ndjson and GeoJSON.

use halle_ingest::{Container, Format, Kind, Options, analyze};

use super::{refused, zipped};
use crate::Sample;

pub(super) const ARRAY: &str = r#"[
  {"code": "01004", "nom": "Ambérieu", "pop": 14134, "adresse": {"ville": "A, \"B\"", "cp": "01500"}, "tags": ["x", 1]},
  {"nom": "Ajaccio", "code": "2A004", "actif": true, "pop": 71361.5, "vide": null}
]"#;

pub(super) const LINES: &str = "{\"a\": 1, \"b\": \"2021-02-23\"}\n\n{\"a\": 20}\n";

pub(super) const COLLECTION: &str = r#"{"type": "FeatureCollection", "name": "communes",
"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}},
"features": [
{"type": "Feature", "id": 7, "properties": {"nom": "Paris", "insee": {"code": "75056"}}, "geometry": {"type": "Point", "coordinates": [652298.4132, 6861633.0107, 35]}},
{"type": "Feature", "id": 8, "properties": null, "geometry": null},
{"type": "Feature", "properties": {"nom": "Nulle part", "superficie": 12.5}, "geometry": {"type": "LineString", "coordinates": []}}
], "bbox": [1, 2, 3, 4]}"#;

#[test]
fn objects_are_rows_whatever_the_order_of_their_members() {
    let (columns, rows) = Sample::new("a.json", ARRAY).table();
    assert_eq!(
        columns,
        "code:text nom:text pop:number adresseville:text adressecp:text tags:text actif:boolean"
    );
    assert_eq!(
        rows,
        "01004 | Ambérieu | 14134.0 | A, \"B\" | 01500 | [\"x\",1] | -\n2A004 | Ajaccio | 71361.5 | - | - | - | true"
    );
    let (columns, rows) = Sample::new("a.jsonl", LINES).table();
    assert_eq!((columns.as_str(), rows.as_str()), ("a:integer b:date", "1 | 2021-02-23\n20 | -"));
    assert_eq!(Sample::new("a.ndjson", "[{\"a\": 5}, {\"a\": 2}]").table().1, "5\n2");
}

#[test]
fn features_have_their_properties_and_a_shape_in_degrees() {
    let sample = Sample::new("a.geojson", COLLECTION);
    let analysis = sample.analyze().unwrap();
    assert_eq!((analysis.format.kind(), analysis.dialect.is_none()), (Kind::Features, true));
    let geometry = analysis.columns.last().unwrap();
    assert_eq!(geometry.refers_to.as_deref(), Some("https://purl.org/geojson/vocab#geometry"));
    let (columns, rows) = sample.table();
    assert_eq!(columns, "id:integer nom:text inseecode:integer superficie:number geometry:object");
    assert_eq!(
        rows,
        "7 | Paris | 75056 | - | {\"type\":\"Point\",\"coordinates\":[2.34992,48.85297]}\n\
         8 | - | - | - | -\n- | Nulle part | - | 12.5 | -"
    );
}

#[test]
fn the_producer_may_name_the_coordinate_system() {
    let text = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":"x"},"geometry":{"type":"Point","coordinates":[652298.4132, 6861633.0107]}}]}"#;
    refused("a.geojson", text, &["ligne 1, élément 1", "652298.4132, 6861633.0107", "« projection »"]);
    let sample = Sample::new("a.geojson", text);
    let options = Options { projection: Some("EPSG:2154"), ..Options::default() };
    let analysis = analyze(&sample.path(), "a.geojson", &options).unwrap();
    let (rows, _) = sample.rows(&analysis, &analysis.columns);
    assert_eq!(rows, "x | {\"type\":\"Point\",\"coordinates\":[2.34992,48.85297]}");
}

#[test]
fn containers_do_not_matter() {
    for (name, inside, bytes) in [("a.zip", "x/a.geojson", COLLECTION), ("a.zip", "b.ndjson", LINES)] {
        let sample = Sample::new(name, zipped(&[(inside, bytes.as_bytes())]));
        assert_eq!(sample.analyze().unwrap().container, Container::Zip);
        assert_eq!(sample.table(), Sample::new(inside.rsplit('/').next().unwrap(), bytes).table());
    }
    let analysis = Sample::new("a.zip", zipped(&[("b.json", ARRAY.as_bytes())])).analyze().unwrap();
    assert_eq!(analysis.format, Format::Json);
}

#[test]
fn broken_files_are_refused_where_they_break() {
    refused("a.json", "{\"a\": 1}", &["ligne 1", "tableau d'objets"]);
    refused("a.json", "[\n{\"a\": 1},\n{\"a\": }\n]", &["ligne 3, élément 2", "le JSON est incorrect"]);
    refused("a.json", "[\n{\"a\": 1},\n12]", &["ligne 3, élément 2", "un objet JSON est attendu"]);
    refused("a.json", "[{\"a\": 1},\n{\"a\"", &["ligne 2", "incomplet"]);
    refused("a.ndjson", "{\"a\": 1}\n{\"a\": 2\n", &["ligne 3", "incomplet"]);
    refused("a.json", "", &["le fichier est vide"]);
    refused("a.json", "[]", &["pas de colonne détectée"]);
    refused("a.geojson", "{\"type\": \"Feature\"}", &["« features »"]);
    refused("a.geojson", "[]", &["ligne 1", "« { » est attendu"]);
    let feature = |geometry: &str| {
        format!("{{\"features\": [\n{{\"geometry\": null}},\n{{\"geometry\": {geometry}}}]}}")
    };
    refused(
        "a.geojson",
        feature("{\"type\": \"Cercle\", \"coordinates\": [1]}"),
        &["élément 2", "« Cercle »"],
    );
    refused("a.geojson", feature("{\"type\": \"Point\", \"coordinates\": [1]}"), &["élément 2", "Point"]);
    let system = r#"{"crs": {"properties": {"name": "EPSG:99"}}, "features": []}"#;
    refused("a.geojson", system, &["« EPSG:99 » est inconnu"]);
    refused("a.geojson", r#"{"features": [{}], "crs": {}}"#, &["doit précéder"]);
}

#[test]
fn a_few_wrong_shapes_are_left_out_with_a_warning() {
    let feature = |name: &str, coordinates: &str| {
        format!(
            "{{\"properties\": {{\"nom\": \"{name}\"}}, \"geometry\": {{\"type\": \"Point\", \"coordinates\": {coordinates}}}}}"
        )
    };
    let file = |features: [String; 3]| format!("{{\"features\": [{}]}}", features.join(",\n"));
    let sample = Sample::new(
        "a.geojson",
        file([feature("a", "[1, 2]"), feature("b", "[1, 200]"), feature("c", "[3, 4]")]),
    );
    let warning = &sample.analyze().unwrap().warnings[0];
    assert_eq!(warning.code, "wrong-shapes");
    let start = "1 lignes ont une géométrie incorrecte, qui est ignorée : ligne 2, élément 2 : les coordonnées 1, 200";
    assert!(warning.message.starts_with(start), "{}", warning.message);
    assert!(sample.table().1.contains("\nb | -\n"), "the row stays");
    let most = file([feature("a", "[1, 2]"), feature("b", "[1, 200]"), feature("c", "[3]")]);
    refused("a.geojson", most, &["67% des lignes sont en erreur, ligne 2, élément 2"]);
}

#[test]
fn what_is_too_much_is_refused() {
    let members: Vec<String> = (0..1_001).map(|n| format!("\"c{n}\": 1")).collect();
    refused("a.json", format!("[{{{}}}]", members.join(",")), &["la limite est de 1000 colonnes"]);
    refused("a.json", format!("[{{\"a\": {}}}]", "[".repeat(200)), &["plus de 100 niveaux"]);
    refused("a.json", format!("[{{\"a\": \"{}\"}}]", "x".repeat(2 << 20)), &["« a »", "dépasse 1024 ko"]);
    refused("a.json", format!("[{{\"a\": \"{}\"}}]", "x".repeat(20 << 20)), &["ligne 1", "dépasse 16 Mo"]);
}
