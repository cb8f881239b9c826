//! Finding what compiles Rust to WebAssembly.
//!
//! Two ways, in this order: a toolchain from rustup that has the target `wasm32-unknown-unknown`; Debian's packages, whose
//! compiler builds the standard library for the target from its sources, once per target folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Result, ToolError};

/// The target of every Rust guest: it has no system interface, so a guest can import ours only.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's packages.
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld"];
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";

/// What an outer cargo or rustup leaves in the environment, and must not decide about guests.
const FOREIGN_VARIABLES: [&str; 12] = [
    "CARGO",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_TARGET_DIR",
    "LD_LIBRARY_PATH",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
];

/// How the release profile of a guest differs from cargo's own: one module, no unwinding. Optimised for speed: for size, a
/// component was 6% smaller and took 1.45 times as long a row (`halle-bench plugins`).
const PROFILE: [(&str, &str); 5] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_LTO", "true"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
];

/// A way to compile guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// A toolchain that has the target.
    Ready,
    /// Debian's, with the linker to use.
    Debian {
        /// Path of a linker for WebAssembly.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Finds a toolchain. On Debian, as root, installs the missing packages and says so; elsewhere explains what to do.
    pub fn find(say: &mut dyn FnMut(&str)) -> Result<Self> {
        if let Some(found) = Self::present() {
            return Ok(found);
        }
        if !Path::new("/etc/debian_version").exists() {
            return Err(explain());
        }
        say(&format!("installing {} from Debian, to compile plugins", DEBIAN_PACKAGES.join(", ")));
        let mut apt = Command::new("apt-get");
        apt.args(["install", "--yes", "--no-install-recommends"]).args(DEBIAN_PACKAGES);
        apt.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
        let installed = apt.status().is_ok_and(|status| status.success());
        Self::present().filter(|_| installed).ok_or_else(explain)
    }

    fn present() -> Option<Self> {
        if sysroot("rustc").is_some_and(|root| root.join("lib/rustlib").join(TARGET).is_dir()) {
            return Some(Self::Ready);
        }
        let is_debian =
            [DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_SOURCES].iter().all(|path| Path::new(path).exists());
        is_debian.then(linker)?.map(|linker| Self::Debian { linker })
    }

    /// A cargo for guests, without a subcommand yet.
    pub fn cargo(&self, folder: &Path) -> Command {
        let mut cargo = match self {
            Self::Ready => Command::new("cargo"),
            Self::Debian { .. } => Command::new(DEBIAN_CARGO),
        };
        for variable in FOREIGN_VARIABLES {
            cargo.env_remove(variable);
        }
        cargo.envs(PROFILE).current_dir(folder).stdin(Stdio::null());
        if let Self::Debian { linker } = self {
            cargo.env("RUSTC", DEBIAN_RUSTC);
            // Building the standard library is a feature that Debian's stable compiler hides behind this.
            cargo.env("RUSTC_BOOTSTRAP", "1");
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        cargo
    }

    /// Arguments of `cargo build` that this toolchain needs.
    pub fn build_args(&self) -> &'static [&'static str] {
        match self {
            Self::Ready => &[],
            Self::Debian { .. } => &["-Zbuild-std=std,panic_abort"],
        }
    }
}

/// A linker for WebAssembly: the one that came with a rustup toolchain is closest to the compiler, LLVM's own does too.
fn linker() -> Option<PathBuf> {
    let own = sysroot("rustc").and_then(|root| {
        let hosts = std::fs::read_dir(root.join("lib/rustlib")).ok()?;
        hosts.flatten().map(|host| host.path().join("bin/rust-lld")).find(|path| path.exists())
    });
    let llvm = || Some(PathBuf::from("/usr/bin/wasm-ld")).filter(|path| path.exists());
    own.or_else(llvm)
}

fn sysroot(rustc: &str) -> Option<PathBuf> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(PathBuf::from(text.trim()))
}

fn explain() -> ToolError {
    let packages = DEBIAN_PACKAGES.join(" ");
    ToolError::Toolchain(format!(
        "nothing here compiles Rust to WebAssembly. Run `rustup target add {TARGET}`, or on Debian as root \
         `apt-get install {packages}`, then try again"
    ))
}
