//! Zip files: their table of contents, and each file in them as a guarded stream.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::DeflateDecoder;

use super::{Bytes, Checked, Guard, bad_archive};
use crate::error::IngestResult;

/// Files of one zip.
const ENTRIES_MAX: usize = 100_000;

/// A file of a zip.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Path inside, with `/`.
    pub(crate) name: String,
    /// Bytes of its content, as the table of contents says.
    pub(crate) size: u64,
    start: u64,
    compressed: u64,
    crc: u32,
    method: Method,
}

#[derive(Debug, Clone, Copy)]
enum Method {
    Stored,
    Deflated,
    Encrypted,
    Unknown,
}

/// A zip whose table of contents was read. Files in it can be read at the same time.
#[derive(Debug)]
pub(crate) struct Archive {
    file: Arc<Mutex<File>>,
    entries: Vec<Entry>,
}

impl Archive {
    /// Reads the table of contents. Folders are left out.
    pub(crate) fn open(file: File) -> IngestResult<Self> {
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(bad_archive)?;
        if archive.len() > ENTRIES_MAX {
            return Err(bad_archive(format!("il contient plus de {ENTRIES_MAX} fichiers")));
        }
        let mut entries = Vec::with_capacity(archive.len());
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(bad_archive)?;
            if entry.is_dir() {
                continue;
            }
            let method = match entry.compression() {
                _ if entry.encrypted() => Method::Encrypted,
                zip::CompressionMethod::Stored => Method::Stored,
                zip::CompressionMethod::Deflated => Method::Deflated,
                _ => Method::Unknown,
            };
            let start = entry.data_start().ok_or_else(|| bad_archive("entrée introuvable"))?;
            let name = entry.name().map_err(bad_archive)?.replace('\\', "/");
            entries.push(Entry {
                name,
                size: entry.size(),
                start,
                compressed: entry.compressed_size(),
                crc: entry.crc32(),
                method,
            });
        }
        let file = Arc::new(Mutex::new(archive.into_inner().into_inner()));
        Ok(Self { file, entries })
    }

    /// A file of the table of contents.
    pub(crate) fn entry(&self, index: usize) -> &Entry {
        &self.entries[index]
    }

    /// The files that count, in their order: not what macOS adds beside, not hidden ones.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(|(_, entry)| {
            let base = entry.name.rsplit('/').next().unwrap_or(&entry.name);
            !entry.name.starts_with("__MACOSX/") && !base.is_empty() && !base.starts_with('.')
        })
    }

    /// The only file that counts, if there is just one.
    pub(crate) fn only(&self) -> Option<usize> {
        let mut contents = self.contents();
        let (index, _) = contents.next()?;
        contents.next().is_none().then_some(index)
    }

    /// The file of this name, whatever its case.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// The content of a file.
    pub(crate) fn read(&self, index: usize) -> IngestResult<Bytes> {
        let entry = &self.entries[index];
        let section = Section {
            file: Arc::clone(&self.file),
            position: entry.start,
            end: entry.start.saturating_add(entry.compressed),
        };
        let raw = BufReader::new(section);
        Ok(match entry.method {
            Method::Stored => Box::new(Guard::new(Checked::new(raw, entry.crc), entry.compressed)),
            Method::Deflated => {
                Box::new(Guard::new(Checked::new(DeflateDecoder::new(raw), entry.crc), entry.compressed))
            }
            Method::Encrypted => return Err(bad_archive("il est protégé par un mot de passe")),
            Method::Unknown => {
                return Err(bad_archive(format!("méthode de compression inconnue pour {}", entry.name)));
            }
        })
    }
}

/// A piece of a file that several read.
#[derive(Debug)]
struct Section {
    file: Arc<Mutex<File>>,
    position: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        // A reader that panicked leaves a file at an unknown position, which the next line corrects.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.position))?;
        let n = file.read(&mut buffer[..wanted])?;
        self.position += n as u64;
        Ok(n)
    }
}
