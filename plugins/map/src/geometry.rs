//! Reading GeoJSON geometries, and drawing them with no more points than a picture can show.

use halle_plugin::serde_json::{Value, from_str};

use crate::projection::Projection;

/// Pixels below which two points of an outline are one.
const NEAR: f64 = 0.6;

/// Rings of a surface, or lines: longitudes and latitudes.
pub type Rings = Vec<Vec<[f64; 2]>>;

/// Outlines of the polygons of a geometry; `None` when the text is none or has no surface.
pub fn polygons(text: &str) -> Option<Rings> {
    let geometry: Value = from_str(text).ok()?;
    let mut rings = Vec::new();
    collect(&geometry, 0, &mut rings);
    (!rings.is_empty()).then_some(rings)
}

fn collect(geometry: &Value, depth: usize, rings: &mut Rings) {
    let coordinates = || geometry["coordinates"].as_array().into_iter().flatten();
    match geometry["type"].as_str() {
        Some("Polygon") => rings.extend(coordinates().filter_map(ring)),
        Some("MultiPolygon") => {
            rings.extend(coordinates().filter_map(Value::as_array).flatten().filter_map(ring));
        }
        Some("Feature") if depth == 0 => collect(&geometry["geometry"], 1, rings),
        Some("GeometryCollection") if depth < 2 => {
            let parts = geometry["geometries"].as_array().into_iter().flatten();
            parts.for_each(|part| collect(part, depth + 1, rings));
        }
        _ => {}
    }
}

fn ring(points: &Value) -> Option<Vec<[f64; 2]>> {
    let points: Option<Vec<[f64; 2]>> =
        points.as_array()?.iter().map(|point| Some([point[0].as_f64()?, point[1].as_f64()?])).collect();
    points.filter(|points| points.len() >= 4)
}

/// The path of some rings. Points nearer than [`NEAR`] to the one before are left out; a ring too small to be seen stays as
/// a speck, so that no place disappears.
pub fn path(rings: &Rings, projection: &Projection) -> String {
    let mut path = String::new();
    for ring in rings {
        let mut last: Option<[f64; 2]> = None;
        let mut count = 0;
        for point in ring {
            let [x, y] = projection.at(*point);
            if last.is_some_and(|[a, b]| (x - a).hypot(y - b) < NEAR) {
                continue;
            }
            path.push_str(&format!("{}{x:.1} {y:.1}", if last.is_none() { "M" } else { "L" }));
            last = Some([x, y]);
            count += 1;
        }
        path.push_str(if count == 1 { "h1v1h-1Z" } else { "Z" });
    }
    path
}

/// A place within a surface to write its name at: the middle of its largest ring.
pub fn middle(rings: &Rings) -> Option<[f64; 2]> {
    let largest = rings.iter().max_by(|a, b| surface(a).total_cmp(&surface(b)))?;
    let count = largest.len() as f64;
    let sum = largest.iter().fold([0.0, 0.0], |[x, y], point| [x + point[0], y + point[1]]);
    Some([sum[0] / count, sum[1] / count])
}

/// Twice the surface of a ring, in square degrees.
fn surface(ring: &[[f64; 2]]) -> f64 {
    ring.windows(2).map(|pair| pair[0][0] * pair[1][1] - pair[1][0] * pair[0][1]).sum::<f64>().abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::Bounds;

    #[test]
    fn surfaces_are_read_and_the_rest_is_none() {
        let square = r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}"#;
        assert_eq!(polygons(square).unwrap().len(), 1);
        let two = format!(r#"{{"type":"GeometryCollection","geometries":[{square},{square}]}}"#);
        assert_eq!(polygons(&two).unwrap().len(), 2);
        for other in [
            r#"{"type":"Point","coordinates":[0,0]}"#,
            "non",
            "{}",
            r#"{"type":"Polygon","coordinates":[[["a"]]]}"#,
        ] {
            assert_eq!(polygons(other), None, "{other}");
        }
    }

    #[test]
    fn outlines_have_no_more_points_than_pixels() {
        let circle: Vec<[f64; 2]> = (0..=5_000)
            .map(|index| f64::from(index) / 5_000.0 * std::f64::consts::TAU)
            .map(|angle| [angle.cos(), angle.sin()])
            .collect();
        let projection = Projection::new(
            Bounds { west: -1.0, south: -1.0, east: 1.0, north: 1.0 },
            [0.0, 0.0, 100.0, 100.0],
        );
        let path = path(&vec![circle, vec![[0.0, 0.0], [1e-6, 0.0], [0.0, 1e-6], [0.0, 0.0]]], &projection);
        assert!((200..500).contains(&path.matches('L').count()), "{}", path.len());
        assert!(path.ends_with("h1v1h-1Z"), "a speck stays");
    }
}
