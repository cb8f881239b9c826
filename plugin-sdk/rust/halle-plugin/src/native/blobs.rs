//! Bytes on the host; natively, in memory.

use std::cell::RefCell;

use crate::problem::{Problem, Result};

/// A finished run of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob(Vec<u8>);

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Blob {
    /// The bytes; only in tests.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        self.0.len() as u64
    }

    /// Media type that its source told.
    pub fn media_type(&self) -> Option<String> {
        None
    }

    /// At most `len` bytes from `offset` on.
    pub fn read(&self, offset: u64, len: u32) -> Result<Vec<u8>> {
        if len > 1 << 20 {
            return Err(Problem::new("limit/read-bytes", "at most 1 MiB at a time"));
        }
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let to = from.saturating_add(len as usize).min(self.0.len());
        Ok(self.0[from..to].to_vec())
    }

    /// Its lines as text.
    pub fn lines(&self) -> Result<LineReader> {
        let text = String::from_utf8_lossy(&self.0).into_owned();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        Ok(LineReader(RefCell::new(lines.into_iter())))
    }
}

/// Lines of a blob, in order.
#[derive(Debug)]
pub struct LineReader(RefCell<std::vec::IntoIter<String>>);

impl LineReader {
    /// The next lines.
    pub fn next(&self, max: u32) -> Result<Vec<String>> {
        let max = if max == 0 { 4_096 } else { max.min(4_096) };
        Ok(self.0.borrow_mut().by_ref().take(max as usize).collect())
    }
}

/// Bytes in the making.
#[derive(Debug, Default)]
pub struct BlobWriter(RefCell<Vec<u8>>);

impl BlobWriter {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn append(&self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > 1 << 20 {
            return Err(Problem::new("limit/write-bytes", "at most 1 MiB at a time"));
        }
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    /// Adds all bytes of a blob.
    pub fn append_blob(&self, blob: &Blob) -> Result<()> {
        self.0.borrow_mut().extend_from_slice(&blob.0);
        Ok(())
    }

    /// Finishes it.
    pub fn finish(writer: Self) -> Result<Blob> {
        Ok(Blob(writer.0.into_inner()))
    }
}
