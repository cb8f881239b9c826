//! Routes of the public pages.

mod errors;
mod extract;
mod files;
mod pages;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use halle_http::cookies::{CookieScope, SetCookie};
use halle_http::{ApiError, ApiResult};
use serde::Serialize;

use crate::Portals;
use crate::templates::{Head, css_name};
use crate::visit::{LANG, Visit};

/// What a page may load: its style sheet, pictures of producers, and nothing that runs.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data: https:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The same, for a page that may stand in a frame of any site.
const FRAME_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data: https:; form-action 'self'; \
                            base-uri 'none'; frame-ancestors *";

/// All public pages, from the site's root, with the page for addresses that nothing answers as fallback. They expect
/// the layers of `halle_http` around them: authentication and base URL.
pub fn router(portals: Portals) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/datasets", get(pages::catalogue))
        .route("/datasets/{dataset}", get(pages::dataset))
        .route("/datasets/{dataset}/embed", get(pages::embed))
        .route("/accessibility", get(pages::accessibility))
        .route("/robots.txt", get(files::robots))
        .route("/sitemap.xml", get(files::sitemap))
        .route(&format!("/portal-assets/{}", css_name()), get(files::css))
        .fallback(errors::nothing)
        .layer(from_fn_with_state(portals.clone(), errors::as_pages))
        .with_state(portals)
}

impl Portals {
    /// A rendered page, never kept by shared caches: it depends on who looks.
    fn page(&self, visit: &Visit, template: &str, head: &Head, view: &impl Serialize) -> ApiResult<Response> {
        self.page_with(visit, StatusCode::OK, template, head, view)
    }

    fn page_with(
        &self,
        visit: &Visit,
        status: StatusCode,
        template: &str,
        head: &Head,
        view: &impl Serialize,
    ) -> ApiResult<Response> {
        let html = self.templates().render(template, &self.title, visit, head, view);
        let html = html.map_err(|error| ApiError::internal(format!("{error:#}")))?;
        let mut response = (status, Html(html)).into_response();
        let headers = response.headers_mut();
        let policy = if template == "embed.html" { FRAME_POLICY } else { POLICY };
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-language, cookie"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(visit.lang.code()));
        if visit.params.get(LANG).is_some() {
            let cookie = SetCookie::new("i18n_lang", visit.lang.code());
            CookieScope::of(&visit.base).set(headers, &cookie);
        }
        Ok(response)
    }
}
