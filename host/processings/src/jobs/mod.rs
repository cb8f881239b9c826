//! The job of the feature: one run.

mod finish;
mod log;
mod run;

pub(crate) use run::{RUN, RunHandler};
