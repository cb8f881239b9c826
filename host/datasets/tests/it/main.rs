//! The feature over its real adapters: SQLite, a folder, tantivy.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with its test")]

mod accounts;
mod adapt;
mod aggs;
mod anonymity;
mod api_docs;
mod beside;
mod catalog;
mod concurrent;
mod constraints;
#[path = "../../../geo/tests/it/decode.rs"]
mod decode;
mod documents;
mod drafts;
mod editable;
mod editing;
mod enrichment;
mod errors;
mod exports;
mod expressions;
mod extending;
mod following;
mod formats;
mod geo_exports;
mod harness;
mod identities;
mod init_from;
mod lines;
mod list;
mod mandatory;
mod master_data;
mod notifications;
mod output;
mod patch;
mod permissions;
mod plugins;
#[path = "../../../store-sql/tests/it/postgres_server.rs"]
mod postgres_server;
mod read_key;
mod realtime;
mod references;
mod remote_files;
mod sites;
mod statistics;
mod table_schema;
mod thumbnails;
mod tiles;
mod transactions;
mod upload;
mod validation;
mod virtuals;
