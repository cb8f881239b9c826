//! From the sources of a plugin to its component, language by language.

mod javascript;
mod packages;
pub(crate) mod python;
mod rust;
mod world;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use halle_extensions::manifest::Manifest;

use crate::error::{Result, ToolError, at};

/// Lines of a compiler's output that an error keeps.
const LINES_KEPT: usize = 60;

/// What plugins are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Compiled by cargo.
    Rust,
    /// JavaScript or TypeScript, run by QuickJS inside the component.
    JavaScript,
    /// Python, run by CPython inside the component.
    Python,
}

impl Language {
    /// Languages that have templates.
    pub const ALL: [Self; 3] = [Self::Rust, Self::JavaScript, Self::Python];

    /// Name on the command line and of the folder below `plugin-sdk/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "javascript",
            Self::Python => "python",
        }
    }

    /// The language with a name.
    pub fn named(name: &str) -> Result<Self> {
        let names = Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|language| language.name() == name)
            .ok_or_else(|| ToolError::Usage(format!("there is no template in `{name}`: use one of {names}")))
    }

    /// What the plugin in a folder is written in.
    pub fn of(folder: &Path) -> Result<Self> {
        let marks = [
            ("Cargo.toml", Self::Rust),
            ("package.json", Self::JavaScript),
            ("pyproject.toml", Self::Python),
        ];
        let found = marks.into_iter().find(|(mark, _)| folder.join(mark).exists());
        found.map(|(_, language)| language).ok_or_else(|| {
            let marks = marks.map(|(mark, _)| mark).join(" or ");
            ToolError::Usage(format!("{} holds no sources of a plugin: no {marks}", folder.display()))
        })
    }
}

/// Compiles the plugin in `folder` to a component. Tools that it takes are kept below `cache`, which all plugins share.
pub fn component(
    folder: &Path,
    manifest: &Manifest,
    cache: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<Vec<u8>> {
    match Language::of(folder)? {
        Language::Rust => rust::component(folder, say),
        Language::JavaScript => javascript::component(folder, manifest, cache, say),
        Language::Python => python::component(folder, manifest, cache, say),
    }
}

/// Runs a tool that compiles, and passes on what it says. Where it fails, the error has its last lines.
fn compile(command: &mut Command, say: &mut dyn FnMut(&str)) -> Result<()> {
    let program = Path::new(command.get_program()).to_owned();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(at(&program))?;
    let mut lines = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(std::io::Result::ok) {
            say(line.trim_end());
            lines.push(line);
        }
    }
    let status = child.wait().map_err(at(&program))?;
    if status.success() {
        return Ok(());
    }
    let from = lines.len().saturating_sub(LINES_KEPT);
    Err(ToolError::Compile(lines[from..].join("\n")))
}
