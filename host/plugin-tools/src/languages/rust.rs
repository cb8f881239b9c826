//! Rust: cargo makes a core module, which becomes a component in this process.

use std::collections::BTreeSet;
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
    let sources = describe(folder, toolchain)?;
    let Sources { package, target, .. } = &sources;
    if matches!(toolchain, Toolchain::Debian { .. }) && !target.join(TARGET).exists() {
        say("the first build also compiles the standard library: one to three minutes");
    }
    let mut cargo = toolchain.cargo(folder);
    cargo
        .args(["rustc", "--release", "--target", TARGET, "--package", package, "--lib"])
        .arg("--target-dir")
        .arg(target)
        .args(toolchain.build_args());
    // Added to what cargo's configuration says for this target. The same for all plugins that share a target folder, so that
    // the standard library is built once.
    let rustflags = toml::Value::from(sources.everywhere.iter().map(remap).collect::<Vec<String>>());
    cargo.args(["--config", &format!("target.{TARGET}.rustflags={rustflags}")]);
    // The plugin's own folder differs from plugin to plugin: only its own crate hears of it.
    cargo.arg("--").arg(remap(&sources.own));
    super::compile(&mut cargo, say)?;
    Ok(target.join(TARGET).join("release").join(format!("{}.wasm", package.replace('-', "_"))))
}

/// A folder, and what the messages of panics call it.
type Named = (PathBuf, String);

/// The flag that keeps the path of a folder out of what is compiled: it tells of the author's machine, and makes the same
/// sources give other bytes elsewhere.
fn remap((folder, name): &Named) -> String {
    format!("--remap-path-prefix={}={name}", folder.display())
}

/// What cargo knows of the crate of a plugin.
#[derive(Debug, PartialEq, Eq)]
struct Sources {
    /// Name of the crate.
    package: String,
    /// Where cargo puts what it builds.
    target: PathBuf,
    /// The folder of the crate.
    own: Named,
    /// Folders whose sources the compiler sees by absolute path, and what they are called.
    everywhere: Vec<Named>,
}

/// Asks cargo about the crate in `folder`.
fn describe(folder: &Path, toolchain: &Toolchain) -> Result<Sources> {
    let mut cargo = toolchain.cargo(folder);
    let output = cargo
        .args(["metadata", "--format-version", "1", "--filter-platform", TARGET])
        .output()
        .map_err(at(Path::new("cargo")))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(ToolError::Compile(text.into_owned()));
    }
    let mut metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| ToolError::Compile(format!("cargo metadata: {error}")))?;
    if let Some(target) = metadata["target_directory"].as_str() {
        metadata["target_directory"] = one_name(Path::new(target))?.to_string_lossy().into();
    }
    let cargo_toml = folder.join("Cargo.toml");
    let own = cargo_toml.canonicalize().map_err(at(&cargo_toml))?;
    sources(&own, &metadata)
        .ok_or_else(|| ToolError::Compile(format!("cargo does not know the crate of {}", folder.display())))
}

/// The one name of a target folder: two plugins that reach it by different paths (`a/../target`, `b/../target`) would be
/// compiled with different flags, and all that they share twice. Made if it is not there.
fn one_name(target: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(target).and_then(|()| target.canonicalize()).map_err(at(target))
}

/// Reads what `cargo metadata` says; `own` is the path of the `Cargo.toml` of the plugin.
fn sources(own: &Path, metadata: &Value) -> Option<Sources> {
    let root = Path::new(metadata["workspace_root"].as_str()?);
    let target = PathBuf::from(metadata["target_directory"].as_str()?);
    let mut package = None;
    // Sources that build scripts write are there.
    let mut everywhere = BTreeSet::from([(target.clone(), "target".to_owned())]);
    for described in metadata["packages"].as_array()? {
        let (name, manifest) = (described["name"].as_str()?, Path::new(described["manifest_path"].as_str()?));
        let folder = manifest.parent()?;
        if manifest == own {
            package = Some(name.to_owned());
        }
        let source = described["source"].as_str();
        if source.is_some_and(|source| source.starts_with("registry+") || source.starts_with("sparse+")) {
            // `<cargo's home>/registry/src/<registry>/<crate>-<version>`
            everywhere.insert((folder.parent()?.to_owned(), "registry".to_owned()));
        } else if !folder.starts_with(root) {
            // Those within the workspace are seen by paths that begin there.
            everywhere.insert((folder.to_owned(), name.to_owned()));
        }
    }
    let package = package?;
    let own = (own.parent()?.to_owned(), package.clone());
    Some(Sources { package, target, own, everywhere: everywhere.into_iter().collect() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_target_folder_has_one_name_whatever_path_leads_there() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            one_name(&dir.path().join(name).join("../target/guests")).unwrap()
        };
        assert_eq!(at("plugins"), at("connectors"));
        assert!(at("others").is_dir());
    }

    #[test]
    fn what_the_compiler_sees_by_absolute_path_has_another_name() {
        let package = |name: &str, source: Option<&str>, folder: &str| json!({ "name": name, "source": source, "manifest_path": format!("{folder}/Cargo.toml") });
        let registry = Some("registry+https://github.com/rust-lang/crates.io-index");
        let metadata = json!({
            "workspace_root": "/ada/plugins",
            "target_directory": "/ada/plugins/target",
            "packages": [
                package("serde", registry, "/ada/.cargo/registry/src/index/serde-1.0.1"),
                package("serde_json", registry, "/ada/.cargo/registry/src/index/serde_json-1.0.1"),
                package("forked", Some("git+https://git.example.org/forked#1"), "/ada/.cargo/git/checkouts/forked-1/1"),
                package("mine", None, "/ada/plugins/mine"),
                package("shared", None, "/ada/plugins/shared"),
                package("halle-plugin", None, "/ada/halle/plugin-sdk/rust/halle-plugin"),
            ],
        });
        let found = sources(Path::new("/ada/plugins/mine/Cargo.toml"), &metadata).unwrap();
        assert_eq!(found.package, "mine");
        assert_eq!(remap(&found.own), "--remap-path-prefix=/ada/plugins/mine=mine");
        let flags: Vec<String> = found.everywhere.iter().map(remap).collect();
        assert_eq!(
            flags,
            [
                "--remap-path-prefix=/ada/.cargo/git/checkouts/forked-1/1=forked",
                "--remap-path-prefix=/ada/.cargo/registry/src/index=registry",
                "--remap-path-prefix=/ada/halle/plugin-sdk/rust/halle-plugin=halle-plugin",
                "--remap-path-prefix=/ada/plugins/target=target",
            ]
        );
        assert_eq!(sources(Path::new("/elsewhere/Cargo.toml"), &metadata), None);
    }
}
