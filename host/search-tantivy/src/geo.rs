//! Points: where they come from, boxes and distances.

use halle_geo::Position;
use halle_model::concept;
use halle_search::IndexSpec;

use crate::part::column::{Column, Values};

/// Mean radius of the earth.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// The columns that give each row a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointSource {
    /// A latitude and a longitude column.
    Pair { lat: usize, lon: usize },
    /// A column of `"lat,lon"`.
    Joined(usize),
    /// The middle of each shape of a column.
    Shape(usize),
}

impl PointSource {
    /// The columns of a spec that hold points, by their concepts.
    pub(crate) fn of(spec: &IndexSpec) -> Option<Self> {
        let with = |id: &str| with_concept(spec, id);
        match (with("latitude"), with("longitude")) {
            (Some(lat), Some(lon)) => Some(Self::Pair { lat, lon }),
            _ => with("latLon").map(Self::Joined).or_else(|| shape_column(spec).map(Self::Shape)),
        }
    }

    /// The columns that are read.
    pub(crate) fn columns(self) -> Vec<usize> {
        match self {
            Self::Pair { lat, lon } => vec![lat, lon],
            Self::Joined(column) | Self::Shape(column) => vec![column],
        }
    }

    /// The point of a row: longitude and latitude, in degrees; none when it is not on the earth. `middle` is that of its shape.
    pub(crate) fn point(
        self,
        columns: &[Column],
        row: usize,
        middle: Option<Position>,
    ) -> Option<(f64, f64)> {
        let (lon, lat) = match self {
            Self::Pair { lat, lon } => (number(&columns[lon], row)?, number(&columns[lat], row)?),
            Self::Joined(column) => {
                let (lat, lon) = columns[column].texts()?.value(row)?.split_once([',', ';'])?;
                (lon.trim().parse().ok()?, lat.trim().parse().ok()?)
            }
            Self::Shape(_) => middle.map(|[lon, lat]| (lon, lat))?,
        };
        let on_earth = (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat);
        on_earth.then_some((lon, lat))
    }
}

/// The column of shapes: GeoJSON or WKT, in degrees.
pub(crate) fn shape_column(spec: &IndexSpec) -> Option<usize> {
    with_concept(spec, "geometry")
}

fn with_concept(spec: &IndexSpec, id: &str) -> Option<usize> {
    spec.columns.iter().position(|column| {
        let concept = column.refers_to.as_deref().and_then(concept::by_uri);
        concept.is_some_and(|concept| concept.id == id)
    })
}

fn number(column: &Column, row: usize) -> Option<f64> {
    if !column.has(row) {
        return None;
    }
    match &column.values {
        Values::Number(values) => Some(values[row]),
        Values::Integer(values) => Some(values[row] as f64),
        Values::Text(texts) => texts.value(row)?.trim().replace(',', ".").parse().ok(),
        _ => None,
    }
}

/// Whether the point is in the box (west, south, east, north); a box whose west is east of its east crosses the date line.
#[inline]
pub(crate) fn in_box(area: &[f64; 4], lon: f64, lat: f64) -> bool {
    let [west, south, east, north] = *area;
    let across = if west <= east { west <= lon && lon <= east } else { lon >= west || lon <= east };
    across && south <= lat && lat <= north
}

/// Metres between two points, on a sphere.
pub(crate) fn distance_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.1.to_radians(), b.1.to_radians());
    let half_lat = ((b.1 - a.1).to_radians() / 2.0).sin();
    let half_lon = ((b.0 - a.0).to_radians() / 2.0).sin();
    let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
    2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
}

/// The smallest box around what was added.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent(pub(crate) Option<[f64; 4]>);

impl Extent {
    /// Grows the box to hold the point.
    pub(crate) fn add(&mut self, (lon, lat): (f64, f64)) {
        let [west, south, east, north] = self.0.unwrap_or([lon, lat, lon, lat]);
        self.0 = Some([west.min(lon), south.min(lat), east.max(lon), north.max(lat)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_and_boxes_are_those_of_the_map() {
        let (paris, lyon) = ((2.3522, 48.8566), (4.8357, 45.7640));
        assert!((distance_m(paris, lyon) - 391_500.0).abs() < 1_000.0);
        assert!(in_box(&[170.0, -10.0, -170.0, 10.0], 179.0, 0.0));
        assert!(!in_box(&[170.0, -10.0, -170.0, 10.0], 0.0, 0.0));
    }
}
