//! The yardsticks: servers that answer the same questions over the same rows, with nothing else to do.
//!
//! [`tantivy`] is the library as its documentation has it used: an inverted index, fast fields, its document store.
//! [`raw`] is what the hardware allows: loops over columns in memory. Both answer through axum, as Halle does.

pub mod raw;
pub mod tantivy;

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use serde::{Deserialize, Serialize};

use crate::questions::{ExportFormat, Question};
use crate::rows::Row;

/// Bytes of an export that are sent at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Chunks of an export that may wait for the client.
const CHUNKS_WAITING: usize = 16;

/// Something that can answer.
pub trait Yardstick: Send + Sync + 'static {
    /// The JSON answer to any question but an export.
    fn answer(&self, question: &Question) -> Result<Vec<u8>>;
    /// The lines of an export as CSV, in pieces.
    fn export(&self, below: i64, send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()>;
    /// The lines of an export as JSON, in pieces: an object each, or a feature.
    fn export_json(&self, below: i64, features: bool, send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()>;
}

/// Calls `each` with every row of the file.
pub fn read(csv: &Path, mut each: impl FnMut(Row) -> Result<()>) -> Result<()> {
    let mut reader = csv::Reader::from_path(csv)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        each(Row::read(&record)?)?;
    }
    Ok(())
}

/// Serves a yardstick on a free port; says on standard output where, which also says that the rows are loaded.
pub async fn serve(yardstick: impl Yardstick) -> Result<()> {
    let router = Router::new().route("/", get(answer)).with_state(Arc::new(yardstick) as Shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        // Without it a small answer may wait for an acknowledgement; a connection that refuses it only waits.
        let _ = stream.set_nodelay(true);
    });
    let mut out = std::io::stdout();
    std::io::Write::write_fmt(&mut out, format_args!("{address}\n"))?;
    Ok(axum::serve(listener, router).await?)
}

type Shared = Arc<dyn Yardstick>;

#[derive(Debug, Deserialize)]
struct Asked {
    question: String,
}

async fn answer(State(yardstick): State<Shared>, Query(asked): Query<Asked>) -> Response {
    let question = match serde_json::from_str::<Question>(&asked.question) {
        Ok(question) => question,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    if let Question::Export { below, format } = question {
        return export(yardstick, below, format);
    }
    let answered = tokio::task::spawn_blocking(move || yardstick.answer(&question)).await;
    match answered {
        Ok(Ok(json)) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn export(yardstick: Shared, below: i64, format: ExportFormat) -> Response {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(CHUNKS_WAITING);
    tokio::task::spawn_blocking(move || {
        let send = &mut |chunk| sender.blocking_send(chunk).is_ok();
        match format {
            ExportFormat::Csv => yardstick.export(below, send),
            ExportFormat::Ndjson => yardstick.export_json(below, false, send),
            ExportFormat::GeoJson => yardstick.export_json(below, true, send),
        }
    });
    let chunks = futures::stream::unfold(receiver, |mut receiver| async {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(chunk)), receiver))
    });
    let kind = match format {
        ExportFormat::Csv => "text/csv; charset=utf-8",
        ExportFormat::Ndjson => "application/x-ndjson",
        ExportFormat::GeoJson => "application/geo+json",
    };
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(chunks)).into_response()
}

/// Gathers objects, or features, until there is enough to send.
pub struct JsonChunks<'a> {
    chunk: Vec<u8>,
    features: bool,
    is_first: bool,
    send: &'a mut dyn FnMut(Vec<u8>) -> bool,
}

impl<'a> JsonChunks<'a> {
    /// Begins.
    pub fn new(features: bool, send: &'a mut dyn FnMut(Vec<u8>) -> bool) -> Self {
        let chunk =
            if features { br#"{"type":"FeatureCollection","features":["#.to_vec() } else { Vec::new() };
        Self { chunk, features, is_first: true, send }
    }

    /// Adds a line at a place; tells whether anybody still listens.
    pub fn line(&mut self, line: &impl Serialize, place: [f64; 2]) -> Result<bool> {
        if !self.features {
            serde_json::to_writer(&mut self.chunk, line)?;
            self.chunk.push(b'\n');
            return Ok(self.chunk.len() < CHUNK_BYTES || self.flush());
        }
        if !std::mem::take(&mut self.is_first) {
            self.chunk.push(b',');
        }
        let geometry = serde_json::json!({ "type": "Point", "coordinates": place });
        self.chunk.extend_from_slice(br#"{"type":"Feature","properties":"#);
        serde_json::to_writer(&mut self.chunk, line)?;
        self.chunk.extend_from_slice(br#","geometry":"#);
        serde_json::to_writer(&mut self.chunk, &geometry)?;
        self.chunk.push(b'}');
        Ok(self.chunk.len() < CHUNK_BYTES || self.flush())
    }

    /// Ends.
    pub fn end(mut self) {
        if self.features {
            self.chunk.extend_from_slice(b"]}");
        }
        self.flush();
    }

    fn flush(&mut self) -> bool {
        (self.send)(std::mem::take(&mut self.chunk))
    }
}

/// Gathers CSV until there is enough to send. Texts are quoted, as in Halle's exports.
pub struct CsvChunks<'a> {
    chunk: Vec<u8>,
    send: &'a mut dyn FnMut(Vec<u8>) -> bool,
}

impl<'a> CsvChunks<'a> {
    /// Begins with the header.
    pub fn new(send: &'a mut dyn FnMut(Vec<u8>) -> bool) -> Self {
        let header = crate::rows::COLUMNS.map(|name| format!("\"{name}\"")).join(",") + "\n";
        Self { chunk: header.into_bytes(), send }
    }

    /// Adds a text and the comma after it.
    pub fn text(&mut self, text: &str) {
        self.chunk.push(b'"');
        for byte in text.bytes() {
            if byte == b'"' {
                self.chunk.push(b'"');
            }
            self.chunk.push(byte);
        }
        self.chunk.extend_from_slice(b"\",");
    }

    /// Adds a value that needs no quotes, and the comma after it.
    pub fn bare(&mut self, value: impl std::fmt::Display) {
        // Writing to memory cannot fail.
        let _ = std::io::Write::write_fmt(&mut self.chunk, format_args!("{value},"));
    }

    /// Ends the line; tells whether anybody still listens.
    pub fn end_line(&mut self) -> bool {
        if let Some(last) = self.chunk.last_mut() {
            *last = b'\n';
        }
        self.chunk.len() < CHUNK_BYTES || self.flush()
    }

    /// Sends what is gathered.
    pub fn flush(&mut self) -> bool {
        (self.send)(std::mem::take(&mut self.chunk))
    }
}
