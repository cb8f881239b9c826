//! Files that came along with the rows: those of the zip that was uploaded.

use std::io::{self, Read};

use bytes::Bytes;
use futures::StreamExt;
use halle_model::{Caller, Dataset};
use halle_store::ByteStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::state::Datasets;

/// Concept of the column that holds the paths.
pub(crate) const ATTACHMENT: &str = "http://schema.org/DigitalDocument";

/// Bytes of one piece on its way to the client.
const PIECE_BYTES: usize = 64 << 10;

/// Pieces that wait for a slow client.
const PIECES_WAITING_MAX: usize = 4;

impl Datasets {
    /// A file of the served version, by its path as the lines have it; in a virtual dataset, after the identifier of the
    /// dataset that has the line. 404 when there is none.
    pub(crate) async fn attachment(
        &self,
        caller: &Caller,
        id: &str,
        path: &str,
    ) -> DatasetsResult<(Dataset, ByteStream)> {
        let dataset = self.load(caller, id, "downloadAttachment").await?.entity;
        let body = if dataset.is_virtual {
            self.union_attachment(caller, &dataset, path).await?
        } else {
            self.attachment_of(&dataset, path).await?
        };
        Ok((dataset, body))
    }

    /// A file of the served version of a dataset, whoever asks.
    pub(crate) async fn attachment_of(&self, dataset: &Dataset, path: &str) -> DatasetsResult<ByteStream> {
        let missing = || DatasetsError::Missing(format!("La pièce jointe \"{path}\" n'existe pas."));
        if dataset.is_rest {
            let key = names::attachment(&dataset.id, path).map_err(|_| missing())?;
            let (_, content) = self.blobs.get(&key, None).await?.ok_or_else(missing)?;
            return Ok(content);
        }
        let has_attachments = dataset.schema.iter().any(|c| c.refers_to.as_deref() == Some(ATTACHMENT))
            && dataset.original_file.as_ref().is_some_and(|file| file.mimetype == "application/zip");
        let served = dataset.served.as_ref().filter(|_| has_attachments).ok_or_else(missing)?;
        let key = names::original(&dataset.id, names::upload_of(served))?;
        let archive = self.blobs.local(&key).await?.ok_or_else(missing)?;
        let name = path.to_owned();
        let opening = move || (halle_ingest::attachment(&archive.path, &name), archive);
        let (found, archive) = tokio::task::spawn_blocking(opening).await.map_err(DatasetsError::internal)?;
        let mut content = found.map_err(DatasetsError::internal)?.ok_or_else(missing)?.content;
        let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        tokio::task::spawn_blocking(move || {
            send(&mut content, &sender);
            // The archive stays until the last byte was read.
            drop(archive);
        });
        Ok(ReceiverStream::new(receiver).boxed())
    }
}

/// Sends the content piece by piece; an error is the last piece. Ends when the client has gone.
fn send(content: &mut impl Read, sender: &mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = content.take(PIECE_BYTES as u64).read_to_end(&mut piece);
        let is_last = read.as_ref().map_or(true, |n| *n == 0);
        let piece = read.map(|_| Bytes::from(piece));
        if matches!(&piece, Ok(bytes) if bytes.is_empty()) || sender.blocking_send(piece).is_err() || is_last
        {
            return;
        }
    }
}
