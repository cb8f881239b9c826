//! `GET /ping` and `GET /vocabulary`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use halle_http::Caller;

use crate::error::DatasetsResult;
use crate::state::Datasets;
use crate::views;

/// `ok` when the store answers.
pub(super) async fn ping(State(datasets): State<Datasets>) -> DatasetsResult<&'static str> {
    datasets.store.check().await?;
    Ok("ok")
}

/// Concepts, in the client's language: the standard ones, then those of the active account.
pub(super) async fn vocabulary(
    State(datasets): State<Datasets>,
    caller: Caller,
    headers: HeaderMap,
) -> DatasetsResult<impl IntoResponse> {
    let private = match &caller.account {
        Some(account) => datasets.private_vocabulary(account).await?,
        None => Vec::new(),
    };
    Ok(Json(views::vocabulary(prefers_english(&headers), &private)))
}

/// Whether the client wants English: the cookie `i18n_lang`, else `Accept-Language`. French otherwise.
fn prefers_english(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cookie = text(header::COOKIE).split(';').find_map(|pair| pair.trim().strip_prefix("i18n_lang="));
    cookie.unwrap_or_else(|| text(header::ACCEPT_LANGUAGE)).to_ascii_lowercase().starts_with("en")
}
