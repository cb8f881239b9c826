//! A shape on the grid in few bytes: what an index keeps, so that a tile costs no parsing and no projection.
//!
//! Pieces one after the other: kind, number of lines; for each line the number of positions, then each position as its
//! difference from the one before, zigzag, seven bits a byte. A vertex of a detailed border takes four bytes.

use crate::shape::{Kind, Position, Shape};

/// Appends a shape whose positions are whole numbers of the grid.
pub fn encode(shape: &Shape, out: &mut Vec<u8>) {
    let mut last = [0_i64; 2];
    for piece in shape.pieces() {
        out.push(piece.kind as u8);
        varint(piece.lines().len() as u64, out);
        for line in piece.lines() {
            varint(line.len() as u64, out);
            for position in line {
                for (axis, last) in last.iter_mut().enumerate() {
                    let next = position[axis] as i64;
                    varint(zigzag(next - *last), out);
                    *last = next;
                }
            }
        }
    }
}

/// Appends a point of the grid: what [`encode`] makes of it.
pub fn encode_point([x, y]: Position, out: &mut Vec<u8>) {
    out.extend_from_slice(&[Kind::Point as u8, 1, 1]);
    varint(zigzag(x as i64), out);
    varint(zigzag(y as i64), out);
}

/// Reads a shape into `shape`, whose memory is used again; false when the bytes are damaged.
pub fn decode(bytes: &[u8], shape: &mut Shape) -> bool {
    shape.clear();
    let mut rest = bytes;
    let mut last = [0_i64; 2];
    while let Some((&kind, after)) = rest.split_first() {
        let Some(&kind) = Kind::ALL.get(kind as usize) else { return false };
        rest = after;
        let Some(lines) = read_varint(&mut rest) else { return false };
        for _ in 0..lines {
            let Some(positions) = read_varint(&mut rest) else { return false };
            for _ in 0..positions {
                let (Some(x), Some(y)) = (read_varint(&mut rest), read_varint(&mut rest)) else {
                    return false;
                };
                last = [last[0].wrapping_add(unzigzag(x)), last[1].wrapping_add(unzigzag(y))];
                shape.add([last[0] as f64, last[1] as f64]);
            }
            shape.end_line();
        }
        shape.end_piece(kind);
    }
    true
}

/// Small numbers of either sign as small numbers.
pub(crate) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

/// Appends seven bits a byte, lowest first.
pub(crate) fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
        if shift > 63 {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_reads_back_and_damage_is_noticed() {
        let mut shape = Shape::point([4_294_967_295.0, 0.0]);
        shape.add_line(&[[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 0.0]]);
        shape.add_line(&[[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [1.0, 1.0]]);
        shape.end_piece(Kind::Polygon);
        let mut bytes = Vec::new();
        encode(&shape, &mut bytes);
        let mut back = Shape::default();
        assert!(decode(&bytes, &mut back));
        assert_eq!(back, shape);
        let (place, mut one, mut same) = ([4_294_967_295.0, 7.0], Vec::new(), Vec::new());
        encode_point(place, &mut one);
        encode(&Shape::point(place), &mut same);
        assert_eq!(one, same);
        assert!(!decode(&bytes[..bytes.len() - 1], &mut back));
        assert!(!decode(&[9], &mut back));
        assert!(!decode(&[1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255], &mut back));
    }
}
