//! Horizontal bars: names stay legible however long they are.

use crate::model::Chart;
use drawing::MARGIN;
use drawing::scale::Scale;
use drawing::svg::{Anchor, fit, width_of};

/// Pixels a bar needs at least, its gap included.
const ROW_MIN: f64 = 15.0;
/// Pixels it takes at most.
const ROW_MAX: f64 = 44.0;

/// Draws the chart.
pub fn draw(chart: &Chart) -> String {
    let (mut svg, top) = chart.begin();
    let small = chart.small();
    let fitting = |bottom: f64| ((bottom - top) / ROW_MIN).max(1.0) as usize;
    let above_ticks = chart.height - MARGIN - small * 1.8;
    // The note about the bars that do not fit has a line of its own, below the ticks.
    let is_cut = chart.points.len() > fitting(above_ticks);
    let bottom = if is_cut { above_ticks - small * 1.6 } else { above_ticks };
    let shown = chart.points.len().min(fitting(bottom));
    let points = &chart.points[..shown];
    let row = ((bottom - top) / shown as f64).min(ROW_MAX);
    let bottom = top + row * shown as f64;

    let widest = points.iter().map(|point| width_of(&point.label, small)).fold(0.0, f64::max);
    let names = widest.min(chart.width * 0.34);
    let values = points.iter().map(|point| width_of(&chart.value(point.value), small)).fold(0.0, f64::max);
    let left = MARGIN + names + 10.0;
    let right = (chart.width - MARGIN - values - 8.0).max(left + 40.0);
    let scale = Scale::over(points.iter().map(|point| point.value), ((right - left) / 90.0) as usize);
    let x = |value: f64| left + scale.at(value) * (right - left);

    for tick in &scale.ticks {
        svg.line([x(*tick), top, x(*tick), bottom], &chart.colours.grid, 1.0);
        svg.text(
            x(*tick),
            bottom + small * 1.5,
            &chart.locale.short_number(*tick),
            chart.muted(Anchor::Middle),
        );
    }
    svg.begin_list(&chart.measure);
    for (index, point) in points.iter().enumerate() {
        let middle = top + row * (index as f64 + 0.5);
        let baseline = middle + small * 0.35;
        let height = row * 0.68;
        svg.begin_item(&chart.told(point));
        let (from, to) = (x(0.0).min(x(point.value)), x(0.0).max(x(point.value)));
        let bar = [from, middle - height / 2.0, (to - from).max(1.0), height];
        svg.rect(bar, (height / 6.0).min(4.0), &chart.colours.primary);
        svg.text(left - 10.0, baseline, &fit(&point.label, small, names), chart.plain(Anchor::End));
        svg.text(to + 6.0, baseline, &chart.value(point.value), chart.plain(Anchor::Start));
        svg.end();
    }
    svg.end();
    svg.line([x(0.0), top, x(0.0), bottom], &chart.colours.muted, 1.0);
    let hidden = chart.points.len() - shown;
    if hidden > 0 {
        let note = chart.locale.pick("autres valeurs dans le tableau", "more values in the table");
        svg.text(MARGIN, bottom + small * 3.1, &format!("+ {hidden} {note}"), chart.muted(Anchor::Start));
    }
    svg.finish()
}
