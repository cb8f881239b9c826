//! One file of buffers, read through the page cache, or in memory.
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
pub(crate) struct FileWriter<'a> {
    out: &'a mut dyn Write,
    at: u64,
}

/// Has `write` fill a file, and makes it durable.
pub(crate) fn create(
    path: &Path,
    write: impl FnOnce(FileWriter<'_>) -> SearchResult<()>,
) -> SearchResult<()> {
    let file = File::create(path).map_err(SearchError::engine)?;
    let mut out = BufWriter::with_capacity(1 << 18, file);
    write(FileWriter::start(&mut out)?)?;
    let file = out.into_inner().map_err(SearchError::engine)?;
    file.sync_all().map_err(SearchError::engine)
}

/// What `write` writes, in memory.
pub(crate) fn in_memory(write: impl FnOnce(FileWriter<'_>) -> SearchResult<()>) -> SearchResult<Buffer> {
    let mut out = Vec::new();
    write(FileWriter::start(&mut out)?)?;
    // Copied, because buffers begin at multiples of 64 only if the whole does.
    Ok(Buffer::from_slice_ref(&out))
}

impl<'a> FileWriter<'a> {
    fn start(out: &'a mut dyn Write) -> SearchResult<Self> {
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

    /// Writes the footer.
    pub(crate) fn finish(self, footer: &impl Serialize) -> SearchResult<()> {
        let footer = serde_json::to_vec(footer).map_err(SearchError::engine)?;
        self.out.write_all(&footer).map_err(SearchError::engine)?;
        self.out.write_all(&(footer.len() as u64).to_le_bytes()).map_err(SearchError::engine)?;
        self.out.write_all(MAGIC).map_err(SearchError::engine)
    }
}

/// A file of buffers, mapped or in memory.
#[derive(Debug)]
pub(crate) struct Buffers(Buffer);

impl Buffers {
    /// Maps the file and reads its footer.
    pub(crate) fn map<F: DeserializeOwned>(path: &Path) -> SearchResult<(Self, F)> {
        let file = File::open(path)
            .map_err(|error| SearchError::Engine(format!("cannot open `{}`: {error}", path.display())))?;
        #[expect(unsafe_code, reason = "files of a part are never changed once written, only removed")]
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(SearchError::engine)?;
        let damaged = || SearchError::Engine(format!("`{}` is damaged; rebuild the index", path.display()));
        Self::read(Buffer::from(bytes::Bytes::from_owner(map))).ok_or_else(damaged)
    }

    /// Reads the footer of a whole file; `None` if there is none.
    pub(crate) fn read<F: DeserializeOwned>(buffer: Buffer) -> Option<(Self, F)> {
        let bytes = buffer.as_slice();
        let trailer = bytes.len().checked_sub(16)?;
        let (length, magic) = bytes[trailer..].split_at(8);
        if magic != MAGIC || !bytes.starts_with(MAGIC) {
            return None;
        }
        let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let footer = serde_json::from_slice(&bytes[trailer.checked_sub(length)?..trailer]).ok()?;
        Some((Self(buffer), footer))
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
