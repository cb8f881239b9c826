//! The shapes of the rows, on the grid of the world, ready to be drawn: neither parsed nor projected again.

use arrow::buffer::{Buffer, ScalarBuffer};
use halle_geo::grid::{WORLD_UNITS, latitude, longitude, project};
use halle_geo::{Position, Shape, clip, compact, simplify, wkt};
use halle_search::SearchError;
use halle_search::engine::SearchResult;
use serde::{Deserialize, Serialize};

use super::dictionary::Dictionary;
use super::file::{Buffers, FileWriter, Place};

/// Zooms up to which a shape is kept with less detail, coarsest first; beyond the last, the shape is whole.
const COARSE_ZOOMS: [u8; 2] = [5, 10];

/// Forms of a shape: the coarse ones, then the whole.
const FORMS: usize = COARSE_ZOOMS.len() + 1;

/// Numbers of a row in `places`: where each form begins, and its length, in bytes.
const PLACES: usize = FORMS * 2;

/// Vertices below which a shape is not worth coarse forms.
const COARSE_VERTICES_MIN: usize = 16;

/// What a coarse form may be off, on the grid: a unit of a tile of its zoom, an eighth of a pixel.
fn tolerance(zoom: u8) -> f64 {
    f64::from(1_u32 << (32 - 12 - zoom))
}

/// Where the buffers are.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ShapePlaces {
    boxes: Place,
    places: Place,
    bytes: Place,
}

/// Shapes of the rows of a part.
#[derive(Debug, Clone)]
pub(crate) struct Shapes {
    /// Four per row, on the grid: least x, least y, greatest x, greatest y; of a row without shape, least above greatest.
    boxes: ScalarBuffer<u32>,
    /// [`PLACES`] per row.
    places: ScalarBuffer<u32>,
    bytes: Buffer,
}

/// Shapes on their way to the file.
pub(super) struct ShapesWriter {
    boxes: Vec<u32>,
    places: Vec<u32>,
    bytes: Vec<u8>,
}

impl ShapesWriter {
    /// The shapes of a column of geometries, and the middle of each in degrees. A text that is no geometry is no shape.
    pub(super) fn of(texts: &Dictionary, rows: usize) -> SearchResult<(Self, Vec<Option<Position>>)> {
        let mut writer = Self {
            boxes: Vec::with_capacity(rows * 4),
            places: Vec::with_capacity(rows * PLACES),
            bytes: Vec::new(),
        };
        let mut middles = Vec::with_capacity(rows);
        for row in 0..rows {
            let shape = texts.value(row).and_then(wkt::parse_cell);
            middles.push(shape.as_ref().and_then(Shape::middle));
            writer.add(shape)?;
        }
        Ok((writer, middles))
    }

    fn add(&mut self, shape: Option<Shape>) -> SearchResult<()> {
        let shape = shape.map(|mut shape| {
            shape.map(|position| *position = project(*position));
            shape
        });
        let around = shape.as_ref().and_then(Shape::extent);
        self.boxes.extend(around.map_or([1, 1, 0, 0], |around| around.map(|unit| unit as u32)));
        let whole = self.put(shape.as_ref())?;
        for zoom in COARSE_ZOOMS {
            let detailed = shape.as_ref().filter(|shape| shape.positions().len() >= COARSE_VERTICES_MIN);
            let place = match detailed {
                Some(shape) => self.put(Some(&simplify::shape(shape, tolerance(zoom))))?,
                None => whole,
            };
            self.places.extend(place);
        }
        self.places.extend(whole);
        Ok(())
    }

    fn put(&mut self, shape: Option<&Shape>) -> SearchResult<[u32; 2]> {
        let start = self.bytes.len();
        if let Some(shape) = shape {
            compact::encode(shape, &mut self.bytes);
        }
        let number = |bytes: usize| {
            u32::try_from(bytes).map_err(|_| SearchError::engine("the shapes of one part exceed 4 GiB"))
        };
        Ok([number(start)?, number(self.bytes.len() - start)?])
    }

    /// Writes the buffers.
    pub(super) fn write(self, file: &mut FileWriter<'_>) -> SearchResult<ShapePlaces> {
        Ok(ShapePlaces {
            boxes: file.put(ScalarBuffer::from(self.boxes).inner())?,
            places: file.put(ScalarBuffer::from(self.places).inner())?,
            bytes: file.put(&self.bytes)?,
        })
    }
}

impl Shapes {
    /// Maps the buffers.
    pub(super) fn open(file: &Buffers, places: ShapePlaces) -> SearchResult<Self> {
        Ok(Self {
            boxes: file.slice(places.boxes)?.into(),
            places: file.slice(places.places)?.into(),
            bytes: file.slice(places.bytes)?,
        })
    }

    /// The shape of a row for a zoom, as [`halle_geo::compact`] writes it; empty when there is nothing to be seen at that zoom,
    /// `None` when the row has no shape.
    pub(crate) fn compact(&self, row: usize, zoom: u8) -> Option<&[u8]> {
        let [west, _, east, _] = self.around(row);
        if west > east {
            return None;
        }
        let form = COARSE_ZOOMS.iter().position(|coarse| zoom <= *coarse).unwrap_or(FORMS - 1);
        let at = row * PLACES + form * 2;
        let (start, length) = (self.places[at] as usize, self.places[at + 1] as usize);
        // Were the file damaged, nothing is better than a panic.
        Some(self.bytes.as_slice().get(start..start + length).unwrap_or_default())
    }

    /// The box around the shape of a row in degrees, to the seventh decimal: west, south, east, north. `None` when it has
    /// none.
    pub(crate) fn extent(&self, row: usize) -> Option<[f64; 4]> {
        let [west, north, east, south] = self.around(row);
        // The middle of a unit of the grid, which is less than the last decimal.
        let part = |unit: u32| (f64::from(unit) + 0.5) / WORLD_UNITS;
        let rounded = |degrees: f64| (degrees * 1e7).round() / 1e7;
        let (lon, lat) = (|unit| rounded(longitude(part(unit))), |unit| rounded(latitude(part(unit))));
        (west <= east).then(|| [lon(west), lat(south), lon(east), lat(north)])
    }

    #[inline]
    fn around(&self, row: usize) -> [u32; 4] {
        [0, 1, 2, 3].map(|side| self.boxes[row * 4 + side])
    }

    /// Whether the shape of a row is in one of the boxes at least in part; `None` when it has none.
    pub(crate) fn touch(&self, row: usize, boxes: &[[f64; 4]], scratch: &mut Shape) -> Option<bool> {
        let around = self.around(row).map(f64::from);
        if around[0] > around[2] {
            return None;
        }
        let near = |area: &&[f64; 4]| clip::overlap(area, &around);
        Some(boxes.iter().filter(near).any(|area| {
            clip::contains(area, &around)
                || self.compact(row, u8::MAX).is_some_and(|bytes| compact::decode(bytes, scratch))
                    && clip::touches(scratch, area)
        }))
    }
}

/// A box in degrees as boxes on the grid: two when it crosses the date line.
pub(crate) fn boxes_on_grid(&[west, south, east, north]: &[f64; 4]) -> Vec<[f64; 4]> {
    let on_grid = |west: f64, east: f64| {
        let ([left, top], [right, bottom]) = (project([west, north]), project([east, south]));
        [left, top, right, bottom]
    };
    if west <= east { vec![on_grid(west, east)] } else { vec![on_grid(west, 180.0), on_grid(-180.0, east)] }
}
