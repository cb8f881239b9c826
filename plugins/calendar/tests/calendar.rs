//! A calendar, as a reader and a screen reader meet it.

use calendar::Calendar;
use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::visualisation::{Data, Output, Rendered, Visualisation};
use halle_plugin::{BatchBuilder, Field, Kind, Result, dates};

fn render(rows: &[(String, i64)]) -> Result<(String, Rendered)> {
    let fields = vec![Field::new("value", Kind::Text), Field::new("total", Kind::Integer)];
    let mut batch = BatchBuilder::new(&fields);
    rows.iter().for_each(|(day, total)| batch.push([day.as_str().into(), (*total).into()]).unwrap());
    let data = [Data { name: "days".to_owned(), fields, batch: batch.finish() }];
    let config =
        from_value(json!({ "datasets": [{ "id": "d" }], "field": "jour", "title": "Délibérations" }))
            .unwrap();
    let context = from_value(json!({ "width": 900, "height": 480, "locale": "fr" })).unwrap();
    let rendered = Calendar::render(&data, &config, &context)?;
    let Output::Svg(svg) = &rendered.output else { panic!("not SVG") };
    Ok((svg.clone(), rendered))
}

/// Working days of four years, as the API groups instants.
fn days() -> Vec<(String, i64)> {
    let first = dates::parse_day("2021-03-01").unwrap();
    (first..first + 1_400)
        .map(|day| {
            let total =
                if (day + 3).rem_euclid(7) > 4 { 0 } else { i64::from((day * 7919).rem_euclid(23) + 1) };
            (format!("{}T00:00:00.000+01:00", dates::format_day(day)), total)
        })
        .rev()
        .collect()
}

#[test]
fn a_square_per_day_of_the_last_three_years() {
    let (svg, rendered) = render(&days()).unwrap();
    // From 1 January 2022 to 29 December 2024: 782 working days.
    let items = svg.matches("role=\"listitem\"").count();
    assert!(
        svg.contains(">2022</text>") && svg.contains(">2024</text>") && !svg.contains(">2021</text>"),
        "{svg}"
    );
    assert!(svg.contains(">févr.</text>") && svg.contains("aria-label=\"03/01/2022\u{a0}: "));
    assert!(!svg.contains("aria-label=\"01/01/2022\u{a0}: "), "nothing happened that Saturday");
    let table = rendered.table.unwrap();
    let rows = table["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0][0]), (items, &json!("2022-01-03")));
    // Every square of three years, with something in it or not, and the background and the legend.
    let squares = svg.matches("<rect").count() - svg.matches("à ").count();
    assert!((1_090..1_105).contains(&squares), "{squares}");
    assert!(
        rendered.alt.starts_with(&format!("Délibérations. {items} jours entre le 03/01/2022 et le ")),
        "{}",
        rendered.alt
    );
    assert!(rendered.alt.ends_with("(23)."), "{}", rendered.alt);
}

#[test]
fn nothing_and_no_dates_are_said() {
    let (svg, rendered) = render(&[]).unwrap();
    assert!(svg.contains("Aucune donnée") && rendered.alt == "Délibérations. Aucune donnée.");
    assert_eq!(render(&[("Brest".to_owned(), 3)]).unwrap_err().field.as_deref(), Some("/field"));
}

#[test]
fn days_are_asked_from_the_last_one() {
    let config: Value = json!({ "datasets": [{ "id": "d" }], "field": "jour", "metric": "sum", "metricField": "montant", "qs": "a:b" });
    let request = Calendar::query(&from_value(config).unwrap()).unwrap().remove(0);
    let expected = json!({
        "field": "jour", "interval": "day", "agg_size": "1000", "sort": "-key", "metric": "sum", "metric_field": "montant", "qs": "a:b",
    });
    assert_eq!((request.operation.as_str(), request.params), ("values_agg", expected));
}
