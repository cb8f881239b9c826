//! The address under which the client knows this server; every link in an answer starts with it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
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

/// Extension of a request of which no proxy told where it came to, and whose `Host` is another domain than the main one. Anybody can
/// write that, so no link begins with it until the domain is found to be that of a publication site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BareHost {
    /// The address that a site at this domain has: with the scheme of the main one.
    pub address: Arc<str>,
    /// Whether the main address is a domain too, so that another one that is no site's is nobody's.
    pub must_be_site: bool,
}

impl BareHost {
    fn of(headers: &HeaderMap, public_url: &str) -> Option<Self> {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let main = url::Url::parse(public_url).ok()?;
        let address = url::Url::parse(&format!("{}://{host}", main.scheme())).ok()?;
        let is_other = is_domain(&address) && address.host() != main.host();
        is_other.then(|| Self {
            address: address.origin().ascii_serialization().into(),
            must_be_site: is_domain(&main),
        })
    }
}

/// Last parts of the names that machines of one house give each other.
const INTERNAL_DOMAINS: [&str; 11] = [
    "cluster",
    "corp",
    "home",
    "internal",
    "intra",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "svc",
];

/// Whether an address is that of a domain others may know: no number, and no name that machines give each other.
fn is_domain(address: &url::Url) -> bool {
    let Some(url::Host::Domain(name)) = address.host() else { return false };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.contains('.') && !INTERNAL_DOMAINS.contains(&last)
}

/// Whether two addresses have another scheme, host or port; `false` for what is no address.
fn differ(one: &str, other: &str) -> bool {
    match (url::Url::parse(one), url::Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() != other.origin(),
        _ => false,
    }
}

/// Middleware: leaves the [`BaseUrl`] in the request's extensions, and [`Elsewhere`] or [`BareHost`] where it may not be the main one. The state
/// is the configured public URL.
pub async fn resolve(State(public_url): State<Arc<str>>, mut request: Request, next: Next) -> Response {
    let base = BaseUrl::of(request.headers(), &public_url);
    if differ(&base.0, &public_url) {
        request.extensions_mut().insert(Elsewhere);
    } else if !request.headers().contains_key("x-forwarded-host")
        && let Some(host) = BareHost::of(request.headers(), &public_url)
    {
        request.extensions_mut().insert(host);
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

    #[test]
    fn a_bare_host_is_another_domain() {
        let host = |host: &str, main: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            BareHost::of(&headers, main).map(|host| (host.address.to_string(), host.must_be_site))
        };
        let main = "https://example.org";
        let site = |must_be_site| Some(("https://site.example.org".to_owned(), must_be_site));
        assert_eq!(host("Site.example.org", main), site(true));
        assert_eq!(host("site.example.org", "https://127.0.0.1"), site(false));
        for (own, main) in [
            ("example.org:8080", main),
            ("127.0.0.1:8080", main),
            ("[::1]:8080", main),
            ("localhost", main),
            ("halle", main),
            ("halle.default.svc.cluster.local", main),
            ("a b", main),
        ] {
            assert_eq!(host(own, main), None, "{own}");
        }
    }
}
