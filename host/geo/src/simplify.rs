//! Fewer vertices, where the difference cannot be seen.

use crate::shape::{Kind, Position, Shape};

/// Positions of the smallest ring: three corners, and the first again.
pub(crate) const RING_MIN: usize = 4;

/// Working memory of [`line`].
#[derive(Debug, Default)]
pub struct Scratch {
    kept: Vec<bool>,
    open: Vec<(usize, usize)>,
}

/// Drops the vertices that are nearer than `tolerance` to the line without them (Douglas and Peucker); ends are kept.
pub fn line(line: &mut Vec<Position>, tolerance: f64, scratch: &mut Scratch) {
    let Some(last) = line.len().checked_sub(1).filter(|last| *last >= 2) else { return };
    let Scratch { kept, open } = scratch;
    kept.clear();
    kept.resize(line.len(), false);
    kept[0] = true;
    kept[last] = true;
    open.clear();
    open.push((0, last));
    let square = tolerance * tolerance;
    while let Some((from, to)) = open.pop() {
        let mut farthest = (square, from);
        for at in from + 1..to {
            let far = square_distance(line[at], line[from], line[to]);
            if far > farthest.0 {
                farthest = (far, at);
            }
        }
        if farthest.1 > from {
            kept[farthest.1] = true;
            open.push((from, farthest.1));
            open.push((farthest.1, to));
        }
    }
    let mut kept = kept.iter();
    line.retain(|_| kept.next() == Some(&true));
}

/// Square of the distance of a position to a segment.
fn square_distance([x, y]: Position, [xa, ya]: Position, [xb, yb]: Position) -> f64 {
    let (dx, dy) = (xb - xa, yb - ya);
    let length = dx * dx + dy * dy;
    let along = if length == 0.0 { 0.0 } else { (((x - xa) * dx + (y - ya) * dy) / length).clamp(0.0, 1.0) };
    let (far_x, far_y) = (x - xa - along * dx, y - ya - along * dy);
    far_x * far_x + far_y * far_y
}

/// The shape without the detail that `tolerance` hides. Rings that collapse are dropped, with their polygon when it is the
/// outer one.
pub fn shape(shape: &Shape, tolerance: f64) -> Shape {
    let (mut out, mut scratch, mut buffer) = (Shape::default(), Scratch::default(), Vec::new());
    for piece in shape.pieces() {
        for (index, positions) in piece.lines().enumerate() {
            buffer.clear();
            buffer.extend_from_slice(positions);
            if piece.kind != Kind::Point {
                line(&mut buffer, tolerance, &mut scratch);
            }
            if piece.kind == Kind::Polygon && buffer.len() < RING_MIN {
                if index == 0 {
                    break;
                }
                continue;
            }
            out.add_line(&buffer);
        }
        out.end_piece(piece.kind);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_goes_and_the_form_stays() {
        let mut zigzag: Vec<Position> =
            vec![[0.0, 0.0], [1.0, 0.1], [2.0, -0.1], [3.0, 5.0], [4.0, 6.0], [5.0, 7.0], [6.0, 8.1]];
        line(&mut zigzag, 0.5, &mut Scratch::default());
        assert_eq!(zigzag, [[0.0, 0.0], [2.0, -0.1], [3.0, 5.0], [6.0, 8.1]]);
    }

    #[test]
    fn a_circle_keeps_its_area_and_a_speck_goes() {
        let circle: Vec<Position> = (0..=10_000)
            .map(|n| f64::from(n) / 10_000.0 * std::f64::consts::TAU)
            .map(|a| [a.cos(), a.sin()])
            .collect();
        let mut round = Shape::default();
        round.add_line(&circle);
        round.end_piece(Kind::Polygon);
        let fine = shape(&round, 1e-4);
        assert!(fine.positions().len() < 400, "{}", fine.positions().len());
        let area = crate::shape::doubled_area(fine.positions()) / 2.0;
        assert!((area - std::f64::consts::PI).abs() < 1e-3, "{area}");
        assert!(shape(&round, 10.0).is_empty());
    }
}
