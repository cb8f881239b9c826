//! Pages of lines, and one line.

use bytes::Bytes;
use halle_model::{Caller, Column};
use halle_search::ast::Cursor;
use halle_search::params::{LinesParams, Params, Size};
use halle_store::ByteStream;
use serde_json::{Map, Value, json};

use super::rewrite::{Rewrite, Thumbnails};
use super::{Reading, geojson, hints};
use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// A page of lines.
#[derive(Debug, Clone, Default)]
pub struct LinesAnswer {
    /// Lines that match, over all pages; `None` with `after` or `count=false`.
    pub total: Option<u64>,
    /// Distinct values of the column by which lines are collapsed, when they are.
    pub total_collapse: Option<u64>,
    /// Each line as a JSON object.
    pub lines: Vec<Bytes>,
    /// Where the next page begins, as the value of `after`; `None` on a page that is not full.
    pub next: Option<String>,
    /// Words of the question that rank lines without choosing them, because they are too frequent.
    pub ignored_words: Vec<String>,
    /// Advice about the question.
    pub hints: Vec<String>,
}

impl LinesAnswer {
    /// What is to be told of the question: `meta` on the wire.
    pub(crate) fn meta(&self) -> Option<Value> {
        let lists = [("ignoredWords", &self.ignored_words), ("hints", &self.hints)];
        let told = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let meta: Map<String, Value> = told.map(|(name, list)| (name.to_owned(), json!(list))).collect();
        (!meta.is_empty()).then_some(Value::Object(meta))
    }

    /// The lines, parsed.
    pub fn values(&self) -> DatasetsResult<Vec<Map<String, Value>>> {
        let parsed = self.lines.iter().map(|line| serde_json::from_slice(line));
        parsed.collect::<Result<_, _>>().map_err(DatasetsError::internal)
    }
}

impl Datasets {
    /// A page of lines, as `GET /datasets/{id}/lines` answers it in JSON.
    pub async fn lines(&self, caller: &Caller, id: &str, params: &Params) -> DatasetsResult<LinesAnswer> {
        self.open(caller, id, "readLines").await?.lines(params).await
    }

    /// One line with all columns; [`DatasetsError::Missing`] when there is none.
    pub async fn line(&self, caller: &Caller, id: &str, line: &str) -> DatasetsResult<Map<String, Value>> {
        self.open(caller, id, "readLine").await?.line(line, &Params::default()).await
    }
}

impl Reading {
    /// A page of lines.
    pub async fn lines(&self, params: &Params) -> DatasetsResult<LinesAnswer> {
        let fields = self.fields();
        let asked = LinesParams::parse(params, &fields)?;
        self.page(params, &asked).await
    }

    /// A page of lines for parameters that are already checked.
    pub(super) async fn page(&self, params: &Params, asked: &LinesParams) -> DatasetsResult<LinesAnswer> {
        let Size::Lines(size) = asked.size else {
            let message = "\"size\" must be a whole number, \"all\" is for the formats csv, ndjson, geojson, parquet, xlsx, ods and shp";
            return Err(DatasetsError::bad_request(message));
        };
        let mut asked = asked.clone();
        let thumbnails = Thumbnails::of(params, self, &mut asked)?;
        let rewrite = Rewrite::of(params, self.columns())?.with(thumbnails);
        let start = self.clock.now();
        let page = self.index.lines(asked.request(size)).await?;
        let took = self.clock.now().duration_since(start);
        let lines = rewrite.lines(page.lines).await?;
        Ok(LinesAnswer {
            total: page.total,
            total_collapse: page.total_collapse,
            lines,
            next: page.next.as_ref().filter(|_| size > 0).map(after_text),
            ignored_words: Vec::new(),
            hints: hints::of(params, &asked, took),
        })
    }

    /// A page of lines as a GeoJSON collection that tells of the words it ignored, and where the next page begins.
    pub async fn geojson(
        &self,
        params: &Params,
        ignored_words: Vec<String>,
    ) -> DatasetsResult<(Value, Option<String>)> {
        let fields = self.fields();
        if !fields.is_geolocated() {
            let message = "\"geojson\" format cannot be used on this dataset. It is not geolocalized.";
            return Err(DatasetsError::bad_request(message));
        }
        let mut asked = LinesParams::parse(params, &fields)?;
        let shape = geojson::Shape::of(self.columns());
        shape.select(&mut asked);
        let answer = LinesAnswer { ignored_words, ..self.page(params, &asked).await? };
        let bbox = self.index.bbox(asked.query.clone()).await?;
        let next = answer.next.clone();
        Ok((geojson::collection(&answer, &shape, &asked, bbox)?, next))
    }

    /// Every line that matches as a GeoJSON collection, streamed.
    pub async fn geojson_stream(&self, params: &Params) -> DatasetsResult<ByteStream> {
        let fields = self.fields();
        if !fields.is_geolocated() {
            let message = "\"geojson\" format cannot be used on this dataset. It is not geolocalized.";
            return Err(DatasetsError::bad_request(message));
        }
        let mut asked = LinesParams::parse(params, &fields)?;
        let shape = geojson::Shape::of(self.columns());
        shape.select(&mut asked);
        let others = asked.select.iter().map(String::as_str).filter(|key| *key != "_id");
        let columns: Vec<Column> =
            std::iter::once("_id").chain(others).filter_map(|key| fields.get(key).cloned()).collect();
        let bbox = self.index.bbox(asked.query.clone()).await?;
        let batches = self.index.scan(asked.scan(columns.iter().map(|c| c.key.clone()).collect())).await?;
        Ok(geojson::stream(batches, &columns, &shape, &asked, bbox))
    }

    /// One line with all columns; 404 when there is none.
    pub async fn line(&self, id: &str, params: &Params) -> DatasetsResult<Map<String, Value>> {
        let line = self.index.line(id).await?;
        let line = line.ok_or_else(|| DatasetsError::Missing("Identifiant de ligne inconnu".to_owned()))?;
        let line = Rewrite::of(params, self.columns())?.line(line)?;
        serde_json::from_slice(&line).map_err(DatasetsError::internal)
    }
}

/// A cursor as the value of `after`: a JSON array without its brackets.
fn after_text(cursor: &Cursor) -> String {
    let values: Vec<String> = cursor.iter().map(Value::to_string).collect();
    values.join(",")
}
