//! `DELETE /datasets/{id}`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_http::Caller;

use crate::error::DatasetsResult;
use crate::state::Datasets;

/// Deletes a dataset. 204.
pub(super) async fn delete(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
) -> DatasetsResult<StatusCode> {
    datasets.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
