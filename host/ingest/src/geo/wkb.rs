//! Well-known binary geometries: of GeoPackage and GeoParquet, in the variants of ISO and PostGIS.

use crate::geo::shape::{Position, Shape};

/// Geometries within geometries.
const DEPTH_MAX: usize = 16;

const EWKB_Z: u32 = 0x8000_0000;
const EWKB_M: u32 = 0x4000_0000;
const EWKB_SRID: u32 = 0x2000_0000;

/// Bytes being read.
struct Cursor<'a> {
    bytes: &'a [u8],
    is_big: bool,
}

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.take()?;
        Some(if self.is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn double(&mut self) -> Option<f64> {
        let bytes = self.take()?;
        Some(if self.is_big { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) })
    }

    /// A number of things that take at least `bytes` each: not more than there is room for.
    fn count(&mut self, bytes: usize) -> Option<usize> {
        let count = self.number()? as usize;
        (count <= self.bytes.len() / bytes).then_some(count)
    }

    fn position(&mut self, dimensions: usize) -> Option<Position> {
        let position = [self.double()?, self.double()?];
        for _ in 2..dimensions {
            self.double()?;
        }
        Some(position)
    }

    fn line(&mut self, dimensions: usize) -> Option<Vec<Position>> {
        let count = self.count(8 * dimensions)?;
        (0..count).map(|_| self.position(dimensions)).collect()
    }

    fn rings(&mut self, dimensions: usize) -> Option<Vec<Vec<Position>>> {
        let count = self.count(4)?;
        (0..count).map(|_| self.line(dimensions)).collect()
    }

    fn shape(&mut self, depth: usize) -> Option<Option<Shape>> {
        self.is_big = match self.take::<1>()? {
            [0] => true,
            [1] => false,
            _ => return None,
        };
        let kind = self.number()?;
        if kind & EWKB_SRID != 0 {
            self.number()?;
        }
        let plain = kind & !(EWKB_Z | EWKB_M | EWKB_SRID);
        let extra = [kind & EWKB_Z != 0, kind & EWKB_M != 0].iter().filter(|is| **is).count();
        // ISO: 1001 has heights, 2001 measures, 3001 both.
        let dimensions = 2 + extra + usize::from(plain >= 1_000) + usize::from(plain >= 3_000);
        Some(match plain % 1_000 {
            1 => {
                let [x, y] = self.position(dimensions)?;
                (!x.is_nan() && !y.is_nan()).then_some(Shape::Point([x, y]))
            }
            2 => some(self.line(dimensions)?).map(Shape::LineString),
            3 => some(self.rings(dimensions)?).map(Shape::Polygon),
            kind @ 4..=7 if depth < DEPTH_MAX => {
                let count = self.count(5)?;
                let mut shapes = Vec::with_capacity(count);
                for _ in 0..count {
                    let is_big = self.is_big;
                    shapes.extend(self.shape(depth + 1)?);
                    self.is_big = is_big;
                }
                if kind == 7 { some(shapes).map(Shape::Collection) } else { Shape::gather(shapes) }
            }
            _ => return None,
        })
    }
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

/// The shape that bytes hold, which may be none; the error says what is wrong, in French.
pub(crate) fn shape(bytes: &[u8]) -> Result<Option<Shape>, String> {
    let mut cursor = Cursor { bytes, is_big: false };
    let found = cursor.shape(0).ok_or("la géométrie est incomplète ou d'un type inconnu")?;
    match found {
        Some(shape) if is_finite(&mut shape.clone()) => Ok(Some(shape)),
        Some(_) => Err("une coordonnée n'est pas un nombre".to_owned()),
        None => Ok(None),
    }
}

fn is_finite(shape: &mut Shape) -> bool {
    let finite = |line: &mut [Position]| {
        if line.iter().flatten().all(|number| number.is_finite()) { Ok(()) } else { Err(()) }
    };
    shape.visit(&mut { finite }).is_ok()
}

/// The shape of a cell of a GeoPackage: a header of its own, then WKB.
pub(crate) fn geopackage(bytes: &[u8]) -> Result<Option<Shape>, String> {
    const HEADER_BYTES: usize = 8;
    let not_one = || "ce n'est pas une géométrie GeoPackage".to_owned();
    let [b'G', b'P', _, flags, ..] = *bytes else { return Err(not_one()) };
    let is_empty = flags & 0x10 != 0;
    let envelope_bytes = match (flags >> 1) & 7 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        _ => return Err(not_one()),
    };
    let wkb = bytes.get(HEADER_BYTES + envelope_bytes..).ok_or_else(not_one)?;
    if is_empty { Ok(None) } else { shape(wkb) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(bytes: &[u8]) -> String {
        let mut out = String::new();
        shape(bytes).unwrap().inspect(|shape| shape.write_json(&mut out));
        out
    }

    fn wkb(is_big: bool, kind: u32, numbers: &[f64]) -> Vec<u8> {
        let mut bytes = vec![u8::from(!is_big)];
        bytes.extend(if is_big { kind.to_be_bytes() } else { kind.to_le_bytes() });
        for number in numbers {
            bytes.extend(if is_big { number.to_be_bytes() } else { number.to_le_bytes() });
        }
        bytes
    }

    #[test]
    fn every_byte_order_and_dimension_is_read() {
        let point = r#"{"type":"Point","coordinates":[2.5,48]}"#;
        assert_eq!(json(&wkb(false, 1, &[2.5, 48.0])), point);
        assert_eq!(json(&wkb(true, 1, &[2.5, 48.0])), point);
        assert_eq!(json(&wkb(false, 1001, &[2.5, 48.0, 9.0])), point);
        assert_eq!(json(&wkb(true, 3001, &[2.5, 48.0, 9.0, 8.0])), point);
        assert_eq!(json(&wkb(false, 1 | EWKB_Z, &[2.5, 48.0, 9.0])), point);
        let mut several = vec![1, 4, 0, 0, 0, 2, 0, 0, 0];
        several.extend(wkb(true, 1, &[1.0, 2.0]));
        several.extend(wkb(false, 1, &[3.0, 4.0]));
        assert_eq!(json(&several), r#"{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}"#);
        assert_eq!(json(&wkb(false, 1, &[f64::NAN, f64::NAN])), "");
    }

    #[test]
    fn damaged_geometries_are_refused() {
        let endless = [&[1, 2, 0, 0, 0][..], &[0xff; 4]].concat();
        let nested = [1, 7, 0, 0, 0, 1, 0, 0, 0].repeat(100);
        for bytes in
            [&[][..], &[9, 9], &wkb(false, 1, &[1.0]), &wkb(false, 99, &[1.0, 2.0]), &endless, &nested]
        {
            assert!(shape(bytes).is_err(), "{bytes:?}");
        }
        assert!(shape(&wkb(false, 1, &[f64::INFINITY, 1.0])).is_err());
        assert!(geopackage(b"GP").is_err() && geopackage(b"XX\0\0\0\0\0\0").is_err());
    }
}
