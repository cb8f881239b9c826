//! Layers around all routes: CORS, request identifier with access log, security headers.

use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use halle_base::{SystemDice, new_id};
use tower_http::cors::{Any, CorsLayer};
use tracing::Instrument;

use crate::client_ip::ClientIp;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of a request identifier that a client or proxy may choose.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// Any origin may read what anybody may read; credentials stay with the own origin (reference §1.2).
pub fn cors() -> CorsLayer {
    let exposed = ["x-resource", "x-owner", "x-operation", "x-request-id", "etag", "last-modified", "link"];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        .allow_headers(Any)
        .expose_headers(exposed.map(HeaderName::from_static))
}

/// Middleware, outermost: gives each request an identifier (`x-request-id`, kept if the proxy sent a sound one) and
/// writes one line per answer. The query string is left out: it may hold a key.
pub async fn access_log(mut request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let (method, path) = (request.method(), request.uri().path());
    let span =
        tracing::info_span!("request", request.id = id, http.method = method.as_str(), http.path = path);
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    // The span says what was asked.
    span.in_scope(|| tracing::info!(http.status = status, elapsed_ms, "answered"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let sound = |id: &&str| {
        (8..=REQUEST_ID_BYTES_MAX).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    given.filter(sound).map_or_else(|| new_id(&SystemDice), str::to_owned)
}

/// Middleware, for a server without a proxy in front: drops what only a proxy may say, so that no client chooses the
/// address that links in answers start with.
pub async fn without_proxy(mut request: Request, next: Next) -> Response {
    for name in ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"] {
        request.headers_mut().remove(name);
    }
    next.run(request).await
}

/// Middleware: an API answer is never a page. Handlers that send pages set their own policy first, and keep it.
pub async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let defaults = [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Writes one audit line (services reference §0.1): a stable dotted code, who, from where. Never a secret.
pub fn audit(code: &'static str, ip: Option<ClientIp>, user: &str, message: &str) {
    let ip = ip.map(|ip| ip.0.to_string()).unwrap_or_default();
    tracing::info!(target: "halle::audit", code, client.ip = ip, user, "{message}");
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn answer(id: Option<&str>) -> Response {
        let routes = Router::new()
            .route("/", get(async || ([(header::CONTENT_SECURITY_POLICY, "own")], "x")))
            .route("/api", get(async || "x"))
            .layer(axum::middleware::from_fn(security_headers))
            .layer(axum::middleware::from_fn(access_log));
        let mut request = Request::builder().uri(if id.is_some() { "/" } else { "/api" });
        if let Some(id) = id {
            request = request.header(REQUEST_ID, id);
        }
        routes.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn pages_keep_their_policy_and_api_answers_get_one() {
        assert_eq!(answer(Some("abcdefgh")).await.headers()[header::CONTENT_SECURITY_POLICY], "own");
        let policy = answer(None).await.headers()[header::CONTENT_SECURITY_POLICY].clone();
        assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
    }

    #[tokio::test]
    async fn a_sound_request_identifier_is_kept_and_another_replaced() {
        assert_eq!(answer(Some("abcdefgh")).await.headers()[REQUEST_ID], "abcdefgh");
        assert_ne!(answer(Some("a\"b<script>")).await.headers()[REQUEST_ID], "a\"b<script>");
        assert_eq!(answer(None).await.headers()[REQUEST_ID].len(), 21);
    }
}
