//! Search and aggregation over the lines of a dataset: the query as data, Data Fair's parameters that say it, and the
//! port that answers it.
//!
//! Every syntax (`q`, `qs`, column filters, `bbox`) parses into one [`Query`]; an engine sees nothing else.
//!
//! **Invariant:** an index is never the truth. It is built from canonical rows or from edited lines, and can be thrown
//! away.
//!
//! **Invariant:** parameters are checked against the schema here, so that every engine gives the same error texts.
//!
//! Start with [`ast::Query`], then [`params`], then [`engine::SearchEngine`].

pub mod ast;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod engine;
pub mod geohash;
pub mod params;

pub use ast::{Query, SortKey};
pub use engine::{Index, IndexBuilder, IndexId, IndexSpec, SearchEngine, SearchError};
