//! The picture: a block of weeks per year.

use std::collections::BTreeMap;

use drawing::classes::{class, limits, ramp};
use drawing::svg::{Anchor, Style, Svg, width_of};
use drawing::{Frame, Locale, MARGIN, label};
use halle_plugin::{Cell, dates};

/// Classes of colour.
const CLASSES: usize = 5;
/// Weeks that a year touches at most.
const WEEKS: f64 = 54.0;
/// Pixels of the side of a square.
const SIDES: std::ops::RangeInclusive<f64> = 3.0..=26.0;

/// First letters of months.
const MONTHS: [[&str; 12]; 2] = [
    ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
];

/// A day as readers write it.
pub fn written(day: i32, locale: Locale) -> String {
    label::of(Cell::Text(&dates::format_day(day)), locale)
}

/// Row of a day in its week: Monday is 0.
fn weekday(day: i32) -> i32 {
    // 1970-01-01 was a Thursday.
    (day + 3).rem_euclid(7)
}

/// Day number of a first of January.
fn new_year(year: i32) -> i32 {
    dates::parse_day(&format!("{year:04}-01-01")).unwrap_or_default()
}

/// Draws the days, which are some.
pub fn draw(frame: &Frame, days: &BTreeMap<i32, f64>, unit: Option<&str>, alt: &str) -> String {
    let (mut svg, top) = frame.begin(alt);
    let small = frame.small();
    let mut years: Vec<i32> = days.keys().map(|day| dates::civil(*day).0).collect();
    years.dedup();
    let limits = limits(days.values().copied(), CLASSES);
    let colours = ramp(&frame.colours, limits.len().saturating_sub(1));
    let left = MARGIN + small * 3.4;
    let legend = small * 2.6;
    let per_year = (frame.height - top - MARGIN / 2.0 - legend) / years.len() as f64;
    let wide = (frame.width - MARGIN - left) / WEEKS;
    let side = wide.min((per_year - small * 2.0) / 7.0).clamp(*SIDES.start(), *SIDES.end());
    svg.begin_list(&frame.subtitle);
    for (index, year) in years.iter().enumerate() {
        let y = top + (side * 7.0 + small * 2.2).min(per_year) * index as f64;
        let text = Style { strong: true, ..frame.plain(Anchor::Start) };
        svg.text(MARGIN, y + small * 1.2, &year.to_string(), text);
        let first = new_year(*year);
        let offset = weekday(first);
        for day in first..new_year(year + 1) {
            let (week, row) = ((day - first + offset) / 7, weekday(day));
            let (x, y) = (left + f64::from(week) * side, y + small * 1.6 + f64::from(row) * side);
            let square = [x + 0.5, y + 0.5, side - 1.5, side - 1.5];
            match days.get(&day) {
                None => svg.rect(square, 1.5, &frame.colours.grid),
                Some(value) => {
                    let told = format!(
                        "{}{} {}",
                        written(day, frame.locale),
                        frame.locale.pick("\u{a0}:", ":"),
                        frame.locale.with_unit(*value, unit)
                    );
                    svg.begin_item(&told);
                    svg.rect(square, 1.5, class(*value, &limits, &colours));
                    svg.end();
                }
            }
            let (_, month, number) = dates::civil(day);
            if number == 1 {
                let name = MONTHS[usize::from(frame.locale == Locale::En)][usize::from(month) - 1];
                // The name stands over the first whole week of its month.
                let at = x + if row == 0 { 0.0 } else { side };
                if width_of(name, small * 0.9) < side * 4.2 {
                    let style = Style { size: small * 0.9, ..frame.muted(Anchor::Start) };
                    svg.text(at, y - f64::from(row) * side - small * 0.4, name, style);
                }
            }
        }
        weekdays(frame, &mut svg, [left, y + small * 1.6], side);
    }
    svg.end();
    let shown = top + (side * 7.0 + small * 2.2).min(per_year) * years.len() as f64;
    legend_of(frame, &mut svg, &limits, &colours, [left, shown + small * 0.8]);
    svg.finish()
}

/// Names of every other day, where they fit.
fn weekdays(frame: &Frame, svg: &mut Svg, [left, top]: [f64; 2], side: f64) {
    let size = frame.small() * 0.85;
    if side < size * 0.75 {
        return;
    }
    let names = frame.locale.pick("lun. mer. ven. dim.", "Mon Wed Fri Sun").split(' ');
    for (index, name) in names.enumerate() {
        let style = Style { size, ..frame.muted(Anchor::End) };
        svg.text(left - 5.0, top + side * (index as f64 * 2.0 + 0.5) + size * 0.35, name, style);
    }
}

/// What colours mean, in one line.
fn legend_of(frame: &Frame, svg: &mut Svg, limits: &[f64], colours: &[String], [left, top]: [f64; 2]) {
    let small = frame.small();
    let to = frame.locale.pick("à", "to");
    let mut x = left;
    for (pair, colour) in limits.windows(2).zip(colours) {
        let [from, below] = [pair[0], pair[1]].map(|value| frame.locale.short_number(value));
        let text = if from == below { from } else { format!("{from} {to} {below}") };
        svg.rect([x, top, small, small], 2.0, colour);
        svg.text(x + small * 1.4, top + small * 0.85, &text, frame.muted(Anchor::Start));
        x += small * 2.8 + width_of(&text, small);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        let weekday = |text: &str| weekday(dates::parse_day(text).unwrap());
        assert_eq!([weekday("2026-11-22"), weekday("2024-01-01"), weekday("1969-12-31")], [6, 0, 2]);
        assert_eq!(new_year(2025) - new_year(2024), 366);
    }
}
