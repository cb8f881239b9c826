//! The book for authors (`plugin-sdk/docs`): its tutorials are built and run, what it says of the code is compared with it.

mod facts;
mod links;
mod programs;
mod tutorials;

use std::path::PathBuf;

use crate::sandbox::root;

/// Where the book is.
fn folder() -> PathBuf {
    root().join("plugin-sdk/docs")
}

/// A page of the book.
fn page(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Cells of the rows of all tables of a page, without those that only draw lines.
fn table_rows(page: &str) -> Vec<Vec<String>> {
    let rows = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}

/// The text between the first pair of backquotes.
fn quoted(cell: &str) -> Option<&str> {
    cell.split('`').nth(1)
}
