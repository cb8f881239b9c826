//! The bytes of the content: opened, unwrapped, and guarded.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::CrcReader;
use flate2::read::{DeflateDecoder, MultiGzDecoder};

use crate::error::{IngestError, IngestResult};
use crate::format::{Container, Format, accept, unsupported};

/// Bytes that a compressed file may hold once decompressed.
pub const EXPANDED_BYTES_MAX: u64 = 20 << 30;

/// How many times its size a compressed file may grow. Real tables reach 30; deflate could reach 1000.
pub const EXPANSION_RATIO_MAX: u64 = 200;

/// Bytes up to which the ratio does not matter: a small file of one repeated row is no attack.
pub const EXPANSION_FREE_BYTES: u64 = 16 << 20;

/// A stream of bytes that can move to another thread.
pub(crate) type Bytes = Box<dyn Read + Send>;

/// Opens the content of a file: what is inside when it is compressed.
pub(crate) fn open(path: &Path, container: Container) -> IngestResult<Bytes> {
    let file = File::open(path)?;
    match container {
        Container::Plain => Ok(Box::new(file)),
        Container::Gzip => {
            let compressed = file.metadata()?.len();
            Ok(Box::new(Guard::new(MultiGzDecoder::new(BufReader::new(file)), compressed)))
        }
        Container::Zip => open_zip(file),
    }
}

/// Where the one file of a zip is, and what it must give.
struct ZipEntry {
    start: u64,
    compressed: u64,
    crc: u32,
    deflated: bool,
}

fn open_zip(file: File) -> IngestResult<Bytes> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(bad_archive)?;
    let entry = only_entry(&mut archive)?;
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(entry.start))?;
    let raw = file.take(entry.compressed);
    Ok(if entry.deflated {
        Box::new(Guard::new(Checked::new(DeflateDecoder::new(raw), entry.crc), entry.compressed))
    } else {
        Box::new(Guard::new(Checked::new(raw, entry.crc), entry.compressed))
    })
}

/// Finds the one file of an accepted format. Folders and what macOS adds beside do not count.
fn only_entry(archive: &mut zip::ZipArchive<BufReader<File>>) -> IngestResult<ZipEntry> {
    let refused = || unsupported("application/zip");
    let is_content = |name: &str| {
        let base = name.rsplit('/').next().unwrap_or(name);
        !name.starts_with("__MACOSX/") && !base.is_empty() && !base.starts_with('.')
    };
    let name_of = |index| archive.name_for_index(index).and_then(Result::ok).unwrap_or("?".into());
    let contents: Vec<usize> = (0..archive.len()).filter(|index| is_content(&name_of(*index))).collect();
    let [index] = contents[..] else { return Err(refused()) };
    if !matches!(accept(&name_of(index)), Ok((Format::Csv, Container::Plain))) {
        return Err(refused());
    }
    let entry = archive.by_index_raw(index).map_err(bad_archive)?;
    if entry.encrypted() {
        return Err(bad_archive("il est protégé par un mot de passe"));
    }
    let deflated = match entry.compression() {
        zip::CompressionMethod::Stored => false,
        zip::CompressionMethod::Deflated => true,
        other => return Err(bad_archive(format!("méthode de compression {other:?} inconnue"))),
    };
    let start = entry.data_start().ok_or_else(|| bad_archive("entrée introuvable"))?;
    Ok(ZipEntry { start, compressed: entry.compressed_size(), crc: entry.crc32(), deflated })
}

fn bad_archive(reason: impl std::fmt::Display) -> IngestError {
    IngestError::BadArchive { reason: reason.to_string() }
}

/// Compares the checksum at the end.
struct Checked<R> {
    inner: CrcReader<R>,
    expected: u32,
}

impl<R: Read> Checked<R> {
    fn new(inner: R, expected: u32) -> Self {
        Self { inner: CrcReader::new(inner), expected }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        if n == 0 && !buffer.is_empty() && self.inner.crc().sum() != self.expected {
            return Err(bad_archive("somme de contrôle fausse").into());
        }
        Ok(n)
    }
}

/// Stops a decompressor that gives more than a file can reasonably hold.
struct Guard<R> {
    inner: R,
    compressed: u64,
    expanded: u64,
}

impl<R: Read> Guard<R> {
    fn new(inner: R, compressed: u64) -> Self {
        Self { inner, compressed, expanded: 0 }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                bad_archive(error).into()
            }
            _ => error,
        })?;
        self.expanded += n as u64;
        let ratio_max = self.compressed.saturating_mul(EXPANSION_RATIO_MAX);
        if self.expanded > EXPANDED_BYTES_MAX || self.expanded > ratio_max.max(EXPANSION_FREE_BYTES) {
            return Err(IngestError::ZipBomb.into());
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_lets_through_what_is_in_proportion() {
        let mut out = Vec::new();
        let compressed = EXPANSION_FREE_BYTES / 100;
        Guard::new(io::repeat(b'a').take(EXPANSION_FREE_BYTES + 1), compressed)
            .read_to_end(&mut out)
            .unwrap();
        assert_eq!(out.len() as u64, EXPANSION_FREE_BYTES + 1);
    }

    #[test]
    fn a_guard_stops_what_is_not() {
        let mut guard = Guard::new(io::repeat(b'a'), 1_000);
        let error = io::copy(&mut guard, &mut io::sink()).unwrap_err();
        assert!(matches!(IngestError::from(error), IngestError::ZipBomb));
        assert!(guard.expanded <= EXPANSION_FREE_BYTES + 1_000_000);
    }
}
