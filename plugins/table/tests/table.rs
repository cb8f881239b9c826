//! A table, as a reader and a screen reader meet it.

use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::visualisation::{Data, Output, Rendered, Visualisation};
use halle_plugin::{BatchBuilder, Field, Kind};
use table::TablePlugin;

fn config() -> Value {
    json!({ "datasets": [{ "id": "communes", "title": "Communes" }], "sort": "-population", "columns": [
        { "key": "nom", "title": "Commune" }, { "key": "code" },
        { "key": "population", "title": "Population", "unit": "hab.", "bar": true }, { "key": "vide" },
    ] })
}

fn render(lines: i64) -> (String, Rendered) {
    let fields = vec![
        Field::new("nom", Kind::Text),
        Field::new("code", Kind::Integer),
        Field::new("population", Kind::Integer),
    ];
    let mut batch = BatchBuilder::new(&fields);
    for index in 0..lines {
        let name = if index == 1 {
            "Saint-Rémy-en-Bouzemont-Saint-Genest-et-Isson <au bord de l'eau>".to_owned()
        } else {
            format!("Commune {index}")
        };
        batch.push([name.as_str().into(), (29_000 + index).into(), (139_456 / (index + 1)).into()]).unwrap();
    }
    let data = [Data { name: "lines".to_owned(), fields, batch: batch.finish() }];
    let context = from_value(json!({ "width": 700, "height": 320, "locale": "fr" })).unwrap();
    let rendered = TablePlugin::render(&data, &from_value(config()).unwrap(), &context).unwrap();
    let Output::Svg(svg) = &rendered.output else { panic!("not SVG") };
    (svg.clone(), rendered)
}

#[test]
fn lines_are_told_and_those_without_room_announced() {
    let (svg, rendered) = render(40);
    let shown = svg.matches("role=\"listitem\"").count();
    assert!((8..20).contains(&shown), "{shown}");
    assert!(svg.contains(&format!("+ {} autres lignes dans le tableau", 40 - shown)), "{svg}");
    assert!(
        svg.contains("aria-label=\"Commune Commune 0 · code 29000 · Population (hab.) 139\u{202f}456\""),
        "{svg}"
    );
    assert!(svg.contains("&lt;au bord de l'eau&gt;") && !svg.contains("<au bord"));
    assert_eq!(rendered.alt, "Communes. Tableau de 40 lignes : Commune, code, Population (hab.), vide.");
    let table = rendered.table.unwrap();
    assert_eq!(table["rows"].as_array().unwrap().len(), 40);
    assert_eq!(table["rows"][0], json!(["Commune 0", 29_000, 139_456, null]));
}

#[test]
fn few_lines_are_all_there_and_none_is_said() {
    let (svg, _) = render(3);
    assert!(svg.matches("role=\"listitem\"").count() == 3 && !svg.contains("autres lignes"));
    let (svg, rendered) = render(0);
    assert!(svg.contains("Aucune donnée") && rendered.alt == "Communes. Aucune donnée.");
}

#[test]
fn only_the_columns_that_are_shown_are_asked() {
    let request = TablePlugin::query(&from_value(config()).unwrap()).unwrap().remove(0);
    assert_eq!(
        (request.params, request.max_rows),
        (json!({ "select": "nom,code,population,vide", "sort": "-population" }), 20)
    );
    let none = json!({ "datasets": [{ "id": "d" }], "columns": [] });
    assert_eq!(
        TablePlugin::query(&from_value(none).unwrap()).unwrap_err().field.as_deref(),
        Some("/columns")
    );
}
