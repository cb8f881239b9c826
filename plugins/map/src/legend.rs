//! What colours mean, beside the map.

use drawing::Frame;
use drawing::svg::{Anchor, Svg, fit, width_of};

/// Pixels that a legend takes at least.
const WIDTH_MIN: f64 = 90.0;

/// What a colour means.
pub struct Entry {
    /// Colour.
    pub colour: String,
    /// Meaning.
    pub text: String,
}

/// Pixels that a legend takes beside a map; 0 without entries.
pub fn width(frame: &Frame, entries: &[Entry]) -> f64 {
    if entries.is_empty() {
        return 0.0;
    }
    let small = frame.small();
    let widest = entries.iter().map(|entry| width_of(&entry.text, small)).fold(0.0, f64::max);
    (widest + small * 3.4).clamp(WIDTH_MIN, frame.width * 0.32)
}

/// Draws the legend to the right of a map.
pub fn draw(frame: &Frame, svg: &mut Svg, entries: &[Entry], map: [f64; 4]) {
    let [x, y, map_width, _] = map;
    let small = frame.small();
    let left = x + map_width + small;
    let room = width(frame, entries) - small * 3.0;
    for (index, entry) in entries.iter().enumerate() {
        let top = y + small * (0.2 + 1.7 * index as f64);
        svg.rect([left, top, small, small], 2.0, &entry.colour);
        svg.text(
            left + small * 1.6,
            top + small * 0.85,
            &fit(&entry.text, small, room),
            frame.plain(Anchor::Start),
        );
    }
}
