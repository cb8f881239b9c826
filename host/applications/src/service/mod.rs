//! Use cases, a file per verb.

pub mod draw;
pub(crate) mod edit;
pub(crate) mod find;
mod keys;
pub(crate) mod style;

pub use edit::NewApplication;
