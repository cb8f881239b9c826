//! Discs for lines that are near each other, as large as they are many.

use std::collections::BTreeMap;

use drawing::svg::{Anchor, Colours, Style};
use drawing::{Frame, Locale};
use halle_plugin::serde_json::json;
use halle_plugin::{Result, Rows};

use crate::config::GATHERED_MAX;
use crate::projection::Bounds;
use crate::{Drawn, ground, place, whereabouts};

/// Pixels of a cell in which lines are gathered.
pub const CELL: f64 = 46.0;

struct Cluster {
    count: usize,
    /// Sums of pixels and of degrees of its lines.
    at: [f64; 2],
    place: [f64; 2],
}

/// Draws the map; `None` without a point.
pub fn draw(frame: &Frame, rows: &Rows<'_>) -> Result<Option<Drawn>> {
    if rows.is_empty() {
        return Ok(None);
    }
    let place = place(rows)?;
    let places: Vec<[f64; 2]> = (0..rows.len()).filter_map(place).collect();
    let Some(bounds) = Bounds::around(places.iter().copied()) else { return Ok(None) };
    let (title, count, around) = (&frame.title, places.len(), whereabouts(frame, bounds));
    let alt_of = |clusters: usize| match frame.locale {
        Locale::Fr => {
            format!("{title}. {count} lignes{} en {clusters} endroits, {around}.", cut(frame, count))
        }
        Locale::En => format!("{title}. {count} rows{} in {clusters} places, {around}.", cut(frame, count)),
    };
    // What is told comes first in the picture, and needs the number of discs.
    let (_, projection) = ground::begin(frame, "", bounds, 0.0);
    let clusters = gather(&places, |place| projection.at(place));
    let alt = alt_of(clusters.len());
    let (mut svg, _) = ground::begin(frame, &alt, bounds, 0.0);
    let most = clusters.iter().map(|cluster| cluster.count).max().unwrap_or(1) as f64;
    svg.begin_list(&frame.title);
    for cluster in &clusters {
        let number = frame.locale.number(cluster.count as f64);
        let [lon, lat] = cluster.place.map(|sum| frame.locale.number(sum / cluster.count as f64));
        svg.begin_item(&format!("{lat}, {lon}{} {number}", frame.locale.pick("\u{a0}:", ":")));
        let [x, y] = cluster.at.map(|sum| sum / cluster.count as f64);
        // Surfaces are compared; the smallest still has room for its number.
        let radius = (cluster.count as f64 / most).sqrt().mul_add(CELL * 0.34, CELL * 0.16);
        let colour = &frame.colours.primary;
        svg.circle([x, y, radius], colour, 0.82, &frame.colours.background);
        let size = frame.small() * 0.95;
        let text = frame.locale.short_number(cluster.count as f64);
        if cluster.count > 1 && drawing::svg::width_of(&text, size) < radius * 2.0 {
            let style = Style { size, fill: Colours::on(colour), anchor: Anchor::Middle, strong: true };
            svg.text(x, y + size * 0.35, &text, style);
        }
        svg.end();
    }
    svg.end();
    let columns = match frame.locale {
        Locale::Fr => json!(["Latitude", "Longitude", "Nombre de lignes"]),
        Locale::En => json!(["Latitude", "Longitude", "Number of rows"]),
    };
    let rounded = |sum: f64, count: usize| (sum / count as f64 * 1e5).round() / 1e5;
    let row = |cluster: &Cluster| {
        json!([
            rounded(cluster.place[1], cluster.count),
            rounded(cluster.place[0], cluster.count),
            cluster.count
        ])
    };
    Ok(Some(Drawn { svg: svg.finish(), alt, columns, rows: clusters.iter().map(row).collect() }))
}

fn cut(frame: &Frame, count: usize) -> &'static str {
    if count < GATHERED_MAX as usize {
        return "";
    }
    frame.locale.pick(" (les premières seulement)", " (the first only)")
}

/// Lines by cells of a grid, the largest gathering first.
fn gather(places: &[[f64; 2]], at: impl Fn([f64; 2]) -> [f64; 2]) -> Vec<Cluster> {
    let mut cells: BTreeMap<[i64; 2], Cluster> = BTreeMap::new();
    for place in places {
        let [x, y] = at(*place);
        let cell = [x, y].map(|value| (value / CELL).floor() as i64);
        let cluster = cells.entry(cell).or_insert(Cluster { count: 0, at: [0.0; 2], place: [0.0; 2] });
        cluster.count += 1;
        for (sum, value) in cluster.at.iter_mut().chain(&mut cluster.place).zip([x, y, place[0], place[1]]) {
            *sum += value;
        }
    }
    let mut clusters: Vec<Cluster> = cells.into_values().collect();
    clusters.sort_by(|a, b| b.count.cmp(&a.count));
    clusters
}
