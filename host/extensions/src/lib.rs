//! What a plugin may be: manifest, package, grants, registry, and the five kinds as traits.
//!
//! The platform talks to plugins only through [`host::PluginHost`]; that guests are WebAssembly components is known to
//! the `wasm` crate alone. What guests may ask of the platform comes in through the traits of [`services`].
//!
//! **Invariant:** a plugin gets what its manifest asks *and* an administrator granted, never more ([`grants`]).
//!
//! **Invariant:** content hash is identity: a digest names one package for ever.
//!
//! **Invariant:** every call is somebody's, and what it used is kept account of ([`metering`]).
//!
//! Start with [`manifest::Manifest`], then [`host::PluginHost`].

pub mod again;
pub mod check;
pub mod config;
pub mod credential;
pub mod grants;
pub mod host;
pub mod installed;
pub mod instance;
pub mod manifest;
pub mod metering;
pub mod package;
mod prepared;
pub mod registry;
pub mod services;
pub mod state;
pub mod types;
pub mod uses;
pub mod vault;

pub use host::PluginHost;
pub use types::{Field, PluginError, PluginResult, Problem};
