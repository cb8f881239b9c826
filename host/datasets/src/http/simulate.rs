//! `POST /datasets/{id}/_simulate-extension`.

use axum::Json;
use axum::extract::{Path, Query, State};
use halle_http::{Caller, JsonBody};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::DatasetsResult;
use crate::state::Datasets;

/// Parameters.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// Whether columns of several values are arrays.
    #[serde(default)]
    arrays: bool,
}

/// The line with what the extensions would add to it.
pub(super) async fn simulate(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
    JsonBody(line): JsonBody<Map<String, Value>>,
) -> DatasetsResult<Json<Map<String, Value>>> {
    Ok(Json(datasets.simulate_extension(&caller, &id, line, parameters.arrays).await?))
}
