//! `GET /datasets/{id}`.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use halle_http::conditional::{CacheFor, json};
use halle_http::{ApiResult, BaseUrl, Caller, Params, paging};
use serde_json::Value;

use crate::http::headers::answer;
use crate::http::seen::Seen;
use crate::rich_text::Rendering;
use crate::service::thumbnail::size_px;
use crate::views;

/// The description of a dataset; with `raw=true` without what is computed for the caller. `select` acts through its negative
/// items only.
pub(super) async fn describe(
    Seen(datasets): Seen,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let dataset = datasets.get(&caller, &id).await?;
    let mut view = views::dataset(&dataset, &caller, &base.0);
    if params.flag("raw") {
        view.retain(|name, _| !views::COMPUTED.contains(&name.as_str()));
    }
    let mut view = Value::Object(view);
    datasets.name_private_concepts(&dataset, &mut view["schema"]).await?;
    let negatives: Vec<&str> =
        params.list("select").into_iter().filter(|name| name.starts_with('-')).collect();
    let negatives = Params::parse(&format!("select={}", negatives.join(",")))?;
    paging::select(&mut view, &negatives, &[]);
    Rendering::new(params.get("html"), params.number("truncate")?).description(&mut view);
    size_thumbnail(&mut view, &params)?;
    let response = json(&headers, CacheFor::Nobody, &view)?;
    Ok(answer(&dataset, "readDescription", None, response))
}

/// Puts the size that `thumbnail=WxH` asks for into the address of the small picture, if there is one.
pub(super) fn size_thumbnail(view: &mut Value, params: &Params) -> ApiResult<()> {
    let Some(text) = params.get("thumbnail").filter(|text| !matches!(*text, "true" | "false")) else {
        return Ok(());
    };
    let (width, height) = size_px(text)?;
    if let Some(Value::String(address)) = view.get_mut("thumbnail") {
        address.push_str(&format!("?width={width}&height={height}"));
    }
    Ok(())
}
