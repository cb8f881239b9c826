//! Files of edited lines: kept as blobs, named by the path that the line has in its attachment column.

use std::io;
use std::path::Path;

use halle_model::Dataset;
use halle_store::{BlobKey, StoreResult};
use md5::{Digest, Md5};

use super::change::Change;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::attachments::ATTACHMENT;
use crate::service::names;
use crate::state::Datasets;

/// Files of one zip.
pub(crate) const FILES_MAX: usize = 10_000;

/// Bytes of the path of a file.
const PATH_BYTES_MAX: usize = 1_000;

/// A file that comes with a line.
#[derive(Debug, Clone, Copy)]
pub struct LineFile<'a> {
    /// Its name, without folders.
    pub name: &'a str,
    /// Where it is.
    pub path: &'a Path,
}

/// A file that was kept for a line which is not written yet.
#[derive(Debug)]
pub struct Attached {
    key: BlobKey,
    /// Whether no line can have had it before.
    is_new: bool,
}

/// Key of the column that holds the paths of files.
pub(crate) fn attachment_column(dataset: &Dataset) -> Option<&str> {
    let found = dataset.schema.iter().find(|column| column.refers_to.as_deref() == Some(ATTACHMENT));
    found.map(|column| column.key.as_str())
}

impl Datasets {
    /// Keeps the file of a line as `{line}/{md5}/{name}`, and writes that path into the change. Take it back with
    /// [`detach`](Self::detach) if the change is not made. 400 when no column holds attachments.
    pub async fn attach(
        &self,
        dataset: &Dataset,
        change: &mut Change,
        file: LineFile<'_>,
    ) -> DatasetsResult<Attached> {
        let Some(column) = attachment_column(dataset) else {
            let message = "Le schéma ne prévoit pas de pièce jointe : donnez à une colonne le concept \
                           \"Document numérique attaché\".";
            return Err(DatasetsError::bad_request(message));
        };
        let (line, _) = self
            .identifier(dataset, change.id.as_deref(), &mut change.body)
            .map_err(|(_, text)| DatasetsError::BadRequest(text))?;
        let bytes = file.path.to_owned();
        let digest = tokio::task::spawn_blocking(move || md5_of(&bytes)).await;
        let digest = digest.map_err(DatasetsError::internal)?.map_err(DatasetsError::internal)?;
        let path = format!("{line}/{digest}/{}", file.name);
        let key = attachment_key(&dataset.id, &path)?;
        let is_new = self.blobs.head(&key).await?.is_none();
        self.blobs.put_file(&key, file.path).await?;
        change.body.insert(column.to_owned(), path.into());
        change.id = Some(line);
        Ok(Attached { key, is_new })
    }

    /// Takes back a file whose line was not written.
    pub async fn detach(&self, attached: Attached) {
        if attached.is_new {
            self.forget_blob(&attached.key).await;
        }
    }

    /// Removes files that no line has any more.
    pub(super) async fn forget_files(&self, dataset: &str, paths: Vec<String>) {
        for path in paths {
            if let Ok(key) = names::attachment(dataset, &path) {
                self.forget_blob(&key).await;
            }
        }
    }

    async fn forget_blob(&self, key: &BlobKey) {
        if let Err(error) = self.blobs.delete(key).await {
            tracing::warn!(%error, key = key.as_str(), "a file that no line has stays behind");
        }
    }

    /// Keeps the files of a zip under their paths in it, replacing those that are there.
    pub(crate) async fn unpack_attachments(&self, dataset: &str, zip: &Path) -> DatasetsResult<()> {
        let (zip, datasets, dataset) = (zip.to_owned(), self.clone(), dataset.to_owned());
        let runtime = tokio::runtime::Handle::current();
        let unpacking = move || -> DatasetsResult<()> {
            let mut files = 0;
            let mut failure = None;
            let done = halle_ingest::each_attachment(&zip, |path, content| {
                files += 1;
                let kept = if files > FILES_MAX {
                    Err(DatasetsError::BadRequest(format!("Le zip contient plus de {FILES_MAX} fichiers.")))
                } else {
                    datasets.keep(&runtime, &dataset, path, content)
                };
                failure = kept.err();
                failure.is_none()
            });
            match (failure, done) {
                (Some(failure), _) => Err(failure),
                (None, done) => done.map_err(|error| DatasetsError::BadRequest(error.to_string())),
            }
        };
        tokio::task::spawn_blocking(unpacking).await.map_err(DatasetsError::internal)?
    }

    /// Keeps one file of a zip; on a thread that may block.
    fn keep(
        &self,
        runtime: &tokio::runtime::Handle,
        dataset: &str,
        path: &str,
        content: &mut dyn io::Read,
    ) -> DatasetsResult<()> {
        let key = attachment_key(dataset, path)?;
        let mut file =
            tempfile::NamedTempFile::new_in(&self.config.temp_dir).map_err(DatasetsError::internal)?;
        let max = self.config.upload_bytes_max;
        let broken =
            |error: io::Error| DatasetsError::BadRequest(format!("\"{path}\" est illisible : {error}."));
        let size = io::copy(&mut io::Read::take(content, max + 1), &mut file).map_err(broken)?;
        if size > max {
            return Err(DatasetsError::TooLarge(max));
        }
        runtime.block_on(self.blobs.put_file(&key, file.path()))?;
        Ok(())
    }
}

/// Key of the blob of a path, if the path is short enough.
fn attachment_key(dataset: &str, path: &str) -> DatasetsResult<BlobKey> {
    if path.len() > PATH_BYTES_MAX {
        let message = format!("Le chemin d'une pièce jointe dépasse {PATH_BYTES_MAX} octets : \"{path}\".");
        return Err(DatasetsError::BadRequest(message));
    }
    let key: StoreResult<BlobKey> = names::attachment(dataset, path);
    Ok(key?)
}

fn md5_of(path: &Path) -> io::Result<String> {
    let (mut digest, mut buffer) = (Md5::new(), vec![0; 64 << 10]);
    let mut file = std::fs::File::open(path)?;
    loop {
        let n = io::Read::read(&mut file, &mut buffer)?;
        if n == 0 {
            return Ok(hex::encode(digest.finalize()));
        }
        digest.update(&buffer[..n]);
    }
}
