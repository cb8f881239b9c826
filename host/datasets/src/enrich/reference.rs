//! Enrichments by datasets of reference: extensions whose remote service is `dataset:{id}` (reference §3.5, §6.2).
//!
//! **Invariant:** whether the reference may be read is decided when it is planned with and again when it is opened, for the
//! owner of the extended dataset; and for whoever declares the extension, by [`Datasets::check_references`]. Nobody sees
//! through an extension what they may not read. All of them mean the same dataset: a reference is named by its identifier.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use halle_base::AccountRef;
use halle_extensions::host::Enriched;
use halle_extensions::{Field, Problem};
use halle_model::concept::canonical;
use halle_model::{Caller, Column, ColumnKind, Dataset, Extension};
use indexmap::IndexSet;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{EnrichError, Enrichment, error_column, field_of, output_columns, rows_of, with_errors};
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::load::require_identified;
use crate::service::master_data::{Lookup, bulk_searches};
use crate::service::write::batch;
use crate::state::Datasets;

/// Questions asked of the index at the same time.
const LOOKUPS: usize = 4;

/// Bytes of questions and answers that one job remembers: the same value often stands in many rows.
const REMEMBERED_BYTES_MAX: usize = 16 << 20;

/// How an extension uses a reference.
struct Plan {
    /// Identifier of the search.
    search: String,
    /// What each question has: key in the search, position and kind of the column that gives it.
    inputs: Vec<(String, usize, ColumnKind)>,
    /// Keys of the columns of the reference, in the order of `columns`.
    outputs: Vec<String>,
    /// The columns that are added, the one of errors last.
    columns: Vec<Column>,
}

/// What the reference has for a question, or why it has nothing.
type Answer = Result<Map<String, Value>, String>;

impl Datasets {
    /// The columns that an extension adds to a dataset of `owner` with `columns`, from the reference `id`.
    pub(super) async fn plan_reference(
        &self,
        owner: &AccountRef,
        id: &str,
        extension: &Extension,
        columns: &[Column],
    ) -> Result<Vec<Column>, EnrichError> {
        let caller = Caller::account_itself(owner.clone());
        let reference = self.seeing_published().load_identified(&caller, id, "readLines").await;
        let reference = reference.map_err(|error| refused(id, &error))?;
        Ok(plan(&reference, extension, columns)?.columns)
    }

    /// Opens the reference `id` for batches that hold `columns`.
    pub(super) async fn open_reference(
        &self,
        owner: &AccountRef,
        id: &str,
        extension: &Extension,
        columns: &[Column],
        cancel: CancellationToken,
    ) -> Result<Box<dyn Enrichment>, EnrichError> {
        let caller = Caller::account_itself(owner.clone());
        let reading = self.seeing_published().open(&caller, id, "readLines").await;
        let reading = reading.map_err(|error| refused(id, &error))?;
        require_identified(reading.dataset(), id).map_err(|error| refused(id, &error))?;
        let plan = plan(reading.dataset(), extension, columns)?;
        let lookup = Lookup::new(reading, &plan.search, Some(&plan.outputs.join(",")));
        let lookup = lookup.map_err(|error| refused(id, &error))?;
        Ok(Box::new(ReferenceEnrichment { plan, lookup, cancel, remembered: HashMap::new(), bytes: 0 }))
    }

    /// Refuses references that `caller`, or the owner of the extended dataset, may not read, and those that would be told
    /// of their own changes for ever.
    pub(crate) async fn check_references(
        &self,
        caller: &Caller,
        dataset: &Dataset,
        extensions: &[Extension],
    ) -> DatasetsResult<()> {
        let owner = Caller::account_itself(dataset.owner.clone());
        for id in extensions.iter().filter_map(Extension::reference) {
            if id == dataset.id {
                let message = "Un jeu de données ne peut pas être sa propre donnée de référence.";
                return Err(DatasetsError::bad_request(message));
            }
            for reader in [caller, &owner] {
                self.load_identified(reader, id, "readLines").await.map_err(|error| match error {
                    DatasetsError::BadRequest(_) => error,
                    _ => DatasetsError::bad_request(format!(
                        "La donnée de référence \"{id}\" n'existe pas, ou vous, ou le propriétaire de ce jeu de données, ne \
                         pouvez pas la lire."
                    )),
                })?;
            }
        }
        self.check_not_circular(&dataset.id, extensions, dataset.union.as_ref()).await
    }
}

/// How `extension` uses `reference` for a dataset with `columns`, or why it cannot.
fn plan(reference: &Dataset, extension: &Extension, columns: &[Column]) -> Result<Plan, EnrichError> {
    let title = &reference.title;
    let found = extension
        .reference_search()
        .and_then(|search| bulk_searches(reference).into_iter().find(|described| described.id == search));
    let Some(search) = found else {
        let action = extension.action.as_deref().unwrap_or_default();
        let message = format!("La donnée de référence « {title} » n'a pas d'action « {action} ».");
        return Err(EnrichError::Invalid(message));
    };
    let service = extension.remote_service.as_deref().unwrap_or_default();
    let inputs = search.input.iter().map(|input| found_by_concept(input, columns));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let fields: Vec<Field> = search.output.iter().map(field_of).collect();
    let outputs = output_columns(extension, service, &fields, columns)?;
    let mut added: Vec<Column> = Vec::with_capacity(outputs.len() + 1);
    let mut keys = Vec::with_capacity(outputs.len());
    for output in outputs {
        let source = &search.output[output.index];
        keys.push(source.key.clone());
        added.push(described(output.column, source));
    }
    added.push(error_column(extension, service));
    Ok(Plan { search: search.id, inputs, outputs: keys, columns: added })
}

/// The first column that has the concept of an input.
fn found_by_concept(input: &Column, columns: &[Column]) -> Result<(String, usize, ColumnKind), EnrichError> {
    let label = input.label();
    let Some(concept) = input.refers_to.as_deref().map(canonical) else {
        let message = format!(
            "L'entrée « {label} » de la donnée de référence n'a pas de concept : il en faut un pour trouver la colonne qui lui \
             correspond."
        );
        return Err(EnrichError::Invalid(message));
    };
    let has_it = |column: &Column| column.refers_to.as_deref().map(canonical) == Some(concept);
    let found = columns.iter().position(has_it).ok_or_else(|| {
        EnrichError::Invalid(format!(
            "Aucune colonne ne porte le concept « {label} » ({concept}), exigé par la donnée de référence."
        ))
    })?;
    Ok((input.key.clone(), found, columns[found].kind()))
}

/// The column that is added, with what the reference says of its values. Rules for writers stay with the reference.
fn described(added: Column, source: &Column) -> Column {
    Column {
        json_type: source.json_type.clone(),
        format: source.format.clone(),
        description: added.description.or_else(|| source.description.clone()),
        group: source.group.clone(),
        capabilities: source.capabilities,
        display: source.display.clone(),
        labels: source.labels.clone(),
        separator: source.separator.clone(),
        time_zone: source.time_zone.clone(),
        ..added
    }
}

/// A refusal of the reference, as a journal tells it.
fn refused(id: &str, error: &DatasetsError) -> EnrichError {
    match error {
        DatasetsError::NotFound(_) | DatasetsError::Api(_) => EnrichError::Invalid(format!(
            "La donnée de référence \"{id}\" n'existe pas, ou le propriétaire de ce jeu de données ne peut pas la lire \
             (permission readLines)."
        )),
        DatasetsError::BadRequest(text)
        | DatasetsError::Missing(text)
        | DatasetsError::NotImplemented(text) => {
            EnrichError::Invalid(format!("Donnée de référence \"{id}\" : {text}"))
        }
        error => EnrichError::Temporary(format!("Donnée de référence \"{id}\" : {error}")),
    }
}

/// An enrichment in progress.
struct ReferenceEnrichment {
    plan: Plan,
    lookup: Lookup,
    cancel: CancellationToken,
    /// Answers already had, by question.
    remembered: HashMap<String, Arc<Answer>>,
    /// About as many bytes as `remembered` takes.
    bytes: usize,
}

#[async_trait]
impl Enrichment for ReferenceEnrichment {
    fn outputs(&self) -> &[Column] {
        &self.plan.columns
    }

    async fn run(&mut self, rows: RecordBatch) -> Result<Enriched, EnrichError> {
        let questions: Vec<Option<String>> =
            (0..rows.num_rows()).map(|row| self.question(&rows, row)).collect();
        let mut answers: HashMap<String, Arc<Answer>> = HashMap::new();
        let mut unknown = IndexSet::new();
        for question in questions.iter().flatten() {
            match self.remembered.get(question) {
                Some(known) => drop(answers.insert(question.clone(), Arc::clone(known))),
                None => drop(unknown.insert(question.clone())),
            }
        }
        let asked = stream::iter(unknown).map(|question| self.ask(question)).buffered(LOOKUPS);
        let fresh: Vec<(String, Arc<Answer>)> = asked.try_collect().await?;
        answers.extend(fresh.iter().cloned());
        let of_rows = questions.iter().map(|question| question.as_deref().and_then(|text| answers.get(text)));
        let enriched = self.columns(&of_rows.collect::<Vec<_>>())?;
        self.remember(fresh);
        Ok(enriched)
    }
}

impl ReferenceEnrichment {
    /// What a row asks, as JSON; `None` for a row that has nothing to ask with.
    fn question(&self, rows: &RecordBatch, row: usize) -> Option<String> {
        let values = self.plan.inputs.iter().filter_map(|(key, column, kind)| {
            let value = batch::value(*kind, rows.column(*column).as_ref(), row);
            let value = value.filter(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()))?;
            Some((key.clone(), value))
        });
        let question: Map<String, Value> = values.collect();
        (!question.is_empty()).then(|| Value::Object(question).to_string())
    }

    async fn ask(&self, question: String) -> Result<(String, Arc<Answer>), EnrichError> {
        if self.cancel.is_cancelled() {
            return Err(EnrichError::Cancelled);
        }
        let values: Map<String, Value> = serde_json::from_str(&question).map_err(machine)?;
        let answer = self.lookup.answer(&values).await.map_err(machine)?;
        Ok((question, Arc::new(answer)))
    }

    /// The added columns, and the rows for which there is no line.
    fn columns(&self, answers: &[Option<&Arc<Answer>>]) -> Result<Enriched, EnrichError> {
        let mut rows = Vec::with_capacity(answers.len());
        let mut problems = Vec::new();
        for (row, answer) in answers.iter().enumerate() {
            let mut body = Map::new();
            match answer.map(Arc::as_ref) {
                Some(Ok(found)) => {
                    for (key, column) in self.plan.outputs.iter().zip(&self.plan.columns) {
                        body.extend(found.get(key).map(|value| (column.key.clone(), value.clone())));
                    }
                }
                Some(Err(text)) => problems.push((row as u32, Problem::new("reference/no-line", text))),
                None => {}
            }
            rows.push(body);
        }
        let given = &self.plan.columns[..self.plan.outputs.len()];
        let values = rows_of(given, rows)?;
        Ok(Enriched { columns: with_errors(&values, &problems)?, problems })
    }

    fn remember(&mut self, fresh: Vec<(String, Arc<Answer>)>) {
        for (question, answer) in fresh {
            let bytes = match answer.as_ref() {
                Ok(found) => found.iter().map(|(key, value)| key.len() + value.to_string().len()).sum(),
                Err(text) => text.len(),
            };
            self.bytes += question.len() + bytes;
            if self.bytes > REMEMBERED_BYTES_MAX {
                self.remembered.clear();
                self.bytes = question.len() + bytes;
            }
            self.remembered.insert(question, answer);
        }
    }
}

fn machine(error: impl std::fmt::Display) -> EnrichError {
    EnrichError::Temporary(error.to_string())
}
