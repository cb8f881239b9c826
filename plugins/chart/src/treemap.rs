//! Shares of a whole as surfaces: rectangles as square as they can be (squarified treemap, Bruls, Huizing and van Wijk).

use drawing::MARGIN;
use drawing::svg::{Anchor, Colours, Style, fit, width_of};
use halle_plugin::Result;

use crate::model::Chart;

/// A rectangle: x, y, width, height.
type Area = [f64; 4];

/// Pixels between two groups.
const GAP: f64 = 3.0;

/// Draws the chart.
pub fn draw(chart: &Chart) -> Result<String> {
    chart.check_shares()?;
    let mut branches: Vec<_> = chart.branches.iter().filter(|branch| branch.whole.value > 0.0).collect();
    branches.sort_by(|a, b| b.whole.value.total_cmp(&a.whole.value));
    if branches.is_empty() {
        return Ok(chart.empty());
    }
    let total: f64 = branches.iter().map(|branch| branch.whole.value).sum();
    let (mut svg, top) = chart.begin();
    let small = chart.small();
    let values: Vec<f64> = branches.iter().map(|branch| branch.whole.value).collect();
    let box_ = [MARGIN, top, chart.width - 2.0 * MARGIN, (chart.height - top - MARGIN).max(40.0)];
    svg.begin_list(&chart.measure);
    for ((index, branch), area) in branches.iter().enumerate().zip(squarify(&values, box_)) {
        let colour = Colours::slice(index);
        let percent = chart.locale.percent(branch.whole.value / total);
        svg.begin_item(&format!("{} ({percent})", chart.told(&branch.whole)));
        let [x, y, width, height] = inset(area, GAP / 2.0);
        svg.rect([x, y, width, height], 3.0, colour);
        let text = Style { size: small, fill: Colours::on(colour), anchor: Anchor::Start, strong: true };
        let has_name = width > small * 3.0 && height > small * 1.7;
        if has_name {
            svg.text(x + 6.0, y + small * 1.25, &fit(&branch.whole.label, small, width - 12.0), text);
        }
        let below = y + if has_name { small * 1.7 } else { 0.0 };
        let room = [x + 3.0, below, width - 6.0, y + height - below - 3.0];
        if branch.parts.is_empty() {
            let value = format!("{} · {percent}", chart.value(branch.whole.value));
            if has_name && height > small * 3.2 && width_of(&value, small) < width - 12.0 {
                svg.text(x + 6.0, y + small * 2.6, &value, Style { strong: false, ..text });
            }
        } else if room[2] > 8.0 && room[3] > 8.0 {
            draw_parts(chart, &mut svg, branch, room, colour);
        }
        svg.end();
    }
    svg.end();
    Ok(svg.finish())
}

/// The parts of a group, lighter than it, within the room it leaves.
fn draw_parts(
    chart: &Chart,
    svg: &mut drawing::svg::Svg,
    branch: &crate::model::Branch,
    room: Area,
    colour: &str,
) {
    let small = chart.small();
    let mut parts: Vec<_> = branch.parts.iter().filter(|part| part.value > 0.0).collect();
    parts.sort_by(|a, b| b.value.total_cmp(&a.value));
    let values: Vec<f64> = parts.iter().map(|part| part.value).collect();
    let light = Colours::between(colour, "#ffffff", 0.78);
    svg.begin_list(&branch.whole.label);
    for (part, area) in parts.iter().zip(squarify(&values, room)) {
        let [x, y, width, height] = inset(area, 0.75);
        svg.begin_item(&chart.told(part));
        svg.rect([x, y, width, height], 2.0, &light);
        let style =
            Style { size: small * 0.92, fill: Colours::on(&light), anchor: Anchor::Start, strong: false };
        if width > small * 3.0 && height > small * 1.3 {
            svg.text(x + 4.0, y + small * 1.05, &fit(&part.label, style.size, width - 8.0), style);
        }
        let value = chart.value(part.value);
        if height > small * 2.6 && width_of(&value, style.size) < width - 8.0 {
            svg.text(x + 4.0, y + small * 2.2, &value, style);
        }
        svg.end();
    }
    svg.end();
}

fn inset([x, y, width, height]: Area, by: f64) -> Area {
    [x + by, y + by, (width - 2.0 * by).max(0.5), (height - 2.0 * by).max(0.5)]
}

/// Divides a rectangle by values in falling order, none zero: rows along its shorter side, each as long as its worst
/// rectangle gets squarer.
fn squarify(values: &[f64], area: Area) -> Vec<Area> {
    let total: f64 = values.iter().sum();
    let per_unit = area[2] * area[3] / total;
    let mut rest = area;
    let mut areas = Vec::with_capacity(values.len());
    let mut from = 0;
    while from < values.len() {
        let side = rest[2].min(rest[3]).max(f64::MIN_POSITIVE);
        let mut to = from + 1;
        let worst = |to: usize| {
            let row: f64 = values[from..to].iter().sum::<f64>() * per_unit;
            let depth = row / side;
            let ratio = |value: f64| {
                let length = value * per_unit / depth;
                (length / depth).max(depth / length)
            };
            ratio(values[from]).max(ratio(values[to - 1]))
        };
        while to < values.len() && worst(to + 1) <= worst(to) {
            to += 1;
        }
        let row: f64 = values[from..to].iter().sum::<f64>() * per_unit;
        let depth = row / side;
        let [x, y, width, height] = rest;
        let mut at = 0.0;
        for value in &values[from..to] {
            let length = value * per_unit / depth;
            // Rows stand along the shorter side.
            areas.push(if width >= height { [x, y + at, depth, length] } else { [x + at, y, length, depth] });
            at += length;
        }
        rest = if width >= height {
            [x + depth, y, width - depth, height]
        } else {
            [x, y + depth, width, height - depth]
        };
        from = to;
    }
    areas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surfaces_are_as_large_as_their_values_and_fill_the_box() {
        let values = [6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0];
        let areas = squarify(&values, [0.0, 0.0, 600.0, 400.0]);
        for (value, [x, y, width, height]) in values.iter().zip(&areas) {
            assert!((width * height - value * 10_000.0).abs() < 1e-6);
            assert!(*x >= 0.0 && *y >= 0.0 && x + width <= 600.0 + 1e-6 && y + height <= 400.0 + 1e-6);
            assert!((width / height).max(height / width) < 4.0, "no splinters: {width} × {height}");
        }
        let none_overlap = areas.iter().enumerate().all(|(index, a)| {
            areas[index + 1..].iter().all(|b| {
                a[0] + a[2] <= b[0] + 1e-6
                    || b[0] + b[2] <= a[0] + 1e-6
                    || a[1] + a[3] <= b[1] + 1e-6
                    || b[1] + b[3] <= a[1] + 1e-6
            })
        });
        assert!(none_overlap);
    }
}
