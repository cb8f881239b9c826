//! What can go wrong with a plugin on its author's machine.

use std::path::{Path, PathBuf};

use halle_extensions::check::ManifestError;
use halle_extensions::package::PackageError;

/// Why a tool did not do its work. The text is for the author: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder without the package that its manifest names.
    #[error("the plugin in `{}` is not built in the version of its manifest: run `halle plugin build {}`", .0.display(), .0.display())]
    NotBuilt(PathBuf),
    /// No toolchain compiles to WebAssembly here.
    #[error("{0}")]
    Toolchain(String),
    /// The compiler refused.
    #[error("the plugin does not compile; what its compiler said last:\n{0}")]
    Compile(String),
    /// What the compiler made is no plugin.
    #[error("the compiled module cannot become a component: {0}")]
    Component(String),
    /// The manifest is refused.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The package is refused.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A file is not what its name says, such as a test case that cannot be read.
    #[error("{path}: {message}")]
    Case {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The request makes no sense.
    #[error("{0}")]
    Usage(String),
}

/// Result of a tool.
pub type Result<T, E = ToolError> = std::result::Result<T, E>;

/// Attaches a path to an error of the file system.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> ToolError {
    let path = path.to_owned();
    move |source| ToolError::File { path, source }
}
