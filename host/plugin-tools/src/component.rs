//! From a core module to a component, and what a component asks for.

use halle_extensions::manifest::PluginKind;
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, WorldItem, WorldKey};

use crate::embedded;
use crate::error::{Result, ToolError};

/// What a component imports and exports, as `halle:host/log@1.0.0`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surface {
    /// Interfaces it calls, those that only hold types left out.
    pub imports: Vec<String>,
    /// Interfaces it offers.
    pub exports: Vec<String>,
}

impl Surface {
    /// Whether an interface is imported, whatever its minor version.
    pub fn imports(&self, interface: &str) -> bool {
        self.imports.iter().any(|name| without_version(name) == interface)
    }
}

/// Makes a component of a core module that carries its contract in a custom section, as wit-bindgen writes it.
pub fn encode(module: &[u8]) -> Result<Vec<u8>> {
    let encoded =
        ComponentEncoder::default().validate(true).module(module).and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| ToolError::Component(format!("{error:#}")))
}

/// What a component imports and exports.
pub fn surface(component: &[u8]) -> Result<Surface> {
    let decoded =
        wit_component::decode(component).map_err(|error| ToolError::Component(format!("{error:#}")))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err(ToolError::Component("this is a WIT package, not a component".to_owned()));
    };
    Ok(of_world(&resolve, world))
}

/// What the world of a kind allows and demands, from the contract this program was built with.
pub fn world_of(kind: PluginKind) -> Result<Surface> {
    let mut resolve = Resolve::default();
    let (package, world) = names(kind);
    for package in ["base", "host", package] {
        let text = embedded::wit(package)?;
        resolve
            .push_str(format!("{package}.wit"), &text)
            .map_err(|error| ToolError::Component(format!("{error:#}")))?;
    }
    let found = resolve.worlds.iter().find(|(_, item)| item.name == world).map(|(id, _)| id);
    let id = found.ok_or_else(|| ToolError::Component(format!("the contract has no world {world}")))?;
    Ok(of_world(&resolve, id))
}

/// Package folder and world of a kind.
pub(crate) fn names(kind: PluginKind) -> (&'static str, &'static str) {
    match kind {
        PluginKind::CatalogConnector => ("catalog", "catalog-connector"),
        PluginKind::Processing => ("processing", "processing"),
        PluginKind::Enricher => ("enricher", "enricher"),
        PluginKind::Visualisation => ("visualisation", "visualisation"),
        PluginKind::RemoteService => ("remote-service", "remote-service"),
    }
}

fn of_world(resolve: &Resolve, world: wit_parser::WorldId) -> Surface {
    let world = &resolve.worlds[world];
    let calls = |item: &WorldItem| match item {
        WorldItem::Interface { id, .. } => !resolve.interfaces[*id].functions.is_empty(),
        WorldItem::Function(_) => true,
        WorldItem::Type { .. } => false,
    };
    let name = |key: &WorldKey| resolve.name_world_key(key);
    Surface {
        imports: world.imports.iter().filter(|(_, item)| calls(item)).map(|(key, _)| name(key)).collect(),
        exports: world.exports.iter().map(|(key, _)| name(key)).collect(),
    }
}

/// `halle:host/log` of `halle:host/log@1.0.0`.
pub fn without_version(interface: &str) -> &str {
    interface.split('@').next().unwrap_or(interface)
}
