//! Use cases, a file per verb.

mod edit;
mod find;
pub(crate) mod run;

pub(crate) use edit::{NewProcessing, Patch};
