//! Tools that come from package registries, installed once into a cache that all plugins share.
//!
//! Their exact versions are in the lock files this program carries: a folder of the cache is named after them, so that another
//! version of Halle has one of its own, and a folder is there whole or not at all.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::embedded::File;
use crate::error::{Result, at};

static TURN: Mutex<()> = Mutex::new(());

/// The folder below `cache` that holds `files` and what `install` adds to them. Made when it is not there: `install` works in
/// a folder of this process, which then takes its name.
pub fn folder(
    cache: &Path,
    name: &str,
    files: &[File],
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    // One at a time in this process, whose number tells its folders from those of others.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let ready = place(cache, name, files);
    if ready.is_dir() {
        return Ok(ready);
    }
    let making = ready.with_extension(format!("{}.part", std::process::id()));
    remove(&making)?;
    for (path, content) in files {
        let path = making.join(path);
        let parent = path.parent().unwrap_or(&making);
        std::fs::create_dir_all(parent).map_err(at(parent))?;
        std::fs::write(&path, content).map_err(at(&path))?;
    }
    let installed = install(&making);
    if installed.is_err() {
        remove(&making)?;
        return installed.map(|()| ready);
    }
    match std::fs::rename(&making, &ready) {
        // Somebody else was quicker, with the same content.
        Err(_) if ready.is_dir() => remove(&making)?,
        renamed => renamed.map_err(at(&ready))?,
    }
    Ok(ready)
}

/// Where [`folder`] is, made or not.
pub fn place(cache: &Path, name: &str, files: &[File]) -> PathBuf {
    cache.join(format!("{name}-{}", fingerprint(files)))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() { std::fs::remove_dir_all(folder).map_err(at(folder)) } else { Ok(()) }
}

/// Tells one set of files from another (FNV-1a, 64 bits): nothing here has to resist anybody.
fn fingerprint(files: &[File]) -> String {
    let mut files: Vec<&File> = files.iter().collect();
    files.sort();
    let bytes = files.iter().flat_map(|(path, content)| path.bytes().chain(content.iter().copied()));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::error::ToolError;

    #[test]
    fn builds_side_by_side_install_once() {
        let cache = tempfile::tempdir().unwrap();
        let files = [("lock".to_owned(), b"1".to_vec())];
        let installs = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let install = |at: &Path| {
                        installs.fetch_add(1, Ordering::Relaxed);
                        std::fs::write(at.join("tool"), "x").map_err(at_error(at))
                    };
                    assert!(folder(cache.path(), "js", &files, install).unwrap().join("tool").exists());
                });
            }
        });
        assert_eq!(installs.into_inner(), 1);
    }

    #[test]
    fn a_folder_is_installed_once_and_whole() {
        let cache = tempfile::tempdir().unwrap();
        let files = [("lock".to_owned(), b"1".to_vec())];
        let failed = folder(cache.path(), "js", &files, |_| Err(ToolError::Toolchain("offline".to_owned())));
        assert!(failed.is_err());
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0, "nothing half-made stays");
        let install = |at: &Path| std::fs::write(at.join("tool"), "x").map_err(at_error(at));
        let made = folder(cache.path(), "js", &files, install).unwrap();
        assert!(made.join("tool").exists() && made.join("lock").exists());
        let again = folder(cache.path(), "js", &files, |_| panic!("installed twice")).unwrap();
        assert_eq!(again, made);
        let other = [("lock".to_owned(), b"2".to_vec())];
        assert_ne!(folder(cache.path(), "js", &other, |_| Ok(())).unwrap(), made);
    }

    fn at_error(path: &Path) -> impl FnOnce(std::io::Error) -> ToolError {
        at(path)
    }
}
