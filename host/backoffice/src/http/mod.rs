//! `/admin/`: the built files, and the application's document for every other path below it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use halle_http::conditional::{is_not_modified, not_modified, weak_etag};

/// Name and bytes of every built file; empty when there was no bundle at compile time.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The document of the application.
const DOCUMENT: &str = "index.html";

/// Where files live whose names hold a hash of their content.
const HASHED: &str = "assets/";

/// Screens with a form drawn from a JSON Schema. The form library compiles schemas, so their documents may do so.
const FORMS: &str = "forms/";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

const FORMS_POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; \
                            img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
                            form-action 'self'; frame-ancestors 'none'";

/// A built file, ready to send.
struct Asset {
    bytes: &'static [u8],
    etag: String,
    media_type: &'static str,
}

type Assets = Arc<HashMap<&'static str, Asset>>;

/// Routes of the back office, with full paths. Answers are compressed by the layers around it.
pub fn router() -> Router {
    serve(FILES)
}

fn serve(files: &[(&'static str, &'static [u8])]) -> Router {
    let asset = |&(name, bytes): &(&'static str, &'static [u8])| {
        (name, Asset { bytes, etag: weak_etag(bytes), media_type: media_type(name) })
    };
    let assets: Assets = Arc::new(files.iter().map(asset).collect());
    Router::new()
        .route("/admin", get(|| std::future::ready(Redirect::permanent("/admin/"))))
        .route("/admin/", get(document))
        .route("/admin/{*path}", get(file))
        .with_state(assets)
}

async fn document(State(assets): State<Assets>, headers: HeaderMap) -> Response {
    answer(&assets, "", &headers)
}

async fn file(State(assets): State<Assets>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    answer(&assets, &path, &headers)
}

fn answer(assets: &Assets, path: &str, request: &HeaderMap) -> Response {
    let policy = HeaderValue::from_static(if path.starts_with(FORMS) { FORMS_POLICY } else { POLICY });
    let is_hashed = path.starts_with(HASHED);
    // A path that is no file is a screen. A hashed file that is gone is not: a document in its place would be run.
    let found = assets.get(path).or_else(|| if is_hashed { None } else { assets.get(DOCUMENT) });
    let Some(asset) = found else {
        return if is_hashed { StatusCode::NOT_FOUND.into_response() } else { missing(policy) };
    };
    let mut response = if is_not_modified(request, Some(&asset.etag), None) {
        not_modified()
    } else {
        ([(header::CONTENT_TYPE, asset.media_type)], asset.bytes).into_response()
    };
    let kept = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// The page of a binary without the bundle.
fn missing(policy: HeaderValue) -> Response {
    let media_type = HeaderValue::from_static("text/html; charset=utf-8");
    let headers = [(header::CONTENT_TYPE, media_type), (header::CONTENT_SECURITY_POLICY, policy)];
    (StatusCode::SERVICE_UNAVAILABLE, headers, include_str!("missing.html")).into_response()
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    const BUNDLE: &[(&str, &[u8])] =
        &[("index.html", b"<!doctype html>"), ("assets/app-1a2b.js", b"start()"), ("icon.svg", b"<svg/>")];

    async fn get_from(files: &[(&'static str, &'static [u8])], path: &str, etag: &str) -> Response {
        let request = Request::get(path).header(header::IF_NONE_MATCH, etag).body(Body::empty());
        serve(files).oneshot(request.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn screens_get_the_document_and_hashed_files_are_kept() {
        for path in ["/admin/", "/admin/datasets/abc", "/admin/forms/processings"] {
            let response = get_from(BUNDLE, path, "").await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        }
        let script = get_from(BUNDLE, "/admin/assets/app-1a2b.js", "").await;
        assert_eq!(script.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        let etag = script.headers()[header::ETAG].to_str().unwrap().to_owned();
        let again = get_from(BUNDLE, "/admin/assets/app-1a2b.js", &etag).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn a_script_of_an_older_build_is_gone_not_a_document() {
        let response = get_from(BUNDLE, "/admin/assets/app-0000.js", "").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn only_forms_may_compile_text() {
        for (path, allowed) in
            [("/admin/datasets", false), ("/admin/", false), ("/admin/forms/catalogs", true)]
        {
            let response = get_from(BUNDLE, path, "").await;
            let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert_eq!(policy.contains("unsafe-eval"), allowed, "{path}");
        }
    }

    #[tokio::test]
    async fn without_a_bundle_the_page_says_how_to_add_it() {
        let response = get_from(&[], "/admin/", "").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let page = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(String::from_utf8_lossy(&page).contains("cargo xtask ui"));
    }
}
