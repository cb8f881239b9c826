//! `POST /datasets/{id}/user-notification`.

use axum::Json;
use axum::extract::{Path, State};
use halle_http::{Caller, JsonBody};
use halle_model::notification::{NewNotification, Notification};

use crate::error::DatasetsResult;
use crate::state::Datasets;

/// Tells those who follow the dataset what the caller has to say.
pub(super) async fn notify(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(written): JsonBody<NewNotification>,
) -> DatasetsResult<Json<Notification>> {
    Ok(Json(datasets.send_notification(&caller, &id, written).await?))
}
