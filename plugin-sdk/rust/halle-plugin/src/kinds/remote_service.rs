//! Adapters of remote services: rows in, requests out; answers in, rows out. The host makes the requests.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::builder::BatchBuilder;
use crate::columns::Field;
pub use crate::kinds::enricher::Answer;
use crate::messages::{Request, Response};
use crate::problem::Result;
use crate::rows::Rows;

/// What an adapter says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// Title for people.
    pub title: String,
    /// Descriptions of services it understands: `openapi-3.0`, `openapi-3.1`.
    pub formats: Vec<String>,
}

/// An operation that can enrich rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Identifier, unique in the document.
    pub id: String,
    /// Title for people.
    #[serde(default)]
    pub title: String,
    /// Inputs, with their concepts.
    pub input: Vec<Field>,
    /// Outputs, with their concepts.
    pub output: Vec<Field>,
    /// Rows that one request may carry.
    #[serde(default = "one")]
    pub max_rows_per_request: u32,
    /// What the adapter wants to find again at `build` and `parse`.
    #[serde(default)]
    pub details: Option<Value>,
}

fn one() -> u32 {
    1
}

/// Which service, which operation, for which columns.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Base URL of the service.
    pub server: String,
    /// The operation, as the adapter described it.
    pub operation: Operation,
    /// Fields of the batch: inputs of the operation for which the dataset has a column.
    #[serde(default)]
    pub inputs: Vec<Field>,
    /// Wanted outputs; empty for all.
    #[serde(default)]
    pub select: Vec<String>,
    /// Name of the secret that authorises requests.
    #[serde(default)]
    pub auth: Option<String>,
    /// Rows of the batch; told when answers are read.
    #[serde(default)]
    pub rows: u32,
}

impl Service {
    /// The outputs that are wanted, in the order of the operation.
    pub fn outputs(&self) -> Vec<Field> {
        let wanted = |field: &&Field| self.select.is_empty() || self.select.contains(&field.key);
        self.operation.output.iter().filter(wanted).cloned().collect()
    }

    /// The answer for a batch, from what was found for each of its rows: values by key of output, or why there are none.
    /// A value that is not of its output's kind is left out, and told on its row.
    pub fn answer(&self, found: Vec<Result<Map<String, Value>>>) -> Result<Answer> {
        let outputs = self.outputs();
        let mut columns = BatchBuilder::new(&outputs);
        let mut problems = Vec::new();
        for (row, found) in (0..).zip(found) {
            match found {
                Ok(values) => {
                    let value = |field: &Field| values.get(&field.key).unwrap_or(&Value::Null);
                    let values: Vec<&Value> = outputs.iter().map(value).collect();
                    let refused = columns.push_json(&values)?;
                    problems.extend(refused.into_iter().next().map(|problem| (row, problem)));
                }
                Err(problem) => {
                    columns.push_missing()?;
                    problems.push((row, problem));
                }
            }
        }
        Ok(Answer { columns: columns.finish(), problems })
    }
}

/// A request that carries some rows of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Indexes of the rows in the batch.
    pub rows: Vec<u32>,
    /// The request.
    pub request: Request,
}

/// Turns a service into enrichments.
pub trait RemoteService: 'static {
    /// Says what it is.
    fn describe() -> Described;

    /// Operations of a service described by an OpenAPI 3 document, those that cannot enrich left out.
    fn operations(document: Value) -> Result<Vec<Operation>>;

    /// Requests that carry a batch.
    fn build(service: &Service, rows: &Rows<'_>) -> Result<Vec<Call>>;

    /// Columns from the answers, one response per call, in order.
    fn parse(service: &Service, calls: &[Call], responses: &[Response]) -> Result<Answer>;
}

/// Makes a type that implements [`RemoteService`] the plugin of this crate.
#[macro_export]
macro_rules! export_remote_service {
    ($plugin:ty) => {
        $crate::__export!($plugin, RemoteService, remote_service);
    };
}
