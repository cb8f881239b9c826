//! Calling a plugin as the platform would, kind by kind. Each answers with what cases compare, as JSON.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use halle_extensions::host::{Call, Enriched, NamedRows, Output, Publication, Published};
use halle_extensions::manifest::PluginKind;
use halle_extensions::services::EgressPolicy;
use halle_extensions::{Field, PluginHost, PluginResult};
use serde::de::DeserializeOwned;
use serde_json::{Value, json, to_value};

use super::fakes::World;
use super::file::Case;
use super::tables;

/// Requests per minute to a service, when exchanges are recorded.
const REQUESTS_PER_MINUTE_MAX: u32 = 600;

/// Bytes of an answer of a service, when exchanges are recorded.
const RESPONSE_BYTES_MAX: u64 = 16 << 20;

/// Runs a case. The outer error is a case that makes no sense; the inner one is the plugin's.
pub async fn run(
    case: &Case,
    call: Call,
    world: &World,
    host: &dyn PluginHost,
) -> Result<PluginResult<Value>, String> {
    match (call.plugin.manifest.plugin.kind, case.call.as_deref()) {
        (PluginKind::Processing | PluginKind::CatalogConnector, Some("prepare")) => {
            let draft = call.config.clone();
            let prepared = host.prepare(call, draft).await;
            Ok(prepared.map(|prepared| json!({ "answer": json(&prepared) })))
        }
        (PluginKind::Processing, None) => {
            let outcome = host.run_processing(call, case.trigger.clone()).await;
            Ok(outcome.map(|outcome| json!({ "outcome": json(&outcome) })))
        }
        (PluginKind::CatalogConnector, Some(name)) => connector(name, case, call, host).await,
        (PluginKind::CatalogConnector, None) => {
            Err("`call` is missing: browse, fetch, publish, unpublish or prepare".to_owned())
        }
        (PluginKind::Enricher, _) => enricher(case, call, host).await,
        (PluginKind::Visualisation, _) => visualisation(case, call, host).await,
        (PluginKind::RemoteService, _) => remote_service(case, call, world, host).await,
        (_, Some(name)) => Err(format!("`call`: this kind has no `{name}`")),
    }
}

/// What a type of ours is as JSON.
fn json(value: &impl serde::Serialize) -> Value {
    to_value(value).unwrap_or_default()
}

fn argument<T: DeserializeOwned>(case: &Case, name: &str) -> Result<T, String> {
    let value = case.args.get(name).cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|error| format!("args.{name}: {error}"))
}

fn enriched(enriched: &Enriched) -> Value {
    let problems = enriched
        .problems
        .iter()
        .map(|(row, problem)| json!({ "row": row, "code": problem.code, "message": problem.message }));
    json!({ "rows": tables::rows(&enriched.columns), "problems": problems.collect::<Vec<_>>() })
}

/// The columns of a batch that a plugin asked for, in its order.
fn chosen(batch: &RecordBatch, fields: &[Field]) -> Result<RecordBatch, String> {
    let indices: Result<Vec<usize>, _> =
        fields.iter().map(|field| batch.schema().index_of(&field.key)).collect();
    indices.and_then(|indices| batch.project(&indices)).map_err(|error| error.to_string())
}

async fn enricher(case: &Case, call: Call, host: &dyn PluginHost) -> Result<PluginResult<Value>, String> {
    let batch = tables::batch(&case.fields, &case.rows)?;
    let mut enricher = match host.enricher(call, &case.fields).await {
        Ok(enricher) => enricher,
        Err(error) => return Ok(Err(error)),
    };
    let batch = chosen(&batch, enricher.inputs())?;
    Ok(enricher.run(batch).await.map(|answer| enriched(&answer)))
}

async fn visualisation(
    case: &Case,
    call: Call,
    host: &dyn PluginHost,
) -> Result<PluginResult<Value>, String> {
    let queries = match host.visualisation_queries(call.clone()).await {
        Ok(queries) => queries,
        Err(error) => return Ok(Err(error)),
    };
    let mut data = Vec::new();
    for table in &case.data {
        let rows = tables::batch(&table.fields, &table.rows)?;
        data.push(NamedRows { name: table.name.clone(), schema: table.fields.clone(), rows });
    }
    let rendered = host.render(call, data, case.context.clone()).await;
    Ok(rendered.map(|rendered| {
        let picture = match rendered.output {
            Output::Svg(text) | Output::Html(text) => text,
            Output::VegaLite(document) | Output::Vega(document) => document.to_string(),
        };
        json!({ "queries": json(&queries), "alt": rendered.alt, "picture": picture, "table": rendered.table })
    }))
}

async fn remote_service(
    case: &Case,
    mut call: Call,
    world: &World,
    host: &dyn PluginHost,
) -> Result<PluginResult<Value>, String> {
    let operations = match host.operations(call.clone(), case.document.clone()).await {
        Ok(operations) => operations,
        Err(error) => return Ok(Err(error)),
    };
    let Some(wanted) = &case.operation else { return Ok(Ok(json!({ "operations": json(&operations) }))) };
    let operation = operations.iter().find(|operation| operation.id == *wanted);
    let operation = operation.ok_or_else(|| format!("operation: the document has no `{wanted}`"))?;
    let used: Vec<Field> = operation
        .input
        .iter()
        .filter(|field| case.rows.iter().any(|row| row.get(&field.key).is_some()))
        .cloned()
        .collect();
    let rows = tables::batch(&used, &case.rows)?;
    let server = case.server.as_deref().ok_or("server: the address of the service is missing")?;
    call.config = json!({ "server": server, "operation": json(operation), "inputs": json(&used), "select": case.select, "rows": case.rows.len() });
    let calls = match host.build_requests(call.clone(), wanted, rows).await {
        Ok(calls) => calls,
        Err(error) => return Ok(Err(error)),
    };
    // The platform asks the service that an administrator named, and nobody else.
    let policy = EgressPolicy {
        origins: vec![server.to_owned()],
        methods: vec!["GET".to_owned(), "POST".to_owned()],
        requester: None,
        requests_per_minute_max: REQUESTS_PER_MINUTE_MAX,
        response_bytes_max: RESPONSE_BYTES_MAX,
    };
    let mut responses = Vec::new();
    for call in &calls {
        let response = world.exchange(&policy, call.request.clone()).await;
        responses.push(response.map_err(|problem| problem.message)?);
    }
    let answer = host.parse_responses(call, wanted, calls, responses).await;
    Ok(answer.map(|answer| {
        let mut all = enriched(&answer);
        all["operations"] = json(&operations);
        all
    }))
}

async fn connector(
    name: &str,
    case: &Case,
    call: Call,
    host: &dyn PluginHost,
) -> Result<PluginResult<Value>, String> {
    let connector = host.connector(call);
    let answer = match name {
        "browse" => {
            let (folder, q): (Option<String>, Option<String>) =
                (argument(case, "folder")?, argument(case, "q")?);
            let page = argument::<Option<u32>>(case, "page")?.unwrap_or(1);
            let size = argument::<Option<u32>>(case, "size")?.unwrap_or(10);
            let filters = case.args.get("filters").cloned().unwrap_or_else(|| json!({}));
            connector
                .browse(folder.as_deref(), q.as_deref(), page, size, filters)
                .await
                .map(|listing| json(&listing))
        }
        "fetch" => {
            let id: String = argument(case, "id")?;
            let options = case.args.get("options").cloned().unwrap_or_else(|| json!({}));
            match connector.fetch(&id, options).await {
                Err(error) => Err(error),
                Ok(fetched) => {
                    let file = Arc::clone(&fetched.file);
                    let body = tokio::fs::read(file.path()).await.map_err(|error| error.to_string())?;
                    let body = String::from_utf8_lossy(&body).into_owned();
                    Ok(
                        json!({ "name": fetched.name, "etag": fetched.etag, "metadata": fetched.metadata, "body": body }),
                    )
                }
            }
        }
        "publish" => {
            let current: Option<Publication> = argument(case, "current")?;
            let dataset: Value = argument(case, "dataset")?;
            connector
                .publish(dataset, current.unwrap_or_default())
                .await
                .and_then(Published::whole)
                .map(|publication| json(&publication))
        }
        "unpublish" => {
            let current: Publication = argument(case, "current")?;
            connector.unpublish(current).await.map(|()| Value::Null)
        }
        unknown => return Err(format!("`call`: a connector has no `{unknown}`")),
    };
    Ok(answer.map(|answer| json!({ "answer": answer })))
}
