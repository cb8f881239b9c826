//! GeoJSON geometries, as features hold them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::geo::shape::{Position, Shape};

/// A geometry as it is written. What its type does not use is ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct Geometry {
    #[serde(rename = "type")]
    kind: String,
    coordinates: Option<Nest>,
    geometries: Option<Vec<Geometry>>,
}

/// Numbers in brackets in brackets.
#[derive(Debug)]
enum Nest {
    Number(f64),
    List(Vec<Nest>),
}

impl<'de> Deserialize<'de> for Nest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NestVisitor;
        impl<'de> Visitor<'de> for NestVisitor {
            type Value = Nest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("numbers in brackets")
            }

            fn visit_f64<E>(self, number: f64) -> Result<Nest, E> {
                Ok(Nest::Number(number))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Nest, E> {
                Ok(Nest::Number(number as f64))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Nest, E> {
                Ok(Nest::Number(number as f64))
            }

            fn visit_unit<E>(self) -> Result<Nest, E> {
                // A height that is not known is written `null`.
                Ok(Nest::Number(f64::NAN))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Nest, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Nest::List(list))
            }
        }
        deserializer.deserialize_any(NestVisitor)
    }
}

impl Geometry {
    /// The shape; `None` of an empty one. The error says what is wrong, in French.
    pub(crate) fn shape(self) -> Result<Option<Shape>, String> {
        if self.kind == "GeometryCollection" {
            let shapes = self.geometries.unwrap_or_default().into_iter();
            let shapes = shapes.map(Self::shape).filter_map(Result::transpose);
            let shapes: Vec<Shape> = shapes.collect::<Result<_, _>>()?;
            return Ok((!shapes.is_empty()).then_some(Shape::Collection(shapes)));
        }
        let coordinates = self.coordinates.ok_or("la géométrie n'a pas de coordonnées")?;
        if matches!(&coordinates, Nest::List(list) if list.is_empty()) {
            return Ok(None);
        }
        let shape = match self.kind.as_str() {
            "Point" => position(coordinates).map(Shape::Point),
            "MultiPoint" => list(coordinates, position).map(Shape::MultiPoint),
            "LineString" => list(coordinates, position).map(Shape::LineString),
            "MultiLineString" => lines(coordinates).map(Shape::MultiLineString),
            "Polygon" => lines(coordinates).map(Shape::Polygon),
            "MultiPolygon" => list(coordinates, lines).map(Shape::MultiPolygon),
            other => {
                let kind: String = other.chars().take(50).collect();
                return Err(format!("« {kind} » n'est pas un type de géométrie"));
            }
        };
        shape.map(Some).ok_or_else(|| format!("les coordonnées ne sont pas celles d'un {}", self.kind))
    }
}

fn list<T>(nest: Nest, item: impl Fn(Nest) -> Option<T>) -> Option<Vec<T>> {
    match nest {
        Nest::List(items) => items.into_iter().map(item).collect(),
        Nest::Number(_) => None,
    }
}

fn lines(nest: Nest) -> Option<Vec<Vec<Position>>> {
    list(nest, |line| list(line, position))
}

fn position(nest: Nest) -> Option<Position> {
    match nest {
        Nest::List(numbers) => match numbers[..] {
            [Nest::Number(x), Nest::Number(y), ..] if x.is_finite() && y.is_finite() => Some([x, y]),
            _ => None,
        },
        Nest::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        let shape = serde_json::from_str::<Geometry>(text).unwrap().shape();
        shape.map_or_else(
            |reason| reason,
            |shape| {
                let mut out = String::new();
                shape.inspect(|shape| shape.write_json(&mut out));
                out
            },
        )
    }

    #[test]
    fn every_type_is_read_and_heights_are_dropped() {
        for text in [
            r#"{"type":"Point","coordinates":[2.5,48]}"#,
            r#"{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}"#,
            r#"{"type":"MultiLineString","coordinates":[[[1,2],[3,4]]]}"#,
            r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]]]}"#,
            r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]}"#,
        ] {
            assert_eq!(check(text), text);
        }
        assert_eq!(
            check(r#"{"type":"Point","coordinates":[1,2,null]}"#),
            r#"{"type":"Point","coordinates":[1,2]}"#
        );
        assert_eq!(check(r#"{"type":"LineString","coordinates":[]}"#), "");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, reason) in [
            (r#"{"type":"Point"}"#, "la géométrie n'a pas de coordonnées"),
            (r#"{"type":"Point","coordinates":[1]}"#, "les coordonnées ne sont pas celles d'un Point"),
            (
                r#"{"type":"Polygon","coordinates":[[1,2]]}"#,
                "les coordonnées ne sont pas celles d'un Polygon",
            ),
            (r#"{"type":"Cercle","coordinates":[1,2]}"#, "« Cercle » n'est pas un type de géométrie"),
        ] {
            assert_eq!(check(text), reason);
        }
    }
}
