//! Map tiles: what is in them, what they are kept under, who gets them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::http::{Method, header};
use halle_geo::Tile;
use halle_geo::grid::{WORLD_UNITS, project};
use halle_model::Caller;
use serde_json::{Value, json};

use crate::decode::{self, Layer};
use crate::harness::{Answer, Harness, admin, stranger};
use crate::lines::{ask, places};

const PBF: &str = "application/x-protobuf";

fn layer(answer: &Answer) -> Layer {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers[header::CONTENT_TYPE], PBF);
    decode::layer(&answer.bytes)
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

/// `n` lines with places all over the world and two columns.
fn points(n: u32) -> String {
    let mut csv = "nom,groupe,latitude,longitude\n".to_owned();
    for i in 0..n {
        // Irregular, and some on the borders of tiles.
        let lon = if i % 50 == 0 {
            f64::from(i % 8) * 45.0 - 180.0
        } else {
            f64::from(i * 7_919 % 36_000) / 100.0 - 180.0
        };
        let lat = if i % 75 == 0 { 0.0 } else { f64::from(i * 104_729 % 16_000) / 100.0 - 80.0 };
        let _ = writeln!(csv, "point {i},{},{lat},{lon}", ["a", "b", "c"][i as usize % 3]);
    }
    csv
}

/// Gives the columns `latitude` and `longitude` of a dataset their concepts, and `nom` that of labels.
async fn locate(harness: &Harness, id: &str, dataset: &Value) {
    let mut schema = dataset["schema"].clone();
    for column in schema.as_array_mut().unwrap() {
        let concept = match column["key"].as_str().unwrap() {
            "latitude" => "http://schema.org/latitude",
            "longitude" => "http://schema.org/longitude",
            "nom" => "http://www.w3.org/2000/01/rdf-schema#label",
            _ => continue,
        };
        column["x-refersTo"] = concept.into();
    }
    harness.json(&admin(), Method::PATCH, &format!("/datasets/{id}"), json!({ "schema": schema })).await.ok();
    harness.run().await;
}

async fn tile(harness: &Harness, query: &str) -> Answer {
    harness.get(&admin(), &format!("/datasets/points/lines?format=pbf&{query}")).await
}

async fn many(n: u32) -> Harness {
    let harness = Harness::new().await;
    let dataset = harness.dataset("points", &points(n)).await;
    locate(&harness, "points", &dataset).await;
    harness
}

#[tokio::test]
async fn a_tile_has_the_lines_of_its_box_with_typed_attributes() {
    let harness = places().await;
    // Paris, zoom 10.
    let answer = ask(&harness, "lines?format=pbf&xyz=518,352,10").await;
    let drawn = layer(&answer);
    assert_eq!((drawn.name.as_str(), drawn.version, drawn.extent), ("results", 2, 4096));
    let [feature] = &drawn.features[..] else { panic!("{drawn:?}") };
    assert_eq!((feature.id, feature.kind), (Some(1), 1));
    let attributes: BTreeMap<&str, &decode::Value> =
        feature.attributes.iter().map(|(key, value)| (key.as_str(), value)).collect();
    // Words of few values are there; `_rand`, `_geopoint` and the like are not.
    let names: Vec<&str> = attributes.keys().copied().collect();
    let expect = [
        "_i",
        "_id",
        "code",
        "cree_le",
        "habitants",
        "latitude",
        "longitude",
        "nom_du_lieu",
        "ouvert",
        "surface",
    ];
    assert_eq!(names, expect);
    assert_eq!(attributes["habitants"], &decode::Value::Number(10.0));
    assert_eq!(attributes["surface"], &decode::Value::Number(1.5));
    assert_eq!(attributes["ouvert"], &decode::Value::Boolean(true));
    assert_eq!(attributes["cree_le"], &decode::Value::Text("2024-01-01".to_owned()));
    // Where the point is in the tile.
    let [x, y] = project([2.35, 48.85]).map(|unit| unit / WORLD_UNITS * 1024.0);
    assert_eq!(feature.paths, [[[((x - 518.0) * 4096.0) as i64, ((y - 352.0) * 4096.0) as i64]]]);
    assert_eq!(header(&answer, "x-tilesmode"), "es/neighbors/10000");
    assert_eq!(header(&answer, "x-tilesampling"), "1/1");
    assert_eq!(header(&answer, "x-operation"), r#"{"class":"read","id":"readLines","track":"readDataAPI"}"#);
    let chosen = layer(&ask(&harness, "lines?format=mvt&xyz=518,352,10&select=code").await);
    assert_eq!(chosen.features[0].attributes, [("code".to_owned(), decode::Value::Text("a1".to_owned()))]);
}

#[tokio::test]
async fn a_tile_of_nothing_is_204_and_wrong_questions_are_refused() {
    let harness = places().await;
    let empty = ask(&harness, "lines?format=vt&xyz=0,0,10").await;
    assert_eq!((empty.status.as_u16(), empty.bytes.len()), (204, 0));
    assert_eq!(header(&empty, "x-tilesampling"), "0/0");
    let filtered = ask(&harness, "lines?format=pbf&xyz=0,0,0&code_eq=a9").await;
    assert_eq!(filtered.status, 204);
    ask(&harness, "lines?format=pbf").await.refused(400, "xyz parameter is required for vector tile format.");
    ask(&harness, "lines?format=pbf&xyz=1,0,0")
        .await
        .refused(400, "\"xyz\" parameter is malformed, it must be x,y,z");
    ask(&harness, "lines?format=pbf&xyz=0,0,0&sampling=some")
        .await
        .refused(400, "\"sampling\" must be one of neighbors, max, not \"some\"");
    ask(&harness, "lines?format=pbf&xyz=0,0,0&size=10001")
        .await
        .refused(400, "\"size\" cannot be more than 10000");
    harness.dataset("plat", "a\n1\n").await;
    harness
        .get(&admin(), "/datasets/plat/lines?format=pbf&xyz=0,0,0")
        .await
        .refused(400, "\"xyz\" filter cannot be used on this dataset. It is not geolocalized.");
}

#[tokio::test]
async fn each_line_is_in_one_tile_of_each_zoom() {
    let harness = many(1_500).await;
    for z in [0_u8, 1, 3] {
        let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
        for x in 0..1_u32 << z {
            for y in 0..1_u32 << z {
                let answer = tile(&harness, &format!("xyz={x},{y},{z}&select=_i")).await;
                if answer.status == 204 {
                    continue;
                }
                for feature in layer(&answer).features {
                    *seen.entry(feature.id.unwrap()).or_default() += 1;
                }
            }
        }
        assert_eq!(seen.len(), 1_500, "zoom {z}");
        assert_eq!(seen.values().max(), Some(&1), "zoom {z}");
    }
}

#[tokio::test]
async fn filters_count_and_too_many_lines_are_sampled() {
    let harness = many(1_500).await;
    let only = layer(&tile(&harness, "xyz=0,0,0&groupe_eq=b&select=groupe").await);
    assert_eq!(only.features.len(), 500);
    let all = layer(&tile(&harness, "xyz=0,0,0").await);
    let (_, value) = &all.features[0].attributes.iter().find(|(key, _)| key == "nom").unwrap();
    assert!(matches!(value, decode::Value::Text(_)), "the label is there however many values it has");
    let few = tile(&harness, "xyz=0,0,0&size=100").await;
    assert_eq!((layer(&few).features.len(), header(&few, "x-tilesampling")), (100, "100/1500"));
    let more = tile(&harness, "xyz=0,0,0&size=100&sampling=max").await;
    assert_eq!((layer(&more).features.len(), header(&more, "x-tilesmode")), (400, "es/max/400"));
    // A quarter of the world next to denser ones keeps its part of the limit.
    let counts = async |x: u32, y: u32| {
        let answer = tile(&harness, &format!("xyz={x},{y},1&size=100")).await;
        let sampling = header(&answer, "x-tilesampling").to_owned();
        let (shown, total) = sampling.split_once('/').unwrap();
        (shown.parse::<u64>().unwrap(), total.parse::<u64>().unwrap())
    };
    let quarters = [counts(0, 0).await, counts(1, 0).await, counts(0, 1).await, counts(1, 1).await];
    let densest = quarters.iter().map(|(_, total)| *total).max().unwrap();
    for (shown, total) in quarters {
        let expect = (100.0 * total as f64 / densest as f64).ceil() as u64;
        // Lines on a border are looked for on both of its sides, and drawn on one.
        assert!((expect.saturating_sub(5)..=expect).contains(&shown), "{shown} of {total}, {quarters:?}");
    }
}

#[tokio::test]
async fn a_tile_is_kept_until_the_lines_change_and_only_for_those_who_may_read() {
    let harness = many(30).await;
    let first = tile(&harness, "xyz=0,0,0").await;
    assert_eq!(header(&first, "x-tilesmode"), "es/neighbors/10000");
    let again = tile(&harness, "xyz=0,0,0").await;
    assert_eq!((header(&again, "x-tilesmode"), &again.bytes), ("cache/neighbors/10000", &first.bytes));
    assert_eq!(again.headers[header::ETAG], first.headers[header::ETAG]);
    // The same tile for somebody who may not read.
    let refused = harness.get(&stranger(), "/datasets/points/lines?format=pbf&xyz=0,0,0").await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        harness.get(&Caller::anonymous(), "/datasets/points/lines?format=pbf&xyz=0,0,0").await.status,
        403
    );
    // Another question is another tile.
    assert_eq!(header(&tile(&harness, "xyz=0,0,0&size=9").await, "x-tilesmode"), "es/neighbors/9");
    // A new version is another tile.
    let csv = points(40);
    harness.upload(&admin(), "/datasets/points", ("data.csv", csv.as_bytes()), &[]).await.ok();
    harness.run().await;
    let after = tile(&harness, "xyz=0,0,0").await;
    assert_eq!(header(&after, "x-tilesmode"), "es/neighbors/10000");
    assert_eq!(layer(&after).features.len(), 40);
}

#[tokio::test]
async fn edited_lines_are_in_the_next_tile() {
    let harness = Harness::new().await;
    let schema = json!([
        { "key": "nom", "type": "string" },
        { "key": "lieu", "type": "string", "x-refersTo": "http://www.w3.org/2003/01/geo/wgs84_pos#lat_long" },
    ]);
    let body = json!({ "isRest": true, "title": "Points", "schema": schema });
    harness.json(&admin(), Method::PUT, "/datasets/points", body).await.ok();
    harness.run().await;
    assert_eq!(tile(&harness, "xyz=0,0,0").await.status, 204);
    for total in 1..4 {
        let line = json!({ "nom": "x", "lieu": format!("4{total},2") });
        harness.json(&admin(), Method::POST, "/datasets/points/lines", line).await.ok();
        assert_eq!(layer(&tile(&harness, "xyz=0,0,0").await).features.len(), total);
    }
}

#[tokio::test]
async fn areas_are_cut_to_the_tile_and_found_far_from_their_middle() {
    let harness = Harness::new().await;
    let square = json!([[[0, 40], [10, 40], [10, 50], [0, 50], [0, 40]]]);
    let hole = json!([
        [[20, 40], [30, 40], [30, 50], [20, 50], [20, 40]],
        [[22, 42], [22, 48], [28, 48], [28, 42], [22, 42]]
    ]);
    let feature = |name: &str, kind: &str, coordinates: Value| json!({ "type": "Feature", "properties": { "nom": name }, "geometry": { "type": kind, "coordinates": coordinates } });
    let collection = json!({ "type": "FeatureCollection", "features": [
        feature("carré", "Polygon", square),
        feature("anneau", "Polygon", hole),
        feature("route", "LineString", json!([[0, 10], [30, 12]])),
    ] });
    let file = collection.to_string();
    harness.upload(&admin(), "/datasets/points", ("a.geojson", file.as_bytes()), &[]).await.ok();
    harness.run().await;

    let world = layer(&tile(&harness, "xyz=0,0,0&select=nom").await);
    let kinds: Vec<(u64, usize)> = world.features.iter().map(|f| (f.kind, f.paths.len())).collect();
    assert_eq!(kinds, [(3, 1), (3, 2), (2, 1)]);
    // Far inside the square: the whole tile, with its margin, and nothing of the geometry among the attributes.
    let name = |lon: f64, lat: f64, z: u8| {
        let [x, y] = project([lon, lat]).map(|unit| unit / WORLD_UNITS * f64::from(1_u32 << z));
        Tile { x: x as u32, y: y as u32, z }
    };
    let xyz = |tile: Tile| format!("xyz={},{},{}", tile.x, tile.y, tile.z);
    let inside = layer(&tile(&harness, &xyz(name(1.0, 41.0, 12))).await);
    let [feature] = &inside.features[..] else { panic!("{inside:?}") };
    let around = [[-64, -64], [4160, -64], [4160, 4160], [-64, 4160]];
    assert_eq!(feature.paths[0].len(), 5);
    assert!(around.iter().all(|corner| feature.paths[0].contains(corner)), "{feature:?}");
    assert!(!feature.attributes.iter().any(|(key, _)| key == "geometry"));
    // In the hole there is nothing.
    assert_eq!(tile(&harness, &xyz(name(25.0, 45.0, 8))).await.status, 204);
    // The same holds of boxes in other formats.
    let inside = harness.get(&admin(), "/datasets/points/lines?bbox=1,41,2,42&select=nom").await.ok();
    assert_eq!((inside["total"].as_u64(), inside["results"][0]["nom"].as_str()), (Some(1), Some("carré")));
}
