//! `halle plugin build`: sources in, package out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use halle_extensions::manifest::Manifest;
use halle_extensions::package::{MANIFEST_NAME, Package, STATIC_PREFIX};

use crate::error::{Result, ToolError, at};
use crate::languages;

/// Ending of package files.
pub const PACKAGE_ENDING: &str = "halle-plugin";

/// Compiles the plugin in `folder` and writes its package to `out`, or to `<folder>/dist` when absent. `cache` is the folder
/// of tools that all plugins share; `say` is told what goes on, line by line. Returns the path of the package.
pub fn build(folder: &Path, out: Option<&Path>, cache: &Path, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    // A manifest that is refused is told at once, not after minutes of compiling.
    let manifest = halle_extensions::check::parse(&read_manifest(folder)?)?;
    let component = languages::component(folder, &manifest, cache, say)?;
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
    let path = out.join(file_name(&package.manifest));
    std::fs::write(&path, package.write()?).map_err(at(&path))?;
    Ok(path)
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
    let manifest = halle_extensions::check::parse(&read_manifest(path)?)?;
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
}
