//! Files that go with the description of a dataset: `metadata-attachments` (reference §1.6).
//!
//! A file is a blob in the folder of its name, named by its digest, which is also its validator: a new content is a new
//! blob, put before the old one is removed.

use std::ops::Range;
use std::path::Path;

use halle_base::Timestamp;
use halle_model::{Caller, Dataset};
use halle_store::{BlobKey, ByteStream};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::service::remote_files::{self, RemoteStatus};
use crate::state::Datasets;

/// Bytes of the name of a file.
const NAME_BYTES_MAX: usize = 300;

/// Bytes read at a time for the digest.
const PIECE_BYTES: usize = 64 << 10;

/// A file that was received.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataFile {
    /// Media type, by the name.
    pub mimetype: &'static str,
    /// File name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it was received.
    pub updated_at: String,
}

/// A file on its way out.
pub(crate) struct Found {
    /// The dataset.
    pub dataset: Dataset,
    /// Validator of the content, quotes included.
    pub etag: String,
    /// Bytes of the whole file.
    pub size: u64,
    /// How it was come by, if it is on another server.
    pub remote: Option<RemoteStatus>,
    key: BlobKey,
}

impl Datasets {
    /// Keeps a file under its name, in the place of one that has it.
    pub(crate) async fn put_metadata_file(
        &self,
        caller: &Caller,
        id: &str,
        name: &str,
        path: &Path,
    ) -> DatasetsResult<(Dataset, MetadataFile)> {
        let dataset = self.load(caller, id, "postMetadataAttachment").await?.entity;
        let (_, size) = self.keep_metadata_file(&dataset.id, name, path).await?;
        let updated_at = crate::views::millis(self.clock.now());
        let file = MetadataFile { mimetype: media_type(name), name: name.to_owned(), size, updated_at };
        Ok((dataset, file))
    }

    /// Keeps a file under its name, in the place of one that has it. Its key and its bytes.
    pub(crate) async fn keep_metadata_file(
        &self,
        dataset: &str,
        name: &str,
        path: &Path,
    ) -> DatasetsResult<(BlobKey, u64)> {
        let before = self.blobs.keys(&folder(dataset, name)?).await?;
        let file = path.to_owned();
        let digest = tokio::task::spawn_blocking(move || digest(&file)).await;
        let digest = digest.map_err(DatasetsError::internal)?.map_err(DatasetsError::internal)?;
        let key = names::metadata_file(dataset, &name_digest(name), Some(&digest))?;
        let info = self.blobs.put_file(&key, path).await?;
        for old in before.iter().filter(|old| **old != key) {
            self.blobs.delete(old).await?;
        }
        Ok((key, info.size))
    }

    /// The file of this name, fetched if it is on another server; 404 when there is none.
    pub(crate) async fn metadata_file(&self, caller: &Caller, id: &str, name: &str) -> DatasetsResult<Found> {
        let dataset = self.load(caller, id, "downloadMetadataAttachment").await?.entity;
        let folder = folder(&dataset.id, name)?;
        let (key, remote) = match remote_files::target_of(&dataset, name) {
            Some(target) => {
                let (key, status) = self.remote_file(&dataset, name, target).await?;
                (Some(key), Some(status))
            }
            None => (self.blobs.keys(&folder).await?.pop(), None),
        };
        let key = key.ok_or_else(|| missing(name))?;
        let info = self.blobs.head(&key).await?.ok_or_else(|| missing(name))?;
        let digest = key.as_str().rsplit('/').next().unwrap_or_default();
        Ok(Found { dataset, etag: format!("\"{digest}\""), size: info.size, remote, key })
    }

    /// The bytes of a file, or a range of them.
    pub(crate) async fn metadata_bytes(
        &self,
        found: &Found,
        range: Option<Range<u64>>,
    ) -> DatasetsResult<ByteStream> {
        let content = self.blobs.get(&found.key, range).await?;
        content.map(|(_, bytes)| bytes).ok_or_else(|| missing(found.key.as_str()))
    }

    /// Removes the file of this name; 404 when there is none.
    pub(crate) async fn delete_metadata_file(
        &self,
        caller: &Caller,
        id: &str,
        name: &str,
    ) -> DatasetsResult<Dataset> {
        let dataset = self.load(caller, id, "deleteMetadataAttachment").await?.entity;
        let keys = self.blobs.keys(&folder(&dataset.id, name)?).await?;
        if keys.is_empty() {
            return Err(missing(name));
        }
        for key in keys {
            self.blobs.delete(&key).await?;
        }
        Ok(dataset)
    }
}

/// When the description says that the file was received last.
pub(crate) fn updated_at(dataset: &Dataset, name: &str) -> Option<Timestamp> {
    let listed = dataset.description.get("attachments")?.as_array()?;
    let entry = listed.iter().find(|entry| entry.get("name").and_then(|n| n.as_str()) == Some(name))?;
    entry.get("updatedAt")?.as_str()?.parse().ok()
}

/// Media type of a file, by its name; anything that could hold scripts is only bytes.
pub(crate) fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("json") => "application/json",
        Some("geojson") => "application/geo+json",
        Some("zip") => "application/zip",
        Some("pmtiles") => "application/vnd.pmtiles",
        _ => "application/octet-stream",
    }
}

fn folder(dataset: &str, name: &str) -> DatasetsResult<BlobKey> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(missing(name));
    }
    Ok(names::metadata_file(dataset, &name_digest(name), None)?)
}

fn name_digest(name: &str) -> String {
    hex::encode(Sha256::digest(name.as_bytes()))
}

fn missing(name: &str) -> DatasetsError {
    DatasetsError::Missing(format!("La pièce jointe \"{name}\" n'existe pas."))
}

fn digest(path: &Path) -> std::io::Result<String> {
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; PIECE_BYTES]);
    let mut file = std::fs::File::open(path)?;
    loop {
        let n = std::io::Read::read(&mut file, &mut buffer)?;
        if n == 0 {
            return Ok(hex::encode(digest.finalize()));
        }
        digest.update(&buffer[..n]);
    }
}
