//! Remote services as enrichments of datasets: extensions of `type: "remoteService"`.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::UInt32Array;
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_base::AccountRef;
use halle_datasets::enrich::{
    EnrichContext, EnrichError, Enrichment, Enrichments, error_column, output_columns, row_values, rows_of,
    with_errors,
};
use halle_extensions::host::{Call, Enriched, RemoteOperation};
use halle_extensions::installed::usable;
use halle_extensions::manifest::PluginKind;
use halle_extensions::metering::{InstanceKind, Subject};
use halle_extensions::services::{EgressPolicy, Requester, Services};
use halle_extensions::{Field, PluginError};
use halle_model::concept::canonical;
use halle_model::{Caller, Column, Extension};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::RemoteServices;
use crate::answers::{Answer, Answers};
use crate::model::RemoteService;
use crate::send::Reachable;

/// Rows between two times that answers are kept: a service that stops answering costs at most the answers to so many.
const ROWS_ASKED_AT_ONCE: usize = 1_000;

/// Requests to one service per minute, for one account.
const REQUESTS_PER_MINUTE_MAX: u32 = 6_000;

/// Bytes of one answer.
const RESPONSE_BYTES_MAX: u64 = 32 << 20;

#[async_trait]
impl Enrichments for RemoteServices {
    fn knows(&self, kind: &str) -> bool {
        kind == "remoteService"
    }

    async fn plan(
        &self,
        context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
    ) -> Result<Vec<Column>, EnrichError> {
        let (_, operation) = self.operation_of(&context.owner, extension).await?;
        inputs(&operation, columns)?;
        added_columns(extension, &operation, columns)
    }

    async fn open(
        &self,
        context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
        cancel: CancellationToken,
    ) -> Result<Box<dyn Enrichment>, EnrichError> {
        let (service, operation) = self.operation_of(&context.owner, extension).await?;
        let inputs = inputs(&operation, columns)?;
        let plugin =
            usable(&*self.installed, &service.plugin, PluginKind::RemoteService).await.map_err(failed)?;
        let input_fields: Vec<&Field> = inputs.iter().map(|(field, _)| field).collect();
        // With a key, what a service answers may depend on it, and on for whom it is used.
        let key = service.sealed_key.as_ref().map(|sealed| (sealed, context.owner.key()));
        let way = json!([
            service.server,
            operation.id,
            operation.details,
            operation.output,
            input_fields,
            extension.select,
            extension.overwrite,
            extension.prefix(),
            plugin.digest,
            key,
        ]);
        let answers = Answers::of(&service.id, &way);
        let config = json!({
            "server": service.server, "operation": operation, "inputs": input_fields, "select": extension.select,
        });
        let secrets = Arc::default();
        // Who has its lines enriched pays, not who configured the service.
        let subject = Subject::new(&plugin, &context.owner, InstanceKind::RemoteService, &service.id);
        let service = self.reachable(&service, subject.account.clone())?;
        let call = Call { plugin, subject, config, secrets, services: Services::none(), cancel };
        let outputs = added_columns(extension, &operation, columns)?;
        let named = |(field, index): &(Field, usize)| Column::new(&field.key, columns[*index].kind());
        let input_columns = inputs.iter().map(named).collect();
        let (services, operation) = (self.clone(), operation.id);
        Ok(Box::new(RemoteEnrichment {
            services,
            service,
            call,
            operation,
            inputs,
            input_columns,
            outputs,
            answers,
            patience: context.patience,
        }))
    }
}

impl RemoteServices {
    /// The service and its operation that an extension names, if the dataset's owner may use them.
    async fn operation_of(
        &self,
        owner: &AccountRef,
        extension: &Extension,
    ) -> Result<(RemoteService, RemoteOperation), EnrichError> {
        let id = extension.remote_service.as_deref().unwrap_or_default();
        let caller = Caller::platform_for(owner.clone());
        let service = self.permitted(&caller, id, "use").await;
        let service = service.map_err(|error| EnrichError::Invalid(error.to_string()))?.entity;
        let action = extension.action.as_deref().unwrap_or_default();
        let operation = service.operation(action).cloned().ok_or_else(|| {
            EnrichError::Invalid(format!("Le service « {} » n'a pas d'action « {action} ».", service.title))
        })?;
        Ok((service, operation))
    }

    /// What is needed to send requests to a service for an account.
    fn reachable(&self, service: &RemoteService, account: String) -> Result<Reachable, EnrichError> {
        let url = Url::parse(&service.server).map_err(|error| EnrichError::Invalid(error.to_string()))?;
        let policy = EgressPolicy {
            origins: vec![url.origin().ascii_serialization()],
            methods: vec!["GET".to_owned(), "POST".to_owned()],
            requester: Some(Requester { name: format!("remote-service:{}", service.id), account }),
            requests_per_minute_max: REQUESTS_PER_MINUTE_MAX,
            response_bytes_max: RESPONSE_BYTES_MAX,
        };
        let key = match (&service.key_header, &service.sealed_key) {
            (Some(header), Some(sealed)) => {
                let opened = self.vault.open(&service.purpose(), sealed);
                Some((header.clone(), opened.map_err(|error| EnrichError::Invalid(error.to_string()))?))
            }
            _ => None,
        };
        Ok(Reachable { policy, key })
    }
}

/// An enrichment in progress.
struct RemoteEnrichment {
    services: RemoteServices,
    service: Reachable,
    call: Call,
    operation: String,
    inputs: Vec<(Field, usize)>,
    /// The inputs as columns, of the kinds that the dataset has.
    input_columns: Vec<Column>,
    outputs: Vec<Column>,
    answers: Answers,
    /// How long one batch may wait for a service that wants to be asked later.
    patience: Duration,
}

#[async_trait]
impl Enrichment for RemoteEnrichment {
    fn outputs(&self) -> &[Column] {
        &self.outputs
    }

    /// Rows that ask the same are asked once; those that have nothing to ask with, never.
    async fn run(&mut self, rows: RecordBatch) -> Result<Enriched, EnrichError> {
        let until = Instant::now() + self.patience;
        let projected = self.project(&rows)?;
        let keys: Vec<Option<String>> = (0..rows.num_rows())
            .map(|row| self.key(&row_values(&self.input_columns, &projected, row)))
            .collect();
        let mut asked: IndexMap<&str, u32> = IndexMap::new();
        for (row, key) in keys.iter().enumerate() {
            if let Some(key) = key {
                asked.entry(key).or_insert(row as u32);
            }
        }
        let all: Vec<&str> = asked.keys().copied().collect();
        let mut known = self.answers.known(&self.services, &all).await;
        asked.retain(|key, _| !known.contains_key(*key));
        let asked: Vec<(&str, u32)> = asked.into_iter().collect();
        for asked in asked.chunks(ROWS_ASKED_AT_ONCE) {
            let rows = UInt32Array::from_iter_values(asked.iter().map(|(_, row)| *row));
            let unknown = take_record_batch(&projected, &rows).map_err(wrong_columns)?;
            let fresh = self.ask(unknown, until).await?;
            let fresh = asked.iter().map(|(key, _)| *key).zip(fresh);
            let (lasting, passing): (Vec<_>, Vec<_>) = fresh.partition(|(_, (_, is_lasting))| *is_lasting);
            let lasting: Vec<(&str, Answer)> =
                lasting.into_iter().map(|(key, (answer, _))| (key, answer)).collect();
            self.answers.keep(&self.services, lasting.iter().map(|(key, answer)| (*key, answer))).await;
            let passing = passing.into_iter().map(|(key, (answer, _))| (key, answer));
            known.extend(lasting.into_iter().chain(passing).map(|(key, answer)| (key.to_owned(), answer)));
        }
        let (mut values, mut problems) = (Vec::with_capacity(keys.len()), Vec::new());
        for (row, key) in keys.iter().enumerate() {
            let answer = key.as_ref().and_then(|key| known.get(key)).cloned().unwrap_or_default();
            problems.extend(answer.problem().map(|problem| (row as u32, problem)));
            values.push(answer.values);
        }
        let given = &self.outputs[..self.outputs.len() - 1];
        Ok(Enriched { columns: with_errors(&rows_of(given, values)?, &problems)?, problems })
    }
}

impl RemoteEnrichment {
    /// Under what the answer to a row is kept; `None` for a row without any input.
    fn key(&self, values: &Map<String, Value>) -> Option<String> {
        (!values.is_empty()).then(|| self.answers.key(&json!(values)))
    }

    /// What the service says of each row, and whether it would say so again: what it refused, it may take another time.
    async fn ask(&self, rows: RecordBatch, until: Instant) -> Result<Vec<(Answer, bool)>, EnrichError> {
        let count = rows.num_rows();
        let mut call = self.call.clone();
        call.config["rows"] = json!(count);
        let plugins = &self.services.plugins;
        let calls = plugins.build_requests(call.clone(), &self.operation, rows).await.map_err(failed)?;
        let mut answered = Vec::with_capacity(calls.len());
        let mut responses = Vec::with_capacity(calls.len());
        let mut refused = Vec::new();
        let service = &self.service;
        for (remote, outcome) in
            service.send_all(&*self.services.egress, &self.call.cancel, calls, until).await?
        {
            match outcome {
                Ok(response) => {
                    answered.push(remote);
                    responses.push(response);
                }
                Err(problem) => refused.extend(remote.rows.iter().map(|row| (*row, problem.clone()))),
            }
        }
        let parsed =
            plugins.parse_responses(call, &self.operation, answered, responses).await.map_err(failed)?;
        let given = &self.outputs[..self.outputs.len() - 1];
        if parsed.columns.num_rows() != count || parsed.columns.num_columns() != given.len() {
            let message =
                "L'adaptateur du service a répondu avec des colonnes ou un nombre de lignes inattendus.";
            return Err(EnrichError::Invalid(message.to_owned()));
        }
        let value = |row| (Answer { values: row_values(given, &parsed.columns, row), problem: None }, true);
        let mut answers: Vec<(Answer, bool)> = (0..count).map(value).collect();
        let told = parsed.problems.into_iter().map(|problem| (problem, true));
        for ((row, problem), is_lasting) in told.chain(refused.into_iter().map(|problem| (problem, false))) {
            if let Some((answer, lasts)) = answers.get_mut(row as usize) {
                answer.problem.get_or_insert((problem.code, problem.message));
                *lasts &= is_lasting;
            }
        }
        Ok(answers)
    }

    /// The operation's inputs, in its order and under its names.
    fn project(&self, rows: &RecordBatch) -> Result<RecordBatch, EnrichError> {
        let indices: Vec<usize> = self.inputs.iter().map(|(_, index)| *index).collect();
        let projected = rows.project(&indices).map_err(wrong_columns)?;
        let projected_schema = projected.schema();
        let fields = self
            .inputs
            .iter()
            .zip(projected_schema.fields())
            .map(|((input, _), field)| field.as_ref().clone().with_name(&input.key).with_nullable(true));
        let schema = Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>()));
        // Names differ from those of the dataset, so that `with_schema` would refuse.
        RecordBatch::try_new(schema, projected.columns().to_vec()).map_err(wrong_columns)
    }
}

/// Inputs of the operation that the dataset has, with the index of their column; all required ones must be there.
fn inputs(operation: &RemoteOperation, columns: &[Column]) -> Result<Vec<(Field, usize)>, EnrichError> {
    let mut found = Vec::new();
    for field in &operation.input {
        let Some(concept) = field.concept.as_deref().map(canonical) else { continue };
        let column =
            columns.iter().position(|column| column.refers_to.as_deref().map(canonical) == Some(concept));
        match column {
            Some(index) => found.push((field.clone(), index)),
            None if field.nullable => {}
            None => {
                let title = field.title.as_deref().unwrap_or(&field.key);
                let message = format!(
                    "Aucune colonne ne porte le concept « {title} » ({concept}), exigé par le service."
                );
                return Err(EnrichError::Invalid(message));
            }
        }
    }
    if found.is_empty() {
        let message =
            format!("Aucune colonne ne porte un concept d'entrée de l'action « {} ».", operation.title);
        return Err(EnrichError::Invalid(message));
    }
    Ok(found)
}

/// Columns that the extension adds: the selected outputs, then `{prefix}._error`, which says why a row has none.
fn added_columns(
    extension: &Extension,
    operation: &RemoteOperation,
    columns: &[Column],
) -> Result<Vec<Column>, EnrichError> {
    let source = extension.remote_service.as_deref().unwrap_or_default();
    let outputs = output_columns(extension, source, &operation.output, columns)?;
    let said = operation.details.as_ref().map_or(&Value::Null, |details| &details["columns"]);
    let mut added = Vec::with_capacity(outputs.len() + 1);
    for mut output in outputs {
        describe(&mut output.column, &said[&operation.output[output.index].key]);
        added.push(output.column);
    }
    added.push(error_column(extension, source));
    Ok(added)
}

/// Copies what the service says of an output beyond its kind, as far as it can be read and nobody said otherwise.
fn describe(column: &mut Column, said: &Value) {
    let text = |name: &str| said[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    column.description = column.description.take().or_else(|| text("description"));
    column.separator = text("separator");
    column.labels = serde_json::from_value(said["x-labels"].clone()).ok();
    if let Ok(capabilities) = serde_json::from_value(said["x-capabilities"].clone()) {
        column.capabilities = capabilities;
    }
}

fn wrong_columns(error: arrow::error::ArrowError) -> EnrichError {
    EnrichError::Invalid(error.to_string())
}

fn failed(error: PluginError) -> EnrichError {
    match error {
        PluginError::Cancelled => EnrichError::Cancelled,
        PluginError::OverQuota { message, until } => EnrichError::OverQuota { message, until },
        PluginError::Temporary(text) => EnrichError::Temporary(text),
        error => EnrichError::Invalid(error.to_string()),
    }
}
