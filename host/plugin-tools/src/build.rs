//! `halle plugin build`: sources in, package out.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bytes::Bytes;
use halle_extensions::package::{MANIFEST_NAME, Package, STATIC_PREFIX};
use serde_json::Value;

use crate::component;
use crate::error::{Result, ToolError, at};
use crate::toolchain::{TARGET, Toolchain};

/// Ending of package files.
pub const PACKAGE_ENDING: &str = "halle-plugin";

/// Lines of the compiler's output that an error keeps.
const LINES_KEPT: usize = 60;

/// Compiles the plugin in `folder` and writes its package to `out`, or to `<folder>/dist` when absent. `say` is told what
/// goes on, line by line. Returns the path of the package.
pub fn build(folder: &Path, out: Option<&Path>, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let manifest = read_manifest(folder)?;
    // A manifest that is refused is told at once, not after minutes of compiling.
    halle_extensions::check::parse(&manifest)?;
    let toolchain = Toolchain::find(say)?;
    let module = compile(folder, &toolchain, say)?;
    let module = std::fs::read(&module).map_err(at(&module))?;
    let component = component::encode(&module)?;
    say(&format!("component of {} KiB", component.len().div_ceil(1024)));
    pack(folder, component, out)
}

/// Writes the package of a plugin whose component is made already.
pub fn pack(folder: &Path, component: Vec<u8>, out: Option<&Path>) -> Result<PathBuf> {
    let mut files = BTreeMap::new();
    collect(&folder.join("static"), STATIC_PREFIX, &mut files)?;
    let package = Package::new(&read_manifest(folder)?, Bytes::from(component), files)?;
    let out = out.map_or_else(|| folder.join("dist"), Path::to_owned);
    std::fs::create_dir_all(&out).map_err(at(&out))?;
    let plugin = &package.manifest.plugin;
    let path = out.join(format!("{}-{}.{PACKAGE_ENDING}", plugin.id.replace('/', "-"), plugin.version));
    std::fs::write(&path, package.write()?).map_err(at(&path))?;
    Ok(path)
}

fn read_manifest(folder: &Path) -> Result<String> {
    let path = folder.join(MANIFEST_NAME);
    std::fs::read_to_string(&path).map_err(at(&path))
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
    let mut child =
        cargo.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(at(Path::new("cargo")))?;
    let mut lines = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(std::io::Result::ok) {
            say(line.trim_end());
            lines.push(line);
        }
    }
    let status = child.wait().map_err(at(Path::new("cargo")))?;
    if !status.success() {
        let from = lines.len().saturating_sub(LINES_KEPT);
        return Err(ToolError::Compile(lines[from..].join("\n")));
    }
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

/// Adds every file below a folder, if there is one.
fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Bytes>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files)?;
        } else {
            files.insert(format!("{prefix}{name}"), std::fs::read(&path).map_err(at(&path))?.into());
        }
    }
    Ok(())
}
