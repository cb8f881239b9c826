//! Geometries in text and in few bytes, and the tiles drawn of them.

use halle_geo::mvt::{Layer, Value};
use halle_geo::tile::{EXTENT_UNITS, MARGIN_UNITS, Pen};
use halle_geo::{Kind, Shape, Tile, clip, compact, grid, simplify, wkt};

use crate::mvt_reader as reader;

/// Degrees that simplifying may move a border by.
const TOLERANCE_DEGREES: f64 = 0.5;

/// A cell of a geometry column, WKT or GeoJSON: what is read is finite, written and read again the same, and reads back from
/// the bytes that an index keeps.
pub fn geometry(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Some(shape) = wkt::parse_cell(&text) else { return };
    let extent = shape.extent().expect("a shape that was read has positions");
    assert!(extent.iter().all(|number| number.is_finite()), "{extent:?}");
    let written = wkt::text(&shape);
    let again = wkt::parse(&written).unwrap_or_else(|| panic!("{written} is not read back"));
    assert_eq!(wkt::text(&again), written, "what is written reads back");
    assert_eq!(again.positions(), shape.positions());
    assert!(clip::touches(&shape, &extent), "a shape touches the box around it");
    let fewer = simplify::shape(&shape, TOLERANCE_DEGREES);
    assert!(fewer.positions().len() <= shape.positions().len(), "simplifying adds nothing");
    let on_grid = projected(shape);
    let (mut bytes, mut back) = (Vec::new(), Shape::default());
    compact::encode(&on_grid, &mut bytes);
    assert!(compact::decode(&bytes, &mut back), "what was kept is damaged");
    assert_eq!(back, on_grid, "what was kept");
}

fn projected(mut shape: Shape) -> Shape {
    shape.map(|place| *place = grid::project(*place));
    shape
}

/// A tile as `x,y,z`, the end of a line, and a shape: a cell of a geometry column, or the bytes that an index keeps. What is
/// drawn lies in the tile and its margin, rings are closed and of some area, and another reader of tiles understands it.
pub fn tile(input: &[u8]) {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let Some(tile) = std::str::from_utf8(&input[..end]).ok().and_then(Tile::parse) else { return };
    let [west, south, east, north] = tile.area();
    assert!(west < east && south < north, "{tile:?}");
    assert!(tile.neighbours().iter().all(|other| other.z == tile.z && *other != tile));
    let rest = &input[end + 1..];
    let shape = match std::str::from_utf8(rest).ok().and_then(wkt::parse_cell) {
        Some(shape) => projected(shape),
        None => {
            let mut shape = Shape::default();
            if !compact::decode(rest, &mut shape) {
                return;
            }
            shape
        }
    };
    let mut pen = Pen::new(tile);
    for kind in Kind::ALL {
        let commands = pen.draw(&shape, kind).to_vec();
        check_drawn(&commands, kind);
    }
}

fn check_drawn(commands: &[u32], kind: Kind) {
    let mut layer = Layer::new("results");
    let (key, value) = (layer.key("n"), layer.value(Value::Integer(-1)));
    layer.feature(Some(7), &[key, value], kind, commands);
    let bytes = layer.finish();
    assert_eq!(bytes.is_empty(), commands.is_empty());
    if bytes.is_empty() {
        return;
    }
    let layer = reader::layer(&bytes);
    let [feature] = &layer.features[..] else { panic!("{} features", layer.features.len()) };
    assert_eq!(feature.attributes, [("n".to_owned(), reader::Value::Number(-1.0))]);
    let margin = if kind == Kind::Point { 0 } else { i64::from(MARGIN_UNITS) };
    // A point on the far border is of the next tile.
    let last = i64::from(EXTENT_UNITS) + if kind == Kind::Point { -1 } else { margin };
    let mut is_seen = false;
    for path in &feature.paths {
        assert!(
            path.iter().flatten().all(|unit| (-margin..=last).contains(unit)),
            "{path:?} leaves the tile"
        );
        match kind {
            Kind::Point => assert_eq!(path.len(), 1),
            Kind::Line => assert!(path.len() >= 2, "{path:?}"),
            Kind::Polygon => {
                assert!(path.len() >= 4 && path.first() == path.last(), "{path:?}");
                let area = doubled_area(path);
                assert!(area != 0, "{path:?}");
                assert!(is_seen || area > 0, "a hole before any outer ring: {path:?}");
            }
        }
        is_seen = true;
    }
}

/// Twice the area of a closed ring.
fn doubled_area(ring: &[[i64; 2]]) -> i64 {
    ring.windows(2).map(|edge| edge[0][0] * edge[1][1] - edge[1][0] * edge[0][1]).sum()
}
