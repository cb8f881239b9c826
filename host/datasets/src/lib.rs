//! Datasets: catalogue, uploads, pipeline, journal, permissions; lines, aggregations, exports, edits; their OpenAPI
//! documents. HTTP-compatible with Data Fair.
//!
//! Where to look: `service/` has the use cases, a file per verb, and knows no HTTP; `http/` has a file per operation and
//! only translates; `jobs/` has a file per stage of the pipeline; `views` says what a caller sees of a dataset. Other
//! features use the methods of [`Datasets`], which check permissions like the routes do.
//!
//! **Invariant:** every use case takes the [`Caller`](halle_model::Caller) and asks
//! [`halle_model::permission::can`], near the load and before the first write.
//!
//! **Invariant:** a version is immutable. A new file builds the next version aside; readers switch in one transaction,
//! when it is whole. A crash at any point leaves the old version served and the job resumable.
//!
//! **Invariant:** what a caller may not list, it can neither count nor see in a facet: lists filter in the store.
//!
//! **Invariant:** the index is never the truth: it is rebuilt from canonical rows (files) or from SQL (edited lines).
//!
//! Start with [`Datasets`], then [`jobs`], then [`http::router`].

mod constraints;
pub(crate) mod documents;
pub mod enrich;
pub mod error;
pub mod http;
pub mod jobs;
pub mod openapi;
pub mod pictures;
pub mod rich_text;
pub(crate) mod rules;
pub mod service;
pub mod state;
pub mod views;

pub use enrich::{Enrichment, Enrichments};
pub use error::{DatasetsError, DatasetsResult};
pub use http::router;
pub use jobs::handlers;
pub use state::{Datasets, DatasetsConfig, DatasetsParts};
