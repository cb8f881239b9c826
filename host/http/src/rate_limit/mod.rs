//! How much somebody may ask (reference §5.7): requests, time of searches, bytes a second. Token buckets in memory of each
//! process, bounded. An address without a session has a smaller share than a person or a key.

mod buckets;
mod throttle;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use halle_base::{Clock, Secret};
use sha2::{Digest, Sha256};

use crate::auth::Caller;
use crate::client_ip::ClientIp;
use crate::error::ApiError;

pub use buckets::Buckets;
use throttle::Share;
pub use throttle::throttle;

/// Header of trusted services, which are not limited.
const IGNORE_HEADER: &str = "x-ignore-rate-limiting";

/// The share of an address, a person or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a minute.
    pub requests_per_minute: u32,
    /// Milliseconds of searches a minute.
    pub search_ms_per_minute: u32,
    /// Bytes a second of what is computed.
    pub dynamic_bytes_per_s: u32,
    /// Bytes a second of files.
    pub static_bytes_per_s: u32,
}

/// The limits of a process.
#[derive(Debug, Clone)]
pub struct RateLimits {
    /// Share of one address without a session.
    pub anonymous: Allowance,
    /// Share of one person or key.
    pub authenticated: Allowance,
    /// Pictures of applications a minute, of anybody.
    pub captures_per_minute: u32,
    /// How many periods' worth may come at once after a quiet time.
    pub burst_factor: u32,
    /// Secret of services that are not limited.
    pub ignore_secret: Option<Secret<String>>,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            anonymous: Allowance {
                requests_per_minute: 600,
                search_ms_per_minute: 20_000,
                dynamic_bytes_per_s: 500_000,
                static_bytes_per_s: 8_000_000,
            },
            authenticated: Allowance {
                requests_per_minute: 1_200,
                search_ms_per_minute: 60_000,
                dynamic_bytes_per_s: 1_000_000,
                static_bytes_per_s: 16_000_000,
            },
            captures_per_minute: 5,
            burst_factor: 4,
            ignore_secret: None,
        }
    }
}

/// The buckets of one kind of caller.
#[derive(Debug)]
struct Meters {
    requests: Buckets,
    searches: Buckets,
    captures: Buckets,
    dynamic: Arc<Buckets>,
    files: Arc<Buckets>,
}

impl Meters {
    fn new(share: Allowance, limits: &RateLimits, clock: &Arc<dyn Clock>) -> Self {
        let burst = limits.burst_factor;
        Self {
            requests: Buckets::refilling(clock, share.requests_per_minute, burst),
            searches: Buckets::refilling(clock, share.search_ms_per_minute, burst),
            captures: Buckets::refilling(clock, limits.captures_per_minute, burst),
            dynamic: Arc::new(Buckets::flowing(clock, share.dynamic_bytes_per_s, burst)),
            files: Arc::new(Buckets::flowing(clock, share.static_bytes_per_s, burst)),
        }
    }

    /// Refuses what is too much.
    fn check(&self, name: &str, work: Work) -> Result<(), ApiError> {
        if !self.requests.take(name) || work == Work::Capture && !self.captures.take(name) {
            return Err(too_many_requests());
        }
        if work == Work::Search && !self.searches.holds_any(name) {
            return Err(too_much_search());
        }
        Ok(())
    }
}

/// State of the middleware: the buckets of addresses, and those of people and keys.
#[derive(Debug)]
pub struct RateLimiter {
    clock: Arc<dyn Clock>,
    anonymous: Meters,
    authenticated: Meters,
    ignore_secret: Option<Secret<String>>,
}

impl RateLimiter {
    /// A limiter in which nobody asked anything yet.
    pub fn new(limits: RateLimits, clock: Arc<dyn Clock>) -> Self {
        Self {
            anonymous: Meters::new(limits.anonymous, &limits, &clock),
            authenticated: Meters::new(limits.authenticated, &limits, &clock),
            ignore_secret: limits.ignore_secret,
            clock,
        }
    }

    /// The buckets that a request counts in, and their name; `None` for a service that is not limited.
    fn meters(&self, request: &Request) -> Option<(&Meters, String)> {
        if self.is_ignored(request.headers()) {
            return None;
        }
        let caller = request.extensions().get::<Caller>();
        let ip = request.extensions().get::<ClientIp>();
        Some(match caller {
            Some(caller) if !caller.is_anonymous() => (&self.authenticated, caller_name(caller)),
            _ => (&self.anonymous, ip.map_or_else(|| "unknown".to_owned(), |ip| address_name(ip.0))),
        })
    }

    /// Whether the secret of trusted services is there; digests are compared, so that the time it takes tells nothing.
    fn is_ignored(&self, headers: &HeaderMap) -> bool {
        let (Some(secret), Some(given)) = (&self.ignore_secret, headers.get(IGNORE_HEADER)) else {
            return false;
        };
        Sha256::digest(secret.reveal().as_bytes()) == Sha256::digest(given.as_bytes())
    }
}

/// What answering a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// An index is asked.
    Search,
    /// A file is sent as it is.
    File,
    /// A picture is drawn.
    Capture,
    /// Anything else.
    Other,
}

impl Work {
    fn of(path: &str) -> Self {
        let api = path.strip_prefix("/data-fair/api/v1/").unwrap_or_default();
        let mut segments = api.split('/');
        match (segments.next(), segments.nth(1)) {
            (Some("datasets"), Some(last)) => match last {
                "lines" | "own" | "values" | "values-labels" | "min" | "max" | "master-data" => Self::Search,
                last if last.ends_with("_agg") => Self::Search,
                "raw"
                | "convert"
                | "full"
                | "data-files"
                | "attachments"
                | "metadata-attachments"
                | "thumbnail" => Self::File,
                _ => Self::Other,
            },
            (Some("applications"), Some("capture")) => Self::Capture,
            _ if path.starts_with("/portal-assets/") || path.starts_with("/admin/") => Self::File,
            _ => Self::Other,
        }
    }
}

/// Middleware, inside authentication: 429 when the share of the caller is used up. `None` limits nothing. Bytes are
/// counted by [`throttle`].
pub async fn limit(
    State(limiter): State<Option<Arc<RateLimiter>>>,
    request: Request,
    next: Next,
) -> Response {
    let metered = limiter.as_ref().and_then(|limiter| Some((limiter, limiter.meters(&request)?)));
    let Some((limiter, (meters, name))) = metered else { return next.run(request).await };
    let work = Work::of(request.uri().path());
    if let Err(refusal) = meters.check(&name, work) {
        return with_delay(refusal);
    }
    let started = limiter.clock.now();
    let mut response = next.run(request).await;
    if work == Work::Search {
        let elapsed_ms = limiter.clock.now().as_millisecond() - started.as_millisecond();
        meters.searches.spend(&name, elapsed_ms.max(0) as f64);
    }
    let buckets = Arc::clone(if work == Work::File { &meters.files } else { &meters.dynamic });
    response.extensions_mut().insert(Share { buckets, name });
    response
}

/// 429 for requests in general.
pub fn too_many_requests() -> ApiError {
    let message = "Trop de requêtes dans un interval restreint pour cette exposition de données. Patientez une minute \
                   puis réessayez, ou utilisez une clé d'API. Too many requests: wait a minute, or use an API key.";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", message)
}

/// 429 for searches that took too long together.
fn too_much_search() -> ApiError {
    let message = "Trop de temps de calcul dans un interval restreint pour cette exposition de données. Patientez une \
                   minute puis réessayez. Demandez moins à la fois : `select` pour n'avoir que les colonnes utiles, \
                   `count=false` pour ne pas compter, des filtres plutôt que `q`, `after` plutôt que `page`, un export \
                   plutôt que toutes les pages. Too much search time: wait a minute, and ask for less at a time.";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-much-search", message)
}

fn with_delay(refusal: ApiError) -> Response {
    let mut response = refusal.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

fn caller_name(caller: &halle_model::Caller) -> String {
    let key = if caller.scopes.is_some() { "key" } else { "session" };
    let user = caller.user.as_ref().map_or("", |user| user.id.as_str());
    let account = caller.account.as_ref().map(ToString::to_string).unwrap_or_default();
    if caller.scopes.is_some() { format!("{key} {user} {account}") } else { format!("{key} {user}") }
}

/// An IPv6 client owns a whole /64: its addresses share a bucket.
pub fn address_name(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use halle_base::{ManualClock, Timestamp};
    use jiff::SignedDuration;
    use tower::ServiceExt;

    use super::*;

    const SECRET: &str = "entre nous";

    /// A site whose searches take ten seconds, and that allows three requests and eleven seconds of them a minute.
    fn site(clock: &Arc<ManualClock>) -> Router {
        let share = Allowance {
            requests_per_minute: 3,
            search_ms_per_minute: 11_000,
            dynamic_bytes_per_s: 1_000,
            static_bytes_per_s: 1_000,
        };
        let limits = RateLimits {
            anonymous: share,
            authenticated: share,
            captures_per_minute: 5,
            burst_factor: 1,
            ignore_secret: Some(Secret::new(SECRET.to_owned())),
        };
        let limiter = Arc::new(RateLimiter::new(limits, Arc::clone(clock) as Arc<dyn Clock>));
        let moved = Arc::clone(clock);
        let search = move || {
            moved.advance(SignedDuration::from_secs(10));
            std::future::ready("lines")
        };
        Router::new()
            .route("/data-fair/api/v1/datasets/{id}/lines", get(search))
            .route("/", get(async || "home"))
            .layer(from_fn_with_state(Some(limiter), limit))
    }

    async fn ask(site: &Router, path: &str, secret: Option<&str>) -> (u16, bool) {
        let mut request = Request::builder().uri(path);
        if let Some(secret) = secret {
            request = request.header(IGNORE_HEADER, secret);
        }
        let answer = site.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        (answer.status().as_u16(), answer.headers().contains_key(header::RETRY_AFTER))
    }

    #[tokio::test]
    async fn requests_are_limited_but_those_of_trusted_services() {
        let site = site(&Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)));
        for _ in 0..3 {
            assert_eq!(ask(&site, "/", None).await, (200, false));
        }
        assert_eq!(ask(&site, "/", None).await, (429, true));
        assert_eq!(ask(&site, "/", Some("guess")).await.0, 429);
        assert_eq!(ask(&site, "/", Some(SECRET)).await.0, 200);
    }

    #[tokio::test]
    async fn long_searches_are_limited_by_their_time() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let site = site(&clock);
        let lines = "/data-fair/api/v1/datasets/d/lines";
        assert_eq!(ask(&site, lines, None).await.0, 200);
        assert_eq!(ask(&site, lines, None).await.0, 200, "a little is left");
        clock.advance(SignedDuration::from_secs(20));
        assert_eq!(ask(&site, lines, None).await.0, 429, "it is still in debt");
        assert_eq!(ask(&site, "/", None).await.0, 200, "what is no search goes on");
        clock.advance(SignedDuration::from_secs(60));
        assert_eq!(ask(&site, lines, None).await.0, 200);
    }

    #[test]
    fn paths_tell_what_they_take() {
        let of = |path: &str| Work::of(&format!("/data-fair/api/v1/{path}"));
        assert_eq!(of("datasets/d/values_agg"), Work::Search);
        assert_eq!(of("datasets/d/lines/l"), Work::Search);
        assert_eq!(of("datasets/d/attachments/a/b.pdf"), Work::File);
        assert_eq!(of("applications/a/capture"), Work::Capture);
        assert_eq!(of("datasets"), Work::Other);
        assert_eq!(of("datasets/d"), Work::Other);
        assert_eq!(Work::of("/lines"), Work::Other);
    }

    #[test]
    fn one_ipv6_network_is_one_client() {
        let name = |text: &str| address_name(text.parse().unwrap());
        assert_eq!(name("2001:db8:1:2::1"), name("2001:db8:1:2:ffff::9"));
        assert_ne!(name("2001:db8:1:2::1"), name("2001:db8:1:3::1"));
    }
}
