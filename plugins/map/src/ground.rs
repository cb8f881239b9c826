//! What every map stands on when it has no base map: meridians and parallels with their degrees, and a scale.

use drawing::svg::{Anchor, Svg, width_of};
use drawing::{Frame, Locale, MARGIN};

use crate::projection::{Bounds, Projection};

/// Degrees between two lines of the grid.
const STEPS: [f64; 14] = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0];
/// Pixels between two lines at least.
const APART_MIN: f64 = 55.0;

/// Begins a map of some bounds: title, grid, scale. `right` is the room of a legend.
pub fn begin(frame: &Frame, alt: &str, bounds: Bounds, right: f64) -> (Svg, Projection) {
    let (mut svg, top) = frame.begin(alt);
    let small = frame.small();
    let below = small * 3.4;
    let area = [
        MARGIN,
        top,
        frame.width - 2.0 * MARGIN - right,
        (frame.height - top - MARGIN / 2.0 - below).max(60.0),
    ];
    let projection = Projection::new(bounds, area);
    let sea = drawing::svg::Colours::between(&frame.colours.background, &frame.colours.primary, 0.06);
    svg.rect(area, 4.0, &sea);
    grid(frame, &mut svg, &projection);
    scale(frame, &mut svg, &projection);
    (svg, projection)
}

fn grid(frame: &Frame, svg: &mut Svg, projection: &Projection) {
    let [x, y, width, height] = projection.area;
    let small = frame.small() * 0.9;
    let shown = projection.shown();
    let per_degree = width / (shown.east - shown.west);
    let step = STEPS.into_iter().find(|step| step * per_degree >= APART_MIN).unwrap_or(30.0);
    let style = drawing::svg::Style { size: small, ..frame.muted(Anchor::Middle) };
    let colour = drawing::svg::Colours::between(&frame.colours.background, &frame.colours.muted, 0.22);
    for lon in multiples(shown.west, shown.east, step) {
        let [at, _] = projection.at([lon, 0.0]);
        svg.line([at, y, at, y + height], &colour, 0.7);
        // Not below the corner, where the labels of parallels are.
        if at > x + small * 4.0 && at < x + width - small * 2.0 {
            svg.text(
                at,
                y + height + small * 1.3,
                &degrees(lon, ['E', if frame.locale == Locale::Fr { 'O' } else { 'W' }], frame.locale),
                style,
            );
        }
    }
    let left = drawing::svg::Style { anchor: Anchor::Start, ..style };
    for lat in multiples(shown.south, shown.north, step) {
        let [_, at] = projection.at([0.0, lat]);
        svg.line([x, at, x + width, at], &colour, 0.7);
        if at > y + small * 1.6 && at < y + height - small {
            svg.text(x + 4.0, at - 3.0, &degrees(lat, ['N', 'S'], frame.locale), left);
        }
    }
}

fn multiples(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(move |index| index as f64 * step)
}

/// `48,5° N`: a place on a circle, its side by a letter.
fn degrees(value: f64, [plus, minus]: [char; 2], locale: Locale) -> String {
    let text = format!("{:.3}", value.abs());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let text = if locale == Locale::Fr { text.replace('.', ",") } else { text.to_owned() };
    let side = if value > 0.0 { plus } else { minus };
    if text == "0" { "0°".to_owned() } else { format!("{text}°\u{a0}{side}") }
}

/// A bar of a round number of metres or kilometres.
fn scale(frame: &Frame, svg: &mut Svg, projection: &Projection) {
    let [x, y, width, height] = projection.area;
    let metres_per_pixel = projection.metres_per_pixel();
    let longest = metres_per_pixel * (width * 0.25).min(180.0);
    let power = 10_f64.powf(longest.log10().floor());
    let metres =
        [5.0, 2.0, 1.0].into_iter().map(|step| step * power).find(|step| *step <= longest).unwrap_or(power);
    let (number, unit) = if metres >= 1000.0 { (metres / 1000.0, "km") } else { (metres, "m") };
    let text = format!("{}\u{a0}{unit}", frame.locale.number(number));
    let small = frame.small();
    let (length, baseline) = (metres / metres_per_pixel, y + height + small * 2.9);
    let left = x + width - length - width_of(&text, small) - 8.0;
    let bar = baseline - small * 0.35;
    svg.line([left, bar, left + length, bar], &frame.colours.muted, 2.0);
    for end in [left, left + length] {
        svg.line([end, bar - 4.0, end, bar + 4.0], &frame.colours.muted, 2.0);
    }
    svg.text(left + length + 6.0, baseline, &text, frame.muted(Anchor::Start));
}
