//! Blobs: files of any size, named by key, written whole or not at all.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::{StoreError, StoreResult};

/// A stream of bytes.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// Name of a blob: segments of `[A-Za-z0-9._-]`, separated by `/`. Never holds text that a client chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobKey(String);

impl BlobKey {
    /// Joins segments into a key; refuses anything that could leave the folder.
    pub fn new(segments: &[&str]) -> StoreResult<Self> {
        let sound = |segment: &&str| {
            !segment.is_empty()
                && segment.len() <= 200
                && !segment.starts_with('.')
                && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        if segments.is_empty() || !segments.iter().all(sound) {
            return Err(StoreError::engine(format!("`{}` is no blob key", segments.join("/"))));
        }
        Ok(Self(segments.join("/")))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is known of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobInfo {
    /// Bytes.
    pub size: u64,
}

/// A blob as a file on this machine, for readers that need to seek. Keep it while the path is in use.
#[derive(Debug, Clone)]
pub struct LocalBlob {
    /// Where the bytes are. Must not be written to.
    pub path: PathBuf,
    /// Keeps a cached copy alive; `None` when the path is the blob itself.
    pub guard: Option<Arc<dyn std::any::Any + Send + Sync>>,
}

/// Storage of blobs: a folder, or an object store.
#[async_trait]
pub trait Blobs: Send + Sync + std::fmt::Debug {
    /// Stores a stream. Visible only when whole; replaces a blob of the same key. Fails, leaving nothing, when the
    /// stream fails.
    async fn put(&self, key: &BlobKey, body: ByteStream) -> StoreResult<BlobInfo>;

    /// Stores a file that is on this machine, moving it if that is cheaper.
    async fn put_file(&self, key: &BlobKey, file: &Path) -> StoreResult<BlobInfo>;

    /// Size of the blob, or `None`.
    async fn head(&self, key: &BlobKey) -> StoreResult<Option<BlobInfo>>;

    /// The blob or a range of it, or `None`.
    async fn get(
        &self,
        key: &BlobKey,
        range: Option<Range<u64>>,
    ) -> StoreResult<Option<(BlobInfo, ByteStream)>>;

    /// The blob as a local file, or `None`.
    async fn local(&self, key: &BlobKey) -> StoreResult<Option<LocalBlob>>;

    /// Removes the blob, if there is one.
    async fn delete(&self, key: &BlobKey) -> StoreResult<()>;

    /// Keys that start with `prefix` and a `/`, in order.
    async fn keys(&self, prefix: &BlobKey) -> StoreResult<Vec<BlobKey>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_leave_the_folder() {
        assert_eq!(BlobKey::new(&["datasets", "d1", "original"]).unwrap().as_str(), "datasets/d1/original");
        for bad in [&["..", "x"][..], &["a/b"], &[""], &[], &[".hidden"], &["a\0"]] {
            assert!(BlobKey::new(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
