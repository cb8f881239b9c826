//! Lines drawn in a tile: one layer `results`, attributes typed as their columns are.

use std::collections::HashMap;

use arrow::array::Array;
use halle_geo::mvt::{Layer, Value};
use halle_geo::tile::Pen;
use halle_geo::{Kind, Position, Shape, Tile, compact};
use halle_search::engine::ShapesPage;
use serde_json::{Map, Value as Json};

use super::super::cells::{Cell, Cells};
use crate::error::{DatasetsError, DatasetsResult};

/// Columns whose values are all different: nothing is gained by looking for them among those of other lines.
const UNIQUE: [&str; 2] = ["_id", "_i"];

/// The tile of these lines, and how many of them are in it. The first `columns` columns are attributes; `_i` is among the
/// columns, and is the number of the feature.
pub(super) fn tile(tile: Tile, page: &ShapesPage, columns: usize) -> DatasetsResult<(Vec<u8>, usize)> {
    let (mut pen, mut layer, mut shape) = (Pen::new(tile), Layer::new("results"), Shape::default());
    let Some((first, _)) = page.batches.first() else { return Ok((Vec::new(), 0)) };
    let schema = first.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let number = names.iter().position(|name| *name == "_i");
    let number = number.ok_or_else(|| DatasetsError::internal("lines of a tile without their numbers"))?;
    let keys: Vec<u32> = names.iter().take(columns).map(|name| layer.key(name)).collect();
    let (mut shown, mut tags) = (0, Vec::new());
    for (batch, places) in &page.batches {
        let cells = Cells::of(batch)?;
        for row in (0..batch.num_rows()).filter(|row| places.is_valid(*row)) {
            if !compact::decode(places.value(row), &mut shape) {
                return Err(DatasetsError::internal("a shape of the index is damaged; rebuild the index"));
            }
            let Cell::Integer(id) = cells[number].get(row) else { continue };
            let mut seen = false;
            for kind in Kind::ALL.into_iter().filter(|kind| shape.has(*kind)) {
                let commands = pen.draw(&shape, kind);
                if commands.is_empty() {
                    continue;
                }
                if !seen {
                    tags.clear();
                    for ((key, name), cells) in keys.iter().zip(&names).zip(&cells) {
                        tag(&mut layer, *key, name, &cells.get(row), &mut tags);
                    }
                }
                seen = true;
                layer.feature(u64::try_from(id).ok(), &tags, kind, commands);
            }
            shown += usize::from(seen);
        }
    }
    Ok((layer.finish(), shown))
}

fn tag(layer: &mut Layer, key: u32, name: &str, cell: &Cell<'_>, tags: &mut Vec<u32>) {
    let value = match cell {
        Cell::Empty => return,
        Cell::Text(text) => Value::Text(text),
        Cell::Owned(text) => Value::Text(text),
        Cell::Integer(number) => Value::Integer(*number),
        Cell::Number(number) => Value::Number(*number),
        Cell::Boolean(truth) => Value::Boolean(*truth),
    };
    let value = if UNIQUE.contains(&name) { layer.add_value(value) } else { layer.value(value) };
    tags.extend([key, value]);
}

/// A tile of points of the grid with attributes; what is neither text, number nor truth value is left out.
pub(in super::super) fn points(
    tile: Tile,
    features: impl Iterator<Item = (Position, Map<String, Json>)>,
) -> Vec<u8> {
    let (mut pen, mut layer) = (Pen::new(tile), Layer::new("results"));
    let mut keys: HashMap<String, u32> = HashMap::new();
    for (place, attributes) in features {
        let shape = Shape::point(place);
        let commands = pen.draw(&shape, Kind::Point);
        let mut tags = Vec::with_capacity(attributes.len() * 2);
        for (name, value) in &attributes {
            let value = match value {
                Json::String(text) => Value::Text(text),
                Json::Bool(truth) => Value::Boolean(*truth),
                Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                    (Some(number), _) => Value::Integer(number),
                    (None, Some(number)) => Value::Number(number),
                    (None, None) => continue,
                },
                _ => continue,
            };
            let key = match keys.get(name) {
                Some(key) => *key,
                None => {
                    let key = layer.key(name);
                    keys.insert(name.clone(), key);
                    key
                }
            };
            tags.extend([key, layer.value(value)]);
        }
        layer.feature(None, &tags, Kind::Point, commands);
    }
    layer.finish()
}
