//! Write plugins for Halle.
//!
//! A plugin implements the trait of its kind and names the type in a macro:
//!
//! | kind | trait | macro |
//! |---|---|---|
//! | columns from columns | [`Enricher`] | [`export_enricher!`] |
//! | work on a schedule | [`Processing`] | [`export_processing!`] |
//! | exchange with another catalogue | [`CatalogConnector`] | [`export_catalog_connector!`] |
//! | pictures from data | [`Visualisation`] | [`export_visualisation!`] |
//! | enrichment through an API | [`RemoteService`] | [`export_remote_service!`] |
//!
//! Compiled to WebAssembly, [`host`] calls the platform. Compiled natively, it is answered by [`testing`], so that
//! `cargo test` runs the logic of a plugin without WebAssembly.
//!
//! **Invariant:** the types of [`types`] and [`messages`] are those of the contract, field by field: nothing is copied at
//! the border.
//!
//! Start with the trait of your kind, then [`Rows`] and [`BatchBuilder`], or [`http`]. [`schema`] writes the configuration's
//! schema. Two formats are behind features of the crate: `csv` and `xml`.

extern crate self as halle_plugin;

mod builder;
mod by_column;
mod columns;
pub mod config;
#[cfg(feature = "csv")]
pub mod csv;
pub mod dates;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod guest;
pub mod http;
mod kinds;
pub mod messages;
#[cfg(not(target_family = "wasm"))]
mod native;
mod problem;
mod rows;
mod run;
pub mod schema;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod texts;
#[cfg(feature = "xml")]
pub mod xml;

pub use builder::BatchBuilder;
pub use columns::{Batch, Column, ColumnData, Field, Kind, Texts};
pub use kinds::Prepared;
pub use kinds::catalog::{self, CatalogConnector};
pub use kinds::enricher::{self, Enricher};
pub use kinds::processing::{self, Processing};
pub use kinds::remote_service::{self, RemoteService};
pub use kinds::visualisation::{self, Visualisation};
pub use problem::{Problem, Result};
pub use rows::{Cell, Reader, Rows};
pub use run::{check_cancelled, debug, error, info, warn};
pub use {serde, serde_json};

/// What the host offers, as the contract names it: the functions are documented in `wit/host/1/host.wit`.
pub mod host {
    #[cfg(target_family = "wasm")]
    pub use crate::guest::imports::halle::host::{
        blobs, cancel, config, datasets, http, log, progress, reference, secrets, source, state,
    };
    #[cfg(not(target_family = "wasm"))]
    pub use crate::native::{
        blobs, cancel, config, datasets, http, log, progress, reference, secrets, source, state,
    };
}

/// Types of the contract (`wit/base/1`), under the names that generated bindings look for.
pub mod types {
    pub use crate::columns::{Batch, Column, ColumnData, Field, Texts};
    pub use crate::problem::Problem;

    /// A JSON text.
    pub type Json = String;
}
