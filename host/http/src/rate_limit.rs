//! Token buckets: how often somebody may ask (reference §5.7). In memory of each process, bounded.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use halle_base::{Clock, Timestamp};

use crate::auth::Caller;
use crate::client_ip::ClientIp;
use crate::error::ApiError;

/// Buckets kept at once. Full ones are dropped first: they say nothing that a new one does not.
const BUCKETS_MAX: usize = 50_000;

/// How many requests one address, person or key may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests per minute of one address without a session.
    pub anonymous_per_minute: u32,
    /// Requests per minute of one person or key.
    pub authenticated_per_minute: u32,
    /// How many minutes' worth of requests may come at once after a quiet time.
    pub burst_factor: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { anonymous_per_minute: 600, authenticated_per_minute: 1_200, burst_factor: 4 }
    }
}

/// Buckets by name, that refill with time.
#[derive(Debug)]
pub struct Buckets {
    clock: Arc<dyn Clock>,
    capacity: f64,
    per_ms: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Buckets {
    /// Buckets that hold `capacity` tokens and get `per_minute` back.
    pub fn new(clock: Arc<dyn Clock>, capacity: u32, per_minute: u32) -> Self {
        let per_ms = f64::from(per_minute) / 60_000.0;
        Self { clock, capacity: f64::from(capacity.max(1)), per_ms, buckets: Mutex::default() }
    }

    /// Takes a token from the bucket `name`; `false` when there is none.
    pub fn take(&self, name: &str) -> bool {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(name) {
            self.make_room(&mut buckets, now);
        }
        let full = Bucket { tokens: self.capacity, at: now };
        let bucket = buckets.entry(name.to_owned()).or_insert(full);
        bucket.tokens = self.tokens(*bucket, now);
        bucket.at = now;
        let granted = bucket.tokens >= 1.0;
        if granted {
            bucket.tokens -= 1.0;
        }
        granted
    }

    /// Puts a token back, for an attempt that turned out to be legitimate.
    pub fn give_back(&self, name: &str) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(name) {
            bucket.tokens = (bucket.tokens + 1.0).min(self.capacity);
        }
    }

    fn tokens(&self, bucket: Bucket, now: Timestamp) -> f64 {
        let elapsed_ms = (now.as_millisecond() - bucket.at.as_millisecond()).max(0) as f64;
        (bucket.tokens + elapsed_ms * self.per_ms).min(self.capacity)
    }

    /// Drops full buckets; if all are in use, the half with the most tokens, so that the worst offenders stay limited.
    fn make_room(&self, buckets: &mut HashMap<String, Bucket>, now: Timestamp) {
        buckets.retain(|_, bucket| self.tokens(*bucket, now) < self.capacity);
        if buckets.len() >= BUCKETS_MAX {
            let mut levels: Vec<f64> = buckets.values().map(|bucket| self.tokens(*bucket, now)).collect();
            levels.sort_by(f64::total_cmp);
            let median = levels[levels.len() / 2];
            buckets.retain(|_, bucket| self.tokens(*bucket, now) < median);
        }
    }
}

/// State of the middleware: one set of buckets for addresses, one for people and keys.
#[derive(Debug)]
pub struct RateLimiter {
    anonymous: Buckets,
    authenticated: Buckets,
}

impl RateLimiter {
    /// A limiter in which nobody asked anything yet.
    pub fn new(limits: RateLimits, clock: Arc<dyn Clock>) -> Self {
        let buckets = |per_minute: u32| {
            Buckets::new(
                Arc::clone(&clock),
                per_minute.saturating_mul(limits.burst_factor.max(1)),
                per_minute,
            )
        };
        Self {
            anonymous: buckets(limits.anonymous_per_minute),
            authenticated: buckets(limits.authenticated_per_minute),
        }
    }

    fn allows(&self, request: &Request) -> bool {
        let caller = request.extensions().get::<Caller>();
        let ip = request.extensions().get::<ClientIp>();
        match caller {
            Some(caller) if !caller.is_anonymous() => self.authenticated.take(&caller_name(caller)),
            _ => self.anonymous.take(&ip.map_or_else(|| "unknown".to_owned(), |ip| address_name(ip.0))),
        }
    }
}

/// Middleware, inside authentication: 429 when the caller's bucket is empty. `None` limits nothing.
pub async fn limit(
    State(limiter): State<Option<Arc<RateLimiter>>>,
    request: Request,
    next: Next,
) -> Response {
    match &limiter {
        Some(limiter) if !limiter.allows(&request) => too_many_requests().into_response_with_delay(),
        _ => next.run(request).await,
    }
}

/// 429 for requests in general.
pub fn too_many_requests() -> ApiError {
    let message = "Trop de requêtes dans un interval restreint pour cette exposition de données. Patientez une minute \
                   puis réessayez, ou utilisez une clé d'API. Too many requests: wait a minute, or use an API key.";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", message)
}

impl ApiError {
    fn into_response_with_delay(self) -> Response {
        let mut response = self.into_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        response
    }
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
    use halle_base::ManualClock;
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_refills_with_time() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let buckets = Buckets::new(Arc::clone(&clock) as Arc<dyn Clock>, 2, 60);
        assert_eq!([(); 3].map(|()| buckets.take("a")), [true, true, false]);
        assert!(buckets.take("b"), "each name has its own");
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!([(); 2].map(|()| buckets.take("a")), [true, false]);
        buckets.give_back("a");
        assert!(buckets.take("a"));
    }

    #[test]
    fn the_map_stays_bounded_and_forgets_the_innocent_first() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let buckets = Buckets::new(clock, 2, 1);
        assert_eq!([(); 3].map(|()| buckets.take("offender")), [true, true, false]);
        for i in 0..BUCKETS_MAX + 10 {
            buckets.take(&i.to_string());
        }
        assert!(buckets.buckets.lock().unwrap().len() <= BUCKETS_MAX);
        assert!(!buckets.take("offender"));
    }

    #[test]
    fn one_ipv6_network_is_one_client() {
        let name = |text: &str| address_name(text.parse().unwrap());
        assert_eq!(name("2001:db8:1:2::1"), name("2001:db8:1:2:ffff::9"));
        assert_ne!(name("2001:db8:1:2::1"), name("2001:db8:1:3::1"));
    }
}
