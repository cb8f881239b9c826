//! OpenAPI 3.1 documents: what this feature adds to the platform's ([`part`]), and one per dataset ([`dataset`]).
//!
//! A dataset's document depends on its columns and on who asks, so both kinds are built as JSON, from the same small
//! pieces ([`pieces`]). Operations are named after the permission they take.

mod account;
mod catalog;
mod check;
pub mod dataset;
mod description;
mod drafts;
mod editing;
mod extensions;
mod keys;
mod notifications;
mod parameters;
mod pieces;
mod platform;
mod references;

pub(crate) use catalog::catalog_document;
pub(crate) use check::check_document;
pub use platform::part;
pub(crate) use references::reference_document;
