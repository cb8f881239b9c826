//! What a package brings for people to read before they trust it: documentation, licence, bill of materials.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use halle_extensions::manifest::Manifest;
use halle_extensions::package::{DOCUMENTATION_NAME, LICENCE_NAME, SBOM_NAME, STATIC_PREFIX};
use serde_json::{Value, json};

use crate::error::{Result, ToolError, at};
use crate::languages::python;

/// Adds what the folder of a plugin has and `static/` does not: `README.md` as documentation, its licence, and a bill of
/// materials made of `Cargo.lock`, of `package-lock.json`, or of the packages that a build put into a plugin in Python.
pub fn add(folder: &Path, manifest: &Manifest, files: &mut BTreeMap<String, Bytes>) -> Result<()> {
    let found = [
        (DOCUMENTATION_NAME, read(&folder.join("README.md"))?),
        (LICENCE_NAME, licence(folder)?),
        (SBOM_NAME, sbom(folder, manifest)?),
    ];
    for (name, body) in found {
        if let Some(body) = body {
            files.entry(format!("{STATIC_PREFIX}{name}")).or_insert(body);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Bytes>> {
    if path.is_file() { Ok(Some(std::fs::read(path).map_err(at(path))?.into())) } else { Ok(None) }
}

/// The files whose names begin with LICENSE or LICENCE, by name, one after the other.
fn licence(folder: &Path) -> Result<Option<Bytes>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && (name.starts_with("LICENSE") || name.starts_with("LICENCE")) {
            paths.push(path);
        }
    }
    paths.sort();
    let mut text = Vec::new();
    for path in &paths {
        if !text.is_empty() {
            text.extend_from_slice(b"\n\n");
        }
        text.extend_from_slice(&std::fs::read(path).map_err(at(path))?);
    }
    Ok((!paths.is_empty()).then(|| text.into()))
}

/// A dependency: name, version.
type Part = (String, String);

/// What the plugin is made of, as CycloneDX. A lock file does not tell what only tests and builds need, so that in Rust these
/// are there too.
fn sbom(folder: &Path, manifest: &Manifest) -> Result<Option<Bytes>> {
    let (registry, parts) = if let Some(parts) = npm(folder)? {
        ("npm", parts)
    } else if let Some(parts) = cargo(folder)? {
        ("cargo", parts)
    } else if let Some(parts) = pypi(folder)? {
        ("pypi", parts)
    } else {
        return Ok(None);
    };
    let components = parts.iter().map(|(name, version)| {
        // The scope of a package of npm is part of its name, and is written so.
        let purl = format!("pkg:{registry}/{}@{version}", name.replace('@', "%40"));
        json!({ "type": "library", "name": name, "version": version, "purl": purl })
    });
    let plugin = &manifest.plugin;
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": { "type": "application", "name": plugin.id, "version": plugin.version } },
        "components": components.collect::<Vec<Value>>(),
    });
    Ok(Some(format!("{document:#}\n").into()))
}

fn npm(folder: &Path) -> Result<Option<BTreeSet<Part>>> {
    let path = folder.join("package-lock.json");
    let Some(text) = read(&path)? else { return Ok(None) };
    let lock: Value = serde_json::from_slice(&text).map_err(|error| unreadable(&path, &error))?;
    let mut parts = BTreeSet::new();
    for (place, entry) in lock["packages"].as_object().into_iter().flatten() {
        let is_of_tests = entry["dev"].as_bool().unwrap_or(false);
        let name = place.rsplit_once("node_modules/").map(|(_, name)| name);
        if let (Some(name), Some(version), false) = (name, entry["version"].as_str(), is_of_tests) {
            parts.insert((name.to_owned(), version.to_owned()));
        }
    }
    Ok(Some(parts))
}

/// What a plugin in Python was built with.
fn pypi(folder: &Path) -> Result<Option<BTreeSet<Part>>> {
    if folder.join("pyproject.toml").is_file() { python::installed(folder) } else { Ok(None) }
}

/// What the crate of a folder depends on, of the lock file of its workspace.
fn cargo(folder: &Path) -> Result<Option<BTreeSet<Part>>> {
    let path = folder.join("Cargo.toml");
    let Some(own) = read(&path)? else { return Ok(None) };
    let own = table(&own, &path)?;
    let name = own.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    let absolute = folder.canonicalize().map_err(at(folder))?;
    let locks = absolute.ancestors().map(|folder| folder.join("Cargo.lock"));
    let Some(name) = name else { return Ok(None) };
    let Some(path) = locks.into_iter().find(|path| path.is_file()) else { return Ok(None) };
    let lock = table(&std::fs::read(&path).map_err(at(&path))?, &path)?;
    let packages: Vec<&toml::Value> =
        lock.get("package").and_then(toml::Value::as_array).into_iter().flatten().collect();
    let text = |package: &toml::Value, key: &str| {
        package.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned()
    };
    // A dependency is written `name`, and with its version where there are several of that name.
    let resolve = |dependency: &str| {
        let mut words = dependency.split(' ');
        let (name, version) = (words.next().unwrap_or_default().to_owned(), words.next().map(str::to_owned));
        packages.iter().find(move |package| {
            text(package, "name") == name
                && version.as_ref().is_none_or(|version| text(package, "version") == *version)
        })
    };
    let Some(root) = resolve(name) else { return Ok(None) };
    let mut parts = BTreeSet::new();
    let mut next = vec![*root];
    while let Some(package) = next.pop() {
        let dependencies = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
        for found in dependencies.filter_map(|name| resolve(name.as_str()?)) {
            if parts.insert((text(found, "name"), text(found, "version"))) {
                next.push(found);
            }
        }
    }
    Ok(Some(parts))
}

fn table(text: &[u8], path: &Path) -> Result<toml::Table> {
    toml::from_str(&String::from_utf8_lossy(text)).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> ToolError {
    ToolError::Case { path: path.to_owned(), message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_made_of_what_it_depends_on_and_not_of_its_neighbours() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("mine");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("Cargo.toml"), "[package]\nname = \"mine\"\n").unwrap();
        let lock = r#"
            [[package]]
            name = "mine"
            version = "0.1.0"
            dependencies = ["a", "b 2.0.0"]
            [[package]]
            name = "a"
            version = "1.0.0"
            dependencies = ["b 1.0.0"]
            [[package]]
            name = "b"
            version = "1.0.0"
            [[package]]
            name = "b"
            version = "2.0.0"
            dependencies = ["a"]
            [[package]]
            name = "neighbour"
            version = "3.0.0"
        "#;
        std::fs::write(dir.path().join("Cargo.lock"), lock).unwrap();
        let parts: Vec<String> = cargo(&folder)
            .unwrap()
            .unwrap()
            .into_iter()
            .map(|(name, version)| name + " " + &version)
            .collect();
        assert_eq!(parts, ["a 1.0.0", "b 1.0.0", "b 2.0.0"]);
    }
}
