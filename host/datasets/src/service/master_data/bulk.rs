//! Bulk searches: for each line given, one line of the reference.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};
use halle_model::{Caller, Column, ColumnKind, concept};
use halle_search::Query;
use halle_search::engine::{LineFields, LinesRequest};
use halle_search::params::{LinesParams, Params, column_equals, column_since, column_until};
use halle_store::ByteStream;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{BulkSearch, Input, InputKind, conditions, offers, unknown};
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::read::Reading;
use crate::service::write::{BulkFile, Numbered, Unreadable, read_lines};
use crate::state::Datasets;

/// What the answer says of a line for which the reference has none.
const NO_MATCH: &str = "La donnée de référence ne contient pas de ligne correspondante.";

/// Lines looked up at the same time.
const LOOKUPS: usize = 4;

/// Pieces that wait for a slow client.
const PIECES_WAITING_MAX: usize = 4;

/// Bytes of answers gathered before they are sent.
const PIECE_BYTES: usize = 64 << 10;

/// Column that tells which line of the request an answer is for.
const KEY: &str = "_key";

/// Column that tells why there is no answer.
const ERROR: &str = "_error";

/// How the answer is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerFormat {
    /// A JSON array.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// CSV with a header of keys.
    Csv,
}

/// Lines to look up, in a temporary file that goes once they are answered.
#[derive(Debug)]
pub struct Questions {
    /// Where and how they are written down.
    pub file: BulkFile,
    /// Keeps the file.
    pub kept: tempfile::TempPath,
}

/// What one request asks.
struct Lookup {
    reading: Reading,
    search: BulkSearch,
    /// The question without what a line gives.
    request: LinesRequest,
    conditions: Query,
}

impl Datasets {
    /// For each line of the file, one line of the dataset, with `_key` and, where there is none, `_error`. `params` may have
    /// `select`. The answer is written as it is found.
    pub async fn bulk_search(
        &self,
        caller: &Caller,
        id: &str,
        search: &str,
        params: &Params,
        questions: Questions,
        format: AnswerFormat,
    ) -> DatasetsResult<ByteStream> {
        let reading = self.open(caller, id, "bulkSearch").await?;
        let lookup = Arc::new(Lookup::new(reading, search, params)?);
        let columns = lookup.request.select.clone();
        let mut batches = read_lines(&questions.file, &lookup.inputs());
        // A body that cannot be read at all is refused, not answered.
        let first = batches.recv().await.transpose().map_err(DatasetsError::BadRequest)?;
        let batches = Batches { first, rest: batches };
        let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        tokio::spawn(async move {
            let mut writer = Writer { format, columns, is_first: true };
            if let Err(error) = answer(&lookup, batches, &mut writer, &sender).await {
                drop(sender.send(Err(std::io::Error::other(error.to_string()))).await);
            }
            drop(questions);
        });
        Ok(ReceiverStream::new(receiver).boxed())
    }
}

/// The lines of the request, a thousand at a time.
struct Batches {
    first: Option<Vec<Numbered>>,
    rest: mpsc::Receiver<Result<Vec<Numbered>, Unreadable>>,
}

impl Batches {
    async fn next(&mut self) -> Option<Result<Vec<Numbered>, Unreadable>> {
        match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => self.rest.recv().await,
        }
    }
}

async fn answer(
    lookup: &Arc<Lookup>,
    mut batches: Batches,
    writer: &mut Writer,
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> DatasetsResult<()> {
    let mut piece = writer.head()?;
    while let Some(batch) = batches.next().await {
        let lines = batch.map_err(DatasetsError::BadRequest)?;
        let found = stream::iter(lines).map(|(number, line)| {
            let lookup = Arc::clone(lookup);
            async move { lookup.one(number, line.map(|change| change.body)).await }
        });
        let mut found = found.buffered(LOOKUPS);
        while let Some(line) = found.next().await {
            piece.extend(writer.line(&line?)?);
            if piece.len() >= PIECE_BYTES
                && sender.send(Ok(Bytes::from(std::mem::take(&mut piece)))).await.is_err()
            {
                return Ok(()); // The client has gone.
            }
        }
    }
    piece.extend(writer.tail());
    if !piece.is_empty() {
        // A client that has gone needs no end.
        drop(sender.send(Ok(Bytes::from(piece))).await);
    }
    Ok(())
}

impl Lookup {
    fn new(reading: Reading, search: &str, params: &Params) -> DatasetsResult<Self> {
        let offered = offers(reading.dataset()).bulk_searchs;
        let search = offered.into_iter().find(|one| one.id == search).ok_or_else(|| unknown(search))?;
        let own = reading.columns().iter().filter(|column| !column.calculated);
        let own: Vec<&str> = own.map(|column| column.key.as_str()).collect();
        let select = params.get("select").map_or_else(|| own.join(","), str::to_owned);
        let asked = Params::new([("size", "1"), ("count", "false"), ("select", select.as_str())])?;
        let asked = asked.with("sort", search.sort.as_deref().unwrap_or_default());
        let mut request = LinesParams::parse(&asked, &reading.fields())?.request(1);
        request.select.retain(|key| own.contains(&key.as_str()));
        request.fields = LineFields::default();
        let conditions = conditions(&search.filters, reading.columns())?;
        Ok(Self { reading, search, request, conditions })
    }

    /// What the lines of the request must have, as texts: their columns tell how they are compared.
    fn inputs(&self) -> Vec<Column> {
        let inputs = self.search.input.iter().map(|input| input.property.key());
        inputs.map(|key| Column::new(key, ColumnKind::Text)).collect()
    }

    /// The answer for one line.
    async fn one(
        &self,
        number: u64,
        line: Result<Map<String, Value>, String>,
    ) -> DatasetsResult<Map<String, Value>> {
        let given = line.as_ref().ok().and_then(|line| line.get(KEY)).filter(|key| !key.is_null()).cloned();
        let key = given.unwrap_or_else(|| Value::from(number - 1));
        let query = line.and_then(|line| self.query(&line));
        let found = match query {
            Ok(query) => self.find(query).await?.ok_or_else(|| NO_MATCH.to_owned()),
            Err(text) => Err(text),
        };
        let (mut answer, error) = match found {
            Ok(found) => (found, None),
            Err(text) => (Map::new(), Some(text)),
        };
        answer.insert(KEY.to_owned(), key);
        if let Some(text) = error {
            answer.insert(ERROR.to_owned(), text.into());
        }
        Ok(answer)
    }

    async fn find(&self, query: Query) -> DatasetsResult<Option<Map<String, Value>>> {
        let query = Query::And(vec![self.request.query.clone(), self.conditions.clone(), query]);
        let request = LinesRequest { query, ..self.request.clone() };
        let page = self.reading.index().lines(request).await?;
        let line = page.lines.first().map(|line| serde_json::from_slice(line));
        line.transpose().map_err(DatasetsError::internal)
    }

    fn query(&self, line: &Map<String, Value>) -> Result<Query, String> {
        let parts = self.search.input.iter().map(|input| self.input(input, line));
        parts.collect::<Result<Vec<_>, _>>().map(Query::And)
    }

    fn input(&self, input: &Input, line: &Map<String, Value>) -> Result<Query, String> {
        let key = input.property.key();
        let text = match line.get(key) {
            None | Some(Value::Null) => return Err(format!("La propriété \"{key}\" est obligatoire.")),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(other) => other.to_string(),
        };
        let columns = self.reading.columns();
        let refused = |error: halle_search::SearchError| error.to_string();
        match input.kind {
            InputKind::Equals => {
                let column = columns.iter().find(|column| column.key == key);
                let column = column.ok_or_else(|| format!("La colonne \"{key}\" n'existe plus."))?;
                column_equals(column, &[text], key).map_err(refused)
            }
            InputKind::DateInInterval => {
                let of = |id: &str| {
                    let concept = concept::by_id(id)?;
                    let is_it = |c: &&Column| {
                        c.refers_to.as_deref().is_some_and(|uri| concept.identifiers.contains(&uri))
                    };
                    columns.iter().find(is_it)
                };
                let (start, end) = of("startDate").zip(of("endDate")).ok_or_else(|| {
                    "La donnée de référence n'a pas de colonnes de date de début et de fin.".to_owned()
                })?;
                let started = column_until(start, &text, key).map_err(refused)?;
                let not_ended = column_since(end, &text, key).map_err(refused)?;
                Ok(Query::And(vec![started, not_ended]))
            }
            InputKind::GeoDistance => {
                let place = text.split_once(',').and_then(|(lat, lon)| {
                    let (lat, lon): (f64, f64) = (lat.trim().parse().ok()?, lon.trim().parse().ok()?);
                    ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)).then_some((lat, lon))
                });
                let (lat, lon) = place.ok_or_else(|| format!("\"{key}\" doit être de la forme lat,lon."))?;
                Ok(Query::Near { lon, lat, metres: input.distance.unwrap_or(0.0).max(0.0) })
            }
        }
    }
}

/// The answer in one of the formats.
struct Writer {
    format: AnswerFormat,
    columns: Vec<String>,
    is_first: bool,
}

impl Writer {
    fn head(&self) -> DatasetsResult<Vec<u8>> {
        match self.format {
            AnswerFormat::Json => Ok(b"[".to_vec()),
            AnswerFormat::Ndjson => Ok(Vec::new()),
            AnswerFormat::Csv => record(self.keys()),
        }
    }

    fn line(&mut self, line: &Map<String, Value>) -> DatasetsResult<Vec<u8>> {
        let is_first = std::mem::take(&mut self.is_first);
        let json = || serde_json::to_vec(line).map_err(DatasetsError::internal);
        match self.format {
            AnswerFormat::Json => Ok([if is_first { &b""[..] } else { b"," }, &json()?].concat()),
            AnswerFormat::Ndjson => Ok([&json()?[..], b"\n"].concat()),
            AnswerFormat::Csv => {
                let text = |key: &str| match line.get(key) {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                };
                record(self.keys().map(text))
            }
        }
    }

    fn tail(&self) -> &'static [u8] {
        if self.format == AnswerFormat::Json { b"]" } else { b"" }
    }

    /// Keys of the columns of a CSV answer.
    fn keys(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str).chain([KEY, ERROR])
    }
}

fn record(cells: impl IntoIterator<Item = impl AsRef<[u8]>>) -> DatasetsResult<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(DatasetsError::internal)?;
    writer.into_inner().map_err(DatasetsError::internal)
}
