//! The style of the interactive map of the same configuration: MapLibre's style document, version 8, over the vector tiles of
//! the dataset (`lines?format=pbf&xyz={x},{y},{z}`, one layer named `results`). Lines that are gathered come as GeoJSON, which a
//! map gathers itself at each zoom.
//!
//! Addresses begin with `/`: the platform writes them out, and lets a style ask no other server.

use drawing::classes::{limits, ramp};
use drawing::config::given;
use drawing::svg::Colours;
use drawing::{Frame, label};
use halle_plugin::serde_json::{Value, json};
use halle_plugin::{Cell, Result, Rows};

use crate::clusters::CELL;
use crate::config::{Config, Form, GATHERED_MAX};
use crate::place;
use crate::points::categories;

/// Layer of the tiles.
const LAYER: &str = "results";
/// Zoom beyond which tiles are enlarged instead of fetched.
const ZOOM_MAX: u8 = 16;

/// The style; `None` without a dataset.
pub fn of(frame: &Frame, rows: &Rows<'_>, config: &Config) -> Result<Option<Value>> {
    let Some(dataset) = config.datasets.first() else { return Ok(None) };
    let lines = format!("/data-fair/api/v1/datasets/{}/lines", halle_plugin::http::encode(&dataset.id));
    // Tiles carry the columns that colour, size and name.
    let wanted = [&config.label_field, &config.field, &config.size_field];
    let mut select: Vec<&str> = wanted.into_iter().filter_map(|key| given(key.as_ref())).collect();
    select.dedup();
    let mut params = String::new();
    for (name, value) in [("select", select.join(",")), ("qs", config.qs.clone().unwrap_or_default())] {
        if !value.is_empty() {
            params.push_str(&format!("&{name}={}", halle_plugin::http::encode(&value)));
        }
    }
    let tiles = format!("{lines}?format=pbf&xyz={{x}},{{y}},{{z}}{params}");
    let tiled = json!({ "type": "vector", "tiles": [tiles], "maxzoom": ZOOM_MAX });
    let background = &frame.colours.background;
    let mut layers = vec![
        json!({ "id": "background", "type": "background", "paint": { "background-color": background } }),
    ];
    let source = match config.form {
        Form::Choropleth => {
            layers.extend(areas(frame, rows, config));
            tiled
        }
        Form::Points => {
            layers.push(discs(frame, rows, config)?);
            tiled
        }
        Form::Clusters => {
            layers.extend(clusters(frame));
            let data = format!("{lines}?format=geojson&size={GATHERED_MAX}{params}");
            json!({ "type": "geojson", "data": data, "cluster": true, "clusterRadius": CELL })
        }
    };
    Ok(Some(json!({ "version": 8, "name": frame.title, "sources": { "dataset": source }, "layers": layers })))
}

/// Discs for gathered lines, larger where there are more, and for lines that stand alone.
fn clusters(frame: &Frame) -> [Value; 2] {
    let count = json!(["sqrt", ["get", "point_count"]]);
    let radius = json!(["interpolate", ["linear"], count, 1.4, 9, 10, 16, 100, 30]);
    let layer = |id: &str, filter: Value, radius: Value| {
        json!({
            "id": id, "type": "circle", "source": "dataset", "filter": filter,
            "paint": {
                "circle-color": frame.colours.primary, "circle-opacity": 0.8, "circle-radius": radius,
                "circle-stroke-color": frame.colours.background, "circle-stroke-width": 1,
            },
        })
    };
    [
        layer("clusters", json!(["has", "point_count"]), radius),
        layer("points", json!(["!", ["has", "point_count"]]), json!(5)),
    ]
}

fn discs(frame: &Frame, rows: &Rows<'_>, config: &Config) -> Result<Value> {
    let mut colour = json!(frame.colours.primary);
    let field = given(config.field.as_ref());
    if let Some((field, column)) = field.and_then(|field| Some((field, rows.column(field).ok()?))) {
        // Colours as in the picture, whose lines have a place; values as tiles have them, not as they are written.
        let has_place = place(rows)?;
        let placed = (0..rows.len()).filter(|row| has_place(*row).is_some());
        let values: Vec<(String, Cell<'_>)> =
            placed.map(|row| column.cell(row)).map(|cell| (label::of(cell, frame.locale), cell)).collect();
        let mut cases = vec![json!("match"), json!(["to-string", ["get", field]])];
        for (index, category) in categories(values.iter().map(|(label, _)| label.clone())).iter().enumerate()
        {
            let value = values.iter().find(|(label, _)| label == category).map(|(_, cell)| cell.to_json());
            let value = match value {
                Some(Value::String(text)) => text,
                // A tile leaves out what is missing, and nothing is written as an empty text.
                None | Some(Value::Null) => String::new(),
                Some(other) => other.to_string(),
            };
            cases.extend([json!(value), json!(Colours::slice(index))]);
        }
        cases.push(json!(frame.colours.muted));
        // A match without a case is none.
        if cases.len() > 3 {
            colour = Value::Array(cases);
        }
    }
    let size = given(config.size_field.as_ref());
    let largest = size
        .and_then(|field| rows.column(field).ok())
        .map(|column| (0..rows.len()).filter_map(|row| column.number(row)).fold(0.0, f64::max));
    let radius = match (size, largest.filter(|largest| *largest > 0.0)) {
        (Some(field), Some(largest)) => {
            let number = json!(["to-number", ["get", field], 0]);
            json!(["interpolate", ["linear"], ["sqrt", ["max", number, 0]], 0, 3, largest.sqrt(), 22])
        }
        _ => json!(5),
    };
    let paint = json!({
        "circle-color": colour, "circle-opacity": 0.8, "circle-radius": radius,
        "circle-stroke-color": frame.colours.background, "circle-stroke-width": 1,
    });
    Ok(
        json!({ "id": "points", "type": "circle", "source": "dataset", "source-layer": LAYER, "paint": paint }),
    )
}

fn areas(frame: &Frame, rows: &Rows<'_>, config: &Config) -> Vec<Value> {
    let field = config.field.as_deref().unwrap_or_default();
    let column = rows.column(field).ok();
    let values =
        column.into_iter().flat_map(|column| (0..rows.len()).filter_map(move |row| column.number(row)));
    let limits = limits(values, config.classes.clamp(2, 7));
    let colours = ramp(&frame.colours, limits.len().saturating_sub(1));
    let mut fill = json!(frame.colours.grid);
    if let Some((first, others)) = colours.split_first() {
        let mut steps = vec![json!("step"), json!(["to-number", ["get", field], 0]), json!(first)];
        for (limit, colour) in limits[1..].iter().zip(others) {
            steps.extend([json!(limit), json!(colour)]);
        }
        // A step without a limit is none.
        fill = if others.is_empty() { json!(first) } else { Value::Array(steps) };
        fill = json!(["case", ["has", field], fill, frame.colours.grid]);
    }
    let layer = |id: &str, kind: &str, paint: Value| json!({ "id": id, "type": kind, "source": "dataset", "source-layer": LAYER, "paint": paint });
    let line = json!({ "line-color": frame.colours.background, "line-width": 0.8 });
    vec![
        layer("areas", "fill", json!({ "fill-color": fill, "fill-opacity": 0.85 })),
        layer("outlines", "line", line),
    ]
}
