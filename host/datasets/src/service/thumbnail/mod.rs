//! Small pictures of datasets and of their lines.
//!
//! **Invariant:** a picture is fetched only if the description of the dataset or one of its lines names it, so that nobody
//! has this server fetch what they like.

mod address;
mod cache;

use bytes::Bytes;
use futures::TryStreamExt;
use halle_model::{Caller, Dataset};
use halle_search::ast::{Operand, Query};
use halle_search::engine::{LineFields, LinesRequest};
use serde_json::Value;

pub use address::Source;
pub(crate) use address::{address, frame, picture_column, size_px};
pub(crate) use cache::Cache;
pub use cache::CacheStatus;

use crate::error::{DatasetsError, DatasetsResult};
use crate::pictures::{FetchError, Frame, SOURCE_BYTES_MAX};
use crate::service::attachments::ATTACHMENT;
use crate::service::read::Reading;
use crate::state::Datasets;

/// A small picture, or where to look instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thumbnail {
    /// A PNG, and how it was come by.
    Png(Bytes, CacheStatus),
    /// The picture cannot be had here: its own address, which the client may try.
    Elsewhere(String),
}

impl Datasets {
    /// The picture of a dataset's description. 404 when it has none.
    pub async fn thumbnail(&self, dataset: &Dataset, frame: &Frame) -> DatasetsResult<Thumbnail> {
        let image = dataset.description.get("image").and_then(Value::as_str).filter(|url| is_web(url));
        let url = image.ok_or_else(|| missing("Ce jeu de données n'a pas d'image."))?;
        self.remote_thumbnail(url, frame).await
    }

    /// The picture that lines of the dataset name. 404 when none does.
    pub async fn line_thumbnail(
        &self,
        caller: &Caller,
        reading: &Reading,
        source: &Source,
        frame: &Frame,
    ) -> DatasetsResult<Thumbnail> {
        // The path of a file of a child begins with the child; whoever fetches it looks for its line.
        let is_of_child = matches!(source, Source::Attachment(_)) && reading.shows_files_of_children();
        if !is_of_child && !reading.names_picture(source).await? {
            return Err(missing("Aucune ligne de ce jeu de données n'a cette image."));
        }
        match source {
            Source::Web(url) => self.remote_thumbnail(url, frame).await,
            Source::Attachment(path) => {
                let (_, file) = self.attachment(caller, &reading.dataset().id, path).await?;
                let bytes = whole(self.attachment_bytes(file, None).await?).await?;
                let png = self.shrunk(bytes, frame).await;
                let png =
                    png.map_err(|error| missing(format!("La pièce jointe n'est pas une image : {error}")))?;
                Ok(Thumbnail::Png(png, CacheStatus::Miss))
            }
        }
    }

    /// A picture of another server: from the cache while it is fresh, else fetched; from the cache if that fails.
    async fn remote_thumbnail(&self, url: &str, frame: &Frame) -> DatasetsResult<Thumbnail> {
        let now = self.clock.now();
        let known = self.thumbnails().get(url, frame, now);
        if let Some((png, true)) = &known {
            return Ok(Thumbnail::Png(png.clone(), CacheStatus::Hit));
        }
        let Some(pictures) = self.pictures() else {
            let message = "Cette installation ne fait pas de vignettes.";
            return Err(DatasetsError::NotImplemented(message.to_owned()));
        };
        let made = match pictures.fetch(url).await {
            Err(FetchError::Missing) => return Err(missing("Cette image n'existe plus.")),
            Err(FetchError::Failed(why)) => Err(why),
            Ok(bytes) => self.shrunk(bytes, frame).await,
        };
        match (made, known) {
            (Ok(png), _) => {
                self.thumbnails().put(url, frame, png.clone(), now);
                Ok(Thumbnail::Png(png, CacheStatus::Miss))
            }
            (Err(why), Some((png, _))) => {
                tracing::info!(
                    host = host_of(url),
                    why,
                    "a thumbnail is answered from the cache, its picture cannot be had"
                );
                Ok(Thumbnail::Png(png, CacheStatus::Stale))
            }
            (Err(why), None) => {
                tracing::info!(
                    host = host_of(url),
                    why,
                    "a thumbnail cannot be made, the client is sent to the picture"
                );
                Ok(Thumbnail::Elsewhere(url.to_owned()))
            }
        }
    }

    async fn shrunk(&self, picture: Bytes, frame: &Frame) -> Result<Bytes, String> {
        let Some(pictures) = self.pictures().cloned() else { return Err("no pictures here".to_owned()) };
        let frame = *frame;
        let drawn = tokio::task::spawn_blocking(move || pictures.shrink(&picture, &frame)).await;
        drawn.map_err(|error| error.to_string())?.map(Bytes::from)
    }
}

impl Reading {
    /// Whether pictures are files of the lines of other datasets.
    fn shows_files_of_children(&self) -> bool {
        let column = picture_column(self.dataset(), self.columns()).filter(|_| self.dataset().is_virtual);
        column.is_some_and(|column| column.refers_to.as_deref() == Some(ATTACHMENT))
    }

    /// Whether a line has the picture in the column of pictures.
    async fn names_picture(&self, source: &Source) -> DatasetsResult<bool> {
        let Some(column) = picture_column(self.dataset(), self.columns()) else { return Ok(false) };
        let value = match source {
            Source::Web(url) => url,
            Source::Attachment(path) => path,
        };
        let request = LinesRequest {
            query: Query::In { column: column.key.clone(), values: vec![Operand::Text(value.clone())] },
            sort: Vec::new(),
            select: Vec::new(),
            fields: LineFields { line: true, ..LineFields::default() },
            skip: 0,
            size: 1,
            after: None,
            count: false,
            collapse: None,
            highlight: Vec::new(),
        };
        Ok(!self.index().lines(request).await?.lines.is_empty())
    }
}

/// The host of an address, which is all that a log may tell of it: the rest may hold a key.
fn host_of(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    parsed.as_ref().and_then(url::Url::host_str).unwrap_or("?").to_owned()
}

/// Whether the address is one of the web.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn missing(message: impl Into<String>) -> DatasetsError {
    DatasetsError::Missing(message.into())
}

/// Reads a file whole; 404 for one that is too large to be a picture.
async fn whole(mut body: halle_store::ByteStream) -> DatasetsResult<Bytes> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.try_next().await.map_err(DatasetsError::internal)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > SOURCE_BYTES_MAX {
            return Err(missing(format!("Une image a au plus {} Mo.", SOURCE_BYTES_MAX >> 20)));
        }
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_no_more_of_an_address_than_its_host() {
        for address in ["https://cdn.fr/a.png?sig=secret", "https://me:secret@cdn.fr/secret/a.png#secret"] {
            assert_eq!(host_of(address), "cdn.fr");
        }
        assert_eq!(host_of("secret"), "?");
    }
}
