//! `GET /datasets/{id}/read-api-key`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use halle_http::Caller;
use serde::Serialize;

use crate::error::DatasetsResult;
use crate::http::headers::answer;
use crate::state::Datasets;

/// The keys, in clear.
#[derive(Serialize)]
struct Keys {
    current: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

/// The key to use, and the one before as long as it works.
pub(super) async fn get(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
) -> DatasetsResult<Response> {
    let (dataset, key) = datasets.read_key(&caller, &id).await?;
    let keys = Keys { current: key.current, previous: key.previous };
    let mut response = answer(&dataset, "getReadApiKey", None, Json(keys));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
