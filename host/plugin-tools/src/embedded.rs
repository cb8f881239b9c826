//! The SDK, the contract and the templates, carried by this program so that plugins can be begun anywhere.

use rust_embed::RustEmbed;

use crate::error::{Result, ToolError};

#[derive(RustEmbed)]
#[folder = "../../plugin-sdk/rust/halle-plugin/"]
struct Sdk;

#[derive(RustEmbed)]
#[folder = "../../plugin-sdk/rust/template/"]
struct Templates;

#[derive(RustEmbed)]
#[folder = "../../wit/"]
struct Wit;

/// A file of ours: path below its folder, content.
pub type File = (String, Vec<u8>);

/// The text of a package of the contract, such as `host`.
pub fn wit(package: &str) -> Result<String> {
    let path = format!("{package}/1/{package}.wit");
    let file =
        Wit::get(&path).ok_or_else(|| ToolError::Component(format!("{path} is missing in this program")))?;
    Ok(String::from_utf8_lossy(&file.data).into_owned())
}

/// The crate `halle-plugin`, with the contract it is generated from in `wit/`.
pub fn sdk() -> Vec<File> {
    let own = Sdk::iter().filter(|path| !path.starts_with("wit/") && !path.starts_with("target/"));
    let sdk = own.filter_map(|path| Some((path.to_string(), Sdk::get(&path)?.data.into_owned())));
    let wit =
        Wit::iter().filter_map(|path| Some((format!("wit/{path}"), Wit::get(&path)?.data.into_owned())));
    sdk.chain(wit).collect()
}

/// The template of a kind; empty when there is none.
pub fn template(kind: &str) -> Vec<File> {
    let prefix = format!("{kind}/");
    let names = Templates::iter().filter_map(|path| path.strip_prefix(&prefix).map(str::to_owned));
    let is_source = |path: &String| !path.starts_with("target/") && path != "Cargo.lock";
    names
        .filter(is_source)
        .filter_map(|path| Some((path.clone(), Templates::get(&format!("{kind}/{path}"))?.data.into_owned())))
        .collect()
}
