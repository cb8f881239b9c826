//! The component's side: bindings generated from `wit/`, and the glue from each kind's trait to its exports.
//!
//! Host interfaces are generated once, in [`imports`]; a component ends up importing only those it calls.

pub mod catalog;
pub mod enricher;
pub mod imports;
pub mod processing;
pub mod remote_service;
pub mod visualisation;

pub use wit_bindgen::rt;

use serde_json::Value;

/// A JSON text from the host. It parses: the host made it, and the kinds' own types are checked elsewhere.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// A JSON value for the host; absent when null.
fn text(value: Option<Value>) -> Option<String> {
    value.filter(|value| !value.is_null()).map(|value| value.to_string())
}
