//! Figures, as a reader and a screen reader meet them.

use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::visualisation::{Data, Output, Visualisation};
use halle_plugin::{BatchBuilder, Field, Kind};
use key_figures::KeyFigures;

fn config() -> Value {
    json!({ "datasets": [{ "id": "communes" }], "title": "Bretagne", "figures": [
        { "title": "communes" },
        { "title": "habitants", "metric": "sum", "metricField": "population", "unit": "hab." },
        { "title": "surface moyenne", "metric": "avg", "metricField": "surface", "unit": "km²", "qs": "surface:>0" },
    ] })
}

fn data(values: &[Option<f64>]) -> Vec<Data> {
    let fields = vec![Field::new("total", Kind::Integer), Field::new("metric", Kind::Number)];
    let one = |(index, value): (usize, &Option<f64>)| {
        let mut batch = BatchBuilder::new(&fields);
        batch.push([1207_i64.into(), (*value).into()]).unwrap();
        Data { name: index.to_string(), fields: fields.clone(), batch: batch.finish() }
    };
    values.iter().enumerate().map(one).collect()
}

#[test]
fn each_figure_is_an_item_with_its_unit() {
    let context = from_value(json!({ "width": 800, "height": 300 })).unwrap();
    let data = data(&[Some(1207.0), Some(3_394_567.0), None]);
    let rendered = KeyFigures::render(&data, &from_value(config()).unwrap(), &context).unwrap();
    let Output::Svg(svg) = &rendered.output else { panic!("not SVG") };
    assert_eq!(svg.matches("role=\"listitem\"").count(), 3);
    assert!(svg.contains(">3\u{202f}394\u{202f}567\u{a0}hab.</text>"), "{svg}");
    assert_eq!(
        rendered.alt,
        "Bretagne. communes\u{a0}: 1\u{202f}207 ; habitants\u{a0}: 3\u{202f}394\u{202f}567\u{a0}hab. ; surface moyenne\u{a0}: –."
    );
    assert_eq!(rendered.table.unwrap()["rows"][1], json!(["habitants", 3_394_567.0, "hab."]));
    assert_eq!(
        KeyFigures::render(&data[..2], &from_value(config()).unwrap(), &context).unwrap_err().code,
        "input/missing"
    );
}

#[test]
fn each_figure_asks_with_its_own_filter() {
    let requests = KeyFigures::query(&from_value(config()).unwrap()).unwrap();
    assert_eq!(requests[0].params, json!({}));
    assert_eq!(requests[2].params, json!({ "metric": "avg", "field": "surface", "qs": "surface:>0" }));
    let mut incomplete = config();
    incomplete["figures"][1]["metricField"] = Value::Null;
    let problem = KeyFigures::query(&from_value(incomplete).unwrap()).unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("/figures/1/metricField"));
    let none = json!({ "datasets": [{ "id": "d" }], "figures": [] });
    assert_eq!(KeyFigures::query(&from_value(none).unwrap()).unwrap_err().field.as_deref(), Some("/figures"));
}
