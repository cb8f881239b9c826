//! WKT, spreadsheets and shapefiles: what is exported can be uploaded again. Groups on a map.

use std::io::Read as _;

use axum::http::header;
use serde_json::{Value, json};

use crate::decode;
use crate::harness::{Harness, admin};
use crate::lines::{ask, places};

/// Lines of a dataset, with these columns.
async fn lines(harness: &Harness, id: &str, select: &str) -> Value {
    let path = format!("/datasets/{id}/lines?size=100&sort=_i&select={select}");
    let mut results = harness.get(&admin(), &path).await.ok()["results"].take();
    for line in results.as_array_mut().unwrap() {
        line.as_object_mut().unwrap().shift_remove("_score");
    }
    results
}

/// Uploads what was exported as the dataset `back`.
async fn upload_back(harness: &Harness, name: &str, bytes: &[u8]) -> Value {
    harness.upload(&admin(), "/datasets/back", (name, bytes), &[]).await.ok();
    harness.run().await;
    let dataset = harness.get(&admin(), "/datasets/back").await.ok();
    assert_eq!(dataset["status"], "finalized", "{dataset}");
    dataset
}

/// A dataset of one geometry of each kind, and one line without any.
async fn features() -> Harness {
    let harness = Harness::new().await;
    let feature = |name: &str, kind: &str, coordinates: Value| json!({ "type": "Feature", "properties": { "nom": name }, "geometry": { "type": kind, "coordinates": coordinates } });
    let ring = json!([[[0, 0], [4, 0], [4, 4], [0, 0]], [[2, 0.5], [3.5, 2], [3, 0.5], [2, 0.5]]]);
    let mut nowhere = feature("néant", "Point", json!([0, 0]));
    nowhere["geometry"] = Value::Null;
    let collection = json!({ "type": "FeatureCollection", "features": [
        feature("point", "Point", json!([2.35, 48.85])),
        feature("route", "LineString", json!([[1, 2], [3, 4]])),
        feature("zone", "Polygon", ring),
        nowhere,
    ] });
    let file = collection.to_string();
    harness.upload(&admin(), "/datasets/formes", ("a.geojson", file.as_bytes()), &[]).await.ok();
    harness.run().await;
    harness
}

#[tokio::test]
async fn geometries_are_wkt_when_asked() {
    let harness = features().await;
    let get = async |query: &str| harness.get(&admin(), &format!("/datasets/formes/lines?{query}")).await;
    let zone = "POLYGON((0 0,4 0,4 4,0 0),(2 0.5,3.5 2,3 0.5,2 0.5))";
    let page = get("wkt=true&select=nom,geometry").await.ok();
    let shapes: Vec<&Value> =
        page["results"].as_array().unwrap().iter().map(|line| &line["geometry"]).collect();
    assert_eq!(
        shapes,
        [&json!("POINT(2.35 48.85)"), &json!("LINESTRING(1 2,3 4)"), &json!(zone), &Value::Null]
    );
    let page = get("format=csv&wkt=true&select=nom,geometry").await.text;
    let all = get("format=csv&wkt=true&select=nom,geometry&size=all").await.text;
    assert!(all.contains("\"point\",\"POINT(2.35 48.85)\"\n"), "{all}");
    assert_eq!(all, page);

    let collection = get("format=wkt&select=nom").await;
    assert_eq!(collection.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(collection.text, format!("GEOMETRYCOLLECTION(POINT(2.35 48.85),LINESTRING(1 2,3 4),{zone})"));
    let first = get("format=wkt&size=1").await;
    assert_eq!(first.text, "GEOMETRYCOLLECTION(POINT(2.35 48.85))");
    assert!(first.headers[header::LINK].to_str().unwrap().contains("format=wkt"));
    assert_eq!(get("format=wkt&q=absent").await.text, "GEOMETRYCOLLECTION EMPTY");
    harness.dataset("plat", "a\n1\n").await;
    harness
        .get(&admin(), "/datasets/plat/lines?format=wkt")
        .await
        .refused(400, "\"wkt\" format cannot be used on this dataset. It is not geolocalized.");
}

#[tokio::test]
async fn a_spreadsheet_reads_back_with_its_types() {
    let harness = places().await;
    let select = "code,nom_du_lieu,habitants,surface,ouvert,cree_le";
    let answer = ask(&harness, &format!("lines?format=ods&size=all&select={select}")).await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/vnd.oasis.opendocument.spreadsheet");
    assert_eq!(answer.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"data.ods\"");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&answer.bytes)).unwrap();
    assert_eq!(archive.by_index(0).unwrap().name().unwrap(), "mimetype", "readers look there first");
    let mut content = String::new();
    archive.by_name("content.xml").unwrap().read_to_string(&mut content).unwrap();
    for sheet in ["data", "metadata", "schema", "labels", "query"] {
        assert!(content.contains(&format!("table:name=\"{sheet}\"")), "{sheet}");
    }
    upload_back(&harness, "a.ods", &answer.bytes).await;
    assert_eq!(lines(&harness, "back", select).await, lines(&harness, "places", select).await);
    let page = ask(&harness, "lines?format=ods&size=2&page=2&select=code").await;
    upload_back(&harness, "a.ods", &page.bytes).await;
    assert_eq!(lines(&harness, "back", "code").await, json!([{ "code": "a3" }, { "code": "a4" }]));
}

#[tokio::test]
async fn points_are_one_shapefile_that_reads_back() {
    let harness = places().await;
    let select = "code,nom_du_lieu,habitants,surface,ouvert,cree_le";
    let answer = ask(&harness, &format!("lines?format=shp&size=all&select={select}")).await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/zip");
    assert_eq!(answer.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"data.zip\"");
    assert_eq!(names(&answer.bytes), ["data.cpg", "data.dbf", "data.prj", "data.shp", "data.shx"]);
    upload_back(&harness, "a.zip", &answer.bytes).await;
    let (sent, back) = (lines(&harness, "places", select).await, lines(&harness, "back", "*").await);
    for (sent, back) in sent.as_array().unwrap().iter().zip(back.as_array().unwrap()) {
        assert_eq!(sent["nom_du_lieu"], back["nom_du_lie"], "{back}");
        for key in ["code", "habitants", "surface", "ouvert", "cree_le"] {
            assert_eq!(sent[key], back[key], "{key} of {back}");
        }
    }
    let point = harness.get(&admin(), "/datasets/back/lines?format=geojson&size=1").await.ok();
    assert_eq!(point["features"][0]["geometry"], json!({ "type": "Point", "coordinates": [2.35, 48.85] }));
    let empty = ask(&harness, "lines?format=shp&code_eq=zzz").await;
    assert_eq!(names(&empty.bytes).len(), 5);
}

#[tokio::test]
async fn each_kind_of_geometry_is_a_shapefile_of_its_own() {
    let harness = features().await;
    let answer = harness.get(&admin(), "/datasets/formes/lines?format=shp&size=all").await;
    let expect = [
        "a_lignes.cpg",
        "a_lignes.dbf",
        "a_lignes.prj",
        "a_lignes.shp",
        "a_lignes.shx",
        "a_points.cpg",
        "a_points.dbf",
        "a_points.prj",
        "a_points.shp",
        "a_points.shx",
        "a_polygones.cpg",
        "a_polygones.dbf",
        "a_polygones.prj",
        "a_polygones.shp",
        "a_polygones.shx",
        "a_sans_lieu.cpg",
        "a_sans_lieu.dbf",
    ];
    assert_eq!(names(&answer.bytes), expect);
    for (kind, name) in
        [("LINESTRING(1 2,3 4)", "route"), ("POLYGON((0 0,4 0,4 4,0 0),(2 0.5,3.5 2,3 0.5,2 0.5))", "zone")]
    {
        let alone = harness.get(&admin(), &format!("/datasets/formes/lines?format=shp&nom_eq={name}")).await;
        upload_back(&harness, "b.zip", &alone.bytes).await;
        assert_eq!(
            harness.get(&admin(), "/datasets/back/lines?format=wkt").await.text,
            format!("GEOMETRYCOLLECTION({kind})")
        );
        assert_eq!(lines(&harness, "back", "nom").await, json!([{ "nom": name }]));
    }
    harness.dataset("plat", "a\n1\n").await;
    harness
        .get(&admin(), "/datasets/plat/lines?format=shp")
        .await
        .refused(400, "\"shp\" format cannot be used on this dataset. It is not geolocalized.");
}

fn names(archive: &[u8]) -> Vec<String> {
    let archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn groups_are_where_their_lines_are() {
    let harness = places().await;
    let groups =
        ask(&harness, "values_agg?field=ouvert&format=geojson&metric=sum&metric_field=surface").await;
    assert_eq!(groups.headers[header::CONTENT_TYPE], "application/geo+json");
    let groups = groups.ok();
    let open = groups["features"].as_array().unwrap().iter().find(|group| group["id"] == "true").unwrap();
    let place: Vec<f64> =
        open["geometry"]["coordinates"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
    let expect = [(2.35 + 5.37 - 0.57) / 3.0, (48.85 + 43.29 + 44.85) / 3.0];
    assert!(place.iter().zip(expect).all(|(found, expect)| (found - expect).abs() < 1e-9), "{place:?}");
    assert_eq!((&open["properties"]["total"], &open["properties"]["metric"]), (&json!(3), &json!(10.5)));

    let tile = ask(&harness, "values_agg?field=ouvert&format=pbf&xyz=0,0,0").await;
    assert_eq!(tile.headers[header::CONTENT_TYPE], "application/x-protobuf");
    let drawn = decode::layer(&tile.bytes);
    let totals: Vec<&decode::Value> = drawn.features.iter().map(|feature| &feature.attributes[0].1).collect();
    assert_eq!(totals, [&decode::Value::Number(3.0), &decode::Value::Number(2.0)]);
    assert_eq!(ask(&harness, "values_agg?field=ouvert&format=pbf&xyz=0,0,9").await.status, 204);
    ask(&harness, "values_agg?field=ouvert&format=mvt")
        .await
        .refused(400, "xyz parameter is required for vector tile format.");
    harness.dataset("plat", "a\n1\n").await;
    harness
        .get(&admin(), "/datasets/plat/values_agg?field=a&format=geojson")
        .await
        .refused(400, "\"geojson\" format cannot be used on this dataset. It is not geolocalized.");
}
