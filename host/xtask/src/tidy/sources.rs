//! The files of the repository.

use std::path::PathBuf;

use anyhow::Result;

use crate::sh;

/// A text file that git tracks, or would.
#[derive(Debug)]
pub struct Source {
    /// Path from the root, with `/`.
    pub path: String,
    /// Content.
    pub text: String,
}

impl Source {
    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Every text file that git tracks or would track.
pub fn tracked() -> Result<Vec<Source>> {
    let mut list = sh::command("git", ["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listing = sh::output(&mut list)?;
    let mut files = Vec::new();
    for path in listing.lines() {
        let bytes = std::fs::read(PathBuf::from(path)).unwrap_or_default();
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(Source { path: path.to_owned(), text });
        }
    }
    Ok(files)
}
