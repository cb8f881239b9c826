//! Areas coloured by a number: classes with as many areas each (quantiles), light to dark.

use drawing::classes::{class, limits, ramp};
use drawing::config::given;
use drawing::svg::{Anchor, Colours, Style, width_of};
use drawing::{Frame, Locale, label};
use halle_plugin::serde_json::json;
use halle_plugin::{Kind, Problem, Result, Rows};

use crate::config::{AREAS_MAX, Config};
use crate::geometry::{Rings, middle, path, polygons};
use crate::legend::{self, Entry};
use crate::projection::Bounds;
use crate::{Drawn, ground};

/// Bytes of all outlines: beyond, the host could not serve the picture.
const PATH_BYTES_MAX: usize = 3 << 20;

struct Area {
    rings: Rings,
    name: String,
    value: Option<f64>,
}

/// Draws the map; `None` without an area.
pub fn draw(frame: &Frame, rows: &Rows<'_>, config: &Config) -> Result<Option<Drawn>> {
    if rows.is_empty() {
        return Ok(None);
    }
    let areas = read(frame, rows, config)?;
    let points = areas.iter().flat_map(|area| area.rings.iter().flatten().copied());
    let Some(bounds) = Bounds::around(points) else { return Ok(None) };
    let limits = limits(areas.iter().filter_map(|area| area.value), config.classes.clamp(2, 7));
    let colours = ramp(&frame.colours, limits.len().saturating_sub(1));
    let entries = entries(frame, &areas, &limits, &colours, config);
    let alt = alt(frame, &areas, config);
    let (mut svg, projection) = ground::begin(frame, &alt, bounds, legend::width(frame, &entries));
    let value = |area: &Area| value_of(frame, area.value, config);
    let mut bytes = 0;
    svg.begin_list(&frame.title);
    for area in &areas {
        let path = path(&area.rings, &projection);
        bytes += path.len();
        if bytes > PATH_BYTES_MAX {
            let message =
                "Les géométries ont trop de détails pour une image : simplifiez-les, ou filtrez les lignes.";
            return Err(Problem::new("map/too-detailed", message));
        }
        svg.begin_item(&format!("{}{} {}", area.name, frame.locale.pick("\u{a0}:", ":"), value(area)));
        let colour = area.value.map_or(frame.colours.grid.as_str(), |value| class(value, &limits, &colours));
        svg.path(&path, colour, &frame.colours.background, 0.8);
        svg.end();
    }
    svg.end();
    name(frame, &mut svg, &areas, &projection, &limits, &colours);
    legend::draw(frame, &mut svg, &entries, projection.area);
    let columns = json!([given(config.label_field.as_ref()).unwrap_or("#"), config.colour_title()]);
    let rows = areas.iter().map(|area| json!([area.name, area.value])).collect();
    Ok(Some(Drawn { svg: svg.finish(), alt, columns, rows }))
}

fn read(frame: &Frame, rows: &Rows<'_>, config: &Config) -> Result<Vec<Area>> {
    let geometry = config.geometry_field.as_deref().unwrap_or_default();
    let geometries = rows.column(geometry).map_err(|_| {
        let message = format!("La colonne « {geometry} » n'a pas de géométrie.");
        Problem::config("/geometryField", message)
    })?;
    let values = given(config.field.as_ref()).and_then(|key| rows.column(key).ok());
    if let Some(values) = values.filter(|values| !matches!(values.kind(), Kind::Integer | Kind::Number))
        && (0..rows.len()).any(|row| !values.cell(row).is_missing())
    {
        let message =
            format!("La colonne « {} » n'est pas numérique.", config.field.as_deref().unwrap_or_default());
        return Err(Problem::config("/field", message));
    }
    let names = given(config.label_field.as_ref()).and_then(|key| rows.column(key).ok());
    let area = |row: usize| {
        let rings = geometries.text(row).and_then(polygons)?;
        let name =
            names.map_or_else(|| (row + 1).to_string(), |names| label::of(names.cell(row), frame.locale));
        Some(Area {
            rings,
            name,
            value: values.and_then(|values| values.number(row)).filter(|value| value.is_finite()),
        })
    };
    Ok((0..rows.len()).filter_map(area).collect())
}

fn value_of(frame: &Frame, value: Option<f64>, config: &Config) -> String {
    value.map_or_else(
        || frame.locale.pick("sans valeur", "no value").to_owned(),
        |value| frame.locale.with_unit(value, config.unit.as_deref()),
    )
}

fn entries(frame: &Frame, areas: &[Area], limits: &[f64], colours: &[String], config: &Config) -> Vec<Entry> {
    let to = frame.locale.pick("à", "to");
    let number = |value: f64| frame.locale.number(value);
    let mut entries: Vec<Entry> = limits
        .windows(2)
        .zip(colours)
        .map(|(pair, colour)| Entry {
            colour: colour.clone(),
            text: format!("{} {to} {}", number(pair[0]), number(pair[1])),
        })
        .collect();
    entries.reverse();
    if areas.iter().any(|area| area.value.is_none()) {
        entries.push(Entry { colour: frame.colours.grid.clone(), text: value_of(frame, None, config) });
    }
    entries
}

/// Writes the names of areas that have room for them.
fn name(
    frame: &Frame,
    svg: &mut drawing::svg::Svg,
    areas: &[Area],
    projection: &crate::projection::Projection,
    limits: &[f64],
    colours: &[String],
) {
    let size = frame.small() * 0.9;
    for area in areas {
        let Some(bounds) = Bounds::around(area.rings.iter().flatten().copied()) else { continue };
        let ([left, top], [right, bottom]) =
            (projection.at([bounds.west, bounds.north]), projection.at([bounds.east, bounds.south]));
        let is_roomy = width_of(&area.name, size) < (right - left) * 0.75 && size * 2.2 < bottom - top;
        let Some(middle) = middle(&area.rings).filter(|_| is_roomy) else { continue };
        let [x, y] = projection.at(middle);
        let colour = area.value.map_or(frame.colours.grid.as_str(), |value| class(value, limits, colours));
        let style = Style { size, fill: Colours::on(colour), anchor: Anchor::Middle, strong: false };
        svg.text(x, y + size * 0.35, &area.name, style);
    }
}

fn alt(frame: &Frame, areas: &[Area], config: &Config) -> String {
    let known = areas.iter().filter_map(|area| Some((area, area.value?)));
    let by_value = |a: &(&Area, f64), b: &(&Area, f64)| a.1.total_cmp(&b.1);
    let (title, count) = (&frame.title, areas.len());
    let more = if count >= AREAS_MAX as usize {
        frame.locale.pick(" (les premières seulement)", " (the first only)")
    } else {
        ""
    };
    let extremes =
        known.clone().min_by(by_value).zip(known.max_by(by_value)).map(|((low, from), (high, to))| {
            let [from, to] = [from, to].map(|value| value_of(frame, Some(value), config));
            match frame.locale {
                Locale::Fr => format!(", de {from} ({}) à {to} ({})", low.name, high.name),
                Locale::En => format!(", from {from} ({}) to {to} ({})", low.name, high.name),
            }
        });
    let extremes = extremes.unwrap_or_default();
    match frame.locale {
        Locale::Fr => format!("{title}. {count} zones{more}{extremes}."),
        Locale::En => format!("{title}. {count} areas{more}{extremes}."),
    }
}
