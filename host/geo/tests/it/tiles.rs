//! What every tile must be, whatever the shape.

use halle_geo::grid::{WORLD_UNITS, project};
use halle_geo::mvt::{Layer, Value};
use halle_geo::tile::{EXTENT_UNITS, MARGIN_UNITS, Pen};
use halle_geo::{Kind, Position, Shape, Tile, clip, compact, geojson, wkt};
use proptest::prelude::*;

use crate::decode::{self, Value as Read};

fn any_position() -> impl Strategy<Value = Position> {
    // Near the tile of the tests, on its borders, and anywhere.
    let near = (-6000_i32..10_000, -6000_i32..10_000).prop_map(|(x, y)| [f64::from(x), f64::from(y)]);
    let border = (prop_oneof![Just(-64.0), Just(0.0), Just(4096.0), Just(4160.0)], 0.0..4096.0)
        .prop_map(|(x, y)| [x, y]);
    prop_oneof![6 => near, 1 => border]
}

/// Shapes in units of the tile of [`tile`], put on the grid.
fn any_shape() -> impl Strategy<Value = Shape> {
    let lines = prop::collection::vec(prop::collection::vec(any_position(), 1..12), 1..4);
    let kind = prop_oneof![Just(Kind::Point), Just(Kind::Line), Just(Kind::Polygon)];
    prop::collection::vec((kind, lines), 1..4).prop_map(|pieces| {
        let mut shape = Shape::default();
        for (kind, lines) in pieces {
            for mut line in lines {
                if kind == Kind::Polygon {
                    line.extend(line.first().copied());
                }
                shape.add_line(&line);
                if kind == Kind::Point {
                    break;
                }
            }
            shape.end_piece(kind);
        }
        let tile = tile();
        let side = WORLD_UNITS / f64::from(1_u32 << tile.z);
        let unit = side / f64::from(EXTENT_UNITS);
        shape.map(|[x, y]| {
            *x = (f64::from(tile.x) * side + *x * unit).round();
            *y = (f64::from(tile.y) * side + *y * unit).round();
        });
        shape
    })
}

fn tile() -> Tile {
    Tile { x: 300, y: 200, z: 10 }
}

fn area(ring: &[[i64; 2]]) -> i64 {
    ring.windows(2).map(|edge| edge[0][0] * edge[1][1] - edge[1][0] * edge[0][1]).sum()
}

fn read_back(shape: &Shape, kind: Kind) -> Option<decode::Feature> {
    let mut pen = Pen::new(tile());
    let mut layer = Layer::new("results");
    let commands = pen.draw(shape, kind).to_vec();
    layer.feature(Some(7), &[], kind, &commands);
    let bytes = layer.finish();
    (!bytes.is_empty()).then(|| decode::layer(&bytes).features.remove(0))
}

proptest! {
    #[test]
    fn everything_drawn_is_in_the_tile_and_well_formed(shape in any_shape()) {
        let (low, high) = (-i64::from(MARGIN_UNITS), i64::from(EXTENT_UNITS + MARGIN_UNITS));
        for kind in Kind::ALL {
            let Some(feature) = read_back(&shape, kind) else { continue };
            prop_assert_eq!(feature.kind, kind as u64 + 1);
            for path in &feature.paths {
                for unit in path.iter().flatten() {
                    prop_assert!((low..=high).contains(unit));
                    prop_assert!(kind != Kind::Point || (0..i64::from(EXTENT_UNITS)).contains(unit));
                }
                match kind {
                    Kind::Point => prop_assert_eq!(path.len(), 1),
                    Kind::Line => prop_assert!(path.len() >= 2),
                    Kind::Polygon => {
                        prop_assert!(path.len() >= 4 && path.first() == path.last());
                        prop_assert!(area(path) != 0);
                    }
                }
                let still = path.windows(2).any(|edge| edge[0] == edge[1]);
                prop_assert!(!still, "a step that goes nowhere: {:?}", path);
            }
            if kind == Kind::Polygon {
                prop_assert!(area(&feature.paths[0]) > 0, "the first ring is an outer one");
            }
        }
    }

    #[test]
    fn each_point_is_in_one_tile_of_its_zoom(lon in -180.0..180.0_f64, lat in -85.0..85.0_f64, z in 0_u8..22) {
        let shape = Shape::point(project([lon, lat]));
        let [x, y] = shape.as_point().unwrap();
        let side = WORLD_UNITS / f64::from(1_u32 << z);
        let own = Tile { x: (x / side) as u32, y: (y / side) as u32, z };
        prop_assert!(!Pen::new(own).draw(&shape, Kind::Point).is_empty());
        for other in own.neighbours() {
            prop_assert!(Pen::new(other).draw(&shape, Kind::Point).is_empty());
        }
        // The box by which it is looked for has it, but for what rounding to the grid moves.
        let [west, south, east, north] = own.area();
        prop_assert!(west - 1e-7 <= lon && lon <= east + 1e-7 && south - 1e-7 <= lat && lat <= north + 1e-7);
    }

    #[test]
    fn what_is_drawn_touches_the_tile(shape in any_shape()) {
        let tile = tile();
        let side = WORLD_UNITS / f64::from(1_u32 << tile.z);
        let margin = side * f64::from(MARGIN_UNITS) / f64::from(EXTENT_UNITS);
        let (x, y) = (f64::from(tile.x) * side, f64::from(tile.y) * side);
        let around = [x - margin, y - margin, x + side + margin, y + side + margin];
        let drawn = Kind::ALL.iter().any(|kind| read_back(&shape, *kind).is_some());
        prop_assert!(!drawn || clip::touches(&shape, &around));
    }

    #[test]
    fn compact_shapes_and_texts_read_back(shape in any_shape()) {
        let mut bytes = Vec::new();
        compact::encode(&shape, &mut bytes);
        let mut back = Shape::default();
        prop_assert!(compact::decode(&bytes, &mut back));
        prop_assert_eq!(&back, &shape);
        prop_assert_eq!(wkt::text(&wkt::parse(&wkt::text(&shape)).unwrap()), wkt::text(&shape));
    }

    #[test]
    fn no_text_and_no_bytes_make_anything_panic(text in ".{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = wkt::parse(&format!("POLYGON(({text}"));
        let _ = wkt::parse(&text);
        let _ = geojson::parse(&text);
        let _ = compact::decode(&bytes, &mut Shape::default());
        let _ = Tile::parse(&text);
    }
}

#[test]
fn attributes_keep_their_types_and_are_interned() {
    let mut layer = Layer::new("results");
    let keys = ["nom", "n", "x", "ouvert"].map(|name| layer.key(name));
    let mut pen = Pen::new(Tile { x: 0, y: 0, z: 0 });
    let point = Shape::point(project([2.35, 48.85]));
    for n in [-3, i64::MAX, 12] {
        let values = [Value::Text("Lyon"), Value::Integer(n), Value::Number(0.5), Value::Boolean(true)];
        let tags: Vec<u32> =
            keys.iter().zip(values).flat_map(|(key, value)| [*key, layer.value(value)]).collect();
        layer.feature(Some(n.unsigned_abs()), &tags, Kind::Point, pen.draw(&point, Kind::Point));
    }
    assert_eq!(layer.len(), 3);
    let tile = layer.finish();
    assert_eq!(tile.windows(4).filter(|bytes| *bytes == b"Lyon").count(), 1);
    let layer = decode::layer(&tile);
    assert_eq!((layer.name.as_str(), layer.version, layer.extent), ("results", 2, 4096));
    let first = &layer.features[0];
    let expect = [
        ("nom", Read::Text("Lyon".to_owned())),
        ("n", Read::Number(-3.0)),
        ("x", Read::Number(0.5)),
        ("ouvert", Read::Boolean(true)),
    ];
    assert_eq!(first.attributes, expect.map(|(key, value)| (key.to_owned(), value)));
    assert_eq!((first.id, first.kind, &first.paths), (Some(3), 1, &vec![vec![[2074, 1409]]]));
    assert_eq!(Layer::new("x").finish(), Vec::<u8>::new());
}
