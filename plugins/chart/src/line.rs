//! A line over ordered groups, with a breath of colour below it, or filled.

use crate::model::Chart;
use drawing::MARGIN;
use drawing::scale::Scale;
use drawing::svg::{Anchor, fit, px, width_of};

/// Points beyond which each one is no longer marked by a dot.
const DOTS_MAX: usize = 60;
/// Pixels between two labels below the axis.
const LABEL_GAP: f64 = 14.0;

/// Draws the chart. `opacity` is that of what lies between the line and zero.
pub fn draw(chart: &Chart, opacity: f64) -> String {
    let (mut svg, top) = chart.begin();
    let small = chart.small();
    let top = top + small * 0.5;
    let bottom = chart.height - MARGIN - small * 1.9;
    let scale = Scale::over(chart.points.iter().map(|point| point.value), ((bottom - top) / 55.0) as usize);
    let ticks: Vec<String> = scale.ticks.iter().map(|tick| chart.locale.short_number(*tick)).collect();
    let axis = ticks.iter().map(|tick| width_of(tick, small)).fold(0.0, f64::max);
    let left = MARGIN + axis + 14.0;
    let right = chart.width - MARGIN - 12.0;
    let y = |value: f64| bottom - scale.at(value) * (bottom - top);
    let last = chart.points.len().saturating_sub(1).max(1) as f64;
    let only_one = chart.points.len() == 1;
    let x = |index: usize| left + (right - left) * if only_one { 0.5 } else { index as f64 / last };

    for (tick, text) in scale.ticks.iter().zip(&ticks) {
        svg.line([left, y(*tick), right, y(*tick)], &chart.colours.grid, 1.0);
        svg.text(left - 8.0, y(*tick) + small * 0.35, text, chart.muted(Anchor::End));
    }
    let path: Vec<String> = chart
        .points
        .iter()
        .enumerate()
        .map(|(index, point)| format!("{} {}", px(x(index)), px(y(point.value))))
        .collect();
    let path = path.join(" L ");
    let (start, end, zero) = (px(x(0)), px(x(chart.points.len() - 1)), px(y(0.0)));
    let colour = &chart.colours.primary;
    svg.push(format_args!(
        "<path d=\"M {path} L {end} {zero} L {start} {zero} Z\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"
    ));
    svg.push(format_args!(
        "<path d=\"M {path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
    ));
    svg.line([left, y(0.0), right, y(0.0)], &chart.colours.muted, 1.0);

    svg.begin_list(&chart.measure);
    let radius = if chart.points.len() > DOTS_MAX { 0.8 } else { 3.5 };
    for (index, point) in chart.points.iter().enumerate() {
        svg.begin_item(&chart.told(point));
        svg.push(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\" fill=\"{}\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            px(x(index)),
            px(y(point.value)),
            chart.colours.background
        ));
        svg.end();
    }
    svg.end();

    let widest =
        chart.points.iter().map(|point| width_of(&point.label, small)).fold(0.0, f64::max).min(120.0);
    let every = ((widest + LABEL_GAP) * last / (right - left)).ceil().max(1.0) as usize;
    for (index, point) in chart.points.iter().enumerate().step_by(every) {
        let half = widest / 2.0;
        let at = x(index).clamp(MARGIN + half.min(left - MARGIN), (chart.width - MARGIN - half).max(left));
        svg.text(at, bottom + small * 1.6, &fit(&point.label, small, 120.0), chart.muted(Anchor::Middle));
    }
    svg.finish()
}
