//! Use cases, a file per verb. No HTTP here.

pub(crate) mod attachments;
pub(crate) mod attributes;
pub(crate) mod columns;
pub mod create;
pub mod delete;
pub(crate) mod diagnostics;
pub(crate) mod extensions;
pub mod files;
pub mod full;
pub mod journal;
pub mod list;
pub mod load;
pub(crate) mod names;
pub mod patch;
pub mod permissions;
pub mod read;
pub(crate) mod recent;
pub mod reindex;
pub mod replace;
pub mod schema;
pub(crate) mod schema_patch;
pub mod wait;
pub mod write;
