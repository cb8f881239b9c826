//! The full file and the converted one: canonical rows as CSV, or as GeoJSON where they have a geometry, written as they
//! are sent.

pub(crate) mod csv;
mod geojson;

use std::io;

use bytes::Bytes;
use futures::StreamExt;
use halle_ingest::Kind;
use halle_ingest::rows::RowsReader;
use halle_model::{Caller, Column, Dataset};
use halle_store::ByteStream;
use halle_store::blobs::LocalBlob;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::error::DatasetsResult;
use crate::service::files::kind_of;
use crate::state::Datasets;

/// Pieces that wait for a slow client.
const PIECES_WAITING_MAX: usize = 4;

/// Which columns a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// Those of the upload: the file as the reference converts it.
    Converted,
    /// Those of extensions besides.
    Full,
}

impl Datasets {
    /// The rows of the served version as a file. Streams from one version, whatever is uploaded meanwhile. `operation` is
    /// `downloadFullData`, `downloadOriginalData` or `downloadDataFile`.
    pub(crate) async fn written_file(
        &self,
        caller: &Caller,
        id: &str,
        operation: &'static str,
        width: Width,
    ) -> DatasetsResult<(Dataset, ByteStream)> {
        let (dataset, rows) = self.full_rows(caller, id, operation).await?;
        let kind = kind_of(&dataset);
        let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = write(&rows, kind, width, &sender) {
                drop(sender.blocking_send(Err(error)));
            }
        });
        Ok((dataset, ReceiverStream::new(receiver).boxed()))
    }
}

/// Sends the file piece by piece, one per batch; an error is the last piece. Ends when the client has gone.
fn write(
    rows: &LocalBlob,
    kind: Kind,
    width: Width,
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let reader = RowsReader::open(&rows.path, None).map_err(io::Error::other)?;
    let is_wanted = |column: &&Column| width == Width::Full || column.extension.is_none();
    let columns: Vec<Column> = reader.columns().iter().filter(is_wanted).cloned().collect();
    let keys: Vec<&str> = columns.iter().map(|column| column.key.as_str()).collect();
    let reader = RowsReader::open(&rows.path, Some(&keys)).map_err(io::Error::other)?;
    let header = match kind {
        Kind::Table => csv::header(&columns)?,
        Kind::Features => geojson::header(),
    };
    if sender.blocking_send(Ok(header)).is_err() {
        return Ok(());
    }
    let mut is_first = true;
    for batch in reader {
        let batch = batch.map_err(io::Error::other)?;
        let piece = match kind {
            Kind::Table => csv::piece(&batch)?,
            Kind::Features => geojson::piece(&batch, &columns, is_first)?,
        };
        is_first &= batch.num_rows() == 0;
        if sender.blocking_send(Ok(piece)).is_err() {
            return Ok(());
        }
    }
    if kind == Kind::Features {
        // Nobody is left to tell when the channel is closed.
        drop(sender.blocking_send(Ok(geojson::footer())));
    }
    Ok(())
}
