//! Whether the sources of a plugin changed, told by polling: it works on every file system, and needs nothing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use crate::error::{Result, ToolError, at};

/// Folders that tools write to, and that hold no source.
const LEFT_OUT: [&str; 7] = ["target", "dist", "build", "node_modules", "__pycache__", ".git", ".venv"];

/// Files that are looked at; a folder with more is no plugin.
const FILES_MAX: usize = 10_000;

/// A number that changes when a source of the plugin in `folder` does: names, sizes and times of all files but those of
/// tools.
///
/// # Errors
///
/// `Usage` when there are too many files to look at them twice a second.
pub fn fingerprint(folder: &Path) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut files = 0;
    visit(folder, &mut files, &mut hasher)?;
    Ok(hasher.finish())
}

fn visit(folder: &Path, files: &mut usize, hasher: &mut DefaultHasher) -> Result<()> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        paths.push(entry.map_err(at(folder))?.path());
    }
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A file that goes while one looks is as good as gone.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) {
                visit(&path, files, hasher)?;
            }
            continue;
        }
        *files += 1;
        if *files > FILES_MAX {
            return Err(ToolError::Usage(format!(
                "{} and its neighbours are more than {FILES_MAX} files: is this the folder of a plugin?",
                path.display()
            )));
        }
        (&path, metadata.len(), metadata.modified().ok()).hash(hasher);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_source_is_seen_and_what_tools_write_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let look = || fingerprint(dir.path()).unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        for folder in ["src", "dist", "target"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        put("src/lib.rs", "1");
        let first = look();
        put("dist/mine.wasm", "component");
        put("target/lock", "");
        assert_eq!(look(), first);
        put("src/lib.rs", "12");
        let second = look();
        assert_ne!(second, first);
        put("src/new.rs", "");
        let third = look();
        assert_ne!(third, second);
        std::fs::remove_file(dir.path().join("src/new.rs")).unwrap();
        assert_ne!(look(), third);
    }
}
