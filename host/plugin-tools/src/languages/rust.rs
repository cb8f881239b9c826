//! Rust: cargo makes a core module, which becomes a component in this process.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::component;
use crate::error::{Result, ToolError, at};
use crate::toolchain::{TARGET, Toolchain};

/// Compiles the crate in `folder` to a component.
pub fn component(folder: &Path, say: &mut dyn FnMut(&str)) -> Result<Vec<u8>> {
    let toolchain = Toolchain::find(say)?;
    let module = compile(folder, &toolchain, say)?;
    let module = std::fs::read(&module).map_err(at(&module))?;
    component::encode(&module)
}

/// Compiles the crate in `folder` to a core module, and returns where it is.
fn compile(folder: &Path, toolchain: &Toolchain, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let (package, target) = describe(folder, toolchain)?;
    if matches!(toolchain, Toolchain::Debian { .. }) && !target.join(TARGET).exists() {
        say("the first build also compiles the standard library: one to three minutes");
    }
    let mut cargo = toolchain.cargo(folder);
    cargo
        .args(["build", "--release", "--target", TARGET, "--package", &package])
        .args(toolchain.build_args());
    super::compile(&mut cargo, say)?;
    Ok(target.join(TARGET).join("release").join(format!("{}.wasm", package.replace('-', "_"))))
}

/// Name of the crate in `folder`, and where cargo puts what it builds.
fn describe(folder: &Path, toolchain: &Toolchain) -> Result<(String, PathBuf)> {
    let mut cargo = toolchain.cargo(folder);
    let output = cargo
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(at(Path::new("cargo")))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(ToolError::Compile(text.into_owned()));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| ToolError::Compile(format!("cargo metadata: {error}")))?;
    let cargo_toml = folder.join("Cargo.toml");
    let own = cargo_toml.canonicalize().map_err(at(&cargo_toml))?;
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let package = packages
        .iter()
        .find(|package| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == own));
    let name = package.and_then(|package| package["name"].as_str());
    let target = metadata["target_directory"].as_str();
    name.zip(target)
        .map(|(name, target)| (name.to_owned(), PathBuf::from(target)))
        .ok_or_else(|| ToolError::Compile(format!("cargo does not know the crate of {}", folder.display())))
}
