//! Fewer vertices for shapes that have too many to be drawn or indexed (reference §4.6).

use std::convert::Infallible;

use crate::geo::shape::{Position, Shape};

/// Vertices of one shape beyond which it is simplified.
const VERTICES_MAX: usize = 50_000;

/// First tolerance tried, in degrees: about ten centimetres. Each further one is four times as coarse.
const TOLERANCE_START: f64 = 1e-6;

/// Tolerances tried: the last is about seven kilometres.
const TOLERANCES_MAX: i32 = 9;

/// Brings a shape in degrees to at most [`VERTICES_MAX`] vertices, as finely as that allows. A shape of very many tiny
/// parts may keep more: each part keeps its ends.
pub(crate) fn simplify(shape: &mut Shape) {
    for step in 0..TOLERANCES_MAX {
        if vertices(shape) <= VERTICES_MAX {
            return;
        }
        let tolerance = TOLERANCE_START * 4_f64.powi(step);
        lines(shape, &mut |line, vertices_min| {
            let kept = kept(line, tolerance);
            if kept.iter().filter(|kept| **kept).count() >= vertices_min {
                let mut kept = kept.iter();
                line.retain(|_| kept.next() == Some(&true));
            }
        });
    }
}

fn vertices(shape: &mut Shape) -> usize {
    let mut count = 0;
    let counted: Result<(), Infallible> = shape.visit(&mut |line| {
        count += line.len();
        Ok(())
    });
    counted.map_or(0, |()| count)
}

/// Visits what may lose vertices, with the number that each must keep.
fn lines(shape: &mut Shape, visit: &mut impl FnMut(&mut Vec<Position>, usize)) {
    const LINE_MIN: usize = 2;
    const RING_MIN: usize = 4;
    match shape {
        Shape::LineString(line) => visit(line, LINE_MIN),
        Shape::MultiLineString(all) => all.iter_mut().for_each(|line| visit(line, LINE_MIN)),
        Shape::Polygon(rings) => rings.iter_mut().for_each(|ring| visit(ring, RING_MIN)),
        Shape::MultiPolygon(all) => all.iter_mut().flatten().for_each(|ring| visit(ring, RING_MIN)),
        Shape::Collection(shapes) => shapes.iter_mut().for_each(|shape| lines(shape, visit)),
        Shape::Point(_) | Shape::MultiPoint(_) => {}
    }
}

/// Which vertices Douglas and Peucker keep: those farther than the tolerance from the line without them.
fn kept(line: &[Position], tolerance: f64) -> Vec<bool> {
    let mut kept = vec![false; line.len()];
    let (Some(first), Some(last)) = (kept.first().copied(), line.len().checked_sub(1)) else { return kept };
    debug_assert!(!first);
    kept[0] = true;
    kept[last] = true;
    let mut open = vec![(0, last)];
    while let Some((from, to)) = open.pop() {
        let between = from + 1..to;
        let distances = between.map(|at| (at, distance(line[at], line[from], line[to])));
        let farthest = distances.max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((at, far)) = farthest
            && far > tolerance
        {
            kept[at] = true;
            open.extend([(from, at), (at, to)]);
        }
    }
    kept
}

/// Distance of a position to a segment.
fn distance([x, y]: Position, [xa, ya]: Position, [xb, yb]: Position) -> f64 {
    let (dx, dy) = (xb - xa, yb - ya);
    let square = dx * dx + dy * dy;
    let along = if square == 0.0 { 0.0 } else { ((x - xa) * dx + (y - ya) * dy) / square };
    let along = along.clamp(0.0, 1.0);
    (x - xa - along * dx).hypot(y - ya - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_of_too_many_vertices_keeps_its_form() {
        let circle: Vec<Position> = (0..=200_000)
            .map(|n| f64::from(n) / 200_000.0 * std::f64::consts::TAU)
            .map(|angle| [angle.cos(), angle.sin()])
            .collect();
        let mut shape = Shape::Polygon(vec![circle]);
        simplify(&mut shape);
        let left = vertices(&mut shape);
        assert!(left > 100 && left <= VERTICES_MAX, "{left}");
        let Shape::Polygon(rings) = shape else { panic!("a polygon stays one") };
        assert!((crate::geo::shape::signed_area(&rings[0]) - std::f64::consts::PI).abs() < 1e-4);
    }

    #[test]
    fn a_shape_that_is_small_enough_is_left_alone() {
        let line = Shape::LineString((0..1_000).map(|n| [f64::from(n), 0.0]).collect());
        let mut same = line.clone();
        simplify(&mut same);
        assert_eq!(same, line);
    }
}
