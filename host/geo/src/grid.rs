//! The world as a square of whole numbers, in the projection of web maps (EPSG:3857).
//!
//! x grows to the east from the date line, y to the south from the northern edge; the side has 2³² units, less than a
//! centimetre each at the equator. A position of a tile of any zoom is a position of the grid less an offset, divided by a
//! power of two: nothing is projected when a tile is drawn.

use std::f64::consts::PI;

use crate::shape::Position;

/// Units of the side of the world.
pub const WORLD_UNITS: f64 = 4_294_967_296.0;

/// Where the square of web maps ends, in degrees north and south.
pub const LATITUDE_MAX: f64 = 85.051_128_779_806_59;

/// The position on the grid of a longitude and a latitude in degrees; beyond the edges, the nearest edge.
pub fn project([lon, lat]: Position) -> Position {
    let x = (lon + 180.0) / 360.0 * WORLD_UNITS;
    let lat = lat.clamp(-LATITUDE_MAX, LATITUDE_MAX).to_radians();
    let y = (0.5 - lat.tan().asinh() / (2.0 * PI)) * WORLD_UNITS;
    let last = WORLD_UNITS - 1.0;
    [x.floor().clamp(0.0, last), y.floor().clamp(0.0, last)]
}

/// Degrees east of a part of the world's side, from 0 to 1.
pub fn longitude(part: f64) -> f64 {
    part * 360.0 - 180.0
}

/// Degrees north of a part of the world's side, from 0 in the north to 1.
pub fn latitude(part: f64) -> f64 {
    (PI * (1.0 - 2.0 * part)).sinh().atan().to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_and_the_middle_of_the_world_are_where_they_should() {
        let last = WORLD_UNITS - 1.0;
        assert_eq!(project([0.0, 0.0]), [WORLD_UNITS / 2.0, WORLD_UNITS / 2.0]);
        assert_eq!(project([-180.0, 90.0]), [0.0, 0.0]);
        assert_eq!(project([180.0, -90.0]), [last, last]);
        let [x, y] = project([2.35, 48.85]);
        let back = [longitude(x / WORLD_UNITS), latitude(y / WORLD_UNITS)];
        assert!((back[0] - 2.35).abs() < 1e-6 && (back[1] - 48.85).abs() < 1e-6, "{back:?}");
    }
}
