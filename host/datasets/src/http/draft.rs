//! `POST` and `DELETE /datasets/{id}/draft`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use halle_http::{ApiResult, BaseUrl, Caller};

use crate::http::headers::answer;
use crate::state::Datasets;
use crate::views;

/// Publishes the draft.
pub(super) async fn publish(
    State(datasets): State<Datasets>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let dataset = datasets.publish_draft(&caller, &id).await?;
    let view = views::dataset(&dataset, &caller, &base.0);
    Ok(answer(&dataset, "validateDraft", None, Json(view)))
}

/// Drops the draft.
pub(super) async fn cancel(
    State(datasets): State<Datasets>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let dataset = datasets.cancel_draft(&caller, &id).await?;
    let view = views::dataset(&dataset, &caller, &base.0);
    Ok(answer(&dataset, "cancelDraft", None, Json(view)))
}
