//! An index on disk: a folder of parts and the manifest that says which of them count.
//!
//! The manifest is replaced by an atomic rename, which is the only moment at which an index changes. What no manifest
//! names is left over from a crash and removed when the engine opens.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use halle_search::engine::SearchResult;
use halle_search::{IndexId, IndexSpec, SearchError};
use serde::{Deserialize, Serialize};

use crate::bits::Bits;
use crate::part::{self, Part};
use crate::snapshot::{Live, Snapshot};

/// Version of what is on disk; another one is refused, and the index rebuilt from its rows. Since 2, words that are asked in
/// two views are kept once.
const FORMAT: u32 = 2;

/// The oldest version that is read: its parts tell by themselves how they keep words.
const FORMAT_MIN: u32 = 1;
const MANIFEST: &str = "manifest.json";

/// What a folder holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    pub(crate) id: IndexId,
    spec: Arc<IndexSpec>,
    parts: Vec<PartEntry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct PartEntry {
    /// Folder, beside the manifest.
    name: String,
    first_line: u64,
    /// File in the folder that tells the rows removed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted: Option<String>,
}

/// The folder of an index: letters, digits, `-` and `_` as they are, other bytes as `%` and two digits.
pub(crate) fn dir_of(root: &Path, id: &IndexId) -> PathBuf {
    let mut name = String::with_capacity(id.0.len() + 1);
    name.push('i');
    for byte in id.0.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    root.join(name)
}

/// The manifest of a folder; `None` if there is none.
///
/// # Errors
///
/// When it is damaged or of another version.
pub(crate) fn read_manifest(dir: &Path) -> SearchResult<Option<Manifest>> {
    let path = dir.join(MANIFEST);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(SearchError::engine(error)),
    };
    let unreadable = |why: String| {
        SearchError::Engine(format!("`{}` cannot be read ({why}); rebuild the index", path.display()))
    };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    if !(FORMAT_MIN..=FORMAT).contains(&manifest.format) {
        return Err(unreadable(format!("format {}, wanted {FORMAT_MIN} to {FORMAT}", manifest.format)));
    }
    Ok(Some(manifest))
}

/// Opens what the manifest names.
pub(crate) fn open(dir: &Path, manifest: &Manifest) -> SearchResult<Snapshot> {
    let mut parts = Vec::with_capacity(manifest.parts.len());
    for entry in &manifest.parts {
        let part = Part::open(dir.join(&entry.name), &manifest.spec, entry.first_line)?;
        let deleted = match &entry.deleted {
            None => None,
            Some(file) => Some(Arc::new(read_deleted(&part, file)?)),
        };
        parts.push(Live { part: Arc::new(part), deleted });
    }
    Ok(Snapshot::new(&manifest.id, Arc::clone(&manifest.spec), parts))
}

/// A name for a part that no other part of the engine has.
pub(crate) fn part_name(number: u64) -> String {
    format!("part-{number:012}")
}

fn read_deleted(part: &Part, file: &str) -> SearchResult<Bits> {
    let bytes = std::fs::read(folder_of(part)?.join(file)).map_err(SearchError::engine)?;
    let words: Vec<u64> = bytes
        .chunks_exact(8)
        .map(|word| word.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
        .collect();
    if words.len() != part.rows.div_ceil(64) {
        return Err(SearchError::engine("the rows removed from a part cannot be read; rebuild the index"));
    }
    Ok(Bits::from_words(words, part.rows))
}

/// Makes these parts the whole index. The files of the parts are durable already; `number` names new files.
pub(crate) fn publish(
    dir: &Path,
    id: &IndexId,
    spec: &Arc<IndexSpec>,
    parts: &[Live],
    number: u64,
) -> SearchResult<()> {
    let mut entries = Vec::with_capacity(parts.len());
    for live in parts {
        let folder = folder_of(&live.part)?;
        let name = folder.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| SearchError::engine("a part without name"))?.to_owned();
        let mut deleted = None;
        if let Some(rows) = &live.deleted {
            let file = format!("deleted-{number:012}");
            let bytes: Vec<u8> = rows.words().iter().flat_map(|word| word.to_le_bytes()).collect();
            write_durably(&folder.join(&file), &bytes)?;
            part::sync_dir(folder)?;
            deleted = Some(file);
        }
        entries.push(PartEntry { name, first_line: live.part.first_line, deleted });
    }
    let manifest = Manifest { format: FORMAT, id: id.clone(), spec: Arc::clone(spec), parts: entries };
    let bytes = serde_json::to_vec(&manifest).map_err(SearchError::engine)?;
    let aside = dir.join("manifest.next");
    write_durably(&aside, &bytes)?;
    std::fs::rename(&aside, dir.join(MANIFEST)).map_err(SearchError::engine)?;
    part::sync_dir(dir)?;
    remove_old_deletions(parts, number);
    Ok(())
}

/// Removes what earlier versions of the manifest said was deleted; what stays behind is harmless.
fn remove_old_deletions(parts: &[Live], number: u64) {
    let current = format!("deleted-{number:012}");
    let folders = parts.iter().filter_map(|live| live.part.dir());
    for entry in folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten() {
        let name = entry.file_name();
        let is_old = |name: &str| name.starts_with("deleted-") && name != current;
        if name.to_str().is_some_and(is_old) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn folder_of(part: &Part) -> SearchResult<&Path> {
    part.dir().ok_or_else(|| SearchError::engine("a part in memory has no folder"))
}

fn write_durably(path: &Path, bytes: &[u8]) -> SearchResult<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path).map_err(SearchError::engine)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(SearchError::engine)
}

/// Makes a folder no index any more. Parts that readers still hold stay until they let go.
pub(crate) fn unpublish(dir: &Path) -> SearchResult<()> {
    std::fs::remove_file(dir.join(MANIFEST)).map_err(SearchError::engine)?;
    part::sync_dir(dir)?;
    // Only an index without parts has an empty folder already.
    let _ = std::fs::remove_dir(dir);
    Ok(())
}

/// Every whole index of an engine, by name.
pub(crate) fn list(root: &Path) -> SearchResult<Vec<IndexId>> {
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(root).map_err(SearchError::engine)?.flatten() {
        match read_manifest(&entry.path()) {
            Ok(Some(manifest)) => ids.push(manifest.id),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "an index cannot be read and is not listed"),
        }
    }
    ids.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(ids)
}

/// The number at the end of the name of a part or of a file.
fn number_of(name: &str) -> u64 {
    name.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Removes what a crash left in a folder, and the folder itself if it is no whole index. Gives the highest number of a
/// part that is left.
pub(crate) fn clean(dir: &Path) -> SearchResult<u64> {
    let Some(manifest) = read_manifest(dir).unwrap_or_else(|error| {
        tracing::error!(%error, "an index cannot be read and is left as it is");
        None
    }) else {
        if !dir.join(MANIFEST).exists() {
            std::fs::remove_dir_all(dir).map_err(SearchError::engine)?;
        }
        return Ok(0);
    };
    // The files of deleted rows that count are as old as their number says: none may be written a second time.
    let deleted = manifest.parts.iter().filter_map(|part| part.deleted.as_deref());
    let mut highest = deleted.map(number_of).max().unwrap_or(0);
    for entry in std::fs::read_dir(dir).map_err(SearchError::engine)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if manifest.parts.iter().any(|part| part.name == name) {
            highest = highest.max(number_of(&name));
        } else if name != MANIFEST {
            let path = entry.path();
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.map_err(SearchError::engine)?;
            tracing::info!(path = %path.display(), "removed what an interrupted build left");
        }
    }
    Ok(highest)
}
