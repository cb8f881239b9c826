//! The feature over its real adapters: SQLite, a folder, tantivy.

mod aggs;
mod api_docs;
mod editable;
mod enrichment;
mod errors;
mod exports;
mod harness;
mod lines;
mod list;
mod patch;
mod permissions;
mod upload;
