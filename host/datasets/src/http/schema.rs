//! `GET /datasets/{id}/schema` and `/safe-schema`.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use halle_http::conditional::{CacheFor, json};
use halle_http::{ApiError, ApiResult, Caller, Params};

use crate::http::headers::answer;
use crate::http::seen::Seen;
use crate::service::schema::{SchemaQuery, schema as schema_of};
use crate::state::Datasets;

/// The columns, filtered.
pub(super) async fn schema(
    Seen(datasets): Seen,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    respond(&datasets, &caller, &id, "readSchema", &headers, parse(&params, false)?).await
}

/// The columns, without what the data tell.
pub(super) async fn safe_schema(
    Seen(datasets): Seen,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    respond(&datasets, &caller, &id, "readSafeSchema", &headers, parse(&params, true)?).await
}

async fn respond(
    datasets: &Datasets,
    caller: &halle_model::Caller,
    id: &str,
    operation: &str,
    headers: &HeaderMap,
    query: SchemaQuery,
) -> ApiResult<Response> {
    let dataset = datasets.load(caller, id, operation).await?;
    let mut columns = schema_of(&dataset, &query)?;
    datasets.name_private_concepts(&dataset, &mut columns).await?;
    let response = json(headers, CacheFor::Nobody, &columns)?;
    Ok(answer(&dataset, operation, None, response))
}

fn parse(params: &Params, safe: bool) -> ApiResult<SchemaQuery> {
    let texts = |name: &str| params.list(name).into_iter().map(str::to_owned).collect();
    let choice = |name: &str| match params.get(name) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => {
            let message = format!("Le paramètre \"{name}\" vaut \"true\" ou \"false\", pas \"{other}\".");
            Err(ApiError::bad_request(message))
        }
    };
    Ok(SchemaQuery {
        types: texts("type"),
        formats: texts("format"),
        with_values: params.flag("enum"),
        with_concept: params.flag("concept"),
        calculated: choice("calculated")?,
        extension: choice("extension")?,
        single_valued: params.get("separator") == Some("false"),
        capability: params.get("capability").map(str::to_owned),
        cardinality_max: params.number("maxCardinality")?.map(|max| max as u64),
        mime_type: params.get("mimeType").map(|name| name.replace(' ', "+")),
        arrays: params.flag("arrays"),
        safe,
    })
}
