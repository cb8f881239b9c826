//! `halle plugin build`: sources in, package out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use halle_extensions::package::{MANIFEST_NAME, Package, STATIC_PREFIX};

use crate::error::{Result, at};
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
    let plugin = &package.manifest.plugin;
    let path = out.join(format!("{}-{}.{PACKAGE_ENDING}", plugin.id.replace('/', "-"), plugin.version));
    std::fs::write(&path, package.write()?).map_err(at(&path))?;
    Ok(path)
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
