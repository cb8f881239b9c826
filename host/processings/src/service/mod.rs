//! Use cases, a file per verb.

mod edit;
mod find;
mod run;

pub(crate) use edit::{NewProcessing, Patch};
