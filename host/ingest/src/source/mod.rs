//! The bytes of the content: opened, unwrapped, and guarded.

mod archive;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::CrcReader;
use flate2::read::MultiGzDecoder;

use crate::error::{IngestError, IngestResult};
use crate::format::{Accepted, Container, Format, accept, unsupported};

pub(crate) use archive::Archive;

/// Bytes that a compressed file may hold once decompressed.
pub const EXPANDED_BYTES_MAX: u64 = 20 << 30;

/// How many times its size a compressed file may grow. Real tables reach 30; deflate could reach 1000.
pub const EXPANSION_RATIO_MAX: u64 = 200;

/// Bytes up to which the ratio does not matter: a small file of one repeated row is no attack.
pub const EXPANSION_FREE_BYTES: u64 = 16 << 20;

/// A stream of bytes that can move to another thread.
pub(crate) type Bytes = Box<dyn Read + Send>;

/// Format and container of a file: by its name, and for a zip by what is in it.
pub(crate) fn identify(path: &Path, file_name: &str) -> IngestResult<(Format, Container)> {
    let Accepted { format, container, .. } = accept(file_name)?;
    if let Some(format) = format {
        return Ok((format, container));
    }
    let archive = Archive::open(File::open(path)?)?;
    let is_shapefile = crate::shapefile::base_of(&archive).is_some();
    let are_attachments = || crate::attachments::are_in(&archive).then_some(Format::Attachments);
    let format = if is_shapefile { Some(Format::Shapefile) } else { only_format(&archive) };
    format
        .or_else(are_attachments)
        .map(|format| (format, container))
        .ok_or_else(|| unsupported("application/zip"))
}

/// Format of the one file of a zip, if it holds one that is accepted.
fn only_format(archive: &Archive) -> Option<Format> {
    let accepted = accept(&archive.entry(archive.only()?).name).ok()?;
    accepted.format.filter(|_| accepted.container == Container::Plain)
}

/// Opens the content of a file: what is inside when it is compressed.
pub(crate) fn open(path: &Path, container: Container) -> IngestResult<Bytes> {
    let file = File::open(path)?;
    match container {
        Container::Plain => Ok(Box::new(file)),
        Container::Gzip => {
            let compressed = file.metadata()?.len();
            Ok(Box::new(Guard::new(MultiGzDecoder::new(BufReader::new(file)), compressed)))
        }
        Container::Zip => {
            let archive = Archive::open(file)?;
            let only = archive.only().ok_or_else(|| unsupported("application/zip"))?;
            archive.read(only)
        }
    }
}

/// Opens the content as a file in which one can move: a temporary one when it is compressed.
pub(crate) fn open_file(path: &Path, container: Container) -> IngestResult<File> {
    if container == Container::Plain {
        return Ok(File::open(path)?);
    }
    let mut file = tempfile::tempfile()?;
    io::copy(&mut open(path, container)?, &mut file)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
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
