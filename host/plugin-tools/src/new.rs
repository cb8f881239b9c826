//! `halle plugin new`: a plugin to start from, which builds and passes its tests as it is.

use std::path::{Path, PathBuf};

use crate::embedded;
use crate::error::{Result, ToolError, at};
use crate::languages::Language;

/// Kinds that have a template.
pub const KINDS: [&str; 5] =
    ["enricher", "processing", "catalog-connector", "visualisation", "remote-service"];

/// Where the SDK goes in a plugin that lives outside of the repository of Halle.
const VENDORED: &str = ".halle-sdk/halle-plugin";
/// The SDK as templates name it, from their own place.
const TEMPLATE_SDK: &str = "../../halle-plugin";
/// A file of every SDK that can be used.
const SDK_MARKS: [&str; 3] = ["Cargo.toml", "package.json", "pyproject.toml"];
/// The name that templates have.
const TEMPLATE_NAME: &str = "my-plugin";
const TEMPLATE_CRATE: &str = "my_plugin";

/// Creates a plugin of a kind in the new folder `<parent>/<name>`. `language` is the name of a [`Language`]. Returns the
/// folder.
pub fn new(kind: &str, language: &str, name: &str, parent: &Path) -> Result<PathBuf> {
    let language = Language::named(language)?;
    if !KINDS.contains(&kind) {
        return Err(ToolError::Usage(format!(
            "`{kind}` is no kind of plugin: use one of {}",
            KINDS.join(", ")
        )));
    }
    let is_sound = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_sound
        || !name.starts_with(|c: char| c.is_ascii_lowercase())
        || name.len() > 64
        || name.ends_with('-')
    {
        let message = format!(
            "`{name}` cannot name a plugin: lower-case letters, digits and `-`, a letter first, at most 64"
        );
        return Err(ToolError::Usage(message));
    }
    let folder = parent.join(name);
    if folder.exists() {
        return Err(ToolError::Usage(format!("{} exists already: nothing was changed", folder.display())));
    }
    std::fs::create_dir_all(&folder).map_err(at(&folder))?;
    let sdk = sdk_path(language, &folder)?;
    for (path, content) in embedded::template(language, kind) {
        write(&folder.join(&path), &adapted(&content, name, &sdk))?;
    }
    Ok(folder)
}

/// Path to the SDK from a plugin's folder: that of the repository where the plugin lives in it, a copy of its own otherwise.
fn sdk_path(language: Language, folder: &Path) -> Result<String> {
    let absolute = folder.canonicalize().map_err(at(folder))?;
    let sdk = format!("plugin-sdk/{}/halle-plugin", language.name());
    let is_repository = |path: &Path| SDK_MARKS.iter().any(|mark| path.join(&sdk).join(mark).exists());
    if let Some(depth) = absolute.ancestors().position(is_repository) {
        return Ok(format!("{}{sdk}", "../".repeat(depth)));
    }
    for (path, content) in embedded::sdk(language) {
        write(&folder.join(VENDORED).join(path), &content)?;
    }
    Ok(VENDORED.to_owned())
}

/// A file of a template, with the names of this plugin.
fn adapted(content: &[u8], name: &str, sdk: &str) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(content) else { return content.to_vec() };
    let crate_name = name.replace('-', "_");
    text.replace(TEMPLATE_SDK, sdk)
        .replace(TEMPLATE_NAME, name)
        .replace(TEMPLATE_CRATE, &crate_name)
        .into_bytes()
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(at(folder))?;
    }
    std::fs::write(path, content).map_err(at(path))
}
