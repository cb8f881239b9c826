//! A tile of the web's usual scheme, and shapes drawn in it.

use crate::clip;
use crate::compact::zigzag;
use crate::grid::{WORLD_UNITS, latitude, longitude};
use crate::shape::{Kind, Position, Shape, extent};
use crate::simplify::{self, Scratch};

/// Units of the side of a tile.
pub const EXTENT_UNITS: u32 = 4_096;

/// Units around a tile in which lines and areas are still drawn, so that their borders meet those of the next tile unseen.
pub const MARGIN_UNITS: u32 = 64;

/// Deepest zoom.
pub const ZOOM_MAX: u8 = 30;

/// Units that a vertex may be off: an eighth of a pixel of a tile of 512 pixels.
const TOLERANCE_UNITS: f64 = 1.0;

/// A tile: column from the west, row from the north, zoom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Column, below 2^z.
    pub x: u32,
    /// Row, below 2^z.
    pub y: u32,
    /// Zoom, at most [`ZOOM_MAX`].
    pub z: u8,
}

impl Tile {
    /// The tile that `x,y,z` names.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<Option<u32>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
        let &[Some(x), Some(y), Some(z)] = numbers.as_slice() else { return None };
        let z = u8::try_from(z).ok().filter(|z| *z <= ZOOM_MAX)?;
        (x >> z == 0 && y >> z == 0).then_some(Self { x, y, z })
    }

    fn area_around(self, margin: f64) -> [f64; 4] {
        let tiles = f64::from(1_u32 << self.z);
        let part = |of: u32, by: f64| ((f64::from(of) + by) / tiles).clamp(0.0, 1.0);
        [
            longitude(part(self.x, -margin)),
            latitude(part(self.y, 1.0 + margin)),
            longitude(part(self.x, 1.0 + margin)),
            latitude(part(self.y, -margin)),
        ]
    }

    /// Its box in degrees: west, south, east, north.
    pub fn area(self) -> [f64; 4] {
        self.area_around(0.0)
    }

    /// Its box with the margin around it, in degrees.
    pub fn area_with_margin(self) -> [f64; 4] {
        self.area_around(f64::from(MARGIN_UNITS) / f64::from(EXTENT_UNITS))
    }

    /// The tiles around it, across the date line too; those beyond the edges in the north and south do not exist.
    pub fn neighbours(self) -> Vec<Self> {
        let side = 1_i64 << self.z;
        let mut around: Vec<Self> = Vec::with_capacity(8);
        for (dx, dy) in [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)] {
            let x = (i64::from(self.x) + dx).rem_euclid(side);
            let y = i64::from(self.y) + dy;
            if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                && i64::from(y) < side
            {
                let tile = Self { x, y, z: self.z };
                if tile != self && !around.contains(&tile) {
                    around.push(tile);
                }
            }
        }
        around
    }
}

/// Draws shapes of the grid in a tile; its memory is used again for each.
#[derive(Debug)]
pub struct Pen {
    origin: Position,
    grid_units: f64,
    scratch: Scratch,
    line: Vec<Position>,
    other: Vec<Position>,
    ends: Vec<usize>,
    places: Vec<[i32; 2]>,
    commands: Vec<u32>,
    cursor: [i32; 2],
}

const MOVE_TO: u32 = 1;
const LINE_TO: u32 = 2;
const CLOSE_PATH: u32 = 7;

const MARGIN: f64 = MARGIN_UNITS as f64;
const EXTENT: f64 = EXTENT_UNITS as f64;
const AREA: [f64; 4] = [-MARGIN, -MARGIN, EXTENT + MARGIN, EXTENT + MARGIN];

impl Pen {
    /// A pen for a tile.
    pub fn new(tile: Tile) -> Self {
        let side = WORLD_UNITS / f64::from(1_u32 << tile.z);
        Self {
            origin: [f64::from(tile.x) * side, f64::from(tile.y) * side],
            grid_units: side / EXTENT,
            scratch: Scratch::default(),
            line: Vec::new(),
            other: Vec::new(),
            ends: Vec::new(),
            places: Vec::new(),
            commands: Vec::new(),
            cursor: [0, 0],
        }
    }

    /// The pieces of one kind of a shape of the grid, as commands of the vector tile format; empty when nothing of them is to
    /// be seen in the tile. A point belongs to one tile of a zoom: margins have none.
    pub fn draw(&mut self, shape: &Shape, kind: Kind) -> &[u32] {
        self.commands.clear();
        self.cursor = [0, 0];
        if kind == Kind::Point {
            self.points(shape);
            return &self.commands;
        }
        for piece in shape.pieces().filter(|piece| piece.kind == kind) {
            for (index, positions) in piece.lines().enumerate() {
                match kind {
                    Kind::Line => self.path(positions),
                    // Holes of a ring that is not seen are not either.
                    _ if !self.ring(positions, index == 0) && index == 0 => break,
                    _ => {}
                }
            }
        }
        &self.commands
    }

    fn points(&mut self, shape: &Shape) {
        self.places.clear();
        for line in shape.pieces().filter(|piece| piece.kind == Kind::Point).flat_map(|piece| piece.lines()) {
            for [x, y] in line {
                let place = [self.unit(*x, 0).floor(), self.unit(*y, 1).floor()];
                if place.iter().all(|unit| (0.0..EXTENT).contains(unit)) {
                    self.places.push(place.map(|unit| unit as i32));
                }
            }
        }
        if self.places.is_empty() {
            return;
        }
        self.commands.push(MOVE_TO | (self.places.len() as u32) << 3);
        for at in 0..self.places.len() {
            self.go(self.places[at]);
        }
    }

    fn unit(&self, position: f64, axis: usize) -> f64 {
        (position - self.origin[axis]) / self.grid_units
    }

    /// Puts a line into `self.line`, in units of the tile; tells whether it needs to be cut. `None` when it is outside.
    fn place_line(&mut self, positions: &[Position]) -> Option<bool> {
        self.line.clear();
        let ([x0, y0], scale) = (self.origin, self.grid_units.recip());
        self.line.extend(positions.iter().map(|[x, y]| [(x - x0) * scale, (y - y0) * scale]));
        let around = extent(&self.line)?;
        clip::overlap(&around, &AREA).then(|| !clip::contains(&AREA, &around))
    }

    fn path(&mut self, positions: &[Position]) {
        let Some(cut) = self.place_line(positions) else { return };
        let mut whole = std::mem::take(&mut self.line);
        if !cut {
            self.part(&mut whole);
        } else {
            self.other.clear();
            self.ends.clear();
            clip::line(&whole, &AREA, &mut self.other, &mut self.ends);
            let mut start = 0;
            for at in 0..self.ends.len() {
                whole.clear();
                whole.extend_from_slice(&self.other[start..self.ends[at]]);
                start = self.ends[at];
                self.part(&mut whole);
            }
        }
        self.line = whole;
    }

    /// Draws a line that is all in the tile.
    fn part(&mut self, line: &mut Vec<Position>) {
        simplify::line(line, TOLERANCE_UNITS, &mut self.scratch);
        self.round(line);
        if self.places.len() >= 2 {
            self.trace();
        }
    }

    /// Draws a ring; tells whether anything of it is seen.
    fn ring(&mut self, positions: &[Position], is_outer: bool) -> bool {
        let Some(cut) = self.place_line(positions) else { return false };
        let mut ring = std::mem::take(&mut self.line);
        if ring.first() != ring.last() {
            ring.extend(ring.first().copied());
        }
        if cut {
            clip::ring(&mut ring, &AREA, &mut self.other);
        }
        simplify::line(&mut ring, TOLERANCE_UNITS, &mut self.scratch);
        self.round(&ring);
        self.line = ring;
        if self.places.first() == self.places.last() {
            self.places.pop();
        }
        let area = doubled_area(&self.places);
        if self.places.len() < 3 || area == 0 {
            return false;
        }
        if (area > 0) != is_outer {
            self.places.reverse();
        }
        self.trace();
        self.commands.push(CLOSE_PATH | 1 << 3);
        true
    }

    /// Puts a line into `self.places`, in whole units, without repetitions.
    fn round(&mut self, line: &[Position]) {
        self.places.clear();
        for position in line {
            let place = position.map(|unit| unit.round() as i32);
            if self.places.last() != Some(&place) {
                self.places.push(place);
            }
        }
    }

    fn trace(&mut self) {
        self.commands.push(MOVE_TO | 1 << 3);
        self.go(self.places[0]);
        self.commands.push(LINE_TO | (self.places.len() as u32 - 1) << 3);
        for at in 1..self.places.len() {
            self.go(self.places[at]);
        }
    }

    fn go(&mut self, place: [i32; 2]) {
        for (axis, unit) in place.into_iter().enumerate() {
            self.commands.push(zigzag(i64::from(unit - self.cursor[axis])) as u32);
        }
        self.cursor = place;
    }
}

/// Twice the area of an open ring.
fn doubled_area(ring: &[[i32; 2]]) -> i64 {
    let next = ring.iter().cycle().skip(1);
    let edge = |([xa, ya], [xb, yb]): (&[i32; 2], &[i32; 2])| {
        i64::from(*xa) * i64::from(*yb) - i64::from(*xb) * i64::from(*ya)
    };
    ring.iter().zip(next).map(edge).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_have_names_boxes_and_neighbours() {
        let world = Tile::parse("0,0,0").unwrap();
        let [west, south, east, north] = world.area();
        assert_eq!((west, east), (-180.0, 180.0));
        assert!((north - 85.0511).abs() < 1e-4 && (south + 85.0511).abs() < 1e-4);
        assert!(world.neighbours().is_empty());
        for wrong in ["", "1,2", "1,0,0", "0,0,31", "a,0,1", "0,0,0,0", "-1,0,1"] {
            assert_eq!(Tile::parse(wrong), None, "{wrong}");
        }
        let corner = Tile::parse("0, 0, 2").unwrap();
        let around: Vec<(u32, u32)> = corner.neighbours().iter().map(|tile| (tile.x, tile.y)).collect();
        assert_eq!(around, [(3, 0), (1, 0), (3, 1), (0, 1), (1, 1)]);
        assert_eq!(Tile::parse("1,1,2").unwrap().neighbours().len(), 8);
    }

    #[test]
    fn a_square_is_drawn_as_the_specification_does() {
        // The middle of the world, one unit of a tile of zoom 0 being 2²⁰ of the grid.
        let unit = f64::from(1 << 20);
        let mut square = Shape::default();
        let corners = [[10.0, 10.0], [10.0, 20.0], [20.0, 20.0], [20.0, 10.0], [10.0, 10.0]];
        square.add_line(&corners.map(|corner| corner.map(|n| n * unit)));
        square.end_piece(Kind::Polygon);
        let mut pen = Pen::new(Tile::parse("0,0,0").unwrap());
        // Given the other way round, it is turned: from its last corner back.
        assert_eq!(pen.draw(&square, Kind::Polygon), [9, 40, 20, 26, 0, 20, 19, 0, 0, 19, 15]);
        assert!(pen.draw(&square, Kind::Line).is_empty());
        let point = Shape::point([25.0 * unit, 17.0 * unit]);
        assert_eq!(pen.draw(&point, Kind::Point), [9, 50, 34]);
    }
}
