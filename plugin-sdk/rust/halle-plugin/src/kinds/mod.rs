//! The five kinds of plugins, as traits.

pub mod catalog;
pub mod enricher;
pub mod processing;
pub mod remote_service;
pub mod visualisation;

use serde_json::Value;

use crate::problem::Problem;

/// A configuration, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The configuration to store.
    pub config: Value,
    /// Remarks for the person who configures; they do not prevent saving.
    pub notes: Vec<Problem>,
}

impl Prepared {
    /// The draft as it is.
    pub fn unchanged(config: Value) -> Self {
        Self { config, notes: Vec::new() }
    }
}

/// What the five export macros share: the component's exports on WebAssembly, a check of the trait elsewhere.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($plugin:ty, $kind:ident, $module:ident) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type HallePlugin = $crate::guest::$module::Glue<$plugin>;
            $crate::guest::$module::bindings::export!(HallePlugin with_types_in $crate::guest::$module::bindings);
        };
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn is_a_plugin<T: $crate::$kind>() {}
            is_a_plugin::<$plugin>();
        };
    };
}
