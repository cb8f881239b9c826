//! Remote services as enrichments of datasets: extensions of `type: "remoteService"`.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use halle_base::AccountRef;
use halle_datasets::enrich::{
    EnrichContext, EnrichError, Enrichment, Enrichments, error_column, output_columns, with_errors,
};
use halle_extensions::host::{Call, Enriched, RemoteCall, RemoteOperation};
use halle_extensions::installed::usable;
use halle_extensions::manifest::PluginKind;
use halle_extensions::services::{EgressPolicy, HttpResponse, Services};
use halle_extensions::{Field, PluginError, Problem};
use halle_model::concept::canonical;
use halle_model::{Caller, Column, Extension};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::RemoteServices;
use crate::model::RemoteService;

/// Requests to one service at a time, per dataset.
const REQUESTS_AT_ONCE: usize = 4;

/// Requests to one service per minute.
const REQUESTS_PER_MINUTE_MAX: u32 = 6_000;

/// Bytes of one answer.
const RESPONSE_BYTES_MAX: u64 = 32 << 20;

/// Time for one request, in milliseconds (Data Fair: 10 s).
const REQUEST_MS_MAX: u32 = 10_000;

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
        let config = json!({
            "server": service.server, "operation": operation, "inputs": input_fields, "select": extension.select,
        });
        let secrets = Arc::default();
        let call = Call { plugin, config, secrets, services: Services::none(), cancel };
        let outputs = added_columns(extension, &operation, columns)?;
        let service = self.reachable(&service)?;
        let (services, id) = (self.clone(), operation.id);
        Ok(Box::new(RemoteEnrichment { services, service, call, operation: id, inputs, outputs }))
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

    /// What is needed to send requests to a service.
    fn reachable(&self, service: &RemoteService) -> Result<Reachable, EnrichError> {
        let url = Url::parse(&service.server).map_err(|error| EnrichError::Invalid(error.to_string()))?;
        let policy = EgressPolicy {
            origins: vec![url.origin().ascii_serialization()],
            methods: vec!["GET".to_owned(), "POST".to_owned()],
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

/// How a service is reached.
struct Reachable {
    policy: EgressPolicy,
    key: Option<(String, halle_base::Secret<String>)>,
}

/// An enrichment in progress.
struct RemoteEnrichment {
    services: RemoteServices,
    service: Reachable,
    call: Call,
    operation: String,
    inputs: Vec<(Field, usize)>,
    outputs: Vec<Column>,
}

#[async_trait]
impl Enrichment for RemoteEnrichment {
    fn outputs(&self) -> &[Column] {
        &self.outputs
    }

    async fn run(&mut self, rows: RecordBatch) -> Result<Enriched, EnrichError> {
        let projected = self.project(&rows)?;
        let mut call = self.call.clone();
        call.config["rows"] = json!(rows.num_rows());
        let plugins = &self.services.plugins;
        let calls = plugins.build_requests(call.clone(), &self.operation, projected).await.map_err(failed)?;
        let mut answered = Vec::with_capacity(calls.len());
        let mut responses = Vec::with_capacity(calls.len());
        let mut refused = Vec::new();
        for (remote, outcome) in self.send_all(calls).await? {
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
        let mut problems = parsed.problems;
        problems.extend(refused);
        problems.sort_by_key(|(row, _)| *row);
        Ok(Enriched { columns: with_errors(&parsed.columns, &problems)?, problems })
    }
}

impl RemoteEnrichment {
    /// The operation's inputs, in its order and under its names.
    fn project(&self, rows: &RecordBatch) -> Result<RecordBatch, EnrichError> {
        let invalid = |error: arrow::error::ArrowError| EnrichError::Invalid(error.to_string());
        let indices: Vec<usize> = self.inputs.iter().map(|(_, index)| *index).collect();
        let projected = rows.project(&indices).map_err(invalid)?;
        let projected_schema = projected.schema();
        let fields = self
            .inputs
            .iter()
            .zip(projected_schema.fields())
            .map(|((input, _), field)| field.as_ref().clone().with_name(&input.key).with_nullable(true));
        let schema = Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>()));
        projected.with_schema(schema).map_err(invalid)
    }

    /// Sends every request, a few at a time, and keeps their order. A service that refuses some rows does not stop the
    /// others; one that cannot be reached at all stops the job, which is tried again later.
    async fn send_all(
        &self,
        calls: Vec<RemoteCall>,
    ) -> Result<Vec<(RemoteCall, Result<HttpResponse, Problem>)>, EnrichError> {
        stream::iter(calls)
            .map(|remote| async move {
                if self.call.cancel.is_cancelled() {
                    return Err(EnrichError::Cancelled);
                }
                let mut request = remote.request.clone();
                request.timeout_ms = Some(request.timeout_ms.unwrap_or(REQUEST_MS_MAX).min(REQUEST_MS_MAX));
                if let Some((header, key)) = &self.service.key {
                    request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(header));
                    request.headers.push((header.clone(), key.reveal().clone()));
                }
                match self.services.egress.send(&self.service.policy, request).await {
                    Ok(response) if (200..300).contains(&response.status) => Ok((remote, Ok(response))),
                    Ok(response) if response.status == 429 || response.status >= 500 => {
                        let status = response.status;
                        Err(EnrichError::Temporary(format!(
                            "Le service distant a répondu par le statut {status}."
                        )))
                    }
                    Ok(response) => {
                        let message =
                            format!("le service distant a refusé la demande (statut {})", response.status);
                        Ok((remote, Err(Problem::new("remote/status", message))))
                    }
                    Err(problem) if problem.code.starts_with("denied/") => {
                        Err(EnrichError::Invalid(problem.message))
                    }
                    Err(problem) => Err(EnrichError::Temporary(problem.message)),
                }
            })
            .buffered(REQUESTS_AT_ONCE)
            .try_collect()
            .await
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
    let mut added: Vec<Column> = outputs.into_iter().map(|output| output.column).collect();
    added.push(error_column(extension, source));
    Ok(added)
}

fn failed(error: PluginError) -> EnrichError {
    match error {
        PluginError::Cancelled => EnrichError::Cancelled,
        error => EnrichError::Invalid(error.to_string()),
    }
}
