//! One file of buffers, read through the page cache.
//!
//! Layout: 8 magic bytes; buffers, each at a multiple of 64; a JSON footer that names them; the length of the footer as
//! 8 little-endian bytes; the magic again. A file that was cut short has no footer and is refused.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow::buffer::Buffer;
use halle_search::SearchError;
use halle_search::engine::SearchResult;
use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: &[u8; 8] = b"HALLECO1";
const ALIGNMENT_BYTES: u64 = 64;

/// Where a buffer is in the file: first byte and length.
pub(crate) type Place = (u64, u64);

/// Writes buffers, then the footer.
pub(crate) struct FileWriter {
    out: BufWriter<File>,
    at: u64,
}

impl FileWriter {
    /// Starts a file.
    pub(crate) fn create(path: &Path) -> SearchResult<Self> {
        let mut out = BufWriter::with_capacity(1 << 18, File::create(path).map_err(SearchError::engine)?);
        out.write_all(MAGIC).map_err(SearchError::engine)?;
        Ok(Self { out, at: MAGIC.len() as u64 })
    }

    /// Appends a buffer.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> SearchResult<Place> {
        let padding = self.at.next_multiple_of(ALIGNMENT_BYTES) - self.at;
        self.out
            .write_all(&[0; ALIGNMENT_BYTES as usize][..padding as usize])
            .map_err(SearchError::engine)?;
        self.out.write_all(bytes).map_err(SearchError::engine)?;
        let place = (self.at + padding, bytes.len() as u64);
        self.at = place.0 + place.1;
        Ok(place)
    }

    /// Writes the footer and makes the file durable.
    pub(crate) fn finish(mut self, footer: &impl Serialize) -> SearchResult<()> {
        let footer = serde_json::to_vec(footer).map_err(SearchError::engine)?;
        self.out.write_all(&footer).map_err(SearchError::engine)?;
        self.out.write_all(&(footer.len() as u64).to_le_bytes()).map_err(SearchError::engine)?;
        self.out.write_all(MAGIC).map_err(SearchError::engine)?;
        let file = self.out.into_inner().map_err(SearchError::engine)?;
        file.sync_all().map_err(SearchError::engine)
    }
}

/// A file of buffers, mapped.
#[derive(Debug)]
pub(crate) struct MappedFile(Buffer);

impl MappedFile {
    /// Maps the file and reads its footer.
    pub(crate) fn open<F: DeserializeOwned>(path: &Path) -> SearchResult<(Self, F)> {
        let damaged = || SearchError::Engine(format!("`{}` is damaged; rebuild the index", path.display()));
        let file = File::open(path)
            .map_err(|error| SearchError::Engine(format!("cannot open `{}`: {error}", path.display())))?;
        #[expect(unsafe_code, reason = "files of a part are never changed once written, only removed")]
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(SearchError::engine)?;
        let buffer = Buffer::from(bytes::Bytes::from_owner(map));

        let bytes = buffer.as_slice();
        let trailer = bytes.len().checked_sub(16).ok_or_else(damaged)?;
        let (length, magic) = bytes[trailer..].split_at(8);
        if magic != MAGIC || !bytes.starts_with(MAGIC) {
            return Err(damaged());
        }
        let length = u64::from_le_bytes(length.try_into().map_err(|_| damaged())?);
        let start = usize::try_from(length).ok().and_then(|length| trailer.checked_sub(length));
        let footer =
            serde_json::from_slice(&bytes[start.ok_or_else(damaged)?..trailer]).map_err(|_| damaged())?;
        Ok((Self(buffer), footer))
    }

    /// A buffer of the file, without copying.
    pub(crate) fn slice(&self, place: Place) -> SearchResult<Buffer> {
        let (start, length) = (place.0 as usize, place.1 as usize);
        if start.checked_add(length).is_none_or(|end| end > self.0.len()) {
            return Err(SearchError::Engine("a buffer lies outside its file; rebuild the index".to_owned()));
        }
        Ok(self.0.slice_with_length(start, length))
    }
}
