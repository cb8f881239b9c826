//! Extensions that a line needs to be written at all (`mandatory`, reference §6.1): they are asked within the write.
//!
//! A source of values may take its time, and a transaction must not. So the write is decided twice: the first time it tells
//! which lines it would write; these are taken through the extensions outside of any transaction ([`Given::ask`]); the
//! second time it finds what they gave, or why a line is refused.
//!
//! Once one extension is mandatory, all are asked within the write, in their order. One that is not mandatory, and after
//! which no mandatory one comes, may be unreachable: then lines get the rest later, as without.

use std::collections::{HashMap, HashSet};

use halle_model::{Column, Dataset, Extension};
use halle_store::LineRecord;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::fill::{Problems, Within, fill};
use crate::enrich::EnrichError;
use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// Lines of one bulk request to a dataset with mandatory extensions (reference §1.7).
pub(in crate::service::write) const LINES_MAX: usize = 2_000;

/// Bytes of such a request.
pub(in crate::service::write) const REQUEST_BYTES_MAX: u64 = 200_000;

/// What extensions gave the lines of one write.
pub(in crate::service::write) struct Given {
    /// The extensions and columns for which this is so.
    extensions: Vec<Extension>,
    schema: Vec<Column>,
    /// By the values of the writer: what extensions give such a line, or why it is refused.
    known: HashMap<String, Result<Map<String, Value>, String>>,
    /// Whether some of it could not be had now.
    is_partial: bool,
}

impl Given {
    /// Whether the extensions of a dataset are asked within each write.
    pub fn is_needed(dataset: &Dataset) -> bool {
        dataset.extensions.iter().any(|extension| extension.active && extension.mandatory)
    }

    /// Nothing yet.
    pub fn none(dataset: &Dataset) -> Self {
        Self {
            extensions: dataset.extensions.clone(),
            schema: dataset.schema.clone(),
            known: HashMap::new(),
            is_partial: false,
        }
    }

    /// The same, as far as it is true of the dataset as it is now.
    pub fn of(self, dataset: &Dataset) -> Self {
        let columns = |schema: &[Column]| schema.iter().map(|column| column.key.clone()).collect::<Vec<_>>();
        let is_true =
            self.extensions == dataset.extensions && columns(&self.schema) == columns(&dataset.schema);
        if is_true { self } else { Self::none(dataset) }
    }

    /// Whether lines wait for some of their values after the write.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// What extensions give a line with these values: `None` when they were not asked, an error when the line is refused.
    pub fn get(&self, values: &Map<String, Value>) -> Option<Result<&Map<String, Value>, &str>> {
        self.known.get(&key(values)).map(|known| known.as_ref().map_err(String::as_str))
    }

    /// Asks the extensions of `dataset` for lines with these values. Fails when a mandatory one does not answer.
    pub async fn ask(
        &mut self,
        datasets: &Datasets,
        dataset: &Dataset,
        asked: Vec<Map<String, Value>>,
    ) -> DatasetsResult<()> {
        let mut seen = HashSet::new();
        let lines = asked.into_iter().filter(|values| seen.insert(key(values)));
        let given: Vec<LineRecord> =
            lines.map(|body| LineRecord { id: String::new(), i: 0, body, deleted: false }).collect();
        let mut lines = given.clone();
        let mut within = Within::default();
        // What is optional and fails is in the error column of the line.
        let (mut problems, cancel) = (Problems::default(), CancellationToken::new());
        fill(datasets, dataset, Some(&mut within), true, &mut lines, &mut problems, &cancel)
            .await
            .map_err(refused)?;
        self.is_partial |= within.is_partial;
        for (row, (before, mut after)) in given.into_iter().zip(lines).enumerate() {
            let answer = match within.refused.remove(&row) {
                Some(text) => Err(text),
                None => {
                    after.body.retain(|name, value| before.body.get(name) != Some(value));
                    Ok(after.body)
                }
            };
            self.known.insert(key(&before.body), answer);
        }
        Ok(())
    }
}

/// Lines with the same values get the same, in whatever order these came.
fn key(values: &Map<String, Value>) -> String {
    let mut sorted: Vec<(&String, &Value)> =
        values.iter().filter(|(name, _)| !name.starts_with('_')).collect();
    sorted.sort_by_key(|(name, _)| *name);
    serde_json::to_string(&sorted).unwrap_or_default()
}

fn refused(error: EnrichError) -> DatasetsError {
    match error {
        EnrichError::Invalid(text) => DatasetsError::BadRequest(text),
        EnrichError::Temporary(text) => DatasetsError::Remote(format!(
            "Une extension obligatoire n'a pas répondu, rien n'a été écrit ; réessayez. {text}"
        )),
        EnrichError::OverQuota { message, .. } => DatasetsError::over_quota(message),
        EnrichError::Cancelled => DatasetsError::internal(error),
    }
}
