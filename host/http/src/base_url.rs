//! The address under which the client knows this server; every link in an answer starts with it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use crate::error::ApiError;

/// Extractor: scheme, host and site path, without a trailing slash, such as `https://example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(pub Arc<str>);

impl BaseUrl {
    /// `x-forwarded-proto` and `x-forwarded-host` of a trusted proxy, else the configured public URL.
    fn of(headers: &HeaderMap, public_url: &Arc<str>) -> Self {
        let first = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?.split(',').next()?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let sound = |host: &String| {
            host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
        };
        match (first("x-forwarded-host").filter(sound), first("x-forwarded-proto")) {
            (Some(host), Some(proto)) if proto == "http" || proto == "https" => {
                Self(format!("{proto}://{host}").into())
            }
            _ => Self(Arc::clone(public_url)),
        }
    }
}

/// Extension of a request that came to another address than the main one: that of a publication site, or of nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere;

/// Whether two addresses have another scheme, host or port; `false` for what is no address.
fn differ(one: &str, other: &str) -> bool {
    match (url::Url::parse(one), url::Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() != other.origin(),
        _ => false,
    }
}

/// Middleware: leaves the [`BaseUrl`] in the request's extensions, and [`Elsewhere`] where it is not the main one. The state
/// is the configured public URL.
pub async fn resolve(State(public_url): State<Arc<str>>, mut request: Request, next: Next) -> Response {
    let base = BaseUrl::of(request.headers(), &public_url);
    if differ(&base.0, &public_url) {
        request.extensions_mut().insert(Elsewhere);
    }
    request.extensions_mut().insert(base);
    next.run(request).await
}

impl<S: Send + Sync> FromRequestParts<S> for BaseUrl {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let base = parts.extensions.get::<Self>().cloned();
        base.ok_or_else(|| ApiError::internal("a route is mounted outside the base URL layer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_address_has_many_spellings() {
        assert!(!differ("https://Example.org", "https://example.org:443/data"));
        assert!(differ("https://example.org", "http://example.org"));
        assert!(differ("https://site.example.org", "https://example.org"));
        assert!(!differ("example.org", "https://example.org"), "nothing is known of it");
    }
}
