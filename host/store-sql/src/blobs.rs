//! Blobs in a folder of this machine.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use halle_base::Timestamp;
use halle_store::blobs::LocalBlob;
use halle_store::{BlobInfo, BlobKey, Blobs, ByteStream, StoreError, StoreResult};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio_util::io::ReaderStream;

/// Bytes handed to the disk at once.
const WRITE_BYTES: usize = 1 << 20;

/// Blobs in a folder: the key is the path below it. A blob is staged beside its place and renamed, after the disk has
/// it, so that nobody sees half of one.
#[derive(Debug)]
pub struct FolderBlobs {
    folder: PathBuf,
    files: Arc<LocalFileSystem>,
}

impl FolderBlobs {
    /// Blobs in `folder`, which is created if it is missing.
    pub fn new(folder: &Path) -> StoreResult<Self> {
        let opened = std::fs::create_dir_all(folder).and_then(|()| folder.canonicalize());
        let folder = opened.map_err(|error| {
            StoreError::engine(format!("cannot use the folder {} for files: {error}", folder.display()))
        })?;
        let files = LocalFileSystem::new_with_prefix(&folder).map_err(StoreError::engine)?.with_fsync(true);
        Ok(Self { folder, files: Arc::new(files) })
    }

    /// Removes what uploads left behind whose process died: staged files that nobody has written to since `before`.
    /// Their number. Choose an instant that no upload can still be waiting from, such as a day ago.
    pub async fn sweep(&self, before: Timestamp) -> StoreResult<u64> {
        let folder = self.folder.clone();
        let swept = tokio::task::spawn_blocking(move || remove_staged(&folder, before)).await;
        swept.map_err(StoreError::engine)?.map_err(|error| {
            StoreError::engine(format!("cannot clean the folder {}: {error}", self.folder.display()))
        })
    }

    fn path(&self, key: &BlobKey) -> PathBuf {
        self.folder.join(key.as_str())
    }
}

#[async_trait]
impl Blobs for FolderBlobs {
    async fn put(&self, key: &BlobKey, body: ByteStream) -> StoreResult<BlobInfo> {
        let mut upload = self.files.put_multipart(&object_path(key)).await.map_err(StoreError::engine)?;
        match write(&mut *upload, body).await {
            Ok(size) => {
                upload.complete().await.map_err(StoreError::engine)?;
                Ok(BlobInfo { size })
            }
            Err(error) => {
                if let Err(error) = upload.abort().await {
                    tracing::warn!(%error, key = key.as_str(), "cannot remove what was staged of a blob");
                }
                Err(error)
            }
        }
    }

    async fn put_file(&self, key: &BlobKey, file: &Path) -> StoreResult<BlobInfo> {
        let (from, to) = (file.to_owned(), self.path(key));
        let moved = tokio::task::spawn_blocking(move || rename_durably(&from, &to));
        match moved.await.map_err(StoreError::engine)? {
            Ok(size) => Ok(BlobInfo { size }),
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let source = tokio::fs::File::open(file).await.map_err(|error| unreadable(file, &error))?;
                self.put(key, ReaderStream::with_capacity(source, WRITE_BYTES).boxed()).await
            }
            Err(error) => Err(unreadable(file, &error)),
        }
    }

    async fn head(&self, key: &BlobKey) -> StoreResult<Option<BlobInfo>> {
        match self.files.head(&object_path(key)).await {
            Ok(meta) => Ok(Some(BlobInfo { size: meta.size })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(StoreError::engine(error)),
        }
    }

    async fn get(
        &self,
        key: &BlobKey,
        range: Option<Range<u64>>,
    ) -> StoreResult<Option<(BlobInfo, ByteStream)>> {
        let Some(info) = self.head(key).await? else { return Ok(None) };
        let range = range.map(|range| range.start.min(info.size)..range.end.min(info.size));
        if range.as_ref().is_some_and(Range::is_empty) {
            return Ok(Some((info, futures::stream::empty().boxed())));
        }
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.files.get_opts(&object_path(key), options).await {
            Ok(found) => {
                let info = BlobInfo { size: found.meta.size };
                Ok(Some((info, found.into_stream().map_err(io::Error::other).boxed())))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(StoreError::engine(error)),
        }
    }

    async fn local(&self, key: &BlobKey) -> StoreResult<Option<LocalBlob>> {
        Ok(self.head(key).await?.map(|_| LocalBlob { path: self.path(key), guard: None }))
    }

    async fn delete(&self, key: &BlobKey) -> StoreResult<()> {
        match self.files.delete(&object_path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(StoreError::engine(error)),
        }
    }

    async fn keys(&self, prefix: &BlobKey) -> StoreResult<Vec<BlobKey>> {
        let found = self.files.list(Some(&object_path(prefix)));
        let paths: Vec<ObjectPath> =
            found.map_ok(|meta| meta.location).try_collect().await.map_err(StoreError::engine)?;
        // Files that are no blobs, such as those an editor leaves, have no key.
        let mut keys: Vec<BlobKey> = paths
            .iter()
            .filter_map(|path| BlobKey::new(&path.as_ref().split('/').collect::<Vec<_>>()).ok())
            .collect();
        keys.sort();
        Ok(keys)
    }
}

/// Writes the stream in large pieces. Bytes written.
async fn write(upload: &mut dyn MultipartUpload, mut body: ByteStream) -> StoreResult<u64> {
    let (mut size, mut waiting, mut waiting_bytes) = (0, Vec::<Bytes>::new(), 0);
    loop {
        let piece = body.try_next().await.map_err(StoreError::engine)?;
        let ended = piece.is_none();
        if let Some(piece) = piece {
            size += piece.len() as u64;
            waiting_bytes += piece.len();
            waiting.push(piece);
        }
        if waiting_bytes >= WRITE_BYTES || (ended && waiting_bytes > 0) {
            let payload: PutPayload = std::mem::take(&mut waiting).into_iter().collect();
            waiting_bytes = 0;
            upload.put_part(payload).await.map_err(StoreError::engine)?;
        }
        if ended {
            return Ok(size);
        }
    }
}

/// Moves a file to its place, after the disk has it. Its bytes.
fn rename_durably(from: &Path, to: &Path) -> io::Result<u64> {
    let file = std::fs::File::open(from)?;
    file.sync_all()?;
    let size = file.metadata()?.len();
    let Some(folder) = to.parent() else { return Err(io::Error::other("a blob has no folder")) };
    std::fs::create_dir_all(folder)?;
    std::fs::rename(from, to)?;
    // The name is durable once its folder is.
    std::fs::File::open(folder)?.sync_all()?;
    Ok(size)
}

/// Removes staged files below `folder`: `object_store` names them after their blob, with `#` and a number, and no key
/// has a `#`.
fn remove_staged(folder: &Path, before: Timestamp) -> io::Result<u64> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += remove_staged(&entry.path(), before)?;
        } else if entry.file_name().to_string_lossy().contains('#') {
            let written = Timestamp::try_from(entry.metadata()?.modified()?).map_err(io::Error::other)?;
            if written < before {
                std::fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

fn object_path(key: &BlobKey) -> ObjectPath {
    ObjectPath::from(key.as_str())
}

fn unreadable(file: &Path, error: &io::Error) -> StoreError {
    StoreError::engine(format!("cannot store the file {}: {error}", file.display()))
}
