//! Geometries of GeoJSON (RFC 7946).

use std::fmt;
use std::fmt::Write as _;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::shape::{Kind, Position, Shape};

/// A geometry as it is written. Coordinates wait until the type is known.
#[derive(Deserialize)]
struct Geometry<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    coordinates: Option<&'a RawValue>,
    #[serde(borrow)]
    geometries: Option<Vec<Geometry<'a>>>,
}

/// Two numbers, whatever follows them.
struct Place(Position);

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Places;
        impl<'de> Visitor<'de> for Places {
            type Value = Place;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a position")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Place, A::Error> {
                let lacking = || A::Error::custom("a position has two numbers");
                let x: f64 = numbers.next_element()?.ok_or_else(lacking)?;
                let y: f64 = numbers.next_element()?.ok_or_else(lacking)?;
                while numbers.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Place([x, y]))
            }
        }
        deserializer.deserialize_seq(Places)
    }
}

type Line = Vec<Place>;

/// The shape of a geometry, in its own coordinates; `None` when it is empty or wrong.
pub fn parse(text: &str) -> Option<Shape> {
    let mut shape = Shape::default();
    add(&serde_json::from_str(text).ok()?, &mut shape)?;
    let is_whole = shape.positions().iter().flatten().all(|number| number.is_finite());
    (is_whole && !shape.is_empty()).then_some(shape)
}

fn add(geometry: &Geometry<'_>, shape: &mut Shape) -> Option<()> {
    if geometry.kind == "GeometryCollection" {
        return geometry.geometries.as_ref()?.iter().try_for_each(|geometry| add(geometry, shape));
    }
    let text = geometry.coordinates?.get();
    match geometry.kind {
        "Point" => add_piece(shape, Kind::Point, &[vec![serde_json::from_str(text).ok()?]]),
        "MultiPoint" => add_piece(shape, Kind::Point, &[serde_json::from_str::<Line>(text).ok()?]),
        "LineString" => add_piece(shape, Kind::Line, &[serde_json::from_str::<Line>(text).ok()?]),
        "MultiLineString" => add_piece(shape, Kind::Line, &serde_json::from_str::<Vec<Line>>(text).ok()?),
        "Polygon" => add_piece(shape, Kind::Polygon, &serde_json::from_str::<Vec<Line>>(text).ok()?),
        "MultiPolygon" => {
            let polygons: Vec<Vec<Line>> = serde_json::from_str(text).ok()?;
            polygons.iter().for_each(|rings| add_piece(shape, Kind::Polygon, rings));
        }
        _ => return None,
    }
    Some(())
}

fn add_piece(shape: &mut Shape, kind: Kind, lines: &[Line]) {
    for line in lines.iter().filter(|line| !line.is_empty()) {
        line.iter().for_each(|place| shape.add(place.0));
        shape.end_line();
    }
    shape.end_piece(kind);
}

/// Appends a point.
pub fn write_point([x, y]: Position, out: &mut String) {
    // Writing to a text cannot fail.
    let _ = write!(out, "{{\"type\":\"Point\",\"coordinates\":[{x},{y}]}}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_and_what_is_wrong_is_nothing() {
        for (text, expect) in [
            (r#"{"type":"Point","coordinates":[2.5,48,35]}"#, Some("POINT(2.5 48)")),
            (r#"{"coordinates":[1,2,null],"type":"Point"}"#, Some("POINT(1 2)")),
            (r#"{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}"#, Some("MULTIPOINT((1 2),(3 4))")),
            (r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#, Some("LINESTRING(1 2,3 4)")),
            (
                r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[5,5],[6,5],[6,6],[5,5]]]]}"#,
                Some("MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))"),
            ),
            (
                r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},{"type":"LineString","coordinates":[[1,2],[3,4]]}]}"#,
                Some("GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(1 2,3 4))"),
            ),
            (r#"{"type":"Polygon","coordinates":[]}"#, None),
            (r#"{"type":"Point"}"#, None),
            (r#"{"type":"Point","coordinates":["a",1]}"#, None),
            (r#"{"type":"Point","coordinates":[1]}"#, None),
            (r#"{"type":"Cercle","coordinates":[1,2]}"#, None),
            ("bonjour", None),
        ] {
            let found = parse(text).map(|shape| crate::wkt::text(&shape));
            assert_eq!(found.as_deref(), expect, "{text}");
        }
    }
}
