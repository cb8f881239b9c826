//! A disc per line, coloured by a category, as large as a number.

use std::collections::HashMap;

use drawing::config::given;
use drawing::svg::{Anchor, Colours, Style, Svg, width_of};
use drawing::{Frame, Locale, label};
use halle_plugin::serde_json::json;
use halle_plugin::{Reader, Result, Rows};

use crate::config::{Config, POINTS_MAX};
use crate::legend::{self, Entry};
use crate::projection::Bounds;
use crate::{Drawn, ground, place, whereabouts};

/// Categories with a colour of their own.
pub const CATEGORIES_MAX: usize = 9;
/// Points beyond which names are not even tried.
const NAMED_MAX: usize = 120;
/// Pixels of the smallest and of the largest disc.
const RADII: [f64; 2] = [3.0, 22.0];

struct Point {
    place: [f64; 2],
    name: Option<String>,
    category: Option<String>,
    size: Option<f64>,
}

/// Categories of a column, the most frequent first; ties by name.
pub fn categories(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.into_iter().map(|(value, _)| value).take(CATEGORIES_MAX).collect()
}

/// Draws the map; `None` without a point.
pub fn draw(frame: &Frame, rows: &Rows<'_>, config: &Config) -> Result<Option<Drawn>> {
    if rows.is_empty() {
        return Ok(None);
    }
    let points = read(frame, rows, config)?;
    let Some(bounds) = Bounds::around(points.iter().map(|point| point.place)) else { return Ok(None) };
    let categories = categories(points.iter().filter_map(|point| point.category.clone()));
    let entries = entries(frame, &points, &categories);
    let alt = alt(frame, &points, &categories, config, bounds);
    let (mut svg, projection) = ground::begin(frame, &alt, bounds, legend::width(frame, &entries));
    let largest = points.iter().filter_map(|point| point.size).fold(0.0, f64::max);
    let usual = (90.0 / (points.len() as f64).sqrt()).clamp(3.0, 6.5);
    // Many large discs would hide each other.
    let widest = (RADII[1] * (60.0 / points.len() as f64).sqrt()).clamp(7.0, RADII[1]);
    // Surfaces are compared, not radii.
    let radius = |point: &Point| match point.size {
        Some(size) if largest > 0.0 => (size.max(0.0) / largest).sqrt().mul_add(widest - RADII[0], RADII[0]),
        _ => usual,
    };
    let mut order: Vec<&Point> = points.iter().collect();
    // Small ones last, so that none is hidden.
    order.sort_by(|a, b| radius(b).total_cmp(&radius(a)));
    svg.begin_list(&frame.title);
    for point in &order {
        svg.begin_item(&told(frame, point, config));
        let [x, y] = projection.at(point.place);
        svg.circle([x, y, radius(point)], colour(frame, &categories, point), 0.8, &frame.colours.background);
        svg.end();
    }
    svg.end();
    if points.len() <= NAMED_MAX {
        let discs: Vec<_> = order
            .iter()
            .map(|point| (projection.at(point.place), radius(point), point.name.as_deref()))
            .collect();
        name(frame, &mut svg, &discs, projection.area);
    }
    legend::draw(frame, &mut svg, &entries, projection.area);
    let (columns, rows) = table(frame, &points, config);
    Ok(Some(Drawn { svg: svg.finish(), alt, columns, rows }))
}

fn read(frame: &Frame, rows: &Rows<'_>, config: &Config) -> Result<Vec<Point>> {
    let place = place(rows)?;
    // A column in which every line is empty is not in the answer.
    let column = |key: &Option<String>| given(key.as_ref()).and_then(|key| rows.column(key).ok());
    let [names, categories, sizes] = [&config.label_field, &config.field, &config.size_field].map(column);
    let text = |column: Option<Reader<'_>>, row: usize| {
        let cell = column?.cell(row);
        (!cell.is_missing()).then(|| label::of(cell, frame.locale))
    };
    let point = |row: usize| {
        let category = categories.map(|column| label::of(column.cell(row), frame.locale));
        let size = sizes.and_then(|column| column.number(row));
        Some(Point { place: place(row)?, name: text(names, row), category, size })
    };
    Ok((0..rows.len()).filter_map(point).collect())
}

fn colour<'a>(frame: &'a Frame, categories: &[String], point: &Point) -> &'a str {
    let Some(category) = &point.category else { return &frame.colours.primary };
    let index = categories.iter().position(|known| known == category);
    match index {
        Some(index) => Colours::slice(index),
        None => &frame.colours.muted,
    }
}

fn entries(frame: &Frame, points: &[Point], categories: &[String]) -> Vec<Entry> {
    let entry = |(index, text): (usize, &String)| Entry {
        colour: Colours::slice(index).to_owned(),
        text: text.clone(),
    };
    let mut entries: Vec<Entry> = categories.iter().enumerate().map(entry).collect();
    if points
        .iter()
        .filter_map(|point| point.category.as_ref())
        .any(|category| !categories.contains(category))
    {
        let text = frame.locale.pick("autres", "others").to_owned();
        entries.push(Entry { colour: frame.colours.muted.clone(), text });
    }
    entries
}

/// Writes the names that find room, those of the largest discs first.
fn name(frame: &Frame, svg: &mut Svg, discs: &[([f64; 2], f64, Option<&str>)], map: [f64; 4]) {
    let size = frame.small() * 0.95;
    let mut taken: Vec<[f64; 4]> =
        discs.iter().map(|([x, y], radius, _)| [x - radius, y - radius, x + radius, y + radius]).collect();
    for ([x, y], radius, name) in discs {
        let Some(name) = name else { continue };
        let (width, half) = (width_of(name, size), size * 0.6);
        let sides = [(x + radius + 3.0, Anchor::Start, 0.0), (x - radius - 3.0, Anchor::End, width)];
        let found = sides.into_iter().find_map(|(at, anchor, before)| {
            let room = [at - before, y - half, at - before + width, y + half];
            let is_inside = room[0] >= map[0] && room[2] <= map[0] + map[2];
            let is_free = taken.iter().all(|other| {
                room[2] <= other[0] || room[0] >= other[2] || room[3] <= other[1] || room[1] >= other[3]
            });
            (is_inside && is_free).then_some((at, anchor, room))
        });
        if let Some((at, anchor, room)) = found {
            let style = Style { size, fill: &frame.colours.text, anchor, strong: false };
            svg.text(at, y + size * 0.35, name, style);
            taken.push(room);
        }
    }
}

fn told(frame: &Frame, point: &Point, config: &Config) -> String {
    let [lon, lat] = point.place.map(|degrees| frame.locale.number(degrees));
    let mut parts = vec![point.name.clone().unwrap_or_else(|| format!("{lat}, {lon}"))];
    parts.extend(point.category.clone());
    parts.extend(point.size.map(|size| frame.locale.with_unit(size, config.unit.as_deref())));
    parts.join(" · ")
}

fn alt(frame: &Frame, points: &[Point], categories: &[String], config: &Config, bounds: Bounds) -> String {
    let (title, count, places) = (&frame.title, points.len(), whereabouts(frame, bounds));
    let more = if count >= POINTS_MAX as usize {
        frame.locale.pick(" (les premières lignes seulement)", " (the first lines only)")
    } else {
        ""
    };
    let colours = config.colour_title().filter(|_| !categories.is_empty()).map(|title| {
        let shown: Vec<&str> = categories.iter().take(3).map(String::as_str).collect();
        format!(" {title} : {}{}", shown.join(", "), if categories.len() > 3 { "…" } else { "." })
    });
    let colours = colours.unwrap_or_default();
    match frame.locale {
        Locale::Fr => format!("{title}. {count} points{more}, {places}.{colours}"),
        Locale::En => format!("{title}. {count} points{more}, {places}.{colours}"),
    }
}

fn table(
    frame: &Frame,
    points: &[Point],
    config: &Config,
) -> (halle_plugin::serde_json::Value, Vec<halle_plugin::serde_json::Value>) {
    let name = given(config.label_field.as_ref());
    let category = config.colour_title();
    let size = given(config.size_field.as_ref());
    let mut columns: Vec<&str> = name.into_iter().collect();
    columns.extend([frame.locale.pick("Latitude", "Latitude"), frame.locale.pick("Longitude", "Longitude")]);
    columns.extend(category.into_iter().chain(size));
    let row = |point: &Point| {
        let mut cells = Vec::new();
        if name.is_some() {
            cells.push(json!(point.name));
        }
        cells.extend([json!(point.place[1]), json!(point.place[0])]);
        if category.is_some() {
            cells.push(json!(point.category));
        }
        if size.is_some() {
            cells.push(json!(point.size));
        }
        json!(cells)
    };
    (json!(columns), points.iter().map(row).collect())
}
