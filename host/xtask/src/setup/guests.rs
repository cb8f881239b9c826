//! The toolchain that compiles plugins to WebAssembly.

use anyhow::Result;

use super::apt;
use crate::sh;

/// The target of every Rust guest: no system interface, so a guest can import ours only.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Adds the target to the Rust toolchain; where that cannot be downloaded, installs Debian's toolchain, with which
/// `halle plugin build` compiles the standard library itself.
pub fn install() -> Result<()> {
    if has_target() {
        return Ok(());
    }
    sh::say(&format!("adding the target {TARGET} to the Rust toolchain, for plugins"));
    if sh::succeeds(&mut sh::command("rustup", ["target", "add", TARGET])) && has_target() {
        return Ok(());
    }
    println!("  not to be had here: using Debian's toolchain instead");
    apt::install("compiling plugins", &["rustc-web", "cargo-web", "rust-web-src", "lld"])
}

fn has_target() -> bool {
    let installed = sh::output(&mut sh::command("rustup", ["target", "list", "--installed"]));
    installed.is_ok_and(|targets| targets.lines().any(|target| target.trim() == TARGET))
}
