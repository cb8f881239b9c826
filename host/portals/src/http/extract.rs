//! A [`Visit`] from a request.

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header;
use axum::http::request::Parts;
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, Params};

use crate::lang::Lang;
use crate::visit::{LANG, Visit};

impl Visit {
    /// The visit of a request whose query may be broken: for the page that says so.
    pub(super) fn lenient(parts: &Parts) -> ApiResult<Self> {
        Self::of(parts, Params::parse(parts.uri.query().unwrap_or_default()).unwrap_or_default())
    }

    fn of(parts: &Parts, params: Params) -> ApiResult<Self> {
        let outside = || ApiError::internal("a page is mounted outside the layers of caller and base URL");
        let base = parts.extensions.get::<BaseUrl>().ok_or_else(outside)?.0.to_string();
        let caller = parts.extensions.get::<Caller>().ok_or_else(outside)?.0.clone();
        let after_scheme = base.split_once("://").map_or("", |(_, rest)| rest);
        let root = after_scheme.split_once('/').map_or(String::new(), |(_, path)| format!("/{path}"));
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let path = uri.path().to_owned();
        Ok(Self { caller, lang: language(parts, &params), base, root, path, params })
    }
}

/// `?lang=`, else the cookie that an earlier choice left, else what the browser prefers, else French.
fn language(parts: &Parts, params: &Params) -> Lang {
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut cookies = text(header::COOKIE).split(';');
    let cookie = || cookies.find_map(|pair| pair.trim().strip_prefix("i18n_lang=").and_then(Lang::of_tag));
    let asked = params.get(LANG).and_then(Lang::of_tag);
    asked.or_else(cookie).or_else(|| Lang::accepted(text(header::ACCEPT_LANGUAGE))).unwrap_or_default()
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Self::of(parts, Params::parse(parts.uri.query().unwrap_or_default())?)
    }
}
