//! A zip of files that are no table: pictures, acts, reports. Alone, it is a table with a row per file and its path in the
//! column `file`; beside a data file, its paths are looked for among the values of the columns.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{IngestError, IngestResult};
use crate::record::Record;
use crate::source::Archive;
use crate::table::{Declared, Field, Opened, Reading, Table};

/// Extensions of formats that are several files, which this version does not read: MapInfo.
const FOREIGN: &[&str] = &[".tab", ".mif"];

struct AttachmentTable {
    names: std::vec::IntoIter<String>,
    fields: [Field; 1],
    number: u64,
}

/// A file of a zip, to be read from its beginning.
pub struct Attachment {
    /// Its bytes: checked against their sum, and guarded as all compressed input is.
    pub content: Box<dyn Read + Send>,
    /// How many there are, as the table of contents of the zip says.
    pub bytes: u64,
}

/// Whether a zip is one of files that come along, not of a format that nobody here reads.
pub(crate) fn are_in(archive: &Archive) -> bool {
    let is_foreign =
        |name: &str| FOREIGN.iter().any(|extension| name.to_ascii_lowercase().ends_with(extension));
    let mut names = archive.contents().map(|(_, entry)| entry.name.as_str()).peekable();
    names.peek().is_some() && !names.any(is_foreign)
}

/// Lists the files of a zip.
pub(crate) fn open(reading: &Reading<'_>) -> IngestResult<Opened> {
    let archive = Archive::open(File::open(reading.path)?)?;
    let mut names = Vec::new();
    for (_, entry) in archive.contents() {
        if !is_inside(&entry.name) {
            return Err(outside(&entry.name));
        }
        names.push(entry.name.clone());
    }
    let fields = [Field::new("file", Declared::Attachment)];
    Ok(Opened::new(AttachmentTable { names: names.into_iter(), fields, number: 0 }))
}

/// Whether a path stays in its folder.
fn is_inside(path: &str) -> bool {
    !path.contains(['\\', ':', '\0'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// The files of a zip, to be read one after the other in any order.
#[derive(Debug)]
pub struct Attachments {
    archive: Archive,
    by_path: HashMap<String, usize>,
}

impl Attachments {
    /// Reads the table of contents of a zip. Fails for a path that leaves the folder.
    pub fn open(path: &Path) -> IngestResult<Self> {
        let archive = Archive::open(File::open(path)?)?;
        if let Some((_, entry)) = archive.contents().find(|(_, entry)| !is_inside(&entry.name)) {
            return Err(outside(&entry.name));
        }
        let by_path = archive.contents().map(|(index, entry)| (entry.name.clone(), index)).collect();
        Ok(Self { archive, by_path })
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        self.by_path.len()
    }

    /// Whether a file has this path.
    pub fn has(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// The first paths, in the order of the zip.
    pub fn first_paths(&self, count: usize) -> Vec<&str> {
        self.archive.contents().take(count).map(|(_, entry)| entry.name.as_str()).collect()
    }

    /// The file of this path, as the lines have it; `None` when there is none.
    pub fn find(&self, path: &str) -> IngestResult<Option<Attachment>> {
        let Some(index) = self.by_path.get(path) else { return Ok(None) };
        let content = self.archive.read(*index)?;
        Ok(Some(Attachment { content, bytes: self.archive.entry(*index).size }))
    }
}

/// Shows every file of a zip, with its path, until `visit` says `false`. Fails for a path that leaves the folder.
pub fn each_attachment(path: &Path, mut visit: impl FnMut(&str, &mut dyn Read) -> bool) -> IngestResult<()> {
    let archive = Archive::open(File::open(path)?)?;
    for (index, entry) in archive.contents() {
        if !is_inside(&entry.name) {
            return Err(outside(&entry.name));
        }
        if !visit(&entry.name, &mut archive.read(index)?) {
            break;
        }
    }
    Ok(())
}

/// The refusal of a path that leaves the folder.
fn outside(path: &str) -> IngestError {
    let path: String = path.chars().take(100).collect();
    IngestError::broken(format!("fichier « {path} »"), "son chemin sort du dossier")
}

impl Table for AttachmentTable {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        let Some(name) = self.names.next() else { return Ok(false) };
        self.number += 1;
        record.begin(self.number);
        record.push(&name);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_their_folder() {
        for path in ["a.pdf", "2024/a b.pdf", "é/ç.jpg"] {
            assert!(is_inside(path), "{path}");
        }
        for path in ["../a", "a/../../b", "/etc/passwd", "a//b", "C:/a", "a\\b", ""] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
