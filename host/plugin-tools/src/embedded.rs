//! The SDK, the contract and the templates, carried by this program so that plugins can be begun anywhere.

use rust_embed::RustEmbed;

use crate::error::{Result, ToolError};
use crate::languages::Language;

#[derive(RustEmbed)]
#[folder = "../../plugin-sdk/rust/halle-plugin/"]
struct RustSdk;

#[derive(RustEmbed)]
#[folder = "../../plugin-sdk/rust/template/"]
struct RustTemplates;

#[derive(RustEmbed)]
#[folder = "../../plugin-sdk/javascript/halle-plugin/"]
struct JavaScriptSdk;

#[derive(RustEmbed)]
#[folder = "../../plugin-sdk/javascript/template/"]
struct JavaScriptTemplates;

#[derive(RustEmbed)]
#[folder = "../../plugin-sdk/javascript/toolchain/"]
struct JavaScriptToolchain;

#[derive(RustEmbed)]
#[folder = "../../wit/"]
struct Wit;

#[derive(RustEmbed)]
#[folder = "../../plugin-sdk/python/halle-plugin/"]
struct PythonSdk;

#[derive(RustEmbed)]
#[folder = "../../plugin-sdk/python/template/"]
struct PythonTemplates;

#[derive(RustEmbed)]
#[folder = "../../plugin-sdk/python/toolchain/"]
struct PythonToolchain;

/// A file of ours: path below its folder, content.
pub type File = (String, Vec<u8>);

/// The text of a package of the contract, such as `host`.
pub fn wit(package: &str) -> Result<String> {
    let path = format!("{package}/1/{package}.wit");
    let file =
        Wit::get(&path).ok_or_else(|| ToolError::Component(format!("{path} is missing in this program")))?;
    Ok(String::from_utf8_lossy(&file.data).into_owned())
}

/// What of the SDK of a language a plugin takes with it; for Rust, with the contract it is generated from in `wit/`.
pub fn sdk(language: Language) -> Vec<File> {
    match language {
        Language::Rust => {
            let wit = all::<Wit>("").into_iter().map(|(path, content)| (format!("wit/{path}"), content));
            let own = all::<RustSdk>("").into_iter().filter(|(path, _)| !path.starts_with("wit/"));
            own.chain(wit).collect()
        }
        Language::JavaScript => without_tests(all::<JavaScriptSdk>("")),
        Language::Python => without_tests(all::<PythonSdk>("")),
    }
}

fn without_tests(mut files: Vec<File>) -> Vec<File> {
    files.retain(|(path, _)| !path.starts_with("tests/"));
    files
}

/// The template of a kind in a language; empty when there is none.
pub fn template(language: Language, kind: &str) -> Vec<File> {
    let prefix = format!("{kind}/");
    match language {
        Language::Rust => all::<RustTemplates>(&prefix),
        Language::JavaScript => all::<JavaScriptTemplates>(&prefix),
        Language::Python => all::<PythonTemplates>(&prefix),
    }
}

/// What installs and drives the tools that build plugins in JavaScript.
///
/// That is what an engine has below `engine`, and what engines share.
pub fn javascript_toolchain(engine: &str) -> Vec<File> {
    let shared = all::<JavaScriptToolchain>("").into_iter().filter(|(path, _)| !path.contains('/'));
    shared.chain(all::<JavaScriptToolchain>(&format!("{engine}/"))).collect()
}

/// What installs the tools that build plugins in Python.
pub fn python_toolchain() -> Vec<File> {
    all::<PythonToolchain>("")
}

/// Every source below a prefix, by the rest of its path. What tools leave beside sources is none.
fn all<T: RustEmbed>(prefix: &str) -> Vec<File> {
    let left = ["target/", "node_modules/", "dist/", "build/", "__pycache__/"];
    let is_source = |path: &str| {
        path != "Cargo.lock"
            && !left.iter().any(|folder| path.starts_with(folder) || path.contains(&format!("/{folder}")))
    };
    let files = T::iter().filter_map(|path| {
        let name = path.strip_prefix(prefix).filter(|name| is_source(name))?.to_owned();
        Some((name, T::get(&path)?.data.into_owned()))
    });
    files.collect()
}
