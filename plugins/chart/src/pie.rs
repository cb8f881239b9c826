//! Shares of a whole: a ring, with its legend beside it.

use std::f64::consts::{PI, TAU};

use halle_plugin::Result;

use crate::model::{Chart, Point};
use drawing::MARGIN;
use drawing::svg::{Anchor, Colours, Style, fit, px, width_of};

/// Slices beyond which the smallest become one.
const SLICES_MAX: usize = 8;

/// Draws the chart. Shares need values that are not negative.
pub fn draw(chart: &Chart) -> Result<String> {
    chart.check_shares()?;
    let slices = slices(chart);
    let total: f64 = slices.iter().map(|slice| slice.value).sum();
    if total <= 0.0 {
        return Ok(chart.empty());
    }
    let (mut svg, top) = chart.begin();
    let small = chart.small();
    let room = chart.height - top - MARGIN;
    let radius = (room / 2.0).min(chart.width * 0.24).max(30.0);
    let (cx, cy) = (MARGIN + radius, top + room / 2.0);
    let legend = cx + radius + 28.0;
    let row = (room / slices.len() as f64).min(small * 2.4);
    let first = cy - row * slices.len() as f64 / 2.0;

    svg.begin_list(&chart.measure);
    let mut angle = -PI / 2.0;
    for (index, slice) in slices.iter().enumerate() {
        let share = slice.value / total;
        let percent = chart.locale.percent(share);
        svg.begin_item(&format!("{} ({percent})", chart.told(slice)));
        let next = angle + share * TAU;
        let path = ring(cx, cy, [radius * 0.58, radius], angle, next);
        svg.push(format_args!(
            "<path d=\"{path}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"1.5\" fill-rule=\"evenodd\"/>",
            Colours::slice(index),
            chart.colours.background
        ));
        angle = next;
        let middle = first + row * (index as f64 + 0.5);
        svg.rect([legend, middle - small * 0.45, small * 0.9, small * 0.9], 2.0, Colours::slice(index));
        let right = chart.width - MARGIN;
        let value = format!("{} · {percent}", chart.value(slice.value));
        let value_width = width_of(&value, small);
        let name_room = (right - value_width - legend - small * 2.4).max(small * 3.0);
        let baseline = middle + small * 0.35;
        svg.text(
            legend + small * 1.5,
            baseline,
            &fit(&slice.label, small, name_room),
            chart.plain(Anchor::Start),
        );
        svg.text(right, baseline, &value, chart.muted(Anchor::End));
        svg.end();
    }
    svg.end();
    let strong =
        Style { size: radius * 0.2, fill: &chart.colours.text, anchor: Anchor::Middle, strong: true };
    svg.text(cx, cy + radius * 0.02, &chart.locale.short_number(total), strong);
    svg.text(
        cx,
        cy + radius * 0.02 + small * 1.4,
        chart.locale.pick("au total", "in total"),
        chart.muted(Anchor::Middle),
    );
    Ok(svg.finish())
}

/// The largest groups, and the others as one.
fn slices(chart: &Chart) -> Vec<Point> {
    let mut slices: Vec<Point> = chart.points.iter().filter(|point| point.value > 0.0).cloned().collect();
    slices.sort_by(|a, b| b.value.total_cmp(&a.value));
    if slices.len() > SLICES_MAX {
        let others = slices.split_off(SLICES_MAX - 1);
        let label = format!("{} ({})", chart.locale.pick("Autres", "Others"), others.len());
        slices.push(Point { label, value: others.iter().map(|point| point.value).sum() });
    }
    slices
}

/// Path of a piece of a ring between two angles; the whole ring when they are a turn apart.
pub fn ring(cx: f64, cy: f64, [inner, outer]: [f64; 2], from: f64, to: f64) -> String {
    if to - from >= TAU - 1e-9 {
        let circle = |r: f64| {
            format!(
                "M {} {} a {r:.1} {r:.1} 0 1 0 {} 0 a {r:.1} {r:.1} 0 1 0 {} 0 Z",
                px(cx - r),
                px(cy),
                px(2.0 * r),
                px(-2.0 * r)
            )
        };
        return format!("{} {}", circle(outer), circle(inner));
    }
    let point = |radius: f64, angle: f64| {
        format!("{} {}", px(cx + radius * angle.cos()), px(cy + radius * angle.sin()))
    };
    let large = u8::from(to - from > PI);
    format!(
        "M {} A {o} {o} 0 {large} 1 {} L {} A {i} {i} 0 {large} 0 {} Z",
        point(outer, from),
        point(outer, to),
        point(inner, to),
        point(inner, from),
        o = px(outer),
        i = px(inner)
    )
}
