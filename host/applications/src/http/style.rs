//! `GET /applications/{id}/drawing.style.json`.

use axum::Json;
use axum::extract::{Path, State};
use halle_http::shapes::{OfOne, PluginFailed, WrongParameter};
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, Params};
use serde_json::Value;

use super::picture::{LookQuery, look};
use crate::Applications;
use crate::service::draw::not_drawn;
use crate::service::style::served;

/// The style of the interactive form of a map, with what the caller may read: MapLibre's style document, version 8, whose
/// sources are the datasets of this platform. 404 when the visualisation has none.
#[utoipa::path(get, path = "/data-fair/api/v1/applications/{id}/drawing.style.json", tag = "applications", operation_id = "readApplicationStyle",
    params(("id" = String, Path), LookQuery),
    responses((status = 200, description = "The style", body = Object, content_type = "application/json"),
        WrongParameter, OfOne, PluginFailed))]
pub(super) async fn style(
    State(applications): State<Applications>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let (_, drawn) = applications.draw(&caller, &id, &look(&params)?).await?;
    let style = drawn.style.ok_or_else(|| {
        ApiError::not_found("Cette visualisation n'a pas de style. This visualisation has no style.")
    })?;
    served(&style, &base.0).map(Json).map_err(|reason| not_drawn(&reason))
}
