//! Lines and rings cut to a box: least x, least y, greatest x, greatest y.

use crate::shape::{Kind, Position, Shape, extent};

/// Whether the boxes have a position in common.
pub fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3]
}

/// Whether `inner` is in `outer` with all its border.
pub fn contains(outer: &[f64; 4], inner: &[f64; 4]) -> bool {
    outer[0] <= inner[0] && outer[1] <= inner[1] && inner[2] <= outer[2] && inner[3] <= outer[3]
}

/// The parts of a line that are in the box, one after the other in `out`, each ended by its place in `ends`.
pub fn line(line: &[Position], area: &[f64; 4], out: &mut Vec<Position>, ends: &mut Vec<usize>) {
    let start = ends.last().copied().unwrap_or(0);
    debug_assert_eq!(start, out.len());
    for edge in line.windows(2) {
        let Some((from, to)) = segment(edge[0], edge[1], area) else { continue };
        let begun = ends.last().copied().unwrap_or(0);
        if out.len() > begun && out.last() != Some(&from) {
            ends.push(out.len());
        }
        if ends.last().copied().unwrap_or(0) == out.len() {
            out.push(from);
        }
        if out.last() != Some(&to) {
            out.push(to);
        }
    }
    if ends.last().copied().unwrap_or(0) < out.len() {
        ends.push(out.len());
    }
}

/// The part of a segment that is in the box (Liang and Barsky).
fn segment([xa, ya]: Position, [xb, yb]: Position, area: &[f64; 4]) -> Option<(Position, Position)> {
    let (dx, dy) = (xb - xa, yb - ya);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (step, room) in [(-dx, xa - area[0]), (dx, area[2] - xa), (-dy, ya - area[1]), (dy, area[3] - ya)] {
        if step == 0.0 {
            if room < 0.0 {
                return None;
            }
            continue;
        }
        let at = room / step;
        if step < 0.0 {
            enter = enter.max(at);
        } else {
            leave = leave.min(at);
        }
    }
    if enter > leave {
        return None;
    }
    // Rounding must not leave the box.
    let place = |at: f64| {
        let (x, y) = (xa + at * dx, ya + at * dy);
        [x.clamp(area[0], area[2]), y.clamp(area[1], area[3])]
    };
    let from = if enter > 0.0 { place(enter) } else { [xa, ya] };
    let to = if leave < 1.0 { place(leave) } else { [xb, yb] };
    Some((from, to))
}

/// Cuts a closed ring to the box, in place (Sutherland and Hodgman): closed again, or empty. Parts of a ring that leaves the box
/// and comes back stay joined along the border, where they are drawn outside the picture.
pub fn ring(ring: &mut Vec<Position>, area: &[f64; 4], scratch: &mut Vec<Position>) {
    for (side, &bound) in area.iter().enumerate() {
        let axis = side % 2;
        let is_in = |place: &Position| if side < 2 { place[axis] >= bound } else { place[axis] <= bound };
        scratch.clear();
        for edge in ring.windows(2) {
            let (from, to) = (edge[0], edge[1]);
            match (is_in(&from), is_in(&to)) {
                (true, true) => scratch.push(to),
                (true, false) => scratch.push(crossing(from, to, axis, bound)),
                (false, true) => scratch.extend([crossing(from, to, axis, bound), to]),
                (false, false) => {}
            }
        }
        std::mem::swap(ring, scratch);
        if let (Some(first), Some(last)) = (ring.first().copied(), ring.last())
            && first != *last
        {
            ring.push(first);
        }
    }
}

/// Where a segment that crosses `bound` of the axis does.
fn crossing(from: Position, to: Position, axis: usize, bound: f64) -> Position {
    let other = 1 - axis;
    let along = (bound - from[axis]) / (to[axis] - from[axis]);
    let mut place = [0.0; 2];
    place[axis] = bound;
    let (low, high) = (from[other].min(to[other]), from[other].max(to[other]));
    place[other] = (from[other] + along * (to[other] - from[other])).clamp(low, high);
    place
}

/// Whether a shape and the box have a position in common.
pub fn touches(shape: &Shape, area: &[f64; 4]) -> bool {
    shape.pieces().any(|piece| match piece.kind {
        Kind::Point => piece.lines().flatten().any(|[x, y]| overlap(area, &[*x, *y, *x, *y])),
        Kind::Line => piece.lines().any(|line| crosses(line, area)),
        Kind::Polygon => {
            let mut rings =
                piece.lines().filter(|ring| extent(ring).is_some_and(|ring| overlap(&ring, area)));
            // No ring through the box: it is all inside, in a hole, or outside.
            rings.any(|ring| crosses(ring, area))
                || piece.lines().filter(|ring| surrounds(ring, [area[0], area[1]])).count() % 2 == 1
        }
    })
}

fn crosses(line: &[Position], area: &[f64; 4]) -> bool {
    // A line of one position has no segment.
    line.iter().any(|[x, y]| overlap(area, &[*x, *y, *x, *y]))
        || line.windows(2).any(|edge| segment(edge[0], edge[1], area).is_some())
}

/// Whether a place is inside a closed ring: an odd number of its edges are east of it.
fn surrounds(ring: &[Position], [x, y]: Position) -> bool {
    let edges = ring.iter().zip(ring.iter().skip(1));
    let east = edges
        .filter(|([xa, ya], [xb, yb])| (ya > &y) != (yb > &y) && x < (xb - xa) * (y - ya) / (yb - ya) + xa);
    east.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: [f64; 4] = [0.0, 0.0, 10.0, 10.0];

    fn cut(positions: &[Position]) -> Vec<Vec<Position>> {
        let (mut out, mut ends) = (Vec::new(), Vec::new());
        line(positions, &AREA, &mut out, &mut ends);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(&ends).map(|(start, end)| out[start..*end].to_vec()).collect()
    }

    #[test]
    fn a_line_that_leaves_and_comes_back_becomes_two() {
        let there_and_back = [[-5.0, 5.0], [5.0, 5.0], [15.0, 5.0], [15.0, 8.0], [5.0, 8.0]];
        assert_eq!(
            cut(&there_and_back),
            [vec![[0.0, 5.0], [5.0, 5.0], [10.0, 5.0]], vec![[10.0, 8.0], [5.0, 8.0]]]
        );
        assert_eq!(cut(&[[1.0, 1.0], [2.0, 2.0], [3.0, 1.0]]), [[[1.0, 1.0], [2.0, 2.0], [3.0, 1.0]]]);
        assert!(cut(&[[-5.0, 5.0], [5.0, 15.0]]).len() < 2);
        assert!(cut(&[[-5.0, -5.0], [-1.0, 20.0]]).is_empty());
    }

    #[test]
    fn a_ring_around_the_box_becomes_the_box() {
        let mut around = vec![[-5.0, -5.0], [15.0, -5.0], [15.0, 15.0], [-5.0, 15.0], [-5.0, -5.0]];
        ring(&mut around, &AREA, &mut Vec::new());
        assert_eq!(crate::shape::doubled_area(&around), 200.0);
        let mut beside = vec![[20.0, 20.0], [30.0, 20.0], [30.0, 30.0], [20.0, 20.0]];
        ring(&mut beside, &AREA, &mut Vec::new());
        assert!(beside.is_empty());
    }

    #[test]
    fn a_shape_touches_what_it_covers_but_not_what_its_hole_holds() {
        let mut ring = Shape::default();
        ring.add_line(&[
            [-100.0, -100.0],
            [100.0, -100.0],
            [100.0, 100.0],
            [-100.0, 100.0],
            [-100.0, -100.0],
        ]);
        ring.add_line(&[[-50.0, -50.0], [-50.0, 50.0], [50.0, 50.0], [50.0, -50.0], [-50.0, -50.0]]);
        ring.end_piece(Kind::Polygon);
        for (area, expect) in [
            (AREA, false),
            ([60.0, 60.0, 70.0, 70.0], true),
            ([45.0, 45.0, 70.0, 70.0], true),
            ([101.0, 0.0, 102.0, 1.0], false),
            ([-200.0, -200.0, 200.0, 200.0], true),
        ] {
            assert_eq!(touches(&ring, &area), expect, "{area:?}");
        }
        assert!(touches(&Shape::point([10.0, 10.0]), &AREA) && !touches(&Shape::point([10.1, 10.0]), &AREA));
    }

    #[test]
    fn a_line_or_ring_of_one_position_touches_where_that_is() {
        for kind in [Kind::Line, Kind::Polygon] {
            let mut speck = Shape::default();
            speck.add_line(&[[1.0, 5.0]]);
            speck.end_piece(kind);
            assert!(touches(&speck, &AREA) && !touches(&speck, &[2.0, 0.0, 10.0, 10.0]), "{kind:?}");
        }
    }
}
