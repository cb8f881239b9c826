//! Forms beside bars, lines and pies.

use chart::ChartPlugin;
use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::visualisation::{Data, Output, Rendered, Visualisation};
use halle_plugin::{BatchBuilder, Field, Kind, Result};

/// Rows as the host gives them: columns in the order of the first row, kinds by their values.
fn data(name: &str, rows: &[Value]) -> Data {
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
    Data { name: name.to_owned(), fields, batch: batch.finish() }
}

fn render(config: &Value, rows: &[Value]) -> Result<(String, Rendered)> {
    render_all(config, &[data("groups", rows)])
}

fn render_all(config: &Value, data: &[Data]) -> Result<(String, Rendered)> {
    let mut full = json!({ "datasets": [{ "id": "communes" }], "field": "region" });
    full.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    let context = from_value(json!({ "width": 800, "height": 500, "locale": "fr" })).unwrap();
    let rendered = ChartPlugin::render(data, &from_value(full).unwrap(), &context)?;
    let Output::Svg(svg) = &rendered.output else { panic!("not SVG") };
    Ok((svg.clone(), rendered))
}

fn regions() -> Vec<Value> {
    let regions = [
        (
            "Grand Est",
            [("Aube", 431), ("Marne", 613), ("Moselle", 725), ("Bas-Rhin", 514), ("Haut-Rhin", 366)]
                .as_slice(),
        ),
        (
            "Normandie",
            &[("Calvados", 528), ("Eure", 585), ("Manche", 445), ("Orne", 381), ("Seine-Maritime", 708)],
        ),
        (
            "Bretagne",
            &[("Finistère", 277), ("Morbihan", 249), ("Ille-et-Vilaine", 332), ("Côtes-d'Armor", 348)],
        ),
        ("Île-de-France", &[("Paris", 1), ("Yvelines", 259), ("Essonne", 194), ("Val-d'Oise", 183)]),
        ("Corse", &[("Haute-Corse", 236), ("Corse-du-Sud", 124)]),
    ];
    regions
        .iter()
        .flat_map(|(region, parts)| {
            parts.iter().map(move |(part, total)| json!({ "value": region, "value2": part, "total": total }))
        })
        .collect()
}

#[test]
fn treemaps_and_sunbursts_divide_groups() {
    for form in ["treemap", "sunburst"] {
        let config = json!({ "type": form, "field2": "departement" });
        let totals = [
            ("Grand Est", 3000),
            ("Normandie", 2647),
            ("Bretagne", 1206),
            ("Île-de-France", 637),
            ("Corse", 360),
        ];
        let groups: Vec<Value> =
            totals.iter().map(|(value, total)| json!({ "value": value, "total": total })).collect();
        let (svg, rendered) =
            render_all(&config, &[data("groups", &groups), data("parts", &regions())]).unwrap();
        // Five groups, their twenty parts, and what the answer left out of the first.
        assert_eq!(svg.matches("role=\"listitem\"").count(), 26, "{form}");
        assert!(svg.contains("aria-label=\"Grand Est\u{a0}: 3\u{202f}000 (38,2\u{a0}%)\""), "{form}: {svg}");
        assert!(
            svg.contains(">Normandie<") && svg.contains(">Moselle<"),
            "{form}: names are written where they fit"
        );
        assert_eq!(
            rendered.alt,
            "Nombre de lignes par region. 5 valeurs, de 360 (Corse) à 3\u{202f}000 (Grand Est)."
        );
        let table = rendered.table.unwrap();
        assert_eq!(table["columns"], json!(["region", "departement", "Nombre de lignes"]));
        assert_eq!(
            (&table["rows"][0], table["rows"].as_array().unwrap().len()),
            (&json!(["Grand Est", "Aube", 431.0]), 21)
        );
        assert_eq!(table["rows"][5], json!(["Grand Est", "autres ou sans valeur", 351.0]));
        let flat: Vec<Value> =
            (0..6).map(|index| json!({ "value": format!("g{index}"), "total": 60 - index * 9 })).collect();
        let (svg, rendered) = render(&json!({ "type": form }), &flat).unwrap();
        assert_eq!(svg.matches("role=\"listitem\"").count(), 6, "{form}");
        assert_eq!(rendered.table.unwrap()["columns"], json!(["region", "Nombre de lignes"]));
    }
}

#[test]
fn parts_of_a_whole_must_add_up() {
    let config = json!({ "datasets": [{ "id": "d" }], "field": "a", "type": "treemap", "metric": "avg", "metricField": "n" });
    assert_eq!(
        ChartPlugin::query(&from_value(config).unwrap()).unwrap_err().field.as_deref(),
        Some("/metric")
    );
    let config = json!({ "type": "sunburst", "metric": "sum", "metricField": "solde" });
    let negative = [json!({ "value": "a", "total": 1, "metric": -3 })];
    assert_eq!(render(&config, &negative).unwrap_err().code, "chart/negative");
    let config =
        json!({ "datasets": [{ "id": "d" }], "field": "a", "field2": "b", "type": "sunburst", "size": 9 });
    let requests = ChartPlugin::query(&from_value(config).unwrap()).unwrap();
    assert_eq!(requests[0].params, json!({ "field": "a", "agg_size": "9" }));
    let parts = &requests[1];
    let expected = json!({ "field": "a;b", "agg_size": "9;20" });
    assert_eq!((parts.name.as_str(), &parts.params, parts.max_rows), ("parts", &expected, 180));
}

#[test]
fn a_cloud_has_a_point_per_line_with_both_values() {
    let config = json!({ "type": "scatter", "field": "population", "metricField": "surface", "labelField": "nom", "unit": "km²" });
    let rows: Vec<Value> = (0..120)
        .map(|index: i64| json!({ "nom": format!("C{index}"), "population": index * index * 30 % 47_000, "surface": f64::from(((index * 37) % 50) as i32) + 0.5 }))
        .chain([json!({ "nom": "sans", "population": null, "surface": 3.0 })])
        .collect();
    let (svg, rendered) = render(&config, &rows).unwrap();
    assert_eq!(svg.matches("<circle").count(), 120, "a line without a value has no place");
    assert!(svg.contains("aria-label=\"C1 · population 30 · surface (km²) 37,5\""), "{svg}");
    assert!(
        rendered.alt.starts_with("surface (km²) selon population. 120 points ; population de 0 à "),
        "{}",
        rendered.alt
    );
    assert_eq!(rendered.table.unwrap()["rows"][1], json!(["C1", 30.0, 37.5]));
    let full = json!({ "datasets": [{ "id": "d" }], "type": "scatter", "field": "x", "metricField": "y", "labelField": "n" });
    let request = ChartPlugin::query(&from_value(full).unwrap()).unwrap().remove(0);
    assert_eq!((request.operation.as_str(), request.params), ("lines", json!({ "select": "x,y,n" })));
    let text = [json!({ "population": "beaucoup", "surface": 1 })];
    assert_eq!(render(&config, &text).unwrap_err().field.as_deref(), Some("/field"));
}

#[test]
fn a_histogram_counts_values_or_draws_what_the_api_counted() {
    let config = json!({ "type": "histogram", "field": "age", "unit": "ans" });
    let rows: Vec<Value> =
        (0..500).map(|index: i64| json!({ "age": (index * 7919 % 45) + (index * 104_729 % 46) })).collect();
    let (svg, rendered) = render(&config, &rows).unwrap();
    let table = rendered.table.unwrap();
    let bins = table["rows"].as_array().unwrap();
    let count: f64 = bins.iter().map(|bin| bin[2].as_f64().unwrap()).sum();
    assert_eq!(count, 500.0, "every value is in one bar");
    assert!(
        (5..=21).contains(&bins.len()) && bins.windows(2).all(|pair| pair[0][1] == pair[1][0]),
        "{bins:?}"
    );
    assert!(rendered.alt.starts_with("Répartition : age (ans). 500 valeurs en "), "{}", rendered.alt);
    assert_eq!(svg.matches("role=\"listitem\"").count(), bins.len());

    let config = json!({ "type": "histogram", "field": "age", "interval": "10" });
    let groups = [
        json!({ "value": 20, "total": 4 }),
        json!({ "value": 0, "total": 2 }),
        json!({ "value": 40, "total": 1 }),
    ];
    let (svg, rendered) = render(&config, &groups).unwrap();
    let expected =
        json!([[0.0, 10.0, 2.0], [10.0, 20.0, 0.0], [20.0, 30.0, 4.0], [30.0, 40.0, 0.0], [40.0, 50.0, 1.0]]);
    assert_eq!(rendered.table.unwrap()["rows"], expected, "empty classes are shown");
    assert!(svg.contains("aria-label=\"de 20 à moins de 30\u{a0}: 4\""));
    let narrow = json!({ "type": "histogram", "field": "age", "interval": "0.01" });
    assert_eq!(render(&narrow, &groups).unwrap_err().field.as_deref(), Some("/interval"));
    let words = json!({ "type": "histogram", "field": "age", "interval": "month" });
    assert_eq!(render(&words, &groups).unwrap_err().field.as_deref(), Some("/interval"));
}

#[test]
fn an_area_is_read_from_left_to_right_and_nothing_is_said_to_be_nothing() {
    let rows: Vec<Value> = (0..24)
        .map(|index: i64| json!({ "value": 2000 + index, "total": 400 + index * index * 3 - index * 40 }))
        .collect();
    let (svg, _) = render(&json!({ "type": "area" }), &rows).unwrap();
    assert!(svg.contains("fill-opacity=\"0.55\"") && svg.contains("aria-label=\"2000\u{a0}: 400\""));
    let config = json!({ "datasets": [{ "id": "d" }], "type": "area", "field": "annee" });
    assert_eq!(ChartPlugin::query(&from_value(config).unwrap()).unwrap()[0].params["sort"], "key");
    for form in ["area", "treemap", "sunburst", "scatter", "histogram"] {
        let (svg, rendered) = render(&json!({ "type": form, "metricField": "n" }), &[]).unwrap();
        assert!(svg.contains("Aucune donnée") && rendered.alt.ends_with("Aucune donnée."), "{form}");
    }
}
