//! The address a request comes from: what rate limits and audit lines are kept by.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use crate::error::ApiError;

/// Extractor: the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

/// How many proxies of ours stand in front and append to `X-Forwarded-For`. With 0 the header is ignored, so that a
/// client cannot choose its own address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrustedProxies(pub usize);

/// Middleware: leaves the [`ClientIp`] in the request's extensions. Needs the server to be started with
/// `into_make_service_with_connect_info`; requests without a peer (tests) count as from 127.0.0.1.
pub async fn resolve(State(proxies): State<TrustedProxies>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let forwarded = forwarded_for(request.headers(), proxies);
    let ip = forwarded.or(peer).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    request.extensions_mut().insert(ClientIp(ip.to_canonical()));
    next.run(request).await
}

/// The entry that the outermost trusted proxy wrote: those before it came from the client.
fn forwarded_for(headers: &HeaderMap, TrustedProxies(proxies): TrustedProxies) -> Option<IpAddr> {
    let entries: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let index = entries.len().checked_sub(proxies).filter(|_| proxies > 0)?;
    entries.get(index)?.trim().parse().ok()
}

impl<S: Send + Sync> FromRequestParts<S> for ClientIp {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let ip = parts.extensions.get::<Self>().copied();
        ip.ok_or_else(|| ApiError::internal("a route is mounted outside the client address layer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_our_own_proxies_wrote_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6, 1.2.3.4".parse().unwrap());
        assert_eq!(forwarded_for(&headers, TrustedProxies(0)), None);
        assert_eq!(forwarded_for(&headers, TrustedProxies(1)), "1.2.3.4".parse().ok());
        assert_eq!(forwarded_for(&headers, TrustedProxies(3)), None);
    }
}
