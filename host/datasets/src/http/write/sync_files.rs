//! `POST /datasets/{id}/_sync_attachments_lines`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use halle_http::{ApiResult, Caller};

use crate::state::Datasets;

/// Makes the lines those of the files that are there.
pub(super) async fn sync(
    State(datasets): State<Datasets>,
    Path(id): Path<String>,
    caller: Caller,
) -> ApiResult<Response> {
    Ok(Json(datasets.sync_attachments(&caller, &id).await?).into_response())
}
