//! From degrees to pixels: Web Mercator, so that shapes look as on web maps, fitted to a box.

use std::f64::consts::PI;

/// Latitude beyond which Web Mercator shows nothing.
const LATITUDE_MAX: f64 = 85.051_129;
/// Degrees that a map shows at least, so that one point has surroundings.
const DEGREES_MIN: f64 = 0.02;
/// Metres of a degree of latitude.
const METRES_PER_DEGREE: f64 = 111_320.0;
/// Share of the box that is left around what is shown.
const PADDING: f64 = 0.06;

/// Degrees, west, south, east, north.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Smallest longitude.
    pub west: f64,
    /// Smallest latitude.
    pub south: f64,
    /// Largest longitude.
    pub east: f64,
    /// Largest latitude.
    pub north: f64,
}

impl Bounds {
    /// Around points (longitude, latitude); `None` without any.
    pub fn around(points: impl Iterator<Item = [f64; 2]>) -> Option<Self> {
        points.fold(None, |bounds: Option<Self>, [lon, lat]| {
            let old = bounds.unwrap_or(Self { west: lon, south: lat, east: lon, north: lat });
            Some(Self {
                west: old.west.min(lon),
                south: old.south.min(lat),
                east: old.east.max(lon),
                north: old.north.max(lat),
            })
        })
    }

    /// At least [`DEGREES_MIN`] wide and high.
    fn widened(self) -> Self {
        let by = |low: f64, high: f64| ((DEGREES_MIN - (high - low)) / 2.0).max(0.0);
        let (x, y) = (by(self.west, self.east), by(self.south, self.north));
        Self { west: self.west - x, south: self.south - y, east: self.east + x, north: self.north + y }
    }
}

/// Where degrees are in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// Pixels: x, y, width, height.
    pub area: [f64; 4],
    center: [f64; 2],
    /// Pixels of a full turn of longitude.
    turn: f64,
}

/// Longitude and latitude on the unit square of web maps.
fn unit([lon, lat]: [f64; 2]) -> [f64; 2] {
    let sine = lat.clamp(-LATITUDE_MAX, LATITUDE_MAX).to_radians().sin();
    [lon / 360.0 + 0.5, 0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * PI)]
}

impl Projection {
    /// Shows bounds in the middle of a box, as large as they can be.
    pub fn new(bounds: Bounds, area: [f64; 4]) -> Self {
        let bounds = bounds.widened();
        let (a, b) = (unit([bounds.west, bounds.north]), unit([bounds.east, bounds.south]));
        let room = 1.0 - 2.0 * PADDING;
        let turn = (area[2] * room / (b[0] - a[0])).min(area[3] * room / (b[1] - a[1]));
        Self { area, center: [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])], turn }
    }

    /// Pixels of a place (longitude, latitude).
    pub fn at(&self, place: [f64; 2]) -> [f64; 2] {
        let [x, y] = unit(place);
        let middle = [self.area[0] + self.area[2] / 2.0, self.area[1] + self.area[3] / 2.0];
        [middle[0] + (x - self.center[0]) * self.turn, middle[1] + (y - self.center[1]) * self.turn]
    }

    /// Longitude and latitude of pixels.
    pub fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let middle = [self.area[0] + self.area[2] / 2.0, self.area[1] + self.area[3] / 2.0];
        let u = self.center[0] + (x - middle[0]) / self.turn;
        let v = self.center[1] + (y - middle[1]) / self.turn;
        [(u - 0.5) * 360.0, (PI * (1.0 - 2.0 * v)).sinh().atan().to_degrees()]
    }

    /// Degrees that the box shows.
    pub fn shown(&self) -> Bounds {
        let [x, y, width, height] = self.area;
        let ([west, north], [east, south]) = (self.place([x, y]), self.place([x + width, y + height]));
        Bounds { west, south, east, north }
    }

    /// Metres of a pixel in the middle of the box.
    pub fn metres_per_pixel(&self) -> f64 {
        let [_, lat] = self.place([self.area[0] + self.area[2] / 2.0, self.area[1] + self.area[3] / 2.0]);
        360.0 * METRES_PER_DEGREE * lat.to_radians().cos() / self.turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lie_where_web_maps_have_them() {
        // Tile coordinates of Paris at zoom 12 are 2074, 1409.
        let [x, y] = unit([2.3488, 48.8534]);
        assert_eq!([(x * 4096.0) as u32, (y * 4096.0) as u32], [2074, 1409]);
    }

    #[test]
    fn bounds_fit_the_box_and_come_back() {
        let bounds = Bounds::around([[-4.5, 48.4], [7.7, 43.3]].into_iter()).unwrap();
        let projection = Projection::new(bounds, [20.0, 60.0, 600.0, 400.0]);
        let ([x, y], [x2, y2]) = (projection.at([-4.5, 48.4]), projection.at([7.7, 43.3]));
        assert!(x >= 20.0 && y >= 60.0 && x2 <= 620.0 && y2 <= 460.0 && x < x2 && y < y2);
        let [lon, lat] = projection.place([x, y]);
        assert!((lon + 4.5).abs() < 1e-9 && (lat - 48.4).abs() < 1e-9);
        // From Brest to Nice is about 1,060 km as the crow flies.
        let km = (x2 - x).hypot(y2 - y) * projection.metres_per_pixel() / 1000.0;
        assert!((1_000.0..1_120.0).contains(&km), "{km}");
    }

    #[test]
    fn one_place_and_the_poles_have_a_map() {
        for place in [[2.0, 48.0], [0.0, 90.0], [180.0, -90.0]] {
            let projection =
                Projection::new(Bounds::around([place].into_iter()).unwrap(), [0.0, 0.0, 300.0, 200.0]);
            let [x, y] = projection.at(place);
            assert!(x.is_finite() && y.is_finite() && (x - 150.0).abs() < 1.0, "{place:?}: {x} {y}");
        }
        assert_eq!(Bounds::around(std::iter::empty()), None);
    }
}
