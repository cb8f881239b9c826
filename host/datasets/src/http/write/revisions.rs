//! `GET /datasets/{id}/revisions` and `GET /datasets/{id}/lines/{line}/revisions`.

use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::response::Response;
use halle_http::conditional::{self, CacheFor};
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, Params};
use serde_json::json;

use crate::http::headers::about;
use crate::http::read::next;
use crate::http::target::Target;
use crate::service::write::history::{Asked, REVISIONS_PER_PAGE_MAX};
use crate::state::Datasets;

/// Revisions of a page, unless `size` says otherwise.
const SIZE_DEFAULT: u32 = 12;

/// A page of revisions, newest first, of one line or of all.
pub(super) async fn list(
    State(datasets): State<Datasets>,
    target: Target,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    base: BaseUrl,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let line = Some(target.line.as_str()).filter(|line| !line.is_empty());
    let operation = target.operation(match line {
        Some(_) => ["readLineRevisions", "readOwnLineRevisions"],
        None => ["readRevisions", "readOwnRevisions"],
    });
    let size = params.number("size")?.map_or(Ok(SIZE_DEFAULT), |size| {
        let size = u32::try_from(size).ok().filter(|size| *size <= REVISIONS_PER_PAGE_MAX);
        size.ok_or_else(|| {
            ApiError::bad_request(format!("\"size\" cannot be more than {REVISIONS_PER_PAGE_MAX}"))
        })
    })?;
    let before = match params.get("before").map(str::parse) {
        None => None,
        Some(Ok(before)) => Some(before),
        Some(Err(_)) => return Err(ApiError::bad_request("\"before\" must be the \"_i\" of a revision")),
    };
    let asked = Asked { operation, line, owner: target.owner.as_ref(), before, size };
    let page = datasets.revisions(&caller, &target.id, asked).await?;
    let mut body = json!({ "total": page.total, "results": page.results });
    if let Some(before) = page.next {
        body["next"] = next::address(&base, &uri, &params, &[("before", &before.to_string())]).into();
    }
    let mut response = conditional::json(&headers, CacheFor::Nobody, &body)?;
    response.headers_mut().extend(about(&page.dataset, operation, None));
    Ok(response)
}
