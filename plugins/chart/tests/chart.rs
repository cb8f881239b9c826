//! Charts, as a reader and a screen reader meet them.

use chart::ChartPlugin;
use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::visualisation::{Data, Output, Rendered, Visualisation};
use halle_plugin::{BatchBuilder, Field, Kind, Result};

fn data(rows: &[(Option<&str>, i64, Option<f64>)]) -> Vec<Data> {
    let fields = vec![
        Field::new("value", Kind::Text),
        Field::new("total", Kind::Integer),
        Field::new("metric", Kind::Number),
    ];
    let mut batch = BatchBuilder::new(&fields);
    for (value, total, metric) in rows {
        batch.push([(*value).into(), (*total).into(), (*metric).into()]).unwrap();
    }
    vec![Data { name: "groups".to_owned(), fields, batch: batch.finish() }]
}

fn render(config: Value, rows: &[(Option<&str>, i64, Option<f64>)], context: Value) -> Result<Rendered> {
    let mut full = json!({ "datasets": [{ "id": "communes" }], "field": "region" });
    full.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    ChartPlugin::render(&data(rows), &from_value(full).unwrap(), &from_value(context).unwrap())
}

fn svg(rendered: &Rendered) -> &str {
    let Output::Svg(svg) = &rendered.output else { panic!("not SVG") };
    svg
}

const REGIONS: &[(Option<&str>, i64, Option<f64>)] = &[
    (Some("Bretagne <Breizh>"), 1207, Some(3.4e6)),
    (Some("Corse"), 360, Some(350_273.5)),
    (None, 12, None),
];

#[test]
fn bars_name_themselves_their_items_and_their_data() {
    let rendered =
        render(json!({}), REGIONS, json!({ "width": 800, "height": 450, "locale": "fr" })).unwrap();
    let svg = svg(&rendered);
    assert!(
        svg.contains("role=\"img\"")
            && svg.contains("<title id=\"chart-title\">Nombre de lignes par region</title>")
    );
    assert!(svg.contains("viewBox=\"0 0 800 450\""));
    assert!(svg.contains("aria-label=\"Bretagne &lt;Breizh&gt;\u{a0}: 1\u{202f}207\""), "{svg}");
    assert!(!svg.contains("<Breizh>"), "texts are escaped");
    assert_eq!(svg.matches("role=\"listitem\"").count(), 3);
    assert_eq!(
        rendered.alt,
        "Nombre de lignes par region. 3 valeurs, de 12 (sans valeur) à 1\u{202f}207 (Bretagne <Breizh>)."
    );
    let table = rendered.table.unwrap();
    assert_eq!(table["columns"], json!(["region", "Nombre de lignes"]));
    assert_eq!(table["rows"][1], json!(["Corse", 360.0]));
}

#[test]
fn a_measure_with_a_unit_is_told_in_the_language_of_the_reader() {
    let config = json!({ "type": "line", "metric": "sum", "metricField": "population", "unit": "hab.", "title": "Population" });
    let rendered = render(
        config,
        REGIONS,
        json!({ "width": 600, "height": 300, "locale": "en-GB", "theme": { "dark": true } }),
    )
    .unwrap();
    assert_eq!(
        rendered.alt,
        "Population. 2 values, from 350,273.5\u{a0}hab. (Corse) to 3,400,000\u{a0}hab. (Bretagne <Breizh>)."
    );
    let svg = svg(&rendered);
    assert!(svg.contains("#16181d"), "dark pages have a dark background");
    assert!(svg.contains(">Sum of population (hab.)</text>"));
}

#[test]
fn a_pie_gives_shares_and_joins_the_smallest() {
    let names: Vec<String> = (0..12).map(|index| format!("g{index}")).collect();
    let rows: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(index, name)| (Some(name.as_str()), 100 - index as i64, None))
        .collect();
    let rendered = render(json!({ "type": "pie" }), &rows, json!({})).unwrap();
    let svg = svg(&rendered);
    assert_eq!(svg.matches("role=\"listitem\"").count(), 8);
    assert!(svg.contains("Autres (5)"), "{svg}");
    let whole = render(json!({ "type": "pie" }), &rows[..1], json!({})).unwrap();
    assert!(self::svg(&whole).contains("100\u{a0}%"));
}

#[test]
fn a_negative_share_is_a_problem_and_not_a_picture() {
    let config = json!({ "type": "pie", "metric": "sum", "metricField": "solde" });
    let problem = render(config, &[(Some("a"), 1, Some(-3.0))], json!({})).unwrap_err();
    assert_eq!(problem.code, "chart/negative");
}

#[test]
fn nothing_to_draw_is_said() {
    for form in ["bar", "line", "pie"] {
        let rendered = render(json!({ "type": form }), &[], json!({ "locale": "en" })).unwrap();
        assert!(svg(&rendered).contains("No data") && rendered.alt.ends_with("No data."));
    }
}

#[test]
fn more_bars_than_fit_are_announced() {
    let names: Vec<String> = (0..80).map(|index| format!("groupe {index}")).collect();
    let rows: Vec<_> = names.iter().map(|name| (Some(name.as_str()), 5, None)).collect();
    let rendered = render(json!({}), &rows, json!({ "width": 500, "height": 300 })).unwrap();
    assert!(svg(&rendered).contains("autres valeurs dans le tableau"));
    assert_eq!(rendered.table.unwrap()["rows"].as_array().unwrap().len(), 80);
}

#[test]
fn the_aggregation_is_asked_as_the_configuration_says() {
    let config = json!({ "datasets": [{ "id": "d" }], "field": "annee", "type": "line", "metric": "avg", "metricField": "prix", "size": 12, "qs": "prix:>0" });
    let request = ChartPlugin::query(&from_value(config).unwrap()).unwrap().remove(0);
    assert_eq!(
        (request.dataset.as_str(), request.operation.as_str(), request.max_rows),
        ("d", "values_agg", 12)
    );
    let expected = json!({ "field": "annee", "agg_size": "12", "metric": "avg", "metric_field": "prix", "sort": "key", "qs": "prix:>0" });
    assert_eq!(request.params, expected);
    let incomplete = json!({ "datasets": [{ "id": "d" }], "field": "annee", "metric": "sum" });
    assert_eq!(
        ChartPlugin::query(&from_value(incomplete).unwrap()).unwrap_err().field.as_deref(),
        Some("/metricField")
    );
}
