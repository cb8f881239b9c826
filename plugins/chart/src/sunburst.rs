//! Shares of a whole as rings: groups inside, their parts outside, with a legend of the groups.

use std::f64::consts::{PI, TAU};

use drawing::MARGIN;
use drawing::svg::{Anchor, Colours, Style, Svg, fit, width_of};
use halle_plugin::Result;

use crate::model::{Branch, Chart};
use crate::pie::ring;

/// Groups that the legend names; the smallest others are in the rings and in the table.
const LEGEND_MAX: usize = 14;

/// Where the rings are.
struct Sun {
    center: [f64; 2],
    radius: f64,
}

/// Draws the chart.
pub fn draw(chart: &Chart) -> Result<String> {
    chart.check_shares()?;
    let mut branches: Vec<&Branch> =
        chart.branches.iter().filter(|branch| branch.whole.value > 0.0).collect();
    branches.sort_by(|a, b| b.whole.value.total_cmp(&a.whole.value));
    if branches.is_empty() {
        return Ok(chart.empty());
    }
    let total: f64 = branches.iter().map(|branch| branch.whole.value).sum();
    let (mut svg, top) = chart.begin();
    let room = chart.height - top - MARGIN;
    let radius = (room / 2.0).min(chart.width * 0.3).max(40.0);
    let sun = Sun { center: [MARGIN + radius, top + room / 2.0], radius };
    svg.begin_list(&chart.measure);
    let mut angle = -PI / 2.0;
    for (index, branch) in branches.iter().enumerate() {
        let next = angle + branch.whole.value / total * TAU;
        draw_branch(chart, &mut svg, &sun, branch, [angle, next], index, total);
        angle = next;
    }
    svg.end();
    legend(chart, &mut svg, &branches, total, &sun, room, top);
    let [cx, cy] = sun.center;
    let strong =
        Style { size: radius * 0.14, fill: &chart.colours.text, anchor: Anchor::Middle, strong: true };
    svg.text(cx, cy + radius * 0.02, &chart.locale.short_number(total), strong);
    let below = cy + radius * 0.02 + chart.small() * 1.3;
    svg.text(cx, below, chart.locale.pick("au total", "in total"), chart.muted(Anchor::Middle));
    Ok(svg.finish())
}

/// A group and its parts between two angles.
fn draw_branch(
    chart: &Chart,
    svg: &mut Svg,
    sun: &Sun,
    branch: &Branch,
    [from, to]: [f64; 2],
    index: usize,
    total: f64,
) {
    let (colour, [cx, cy], radius) = (Colours::slice(index), sun.center, sun.radius);
    let percent = chart.locale.percent(branch.whole.value / total);
    svg.begin_item(&format!("{} ({percent})", chart.told(&branch.whole)));
    // Without parts, one ring as wide as both.
    let outer = if branch.parts.is_empty() { 1.0 } else { 0.64 };
    svg.path(&ring(cx, cy, [radius * 0.3, radius * outer], from, to), colour, &chart.colours.background, 1.5);
    name_in(chart, svg, sun, [0.3, outer], [from, to], &branch.whole.label, Colours::on(colour));
    if !branch.parts.is_empty() {
        let light = Colours::between(colour, "#ffffff", 0.45);
        let mut parts: Vec<_> = branch.parts.iter().filter(|part| part.value > 0.0).collect();
        parts.sort_by(|a, b| b.value.total_cmp(&a.value));
        // A line with several values is in several parts: together they may be more than the group.
        let all: f64 = parts.iter().map(|part| part.value).sum();
        svg.begin_list(&branch.whole.label);
        let mut angle = from;
        for part in parts {
            let next = angle + part.value / all * (to - from);
            svg.begin_item(&chart.told(part));
            svg.path(
                &ring(cx, cy, [radius * 0.66, radius], angle, next),
                &light,
                &chart.colours.background,
                1.0,
            );
            name_in(chart, svg, sun, [0.66, 1.0], [angle, next], &part.label, Colours::on(&light));
            svg.end();
            angle = next;
        }
        svg.end();
    }
    svg.end();
}

/// A name in a piece of a ring, where it fits.
fn name_in(
    chart: &Chart,
    svg: &mut Svg,
    sun: &Sun,
    [inner, outer]: [f64; 2],
    [from, to]: [f64; 2],
    name: &str,
    fill: &str,
) {
    let small = chart.small() * 0.92;
    let middle_radius = sun.radius * f64::midpoint(inner, outer);
    let arc = (to - from) * middle_radius;
    let depth = sun.radius * (outer - inner);
    let angle = f64::midpoint(from, to);
    // A level text has the ring's depth where the ring goes up and down, the arc's length where it is level.
    let room = if angle.sin().abs() > 0.7 { arc * 0.8 } else { depth * 0.86 };
    let is_high_enough = if angle.sin().abs() > 0.7 { depth } else { arc } > small * 1.6;
    if !is_high_enough || room < small * 3.5 {
        return;
    }
    let [cx, cy] = sun.center;
    let style = Style { size: small, fill, anchor: Anchor::Middle, strong: false };
    let (x, y) = (cx + middle_radius * angle.cos(), cy + middle_radius * angle.sin() + small * 0.35);
    svg.text(x, y, &fit(name, small, room), style);
}

fn legend(chart: &Chart, svg: &mut Svg, branches: &[&Branch], total: f64, sun: &Sun, room: f64, top: f64) {
    let small = chart.small();
    let left = sun.center[0] + sun.radius + 28.0;
    let right = chart.width - MARGIN;
    let rows = branches.len().min(LEGEND_MAX).min((room / (small * 1.6)) as usize).max(1);
    let row = (room / rows as f64).min(small * 2.4);
    let first = top + room / 2.0 - row * rows as f64 / 2.0;
    for (index, branch) in branches.iter().take(rows).enumerate() {
        let middle = first + row * (index as f64 + 0.5);
        svg.rect([left, middle - small * 0.45, small * 0.9, small * 0.9], 2.0, Colours::slice(index));
        let percent = chart.locale.percent(branch.whole.value / total);
        let value = format!("{} · {percent}", chart.value(branch.whole.value));
        let name_room = (right - width_of(&value, small) - left - small * 2.4).max(small * 3.0);
        let name = fit(&branch.whole.label, small, name_room);
        svg.text(left + small * 1.5, middle + small * 0.35, &name, chart.plain(Anchor::Start));
        svg.text(right, middle + small * 0.35, &value, chart.muted(Anchor::End));
    }
}
