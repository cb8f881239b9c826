//! Files that came along with the rows: those of the zip that was uploaded, alone or beside a data file, and those of
//! edited lines.

use std::io::{self, Read};
use std::ops::Range;

use bytes::Bytes;
use futures::StreamExt;
use halle_ingest::{Attachment, Attachments};
use halle_model::{Caller, Dataset};
use halle_store::blobs::LocalBlob;
use halle_store::{BlobKey, ByteStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::documents;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::state::Datasets;

/// Concept of the column that holds the paths.
pub(crate) const ATTACHMENT: &str = "http://schema.org/DigitalDocument";

/// Bytes of one piece on its way to the client.
const PIECE_BYTES: usize = 64 << 10;

/// Bytes of a file in a zip that are read for nothing before the part that was asked: what is compressed is read from its beginning,
/// and only what is sent counts for the bandwidth of a client.
pub(crate) const SKIPPED_BYTES_MAX: u64 = 4 << 20;

/// Pieces that wait for a slow client.
const PIECES_WAITING_MAX: usize = 4;

/// A file that is there, to be read once.
pub(crate) struct LineAttachment {
    /// Bytes of it.
    pub size: u64,
    place: Place,
}

impl LineAttachment {
    /// Whether a part that begins there is answered as a part.
    pub(crate) fn may_begin_at(&self, start: u64) -> bool {
        matches!(self.place, Place::Blob(_)) || start <= SKIPPED_BYTES_MAX
    }
}

enum Place {
    Blob(BlobKey),
    /// The zip stays until the last byte was read.
    Zip(Attachment, LocalBlob),
}

impl Datasets {
    /// A file of the served version, by its path as the lines have it; in a virtual dataset, after the identifier of the
    /// dataset that has the line. 404 when there is none.
    pub(crate) async fn attachment(
        &self,
        caller: &Caller,
        id: &str,
        path: &str,
    ) -> DatasetsResult<(Dataset, LineAttachment)> {
        let dataset = self.load(caller, id, "downloadAttachment").await?.entity;
        let found = if dataset.is_virtual {
            self.union_attachment(caller, &dataset, path).await?
        } else {
            self.attachment_of(&dataset, path).await?
        };
        Ok((dataset, found))
    }

    /// A file of the served version of a dataset, whoever asks.
    pub(crate) async fn attachment_of(
        &self,
        dataset: &Dataset,
        path: &str,
    ) -> DatasetsResult<LineAttachment> {
        if dataset.is_rest {
            let key = names::attachment(&dataset.id, path).map_err(|_| missing(path))?;
            let info = self.blobs.head(&key).await?.ok_or_else(|| missing(path))?;
            return Ok(LineAttachment { size: info.size, place: Place::Blob(key) });
        }
        let served = dataset.served.as_ref().ok_or_else(|| missing(path))?;
        let (upload, beside) = (names::upload_of(served), served.attachments.as_ref());
        let original = dataset.original_file.as_ref();
        let key = documents::archive_key(&dataset.id, &dataset.schema, original, upload, beside)?;
        let archive = self.blobs.local(&key.ok_or_else(|| missing(path))?).await?;
        let archive = archive.ok_or_else(|| missing(path))?;
        let name = path.to_owned();
        let opening = move || (Attachments::open(&archive.path).and_then(|files| files.find(&name)), archive);
        let (found, archive) = tokio::task::spawn_blocking(opening).await.map_err(DatasetsError::internal)?;
        let found = found.map_err(DatasetsError::internal)?.ok_or_else(|| missing(path))?;
        Ok(LineAttachment { size: found.bytes, place: Place::Zip(found, archive) })
    }

    /// The bytes of a file, or the `range` of them, which must be within it.
    pub(crate) async fn attachment_bytes(
        &self,
        file: LineAttachment,
        range: Option<Range<u64>>,
    ) -> DatasetsResult<ByteStream> {
        let (found, archive) = match file.place {
            Place::Blob(key) => {
                let gone = || DatasetsError::Missing("Cette pièce jointe vient d'être retirée.".to_owned());
                let (_, content) = self.blobs.get(&key, range).await?.ok_or_else(gone)?;
                return Ok(content);
            }
            Place::Zip(found, archive) => (found, archive),
        };
        let range = range.unwrap_or(0..u64::MAX);
        let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        tokio::task::spawn_blocking(move || {
            send(found.content, range, &sender);
            drop(archive);
        });
        Ok(ReceiverStream::new(receiver).boxed())
    }
}

fn missing(path: &str) -> DatasetsError {
    DatasetsError::Missing(format!("La pièce jointe \"{path}\" n'existe pas."))
}

/// Sends a part of the content piece by piece; an error is the last piece. Ends when the client has gone.
fn send(mut content: impl Read, range: Range<u64>, sender: &mpsc::Sender<io::Result<Bytes>>) {
    // What is compressed can only be read from its beginning.
    if let Err(error) = io::copy(&mut (&mut content).take(range.start), &mut io::sink()) {
        return drop(sender.blocking_send(Err(error)));
    }
    let mut content = content.take(range.end.saturating_sub(range.start));
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = (&mut content).take(PIECE_BYTES as u64).read_to_end(&mut piece);
        let is_last = read.as_ref().map_or(true, |n| *n == 0);
        let piece = read.map(|_| Bytes::from(piece));
        if matches!(&piece, Ok(bytes) if bytes.is_empty()) || sender.blocking_send(piece).is_err() || is_last
        {
            return;
        }
    }
}
