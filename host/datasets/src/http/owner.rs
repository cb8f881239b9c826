//! `PUT /datasets/{id}/owner` and `GET /datasets/{id}/metadata-settings`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use halle_base::AccountRef;
use halle_http::{ApiResult, BaseUrl, Caller, JsonBody};
use halle_model::settings::DatasetsMetadata;

use crate::http::headers::answer;
use crate::state::Datasets;
use crate::views;

/// Gives the dataset to another account.
pub(super) async fn change_owner(
    State(datasets): State<Datasets>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    JsonBody(target): JsonBody<AccountRef>,
) -> ApiResult<Response> {
    let dataset = datasets.change_owner(&caller, &id, target).await?;
    let view = views::dataset(&dataset, &caller, &base.0);
    Ok(answer(&dataset, "changeOwner", None, Json(view)))
}

/// Which descriptive attributes the forms of the dataset's owner show.
pub(super) async fn metadata_settings(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<DatasetsMetadata>> {
    Ok(Json(datasets.metadata_settings(&caller, &id).await?))
}
