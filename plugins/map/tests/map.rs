//! Maps, as a reader and a screen reader meet them.

use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::visualisation::{Data, Output, Rendered, Visualisation};
use halle_plugin::{BatchBuilder, Field, Kind, Result};
use map::MapPlugin;

fn data(rows: &[Value]) -> Vec<Data> {
    let keys: Vec<String> =
        rows.first().and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key.clone()).collect();
    let kind = |key: &str| {
        if rows.iter().all(|row| row[key].is_number() || row[key].is_null()) {
            Kind::Number
        } else {
            Kind::Text
        }
    };
    let fields: Vec<Field> = keys.iter().map(|key| Field::new(key, kind(key))).collect();
    let mut batch = BatchBuilder::new(&fields);
    for row in rows {
        let values: Vec<&Value> = keys.iter().map(|key| &row[key]).collect();
        assert!(batch.push_json(&values).unwrap().is_empty());
    }
    vec![Data { name: "places".to_owned(), fields, batch: batch.finish() }]
}

fn render(config: &Value, rows: &[Value], context: &Value) -> Result<(String, Rendered)> {
    let mut full = json!({ "datasets": [{ "id": "lieux", "href": "https://h.test/data-fair/api/v1/datasets/lieux", "title": "Lieux" }] });
    full.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    let rendered =
        MapPlugin::render(&data(rows), &from_value(full).unwrap(), &from_value(context.clone()).unwrap())?;
    let Output::Svg(svg) = &rendered.output else { panic!("not SVG") };
    Ok((svg.clone(), rendered))
}

fn fr() -> Value {
    json!({ "width": 800, "height": 500, "locale": "fr" })
}

fn cities() -> Vec<Value> {
    let cities = [
        ("Brest", 48.39, -4.49, "Bretagne", 139_456),
        ("Rennes", 48.11, -1.68, "Bretagne", 222_485),
        ("Quimper", 47.99, -4.1, "Bretagne", 63_283),
        ("Lorient", 47.75, -3.37, "Bretagne", 57_408),
        ("Paris", 48.86, 2.35, "Île-de-France", 2_133_111),
        ("Versailles", 48.8, 2.13, "Île-de-France", 83_918),
        ("Lyon", 45.76, 4.84, "Auvergne-Rhône-Alpes", 522_250),
        ("Grenoble", 45.19, 5.72, "Auvergne-Rhône-Alpes", 157_477),
        ("Marseille", 43.3, 5.37, "Provence", 873_076),
        ("Nice", 43.7, 7.27, "Provence", 348_085),
        ("Bordeaux", 44.84, -0.58, "Nouvelle-Aquitaine", 261_804),
        ("Toulouse", 43.6, 1.44, "Occitanie", 504_078),
        ("Lille", 50.63, 3.06, "Hauts-de-France", 236_710),
        ("Strasbourg", 48.57, 7.75, "Grand Est", 291_313),
    ];
    let row = |(name, lat, lon, region, population): (&str, f64, f64, &str, i64)| json!({ "_geopoint": format!("{lat},{lon}"), "nom": name, "region": region, "population": population });
    cities
        .into_iter()
        .map(row)
        .chain([json!({ "_geopoint": null, "nom": "Ailleurs", "region": null, "population": 1 })])
        .collect()
}

#[test]
fn points_are_named_coloured_sized_and_told() {
    let config = json!({ "type": "points", "title": "Villes", "labelField": "nom", "field": "region", "fieldTitle": "Région", "sizeField": "population", "unit": "hab." });
    let (svg, rendered) = render(&config, &cities(), &fr()).unwrap();
    assert_eq!(svg.matches("role=\"listitem\"").count(), 14, "a line without a point has no place");
    assert!(svg.contains("aria-label=\"Brest · Bretagne · 139\u{202f}456\u{a0}hab.\""), "{svg}");
    assert!(
        svg.contains(">Marseille</text>") && svg.contains(">Nouvelle-Aquitaine</text>"),
        "names, and a legend"
    );
    assert!(
        svg.contains("\u{a0}km</text>") && svg.contains("48°\u{a0}N</text>"),
        "a scale and degrees: {svg}"
    );
    assert_eq!(
        rendered.alt,
        "Villes. 14 points, latitudes 43,3 à 50,63, longitudes \u{2212}4,49 à 7,75. Région : Bretagne, Auvergne-Rhône-Alpes, Provence…"
    );
    let table = rendered.table.unwrap();
    assert_eq!(table["columns"], json!(["nom", "Latitude", "Longitude", "Région", "population"]));
    assert_eq!(table["rows"][0], json!(["Brest", 48.39, -4.49, "Bretagne", 139_456.0]));
    let style = &table["style"];
    assert_eq!(
        style["sources"]["dataset"]["tiles"][0],
        "/data-fair/api/v1/datasets/lieux/lines?format=pbf&xyz={x},{y},{z}&select=nom%2Cregion%2Cpopulation"
    );
    assert_eq!(style["layers"][1]["source-layer"], "results");
    assert_eq!(style["layers"][1]["paint"]["circle-color"][2], "Bretagne");
}

#[test]
fn the_interactive_map_has_the_colours_of_the_picture_on_the_values_of_tiles() {
    let rows: Vec<Value> = (0..5)
        .map(|index| json!({ "_geopoint": format!("48,{index}"), "ouvert": if index < 3 { "true" } else { "false" } }))
        .collect();
    let (svg, rendered) = render(&json!({ "type": "points", "field": "ouvert" }), &rows, &fr()).unwrap();
    assert!(svg.contains(">oui</text>"));
    let table = rendered.table.unwrap();
    let colour = &table["style"]["layers"][1]["paint"]["circle-color"];
    assert_eq!((&colour[2], &colour[4]), (&json!("true"), &json!("false")));
    assert!(svg.contains(colour[3].as_str().unwrap()));
}

#[test]
fn lines_that_are_near_are_one_disc_with_their_number() {
    let rows: Vec<Value> = (0..3_000)
        .map(|index: i32| {
            let (angle, away) = (f64::from(index) * 2.4, f64::from(index % 61) / 20.0);
            json!({ "_geopoint": format!("{},{}", 46.5 + away * angle.sin(), 2.5 + away * 1.3 * angle.cos()) })
        })
        .collect();
    let (svg, rendered) = render(&json!({ "type": "clusters" }), &rows, &fr()).unwrap();
    let discs = svg.matches("role=\"listitem\"").count();
    assert!((10..200).contains(&discs), "{discs}");
    let table = rendered.table.unwrap();
    let counts: Vec<i64> =
        table["rows"].as_array().unwrap().iter().map(|row| row[2].as_i64().unwrap()).collect();
    assert_eq!((counts.iter().sum::<i64>(), counts.len()), (3_000, discs));
    assert!(counts.is_sorted_by(|a, b| a >= b), "the largest first");
    let source = &table["style"]["sources"]["dataset"];
    assert_eq!(
        (&source["type"], &source["cluster"]),
        (&json!("geojson"), &json!(true)),
        "the map gathers, too"
    );
    assert_eq!(source["data"], "/data-fair/api/v1/datasets/lieux/lines?format=geojson&size=10000");
    assert_eq!(table["style"]["layers"][1]["filter"], json!(["has", "point_count"]));
    assert!(
        rendered.alt.starts_with(&format!("Lieux. 3000 lignes en {discs} endroits, ")),
        "{}",
        rendered.alt
    );
}

/// Hexagons side by side, each with its number.
fn hexagons() -> Vec<Value> {
    let corner = |x: f64, y: f64, index: i32| {
        let angle = f64::from(index) * std::f64::consts::FRAC_PI_3;
        json!([x + 0.2 * angle.cos(), y + 0.2 * angle.sin() * 0.7])
    };
    (0..30)
        .map(|index: i32| {
            let (column, row) = (index % 6, index / 6);
            let (x, y) = (
                2.0 + f64::from(column) * 0.3,
                47.0 + f64::from(row) * 0.242 + f64::from(column % 2) * 0.121,
            );
            let ring: Vec<Value> = (0..=6).map(|index| corner(x, y, index)).collect();
            let geometry = json!({ "type": "Polygon", "coordinates": [ring] }).to_string();
            let value = if index == 7 { Value::Null } else { json!(f64::from(index * index) / 3.0) };
            json!({ "geom": geometry, "nom": format!("Zone {index}"), "taux": value })
        })
        .collect()
}

#[test]
fn areas_are_coloured_by_classes_that_the_legend_tells() {
    let config = json!({ "type": "choropleth", "geometryField": "geom", "labelField": "nom", "field": "taux", "unit": "%", "title": "Taux" });
    let (svg, rendered) = render(&config, &hexagons(), &fr()).unwrap();
    assert_eq!(svg.matches("<path").count(), 30);
    assert!(
        svg.contains("aria-label=\"Zone 7\u{a0}: sans valeur\"") && svg.contains(">sans valeur</text>"),
        "{svg}"
    );
    assert!(svg.contains("à 280,33</text>"), "the highest class ends at the highest value");
    assert_eq!(rendered.alt, "Taux. 30 zones, de 0\u{a0}% (Zone 0) à 280,33\u{a0}% (Zone 29).");
    let table = rendered.table.unwrap();
    assert_eq!((&table["columns"], &table["rows"][7]), (&json!(["nom", "taux"]), &json!(["Zone 7", null])));
    assert_eq!(table["style"]["layers"][1]["paint"]["fill-color"][0], "case");
    let mut text = hexagons();
    text[0]["taux"] = json!("beaucoup");
    text.iter_mut().skip(1).for_each(|row| row["taux"] = json!("peu"));
    assert_eq!(render(&config, &text, &fr()).unwrap_err().field.as_deref(), Some("/field"));
}

#[test]
fn what_has_no_place_is_said() {
    for form in ["points", "clusters", "choropleth"] {
        let config = json!({ "type": form, "geometryField": "g", "field": "n" });
        let (svg, rendered) = render(&config, &[], &json!({ "locale": "en" })).unwrap();
        assert!(svg.contains("No data") && rendered.alt == "Lieux. No data.", "{form}: {}", rendered.alt);
    }
    let problem = render(&json!({ "type": "points" }), &[json!({ "nom": "x" })], &fr()).unwrap_err();
    assert!(problem.message.contains("latitude"), "{problem}");
    let incomplete = json!({ "datasets": [{ "id": "d" }], "type": "choropleth", "field": "n" });
    assert_eq!(
        MapPlugin::query(&from_value(incomplete).unwrap()).unwrap_err().field.as_deref(),
        Some("/geometryField")
    );
    let config = json!({ "datasets": [{ "id": "d" }], "labelField": "nom", "field": "nom", "sizeField": "n", "qs": "n:>3" });
    let request = MapPlugin::query(&from_value(config).unwrap()).unwrap().remove(0);
    assert_eq!(request.params, json!({ "select": "_geopoint,nom,n", "qs": "n:>3" }));
}
