//! `halle plugin build` and `pack`: sources in, component out; component in, package out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use halle_extensions::manifest::Manifest;
use halle_extensions::package::{MANIFEST_NAME, Package, STATIC_PREFIX};

use crate::error::{Result, ToolError, at};
use crate::{languages, pages};

/// Ending of package files.
pub const PACKAGE_ENDING: &str = "halle-plugin";

/// Compiles the plugin in `folder` and writes its component and its package to `out`, or to `<folder>/dist` when absent.
/// `cache` is the folder of tools that all plugins share; `say` is told what goes on, line by line. Returns the path of the
/// package.
pub fn build(folder: &Path, out: Option<&Path>, cache: &Path, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    // A manifest that is refused is told at once, not after minutes of compiling.
    let manifest = manifest(folder)?;
    let component = languages::component(folder, &manifest, cache, say)?;
    say(&format!("component of {} KiB", component.len().div_ceil(1024)));
    let path = component_at(folder, &manifest, out);
    let place = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(place).map_err(at(place))?;
    std::fs::write(&path, component).map_err(at(&path))?;
    pack(folder, Some(&path), out)
}

/// Writes the package of a plugin whose component is made already, by [`build`] or by any other means: `component`, or what
/// was built last. The same files always give the same bytes. Returns the path of the package.
///
/// # Errors
///
/// `NotBuilt` when there is no component.
pub fn pack(folder: &Path, component: Option<&Path>, out: Option<&Path>) -> Result<PathBuf> {
    let manifest = manifest(folder)?;
    let path = component.map_or_else(|| component_at(folder, &manifest, out), Path::to_owned);
    if component.is_none() && !path.is_file() {
        return Err(ToolError::NotBuilt(folder.to_owned()));
    }
    let component = std::fs::read(&path).map_err(at(&path))?;
    let mut files = BTreeMap::new();
    collect(&folder.join("static"), STATIC_PREFIX, &mut files)?;
    pages::add(folder, &manifest, &mut files)?;
    let package = Package::new(&read_manifest(folder)?, Bytes::from(component), files)?;
    let out = place(folder, out);
    std::fs::create_dir_all(&out).map_err(at(&out))?;
    let path = out.join(file_name(&package.manifest));
    std::fs::write(&path, package.write()?).map_err(at(&path))?;
    Ok(path)
}

/// Where what is built goes.
fn place(folder: &Path, out: Option<&Path>) -> PathBuf {
    out.map_or_else(|| folder.join("dist"), Path::to_owned)
}

fn component_at(folder: &Path, manifest: &Manifest, out: Option<&Path>) -> PathBuf {
    place(folder, out).join(format!("{}.wasm", manifest.plugin.id.replace('/', "-")))
}

fn manifest(folder: &Path) -> Result<Manifest> {
    Ok(halle_extensions::check::parse(&read_manifest(folder)?)?)
}

/// The package that a path stands for: itself, or what the plugin of a folder was built as.
///
/// # Errors
///
/// `NotBuilt` when the folder has no package of the version that its manifest names.
pub fn package_at(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let manifest = manifest(path)?;
    let package = path.join("dist").join(file_name(&manifest));
    if package.is_file() { Ok(package) } else { Err(ToolError::NotBuilt(path.to_owned())) }
}

fn file_name(manifest: &Manifest) -> String {
    let plugin = &manifest.plugin;
    format!("{}-{}.{PACKAGE_ENDING}", plugin.id.replace('/', "-"), plugin.version)
}

fn read_manifest(folder: &Path) -> Result<String> {
    let path = folder.join(MANIFEST_NAME);
    std::fs::read_to_string(&path).map_err(at(&path))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_the_package_of_its_version() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.halle-plugin");
        assert_eq!(package_at(&file).unwrap(), file, "a file stands for itself");
        let manifest = |version: &str| {
            format!(
                "schema = 1\n[plugin]\nid = \"org/mine\"\nversion = \"{version}\"\nkind = \"enricher\"\n\
                 contract = \"halle:enricher@1\"\ntitle = {{ fr = \"Mien\" }}\nlicence = \"MIT\"\n"
            )
        };
        std::fs::write(dir.path().join(MANIFEST_NAME), manifest("1.0.0")).unwrap();
        std::fs::create_dir(dir.path().join("dist")).unwrap();
        let built = dir.path().join("dist/org-mine-1.0.0.halle-plugin");
        std::fs::write(&built, b"").unwrap();
        assert_eq!(package_at(dir.path()).unwrap(), built);
        std::fs::write(dir.path().join(MANIFEST_NAME), manifest("1.1.0")).unwrap();
        let refused = package_at(dir.path()).unwrap_err().to_string();
        assert!(refused.contains("halle plugin build"), "{refused}");
    }

    #[test]
    fn what_is_packed_again_has_the_same_bytes_and_what_people_read() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let manifest = "schema = 1\n[plugin]\nid = \"mine\"\nversion = \"1.0.0\"\nkind = \"enricher\"\n\
                        contract = \"halle:enricher@1\"\ntitle = { fr = \"Mien\" }\nlicence = \"MIT\"\n";
        put(MANIFEST_NAME, manifest);
        let refused = pack(dir.path(), None, None).unwrap_err();
        assert!(matches!(refused, ToolError::NotBuilt(_)), "{refused}");
        put("made.wasm", "component");
        put("README.md", "# Mine");
        put("LICENSE-MIT", "MIT License");
        put("package-lock.json", r#"{"packages":{"":{},"node_modules/a":{"version":"1.2.3"}}}"#);
        std::fs::create_dir(dir.path().join("static")).unwrap();
        put("static/icon.svg", "<svg/>");
        let component = dir.path().join("made.wasm");
        let read = |path: &Path| std::fs::read(path).unwrap();
        let first = read(&pack(dir.path(), Some(&component), None).unwrap());
        let elsewhere = dir.path().join("elsewhere");
        assert_eq!(read(&pack(dir.path(), Some(&component), Some(&elsewhere)).unwrap()), first);
        let package = Package::read(&first).unwrap();
        let names: Vec<&str> = package.static_names().collect();
        assert_eq!(names, ["docs.md", "icon.svg", "licence.txt", "sbom.json"]);
        let sbom = package.static_file("sbom.json").unwrap().body;
        let sbom: serde_json::Value = serde_json::from_slice(&sbom).unwrap();
        assert_eq!(sbom["components"][0]["purl"], "pkg:npm/a@1.2.3");
    }
}
