//! World `remote-service`. The configuration of a call says which operation it is for: see `build` in
//! `wit/remote-service/1`.

use arrow::record_batch::RecordBatch;
use halle_extensions::host::{Call, Enriched, RemoteCall, RemoteOperation};
use halle_extensions::services::HttpResponse;
use halle_extensions::{Field, PluginError, PluginResult};
use serde_json::Value;

use crate::admit::Ready;
use crate::bindings::remote_service::exports::halle::remote_service::adapter as wit;
use crate::columns;
use crate::convert::{fields_from_wit, one_line, optional_json, row_problems_from_wit};
use crate::host::{Inner, wrong_kind};
use crate::interfaces::http::{request_from_wit, request_to_wit, response_to_wit};
use crate::limits::bad_answer;
use crate::weigh::Weigh;

const OPERATIONS_MAX: usize = 500;
const COLUMNS_MAX: usize = 200;
const TEXT_BYTES_MAX: usize = 1 << 10;

/// Operations of a service.
pub async fn operations(inner: &Inner, call: Call, document: Value) -> PluginResult<Vec<RemoteOperation>> {
    let (limits, document) = (call.plugin.limits, document.to_string());
    inner
        .once(call, limits, move |store, ready| {
            Box::pin(async move {
                let Ready::RemoteService(pre) = ready else { return wrong_kind() };
                let world = pre.instantiate_async(&mut *store).await?;
                store.data_mut().gave(document.weight());
                match world.halle_remote_service_adapter().call_from_openapi(&mut *store, &document).await? {
                    Ok(operations) => {
                        let weight = |one: &wit::Operation| {
                            one.input.weight() + one.output.weight() + one.details.weight()
                        };
                        store.data_mut().took(operations.iter().map(weight).sum());
                        operations_from_wit(operations).map(Ok)
                    }
                    Err(problem) => Ok(Err(problem)),
                }
            })
        })
        .await
}

fn operations_from_wit(operations: Vec<wit::Operation>) -> wasmtime::Result<Vec<RemoteOperation>> {
    if operations.len() > OPERATIONS_MAX {
        return Err(bad_answer(format!("{} operations, more than {OPERATIONS_MAX}", operations.len())));
    }
    let mut known: Vec<RemoteOperation> = Vec::with_capacity(operations.len());
    for operation in operations {
        let id = one_line(&operation.id, TEXT_BYTES_MAX);
        if id.is_empty() || known.iter().any(|other| other.id == id) {
            return Err(bad_answer(format!("the operation `{id}` is there twice, or has no identifier")));
        }
        known.push(RemoteOperation {
            title: one_line(&operation.title, TEXT_BYTES_MAX),
            input: fields_from_wit(operation.input, COLUMNS_MAX, "the input of an operation")?,
            output: fields_from_wit(operation.output, COLUMNS_MAX, "the output of an operation")?,
            max_rows_per_request: operation.max_rows_per_request.max(1),
            details: optional_json(operation.details.as_deref(), "details of an operation")?,
            id,
        });
    }
    Ok(known)
}

/// Fields of the operation that the configuration holds, under `input` or `output`.
fn declared(config: &Value, side: &str) -> PluginResult<Vec<Field>> {
    let declared = config.pointer(&format!("/operation/{side}")).cloned().unwrap_or_default();
    serde_json::from_value(declared).map_err(|error| {
        PluginError::Unavailable(format!(
            "`operation.{side}` of the call's configuration cannot be read: {error}"
        ))
    })
}

/// Outputs that an answer holds: those selected, or all.
fn outputs(config: &Value) -> PluginResult<Vec<Field>> {
    let mut outputs = declared(config, "output")?;
    let selected = config.get("select").and_then(Value::as_array).filter(|selected| !selected.is_empty());
    if let Some(selected) = selected {
        outputs.retain(|field| selected.iter().any(|key| key.as_str() == Some(&field.key)));
    }
    Ok(outputs)
}

/// Requests that carry a batch.
pub async fn build(
    inner: &Inner,
    mut call: Call,
    operation: &str,
    rows: RecordBatch,
) -> PluginResult<Vec<RemoteCall>> {
    let mut inputs = declared(&call.config, "input")?;
    // Those that the rows have, as they have them.
    inputs.retain_mut(|field| {
        let held =
            rows.column_by_name(&field.key).map(|column| columns::kind_held(column.data_type(), field.kind));
        held.map(|kind| field.kind = kind).is_some()
    });
    if let Some(config) = call.config.as_object_mut() {
        config.insert("inputs".to_owned(), serde_json::to_value(&inputs).unwrap_or_default());
    }
    let batch = columns::to_wit(&rows, &inputs)
        .map_err(|error| PluginError::Unavailable(format!("the rows do not fit the operation: {error}")))?;
    let (limits, config, operation) = (call.plugin.limits, call.config.to_string(), operation.to_owned());
    inner
        .once(call, limits, move |store, ready| {
            Box::pin(async move {
                let Ready::RemoteService(pre) = ready else { return wrong_kind() };
                let world = pre.instantiate_async(&mut *store).await?;
                let adapter = world.halle_remote_service_adapter();
                store.data_mut().gave(batch.weight() + config.weight());
                match adapter.call_build(&mut *store, &operation, &batch, &config).await? {
                    Ok(calls) => {
                        store.data_mut().took(calls.iter().map(|call| call.request.weight()).sum());
                        calls_from_wit(calls, rows.num_rows()).map(Ok)
                    }
                    Err(problem) => Ok(Err(problem)),
                }
            })
        })
        .await
}

/// Calls whose rows are in the batch, each row in one call at most.
fn calls_from_wit(calls: Vec<wit::Call>, rows: usize) -> wasmtime::Result<Vec<RemoteCall>> {
    let mut seen = vec![false; rows];
    let mut checked = Vec::with_capacity(calls.len().min(rows));
    for call in calls {
        for row in &call.rows {
            match seen.get_mut(*row as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => {
                    return Err(bad_answer(format!(
                        "row {row} is in two calls, or not in the batch of {rows}"
                    )));
                }
            }
        }
        if call.rows.is_empty() {
            return Err(bad_answer("a call carries no row"));
        }
        let (request, auth) = request_from_wit(call.request);
        checked.push(RemoteCall { rows: call.rows, request, auth });
    }
    Ok(checked)
}

/// Columns from the answers. `rows` of the configuration is the number of rows of the batch.
pub async fn parse(
    inner: &Inner,
    call: Call,
    operation: &str,
    calls: Vec<RemoteCall>,
    responses: Vec<HttpResponse>,
) -> PluginResult<Enriched> {
    if calls.len() != responses.len() {
        let message = format!("{} answers for {} calls", responses.len(), calls.len());
        return Err(PluginError::Unavailable(message));
    }
    let outputs = outputs(&call.config)?;
    let rows = call.config.get("rows").and_then(Value::as_u64).and_then(|rows| usize::try_from(rows).ok());
    let (limits, config, operation) = (call.plugin.limits, call.config.to_string(), operation.to_owned());
    let calls: Vec<wit::Call> = calls
        .into_iter()
        .map(|call| wit::Call { rows: call.rows, request: request_to_wit(call.request, call.auth) })
        .collect();
    let responses: Vec<wit::Response> = responses.into_iter().map(response_to_wit).collect();
    inner
        .once(call, limits, move |store, ready| {
            Box::pin(async move {
                let Ready::RemoteService(pre) = ready else { return wrong_kind() };
                let world = pre.instantiate_async(&mut *store).await?;
                let adapter = world.halle_remote_service_adapter();
                let requests = calls.iter().map(|call| call.request.weight()).sum::<u64>();
                store.data_mut().gave(requests + responses.weight() + config.weight());
                match adapter.call_parse(&mut *store, &operation, &calls, &responses, &config).await? {
                    Ok(answer) => {
                        store.data_mut().took(answer.columns.weight());
                        let columns =
                            columns::from_wit(answer.columns, &outputs, rows).map_err(bad_answer)?;
                        let problems = row_problems_from_wit(answer.problems, columns.num_rows())?;
                        Ok(Ok(Enriched { columns, problems }))
                    }
                    Err(problem) => Ok(Err(problem)),
                }
            })
        })
        .await
}
