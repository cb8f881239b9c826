//! The full file: canonical rows as CSV, with the columns of extensions, written as it is sent.

use std::io;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use futures::StreamExt;
use halle_ingest::rows::RowsReader;
use halle_model::{Caller, Column, Dataset};
use halle_store::ByteStream;
use halle_store::blobs::LocalBlob;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::error::DatasetsResult;
use crate::state::Datasets;

/// Pieces that wait for a slow client.
const PIECES_WAITING_MAX: usize = 4;

impl Datasets {
    /// The rows of the served version as CSV: a header of original names, then every line. Streams from one version,
    /// whatever is uploaded meanwhile. `operation` is `downloadFullData` or `downloadDataFile`.
    pub async fn full_file(
        &self,
        caller: &Caller,
        id: &str,
        operation: &'static str,
    ) -> DatasetsResult<(Dataset, ByteStream)> {
        let (dataset, rows) = self.full_rows(caller, id, operation).await?;
        let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        tokio::task::spawn_blocking(move || send(&rows, &sender));
        Ok((dataset, ReceiverStream::new(receiver).boxed()))
    }
}

/// Sends the file piece by piece, one per batch; an error is the last piece. A closed channel means that the client
/// has gone.
fn send(rows: &LocalBlob, sender: &mpsc::Sender<io::Result<Bytes>>) {
    let reader = match RowsReader::open(&rows.path, None) {
        Ok(reader) => reader,
        Err(error) => return drop(sender.blocking_send(Err(io::Error::other(error)))),
    };
    let columns = reader.columns().to_vec();
    if sender.blocking_send(header(&columns)).is_err() {
        return;
    }
    for batch in reader {
        let piece = batch.map_err(io::Error::other).and_then(|batch| piece(&batch));
        let last = piece.is_err();
        if sender.blocking_send(piece).is_err() || last {
            return;
        }
    }
}

fn header(columns: &[Column]) -> io::Result<Bytes> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let name = |column: &Column| column.original_name.clone().unwrap_or_else(|| column.key.clone());
    writer.write_record(columns.iter().map(name))?;
    finished(writer)
}

fn piece(batch: &RecordBatch) -> io::Result<Bytes> {
    let options = FormatOptions::default();
    let formatters = batch.columns().iter().map(|array| ArrayFormatter::try_new(array, &options));
    let formatters = formatters.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in 0..batch.num_rows() {
        for (array, formatter) in batch.columns().iter().zip(&formatters) {
            let text = match array.data_type() {
                _ if array.is_null(row) => String::new(),
                DataType::Boolean => if array.as_boolean().value(row) { "1" } else { "0" }.to_owned(),
                DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
                _ => formatter.value(row).to_string(),
            };
            writer.write_field(text)?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    finished(writer)
}

fn finished(writer: csv::Writer<Vec<u8>>) -> io::Result<Bytes> {
    writer.into_inner().map(Bytes::from).map_err(|error| io::Error::other(error.to_string()))
}
