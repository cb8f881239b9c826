//! Lines as GeoJSON features.

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use halle_model::{Column, ColumnKind};
use halle_search::engine::SearchResult;
use halle_search::params::LinesParams;
use halle_store::ByteStream;
use serde_json::{Map, Value, json};

use super::cells::{Cell, Cells, is_json, json_key, write_member};
use super::concept_column;
use super::lines::LinesAnswer;
use crate::error::{DatasetsError, DatasetsResult};

/// Columns that say where a line is, best first.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// GeoJSON: of the platform, else of the producer.
    shape: Option<String>,
    /// `"lat,lon"`.
    point: Option<String>,
    /// Latitude and longitude.
    pair: Option<(String, String)>,
    /// Column that the producer gave a geometry in: it is not repeated among the properties.
    source: Option<String>,
}

/// Concept of geometries.
pub(crate) const GEOMETRY: &str = "https://purl.org/geojson/vocab#geometry";

impl Shape {
    /// What the columns of an index offer.
    pub(super) fn of(columns: &[Column]) -> Self {
        let has = |key: &str| columns.iter().any(|column| column.key == key).then(|| key.to_owned());
        let key = |id: &str| concept_column(columns, id).map(|column| column.key.clone());
        let source = columns.iter().find(|column| column.refers_to.as_deref() == Some(GEOMETRY));
        let source = source.map(|column| column.key.clone());
        Self {
            shape: has("_geoshape").or_else(|| source.clone()),
            point: has("_geopoint").or_else(|| key("latLon")),
            pair: key("latitude").zip(key("longitude")),
            source,
        }
    }

    /// Makes sure that the lines carry what a geometry is made of.
    pub(super) fn select(&self, asked: &mut LinesParams) {
        let (lat, lon) = self.pair.as_ref().map_or((None, None), |(lat, lon)| (Some(lat), Some(lon)));
        for key in [self.shape.as_ref(), self.point.as_ref(), lat, lon].into_iter().flatten() {
            if !asked.select.contains(key) {
                asked.select.push(key.clone());
            }
        }
        asked.fields.id = true;
    }

    /// A line as a feature.
    fn feature(&self, mut line: Map<String, Value>, asked: &LinesParams) -> Value {
        let geometry = self.geometry(&line);
        let id = line.get("_id").cloned().unwrap_or(Value::Null);
        for key in [&self.shape, &self.source].into_iter().flatten() {
            line.shift_remove(key);
        }
        if let Some(selected) = &asked.selected {
            line.retain(|key, _| selected.contains(key) || key == "_score" || key == "_geo_distance");
        }
        json!({ "type": "Feature", "id": id, "geometry": geometry, "properties": line })
    }

    /// The geometry of a line, `null` when it has none.
    pub(super) fn geometry(&self, line: &Map<String, Value>) -> Value {
        if let Some(shape) = self.shape.as_ref().and_then(|key| line.get(key)) {
            return match shape {
                Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
                shape => shape.clone(),
            };
        }
        let text = self.point.as_ref().and_then(|key| line.get(key)).and_then(Value::as_str);
        let point = text.and_then(lat_lon);
        let pair = || {
            let (lat, lon) = self.pair.as_ref()?;
            Some((line.get(lat)?.as_f64()?, line.get(lon)?.as_f64()?))
        };
        match point.or_else(pair) {
            Some((lat, lon)) => json!({ "type": "Point", "coordinates": [lon, lat] }),
            None => Value::Null,
        }
    }
}

/// Lines as features, straight from the columns of a batch. Places are of columns in the batch.
struct FeatureWriter {
    id: Option<usize>,
    shape: Option<usize>,
    point: Option<usize>,
    pair: Option<(usize, usize)>,
    /// The properties: the key of each, and what kind its column is.
    properties: Vec<(usize, Vec<u8>, ColumnKind)>,
}

impl FeatureWriter {
    fn new(columns: &[Column], shape: &Shape, asked: &LinesParams) -> Self {
        let at = |key: &String| columns.iter().position(|column| column.key == *key);
        let place = |key: &Option<String>| key.as_ref().and_then(at);
        let hidden = [&shape.shape, &shape.source];
        let is_shown = |key: &String| {
            let selected = asked.selected.as_ref().is_none_or(|selected| selected.contains(key));
            selected && hidden.iter().all(|hidden| hidden.as_ref() != Some(key))
        };
        let properties = columns.iter().enumerate().filter(|(_, column)| is_shown(&column.key));
        Self {
            id: at(&"_id".to_owned()),
            shape: place(&shape.shape),
            point: place(&shape.point),
            pair: shape.pair.as_ref().and_then(|(lat, lon)| at(lat).zip(at(lon))),
            properties: properties.map(|(at, column)| (at, json_key(&column.key), column.kind())).collect(),
        }
    }

    fn write(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        let cell = |at: usize| cells[at].get(row);
        out.extend_from_slice(br#"{"type":"Feature","id":"#);
        if !self.id.is_some_and(|at| cell(at).write_json(ColumnKind::Text, out)) {
            out.extend_from_slice(b"null");
        }
        out.extend_from_slice(br#","geometry":"#);
        self.write_geometry(cell, out);
        out.extend_from_slice(br#","properties":{"#);
        let open = out.len();
        for (at, key, kind) in &self.properties {
            write_member(out, open, key, |out| cell(*at).write_json(*kind, out));
        }
        out.extend_from_slice(b"}}");
    }

    /// The geometry that [`Shape::geometry`] finds.
    fn write_geometry<'a>(&self, cell: impl Fn(usize) -> Cell<'a>, out: &mut Vec<u8>) {
        if let Some(Cell::Text(text)) = self.shape.map(&cell) {
            out.extend_from_slice(if is_json(text) { text.as_bytes() } else { b"null" });
            return;
        }
        let point = self.point.and_then(|at| match cell(at) {
            Cell::Text(text) => lat_lon(text),
            _ => None,
        });
        let pair = || {
            let (lat, lon) = self.pair?;
            Some((cell(lat).number()?, cell(lon).number()?))
        };
        match point.or_else(pair) {
            Some((lat, lon)) => {
                // Writing to memory cannot fail.
                out.extend_from_slice(br#"{"type":"Point","coordinates":"#);
                drop(serde_json::to_writer(&mut *out, &[lon, lat]));
                out.push(b'}');
            }
            None => out.extend_from_slice(b"null"),
        }
    }
}

/// Latitude and longitude of `"lat,lon"`.
fn lat_lon(text: &str) -> Option<(f64, f64)> {
    let (lat, lon) = text.split_once([',', ';'])?;
    Some((lat.trim().parse().ok()?, lon.trim().parse().ok()?))
}

/// A collection that is written as its lines are read; its box comes first, for readers that stream too.
pub(super) fn stream(
    batches: BoxStream<'static, SearchResult<RecordBatch>>,
    columns: &[Column],
    shape: &Shape,
    asked: &LinesParams,
    bbox: Option<[f64; 4]>,
) -> ByteStream {
    let bbox = bbox.map(|bbox| format!("\"bbox\":{},", Value::from(bbox.to_vec()))).unwrap_or_default();
    let head = Bytes::from(format!("{{\"type\":\"FeatureCollection\",{bbox}\"features\":["));
    let writer = FeatureWriter::new(columns, shape, asked);
    let mut is_first = true;
    let features = batches.map_err(DatasetsError::from).map(move |batch| {
        let batch = batch?;
        let cells = Cells::of(&batch)?;
        let mut out = Vec::with_capacity(batch.num_rows() * 256);
        for row in 0..batch.num_rows() {
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            writer.write(&cells, row, &mut out);
        }
        Ok(Bytes::from(out))
    });
    let features = features.map_err(|error: DatasetsError| std::io::Error::other(error));
    let ends = |bytes| futures::stream::iter([Ok(bytes)]);
    ends(head).chain(features).chain(ends(Bytes::from_static(b"]}"))).boxed()
}

/// The collection of a page.
pub(super) fn collection(
    answer: &LinesAnswer,
    shape: &Shape,
    asked: &LinesParams,
    bbox: Option<[f64; 4]>,
) -> DatasetsResult<Value> {
    let mut features = Vec::with_capacity(answer.lines.len());
    for line in answer.values()? {
        features.push(shape.feature(line, asked));
    }
    let mut collection = Map::new();
    collection.insert("type".to_owned(), "FeatureCollection".into());
    if let Some(total) = answer.total {
        collection.insert("total".to_owned(), total.into());
    }
    if let Some(meta) = answer.meta() {
        collection.insert("meta".to_owned(), meta);
    }
    collection.insert("features".to_owned(), features.into());
    if let Some(bbox) = bbox {
        collection.insert("bbox".to_owned(), bbox.to_vec().into());
    }
    Ok(Value::Object(collection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_geometry_comes_from_the_best_column_there_is() {
        let shape = Shape {
            shape: Some("_geoshape".to_owned()),
            point: Some("_geopoint".to_owned()),
            pair: Some(("lat".to_owned(), "lon".to_owned())),
            source: None,
        };
        let check = |line: Value, expect: Value| {
            assert_eq!(shape.geometry(line.as_object().unwrap()), expect);
        };
        let point = json!({ "type": "Point", "coordinates": [2.0, 48.0] });
        check(json!({ "_geoshape": point.to_string(), "_geopoint": "1,1" }), point.clone());
        check(json!({ "_geopoint": "48,2" }), point.clone());
        check(json!({ "lat": 48.0, "lon": 2.0 }), point);
        check(json!({ "lat": 48.0 }), Value::Null);
    }
}
