//! A geometry in the plane: heights are not kept.

use std::fmt::Write as _;

/// Longitude and latitude in degrees, or x and y before projection.
pub(crate) type Position = [f64; 2];

/// The geometries of GeoJSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Point(Position),
    MultiPoint(Vec<Position>),
    LineString(Vec<Position>),
    MultiLineString(Vec<Vec<Position>>),
    Polygon(Vec<Vec<Position>>),
    MultiPolygon(Vec<Vec<Vec<Position>>>),
    Collection(Vec<Shape>),
}

impl Shape {
    /// One shape of several: itself when it is alone, `Multi...` when all are of one kind, else a collection; `None` of
    /// nothing.
    pub(crate) fn gather(mut shapes: Vec<Self>) -> Option<Self> {
        if shapes.len() < 2 {
            return shapes.pop();
        }
        let all = |is: fn(&Self) -> bool| shapes.iter().all(is);
        Some(if all(|shape| matches!(shape, Self::Point(_))) {
            let point = |shape| if let Self::Point(position) = shape { Some(position) } else { None };
            Self::MultiPoint(shapes.into_iter().filter_map(point).collect())
        } else if all(|shape| matches!(shape, Self::LineString(_))) {
            let line = |shape| if let Self::LineString(line) = shape { Some(line) } else { None };
            Self::MultiLineString(shapes.into_iter().filter_map(line).collect())
        } else if all(|shape| matches!(shape, Self::Polygon(_))) {
            let rings = |shape| if let Self::Polygon(rings) = shape { Some(rings) } else { None };
            Self::MultiPolygon(shapes.into_iter().filter_map(rings).collect())
        } else {
            Self::Collection(shapes)
        })
    }

    /// Visits every line of positions; a point is a line of one.
    pub(crate) fn visit<E>(
        &mut self,
        visit: &mut impl FnMut(&mut [Position]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Point(position) => visit(std::slice::from_mut(position)),
            Self::MultiPoint(line) | Self::LineString(line) => visit(line),
            Self::MultiLineString(lines) | Self::Polygon(lines) => {
                lines.iter_mut().try_for_each(|line| visit(line))
            }
            Self::MultiPolygon(polygons) => polygons.iter_mut().flatten().try_for_each(|line| visit(line)),
            Self::Collection(shapes) => shapes.iter_mut().try_for_each(|shape| shape.visit(visit)),
        }
    }

    /// Turns rings as RFC 7946 wants them: outer ones counterclockwise, holes clockwise; closes those that are open.
    pub(crate) fn rewind(&mut self) {
        match self {
            Self::Polygon(rings) => rewind_rings(rings),
            Self::MultiPolygon(polygons) => polygons.iter_mut().for_each(|rings| rewind_rings(rings)),
            Self::Collection(shapes) => shapes.iter_mut().for_each(Self::rewind),
            _ => {}
        }
    }

    /// Appends the shape as GeoJSON.
    pub(crate) fn write_json(&self, out: &mut String) {
        let name = match self {
            Self::Point(_) => "Point",
            Self::MultiPoint(_) => "MultiPoint",
            Self::LineString(_) => "LineString",
            Self::MultiLineString(_) => "MultiLineString",
            Self::Polygon(_) => "Polygon",
            Self::MultiPolygon(_) => "MultiPolygon",
            Self::Collection(shapes) => {
                out.push_str("{\"type\":\"GeometryCollection\",\"geometries\":");
                write_list(shapes, out, Self::write_json);
                out.push('}');
                return;
            }
        };
        out.push_str("{\"type\":\"");
        out.push_str(name);
        out.push_str("\",\"coordinates\":");
        match self {
            Self::Point(position) => write_position(position, out),
            Self::MultiPoint(line) | Self::LineString(line) => write_line(line, out),
            Self::MultiLineString(lines) | Self::Polygon(lines) => {
                write_list(lines, out, |line, out| write_line(line, out));
            }
            Self::MultiPolygon(polygons) => write_list(polygons, out, |rings, out| {
                write_list(rings, out, |line, out| write_line(line, out));
            }),
            Self::Collection(_) => {}
        }
        out.push('}');
    }
}

fn write_list<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

fn write_line(line: &[Position], out: &mut String) {
    write_list(line, out, write_position);
}

fn write_position([x, y]: &Position, out: &mut String) {
    // Writing to a text cannot fail.
    let _ = write!(out, "[{x},{y}]");
}

fn rewind_rings(rings: &mut [Vec<Position>]) {
    for (index, ring) in rings.iter_mut().enumerate() {
        if let (Some(first), Some(last)) = (ring.first().copied(), ring.last())
            && first != *last
        {
            ring.push(first);
        }
        let is_outer = index == 0;
        if (signed_area(ring) < 0.0) == is_outer {
            ring.reverse();
        }
    }
}

/// Area of a ring, positive when it turns counterclockwise.
pub(crate) fn signed_area(ring: &[Position]) -> f64 {
    // Relative to the first position: coordinates in metres are large against the areas of parcels.
    let Some([x0, y0]) = ring.first() else { return 0.0 };
    let edges = ring.iter().zip(ring.iter().skip(1));
    edges.map(|([xa, ya], [xb, yb])| (xa - x0) * (yb - y0) - (xb - x0) * (ya - y0)).sum::<f64>() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(mut shape: Shape) -> String {
        shape.rewind();
        let mut out = String::new();
        shape.write_json(&mut out);
        out
    }

    #[test]
    fn rings_are_closed_and_turn_as_the_standard_wants() {
        let clockwise = vec![[0.0, 0.0], [0.0, 4.0], [4.0, 4.0], [4.0, 0.0]];
        let hole = vec![[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 1.0]];
        assert_eq!(
            json(Shape::Polygon(vec![clockwise, hole])),
            r#"{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]],[[1,1],[2,2],[2,1],[1,1]]]}"#
        );
    }

    #[test]
    fn several_of_a_kind_are_one_shape() {
        let point = |x| Shape::Point([x, 1.5]);
        assert_eq!(Shape::gather(Vec::new()), None);
        assert_eq!(Shape::gather(vec![point(1.0)]), Some(point(1.0)));
        let two = Shape::gather(vec![point(1.0), point(2.0)]).unwrap();
        assert_eq!(json(two), r#"{"type":"MultiPoint","coordinates":[[1,1.5],[2,1.5]]}"#);
        let mixed = Shape::gather(vec![point(1.0), Shape::LineString(vec![[0.0, 0.0], [1.0, 1.0]])]).unwrap();
        assert_eq!(
            json(mixed),
            r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,1.5]},{"type":"LineString","coordinates":[[0,0],[1,1]]}]}"#
        );
    }
}
