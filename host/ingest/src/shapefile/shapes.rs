//! The shapes of a `.shp`, in order. Heights and measures are passed over.

use std::io::{BufReader, Read};

use crate::RECORD_BYTES_MAX;
use crate::error::{IngestError, IngestResult};
use crate::geo::shape::{Position, Shape, signed_area};

const HEADER_BYTES: usize = 100;
const FILE_CODE: u32 = 9_994;

/// Coordinates below are "no data" by the format's description.
const NO_DATA: f64 = -1e38;

/// Shapes being read.
pub(super) struct Shapes<R> {
    input: BufReader<R>,
    /// Bytes that the file says it has and that were not read.
    left: u64,
    number: u64,
    content: Vec<u8>,
}

impl<R: Read> Shapes<R> {
    pub(super) fn new(input: R) -> IngestResult<Self> {
        let mut input = BufReader::with_capacity(64 << 10, input);
        let mut header = [0; HEADER_BYTES];
        let not_one = |_| IngestError::broken("le fichier .shp", "ce n'est pas un fichier de formes entier");
        input.read_exact(&mut header).map_err(|error| cut(error, not_one))?;
        if big(&header, 0) != Some(FILE_CODE) {
            return Err(not_one(()));
        }
        // Lengths count in words of two bytes.
        let length = u64::from(big(&header, 24).unwrap_or(0)) * 2;
        let left = length.saturating_sub(HEADER_BYTES as u64);
        Ok(Self { input, left, number: 0, content: Vec::new() })
    }

    /// The next shape; `None` at the end. A shape may be no shape.
    pub(super) fn next(&mut self) -> IngestResult<Option<Option<Shape>>> {
        if self.left < 8 {
            return Ok(None);
        }
        self.number += 1;
        let place = format!("forme {}", self.number);
        let incomplete = |_| IngestError::broken(place.clone(), "le fichier .shp est incomplet");
        let mut head = [0; 8];
        self.input.read_exact(&mut head).map_err(|error| cut(error, incomplete))?;
        let length = u64::from(big(&head, 4).unwrap_or(0)) * 2;
        if length > RECORD_BYTES_MAX as u64 {
            let reason = format!("elle dépasse {} Mo", RECORD_BYTES_MAX >> 20);
            return Err(IngestError::broken(place, reason));
        }
        self.content.resize(usize::try_from(length).unwrap_or(RECORD_BYTES_MAX), 0);
        self.input.read_exact(&mut self.content).map_err(|error| cut(error, incomplete))?;
        self.left = self.left.saturating_sub(8 + length);
        match shape(&self.content) {
            Some(Ok(shape)) => Ok(Some(shape)),
            Some(Err(kind)) => {
                Err(IngestError::broken(place, format!("le type de forme {kind} est inconnu")))
            }
            None => Err(IngestError::broken(place, "elle est incomplète")),
        }
    }
}

/// The end of the input where there should be more, as what it means.
fn cut(error: std::io::Error, meaning: impl Fn(()) -> IngestError) -> IngestError {
    if error.kind() == std::io::ErrorKind::UnexpectedEof { meaning(()) } else { error.into() }
}

fn big(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn little(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?) as usize)
}

fn position(bytes: &[u8], at: usize) -> Option<Position> {
    let number = |at: usize| Some(f64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?));
    Some([number(at)?, number(at.checked_add(8)?)?])
}

fn positions(bytes: &[u8], at: usize, count: usize) -> Option<Vec<Position>> {
    let end = at.checked_add(count.checked_mul(16)?)?;
    let all = bytes.get(at..end)?;
    all.chunks_exact(16).map(|position_bytes| position(position_bytes, 0)).collect()
}

/// The shape of a record; `None` when it is cut, the number of its type when that is unknown.
fn shape(content: &[u8]) -> Option<Result<Option<Shape>, usize>> {
    Some(Ok(match little(content, 0)? {
        0 => None,
        1 | 11 | 21 => {
            let [x, y] = position(content, 4)?;
            (x > NO_DATA && y > NO_DATA).then_some(Shape::Point([x, y]))
        }
        8 | 18 | 28 => {
            let points = positions(content, 40, little(content, 36)?)?;
            (!points.is_empty()).then_some(Shape::MultiPoint(points))
        }
        3 | 13 | 23 => Shape::gather(parts(content)?.into_iter().map(Shape::LineString).collect()),
        5 | 15 | 25 => Shape::gather(polygons(parts(content)?).into_iter().map(Shape::Polygon).collect()),
        kind => return Some(Err(kind)),
    }))
}

/// The lines or rings of a record; empty ones are left out.
fn parts(content: &[u8]) -> Option<Vec<Vec<Position>>> {
    let (count, points) = (little(content, 36)?, little(content, 40)?);
    let starts = content.get(44..44_usize.checked_add(count.checked_mul(4)?)?)?;
    let starts: Vec<usize> = (0..count).filter_map(|index| little(starts, 4 * index)).collect();
    let all = positions(content, 44 + 4 * count, points)?;
    let ends = starts.iter().skip(1).copied().chain([points]);
    let lines = starts.iter().zip(ends).map(|(start, end)| all.get(*start..end).map(<[Position]>::to_vec));
    Some(lines.collect::<Option<Vec<_>>>()?.into_iter().filter(|line| !line.is_empty()).collect())
}

/// Rings as polygons: clockwise ones are outer, each other one is a hole of the outer one it is in.
fn polygons(rings: Vec<Vec<Position>>) -> Vec<Vec<Vec<Position>>> {
    let (mut outer, holes): (Vec<_>, Vec<_>) = rings.into_iter().partition(|ring| signed_area(ring) <= 0.0);
    if outer.is_empty() {
        // Wound the wrong way: each is taken for what it encloses.
        return holes.into_iter().map(|ring| vec![ring]).collect();
    }
    let boxes: Vec<[f64; 4]> = outer.iter().map(|ring| box_of(ring)).collect();
    let mut polygons: Vec<Vec<Vec<Position>>> = outer.drain(..).map(|ring| vec![ring]).collect();
    for hole in holes {
        let Some(first) = hole.first().copied() else { continue };
        let within =
            |index: &usize| is_in_box(&boxes[*index], first) && contains(&polygons[*index][0], first);
        let near = |index: &usize| is_in_box(&boxes[*index], first);
        let found = (0..polygons.len()).find(within).or_else(|| (0..polygons.len()).find(near));
        match found {
            Some(index) => polygons[index].push(hole),
            None => polygons.push(vec![hole]),
        }
    }
    polygons
}

fn box_of(ring: &[Position]) -> [f64; 4] {
    ring.iter().fold([f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY], |b, [x, y]| {
        [b[0].min(*x), b[1].min(*y), b[2].max(*x), b[3].max(*y)]
    })
}

fn is_in_box(area: &[f64; 4], [x, y]: Position) -> bool {
    area[0] <= x && x <= area[2] && area[1] <= y && y <= area[3]
}

/// Whether a position is in a ring: a ray from it crosses the ring an odd number of times.
fn contains(ring: &[Position], [x, y]: Position) -> bool {
    let edges = ring.iter().zip(ring.iter().skip(1));
    let crossed = edges
        .filter(|([xa, ya], [xb, yb])| (*ya > y) != (*yb > y) && x < (xb - xa) * (y - ya) / (yb - ya) + xa);
    crossed.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, side: f64, is_clockwise: bool) -> Vec<Position> {
        let mut ring = vec![[x, 0.0], [x, side], [x + side, side], [x + side, 0.0], [x, 0.0]];
        if !is_clockwise {
            ring.reverse();
        }
        ring
    }

    #[test]
    fn holes_belong_to_the_ring_around_them() {
        let hole = vec![[11.0, 1.0], [12.0, 1.0], [12.0, 2.0], [11.0, 1.0]];
        let found = polygons(vec![square(0.0, 5.0, true), hole.clone(), square(10.0, 5.0, true)]);
        assert_eq!(found, [vec![square(0.0, 5.0, true)], vec![square(10.0, 5.0, true), hole]]);
        let wrong = polygons(vec![square(0.0, 5.0, false)]);
        assert_eq!(wrong, [vec![square(0.0, 5.0, false)]]);
    }
}
