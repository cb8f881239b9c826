//! Enrichers: batches of rows in, columns out. Pure: no network, no clock, no chance.

use serde::de::DeserializeOwned;

use crate::columns::{Batch, Field};
use crate::problem::{Problem, Result};
use crate::rows::Rows;

/// What an enricher says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// Title for people.
    pub title: String,
    /// Inputs it can use. A dataset's column matches by concept, else by key.
    pub inputs: Vec<Field>,
}

/// What it will do with the columns of one dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Keys of the columns it needs; batches hold these, in this order.
    pub inputs: Vec<String>,
    /// Columns it adds.
    pub outputs: Vec<Field>,
}

/// The answer to one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The planned outputs, one row per row of the batch, in the same order.
    pub columns: Batch,
    /// Rows that could not be treated, and why.
    pub problems: Vec<(u32, Problem)>,
}

/// Adds columns to the rows of a dataset.
pub trait Enricher: Sized + 'static {
    /// The configuration; `serde_json::Value` if you do not care.
    type Config: DeserializeOwned;

    /// Says what it is.
    fn describe() -> Described;

    /// Decides what to read and what to add, before any row.
    fn plan(input: &[Field], config: &Self::Config) -> Result<Planned>;

    /// Begins a job. `input` are the fields of the planned inputs.
    fn open(input: &[Field], config: Self::Config) -> Result<Self>;

    /// Treats a batch. A problem fails the job: report single rows in [`Answer::problems`].
    fn run(&mut self, rows: &Rows<'_>) -> Result<Answer>;
}

/// Makes a type that implements [`Enricher`] the plugin of this crate.
#[macro_export]
macro_rules! export_enricher {
    ($plugin:ty) => {
        $crate::__export!($plugin, Enricher, enricher);
    };
}
