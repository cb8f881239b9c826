//! Keys of applications (reference §5.6): a page whose address holds one lends what the application shows to whoever
//! looks at it. A request is known to come from such a page by its `Referer`, or because it asks for the page itself.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use halle_base::{Clock, Timestamp};
use halle_model::Pass;
use halle_model::permission::dataset_operation;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::auth::Caller;
use crate::base_url::BaseUrl;
use crate::client_ip::ClientIp;
use crate::error::{ApiError, ApiResult};
use crate::rate_limit::{Buckets, address_name};

/// Longest key that is looked up, in bytes.
const KEY_BYTES_MAX: usize = 200;

/// Header with the token of an anonymous action.
const TOKEN_HEADER: &str = "x-anonymoustoken";

/// Seconds after which the token of an anonymous action works.
const ACTION_WAIT_S: i64 = 8;

/// Seconds after which it works no more: a day.
const ACTION_LIFE_S: i64 = 86_400;

/// A page that a key opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedPage {
    /// The key.
    pub key: String,
    /// The application, where the address names it; only its key is told where a dataset stands alone in a frame.
    pub application: Option<String>,
}

/// Claims of a token for one action without an account (services reference §1.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnonymousAction {
    #[serde(with = "crate::session::flag")]
    anonymous_action: bool,
    validation: String,
    id: String,
    /// Start, in seconds since 1970.
    iat: i64,
    /// When it begins to work, in seconds since 1970.
    nbf: i64,
    /// End, in seconds since 1970.
    exp: i64,
}

impl AnonymousAction {
    /// Claims of a token made `now`.
    pub fn new(id: String, now: Timestamp) -> Self {
        let iat = now.as_second();
        let (nbf, exp) = (iat + ACTION_WAIT_S, iat + ACTION_LIFE_S);
        Self { anonymous_action: true, validation: "wait".to_owned(), id, iat, nbf, exp }
    }

    /// Whether it works `now`; whoever reads the claims has checked the end already.
    pub fn is_ready(&self, now: Timestamp) -> bool {
        self.anonymous_action && now.as_second() >= self.nbf
    }
}

/// Knows what keys of applications open.
#[async_trait]
pub trait ApplicationKeys: Send + Sync {
    /// What the page opens: nothing when the key is not one of the application.
    async fn passes(&self, page: &KeyedPage) -> ApiResult<Vec<Pass>>;

    /// Whether `token` was given for an anonymous action, and long enough ago.
    async fn is_ready(&self, token: &str) -> bool;
}

/// What the middleware works with.
pub struct Lending {
    /// Knows the keys.
    pub keys: Arc<dyn ApplicationKeys>,
    /// Anonymous writes by address.
    writes: Buckets,
}

impl Lending {
    /// Lends what `keys` say; an address writes once a minute.
    pub fn new(keys: Arc<dyn ApplicationKeys>, clock: Arc<dyn Clock>) -> Self {
        Self { keys, writes: Buckets::new(clock, 1, 1) }
    }

    /// Refuses a write that comes from a page with a key, unless it comes from our own page and a person had the time to
    /// fill a form.
    async fn check_write(&self, parts: &Parts) -> ApiResult<()> {
        let own = parts.extensions.get::<BaseUrl>().is_some_and(|base| is_own_page(&parts.headers, base));
        if !own {
            let message = "Une écriture avec une clé d'application doit venir de la page de l'application.";
            return Err(ApiError::forbidden(message));
        }
        let token = parts.headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            let message = "L'en-tête \"x-anonymousToken\" manque : demandez un jeton à \
                           `/simple-directory/api/auth/anonymous-action`.";
            return Err(ApiError::unauthorized(message));
        };
        if !self.keys.is_ready(token).await {
            let message = "Le jeton d'action anonyme n'est pas encore valable, ou ne l'est plus. Patientez quelques \
                           secondes puis réessayez.";
            return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", message));
        }
        let ip = parts.extensions.get::<ClientIp>();
        if self.writes.take(&ip.map_or_else(|| "unknown".to_owned(), |ip| address_name(ip.0))) {
            return Ok(());
        }
        let message = "Une seule écriture anonyme par minute. Patientez une minute puis réessayez.";
        Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", message))
    }
}

/// Middleware, inside authentication: adds to the caller what the page opens that the request comes from. A request with
/// an API key says itself who asks, and is left alone.
pub async fn lend(State(lending): State<Arc<Lending>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if let Err(refusal) = add_passes(&lending, &mut parts).await {
        return refusal.into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

async fn add_passes(lending: &Lending, parts: &mut Parts) -> ApiResult<()> {
    let Some(page) = KeyedPage::of(parts) else { return Ok(()) };
    let Some(caller) = parts.extensions.get::<Caller>().filter(|caller| caller.scopes.is_none()).cloned()
    else {
        return Ok(());
    };
    let passes = lending.keys.passes(&page).await?;
    let is_read = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let create = dataset_operation("createLine");
    if !is_read && caller.is_anonymous() && passes.iter().any(|pass| pass.opens(create)) {
        lending.check_write(parts).await?;
    }
    let caller = halle_model::Caller { passes, ..caller.0 };
    parts.extensions.insert(Caller(caller));
    Ok(())
}

impl KeyedPage {
    /// The page that a request asks for, else the one it comes from.
    fn of(parts: &Parts) -> Option<Self> {
        let own = Self::at(parts.uri.path(), parts.uri.query().unwrap_or_default());
        own.or_else(|| {
            let referer = ["referer", "referrer"].iter().find_map(|name| parts.headers.get(*name))?;
            let referer = url::Url::parse(referer.to_str().ok()?).ok()?;
            Self::at(referer.path(), referer.query().unwrap_or_default())
        })
    }

    /// The page at an address: `…/data-fair/app/{key}:{id}`, `…/data-fair/app/{id}?key=`, or
    /// `…/data-fair/embed/dataset/{key}:{dataset}/…`.
    fn at(path: &str, query: &str) -> Option<Self> {
        let (_, rest) = path.split_once("/data-fair/")?;
        let mut segments = rest.split('/');
        let (is_application, named) = match (segments.next()?, segments.next()?) {
            ("app", named) => (true, named),
            ("embed", "dataset") => (false, segments.next()?),
            _ => return None,
        };
        let named = percent_decode_str(named).decode_utf8().ok()?;
        let page = match named.split_once(':') {
            Some((key, id)) => {
                Self { key: key.to_owned(), application: is_application.then(|| id.to_owned()) }
            }
            None => {
                let mut pairs = form_urlencoded::parse(query.as_bytes());
                let (_, key) = pairs.find(|(name, _)| name == "key").filter(|_| is_application)?;
                Self { key: key.into_owned(), application: Some(named.into_owned()) }
            }
        };
        (1..=KEY_BYTES_MAX).contains(&page.key.len()).then_some(page)
    }
}

/// Whether `Origin`, or else the page a request comes from, is of this site.
fn is_own_page(headers: &HeaderMap, base: &BaseUrl) -> bool {
    let given = ["origin", "referer", "referrer"].iter().find_map(|name| headers.get(*name));
    let origin = |text: &str| url::Url::parse(text).ok().map(|url| url.origin());
    let given = given.and_then(|value| value.to_str().ok()).and_then(origin);
    given.is_some() && given == origin(&base.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, query: &str) -> Option<(String, Option<String>)> {
        KeyedPage::at(path, query).map(|page| (page.key, page.application))
    }

    #[test]
    fn pages_with_keys_are_told_from_others() {
        let of_app = Some(("k".to_owned(), Some("a".to_owned())));
        assert_eq!(at("/data-fair/app/k:a", ""), of_app);
        assert_eq!(at("/data-fair/app/k%3Aa/", ""), of_app);
        assert_eq!(at("/portail/data-fair/app/k:a/index.html", "draft=true"), of_app);
        assert_eq!(at("/data-fair/app/a", "embed=true&key=k"), of_app);
        assert_eq!(at("/data-fair/embed/dataset/k:d/table", ""), Some(("k".to_owned(), None)));
        for (path, query) in [
            ("/data-fair/app/a", ""),
            ("/data-fair/app/a", "key="),
            ("/data-fair/api/v1/datasets/k:a", "key=k"),
            ("/data-fair/embed/dataset/d/table", "key=k"),
            ("/app/k:a", ""),
        ] {
            assert_eq!(at(path, query), None, "{path}?{query}");
        }
    }

    #[test]
    fn another_site_is_not_ours() {
        let base = BaseUrl("http://halle.test:8080".into());
        let from = |name: &'static str, value: &str| {
            is_own_page(&HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]), &base)
        };
        assert!(from("origin", "http://halle.test:8080"));
        assert!(from("referer", "http://halle.test:8080/data-fair/app/a?key=k"));
        assert!(!from("origin", "null") && !from("origin", "http://halle.test"));
        assert!(!is_own_page(&HeaderMap::new(), &base));
    }
}
