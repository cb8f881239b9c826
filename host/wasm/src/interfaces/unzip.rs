//! Entries of zip archives that a stranger made: bounded in what they inflate to, and in what is read to find them.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use halle_extensions::Problem;
use tokio_util::sync::CancellationToken;

use super::blobs::{BlobHandle, io};
use super::room::Room;

/// How many times longer an entry of an archive may be than it is packed.
const RATIO_MAX: u64 = 200;
/// Bytes up to which the ratio does not matter.
const FREE_BYTES: u64 = 10 << 20;
/// Bytes of an archive that are read to learn what is in it. Each entry of its list takes some 50 of them, and ten times as
/// much memory.
const LIST_BYTES_MAX: u64 = 16 << 20;
/// Bytes of one look into an archive.
const LOOK_BYTES: usize = 4 << 10;

/// A file of which so many bytes are read, and no more.
struct Rationed {
    file: BufReader<File>,
    left: Rc<Cell<u64>>,
}

impl Read for Rationed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        let left = self.left.get().checked_sub(count as u64).ok_or_else(|| {
            std::io::Error::other(format!("its list of entries has more than {} MiB", LIST_BYTES_MAX >> 20))
        })?;
        self.left.set(left);
        Ok(count)
    }
}

impl Seek for Rationed {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

/// The content of one entry, by its exact name, as a blob that takes its bytes from `room`. Ends with `cancelled` soon after
/// `stop` says so; everything else that is wrong is `blob/zip` or `limit/blob-bytes`.
pub fn unzip(
    blob: &BlobHandle,
    entry: &str,
    room: &Room,
    stop: &CancellationToken,
) -> Result<BlobHandle, Problem> {
    let refused = |reason: String| Problem::new("blob/zip", reason);
    let file = File::open(blob.file()).map_err(|error| io(&error))?;
    let ration = Rc::new(Cell::new(LIST_BYTES_MAX));
    let file = Rationed { file: BufReader::with_capacity(LOOK_BYTES, file), left: Rc::clone(&ration) };
    let mut archive =
        zip::ZipArchive::new(file).map_err(|error| refused(format!("this is no zip archive: {error}")))?;
    // The list is read: what follows is bounded by what it inflates to.
    ration.set(u64::MAX);
    let mut packed = archive.by_name(entry).map_err(|error| {
        refused(format!("the entry `{}` cannot be read: {error}", crate::convert::one_line(entry, 200)))
    })?;
    let by_ratio = packed.compressed_size().saturating_mul(RATIO_MAX).max(FREE_BYTES);
    let made = tempfile::NamedTempFile::new().map_err(|error| io(&error))?;
    let (mut output, path) = made.into_parts();
    let mut taken = room.nothing();
    let mut chunk = vec![0; 64 << 10];
    let mut size = 0;
    loop {
        let count =
            packed.read(&mut chunk).map_err(|error| refused(format!("the archive is damaged: {error}")))?;
        if count == 0 {
            break;
        }
        size += count as u64;
        if size > by_ratio {
            return Err(refused(format!("the entry inflates to more than {by_ratio} bytes")));
        }
        taken.take(count as u64)?;
        if stop.is_cancelled() {
            return Err(Problem::new("cancelled", "Someone asked the run to stop."));
        }
        output.write_all(&chunk[..count]).map_err(|error| io(&error))?;
    }
    Ok(BlobHandle::new(path, size, None, taken))
}
