//! Bulk searches: for each line given, one line of the reference.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};
use halle_model::Caller;
use halle_search::params::Params;
use halle_store::ByteStream;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::Lookup;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::write::{BulkFile, Numbered, Unreadable, read_lines};
use crate::state::Datasets;

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
        let lookup = Arc::new(Lookup::new(reading, search, params.get("select"))?);
        let columns = lookup.outputs().to_vec();
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
            async move { one(&lookup, number, line.map(|change| change.body)).await }
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

/// The answer for one line.
async fn one(
    lookup: &Lookup,
    number: u64,
    line: Result<Map<String, Value>, String>,
) -> DatasetsResult<Map<String, Value>> {
    let given = line.as_ref().ok().and_then(|line| line.get(KEY)).filter(|key| !key.is_null()).cloned();
    let key = given.unwrap_or_else(|| Value::from(number - 1));
    let found = match line {
        Ok(line) => lookup.answer(&line).await?,
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
