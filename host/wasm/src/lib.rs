//! The sandbox: plugins as WebAssembly components, run by wasmtime.
//!
//! [`WasmHost`] implements the port `halle_extensions::PluginHost`. A call takes the component of an installed package
//! ([`cache`]: compiled once, kept on disk), links it to the imports of its world and nothing else ([`admit`]), makes a fresh
//! store with its budgets ([`guest`], [`limits`]) and runs it on threads that only guests use ([`host`]). What a guest asks of
//! the host goes through [`interfaces`]; rows cross as columns ([`columns`]).
//!
//! **Invariant:** a guest runs nothing outside of [`limits::within`]: instantiation, exports, and what they call. Its own
//! destructors run only inside of its calls: dropping a store runs none.
//!
//! **Invariant:** no WASI and no other import: what is not in the world of its kind is refused at installation.
//!
//! **Invariant:** what comes out of a guest is checked before anything else sees it ([`columns::from_wit`], `convert`).
//!
//! **Invariant:** a call that began is recorded once, however it ends, with what it used (`guest::Guest::end`, which dropping does
//! too); nothing of it allocates or waits.
//!
//! **Invariant:** the value of a secret never enters a guest, a log or an error.
//!
//! Start with [`host::WasmHost`], then [`limits`].

mod admit;
mod bindings;
mod cache;
mod columns;
mod compiler;
mod convert;
mod engine;
mod guest;
mod host;
mod interfaces;
mod kinds;
mod limits;
mod outside;
mod priority;
mod redact;
mod turns;
mod weigh;

pub use compiler::{Compiler, CompilerLimits, compile_worker};
pub use host::{SANDBOX_FAILED, WasmConfig, WasmHost};
pub use turns::Readers;
