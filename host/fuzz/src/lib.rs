//! What is fuzzed: everything that reads what strangers write. Files, questions, expressions, geometries, plugins and what
//! they answer.
//!
//! A target is an entry of [`TARGETS`] and a folder of its name in `targets/`: `seeds/` holds inputs to begin with, among them
//! each that once broke it, `dictionary` what means something to it. The program of this crate runs one of them under
//! libFuzzer; `cargo xtask fuzz` builds it instrumented and runs all.
//!
//! **Invariant:** an input is refused, or read: a panic is a failure, also one that is caught further up, and so are ten
//! seconds, or a gibibyte of memory. What a target asserts besides stands where it feeds.

mod answers;
mod calls;
mod expressions;
mod files;
#[expect(clippy::unwrap_used, reason = "a tile that it does not understand is a failure")]
#[path = "../../geo/tests/it/decode.rs"]
mod mvt_reader;
mod plugins;
mod questions;
mod shapes;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

/// Something that reads what strangers write.
#[derive(Clone, Copy)]
pub struct Target {
    /// Name of its folder, and on the command line.
    pub name: &'static str,
    /// Seeds beside those of its folder: fixtures of tests, and what the contract in `wit/` decides.
    pub generated: fn() -> Vec<Vec<u8>>,
    /// Feeds it one input, which it may refuse.
    pub feed: fn(&[u8]),
}

/// A target whose seeds are all in its folder.
const fn target(name: &'static str, feed: fn(&[u8])) -> Target {
    Target { name, generated: Vec::new, feed }
}

/// Everything that is fed.
pub const TARGETS: &[Target] = &[
    target("csv", files::csv),
    target("q", questions::q),
    target("qs", questions::qs),
    target("filters", questions::filters),
    target("expressions", expressions::expression),
    target("geometries", shapes::geometry),
    target("tiles", shapes::tile),
    Target { name: "zip", generated: files::zip_seeds, feed: files::zip },
    target("geojson", files::geojson),
    Target { name: "workbook", generated: files::workbook_seeds, feed: files::workbook },
    Target { name: "geopackage", generated: files::geopackage_seeds, feed: files::geopackage },
    target("pdf", files::pdf),
    target("rtf", files::rtf),
    target("manifest", plugins::manifest),
    Target { name: "package", generated: plugins::package_seeds, feed: plugins::package },
    Target { name: "component", generated: plugins::component_seeds, feed: plugins::component },
    Target { name: "answers", generated: answers::seeds, feed: answers::answer },
    Target { name: "connectors", generated: answers::connector_seeds, feed: answers::connector },
    Target { name: "calls", generated: calls::seeds, feed: calls::calls },
];

impl Target {
    /// The target of this name.
    pub fn find(name: &str) -> Option<Self> {
        TARGETS.iter().find(|target| target.name == name).copied()
    }

    /// Where its seeds and its dictionary are.
    pub fn folder(self) -> PathBuf {
        folders().join(self.name)
    }
}

/// Where each target has its folder.
fn folders() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("targets")
}
