//! Verification of tokens by the directory's published keys. Nothing here can sign.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use halle_base::{Clock, Timestamp};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use tokio::sync::Mutex;

use crate::error::{ApiError, ApiResult};
use crate::session::{Claims, TokenVerifier};

/// Time that fetched keys are used before they are fetched again: how long a key that was rotated out may live on.
pub const JWKS_FRESH: Duration = Duration::from_secs(10);

/// Least time between two fetches that unknown key identifiers cause, so that forged tokens cannot hammer the directory.
const REFETCH_PERIOD_MS_MIN: i64 = 1_000;

/// Bytes of a key set: a directory publishes two keys of half a kilobyte.
const JWKS_BYTES_MAX: usize = 64 << 10;

/// Time for one fetch.
const FETCH_TIME_MAX: Duration = Duration::from_secs(10);

/// Difference between the clocks of directory and verifier that is forgiven, in seconds.
const CLOCK_SKEW_S_MAX: i64 = 30;

/// Where the directory's public keys come from.
#[async_trait]
pub trait JwksSource: Send + Sync {
    /// The keys as published now. 500 when they cannot be had: the caller is then neither signed out nor trusted.
    async fn jwks(&self) -> ApiResult<JwkSet>;

    /// Whether the answer is as cheap as a cache: the directory of the same process.
    fn is_local(&self) -> bool {
        false
    }
}

/// Keys fetched from `<directory>/.well-known/jwks.json`.
#[derive(Debug, Clone)]
pub struct HttpJwks {
    client: reqwest::Client,
    url: url::Url,
}

impl HttpJwks {
    /// Fetches from `url` with the application's client.
    pub fn new(client: reqwest::Client, url: url::Url) -> Self {
        Self { client, url }
    }

    async fn fetch(&self) -> Result<JwkSet, String> {
        let request = self.client.get(self.url.clone()).timeout(FETCH_TIME_MAX);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        let mut answer = answer.map_err(|error| error.to_string())?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| error.to_string())? {
            if body.len() + chunk.len() > JWKS_BYTES_MAX {
                return Err(format!("the key set is larger than {JWKS_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    }
}

#[async_trait]
impl JwksSource for HttpJwks {
    async fn jwks(&self) -> ApiResult<JwkSet> {
        self.fetch().await.map_err(|error| {
            ApiError::internal(format!("cannot fetch the directory's keys at {}: {error}", self.url))
        })
    }
}

/// Verifies RS256 tokens against a [`JwksSource`]. The key identifier is looked up at every verification, so that a key
/// that was rotated out stops working within [`JWKS_FRESH`].
pub struct JwksVerifier {
    source: Arc<dyn JwksSource>,
    clock: Arc<dyn Clock>,
    cache: Mutex<Option<(Timestamp, Arc<JwkSet>)>>,
}

impl JwksVerifier {
    /// A verifier that has fetched nothing yet.
    pub fn new(source: Arc<dyn JwksSource>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, cache: Mutex::new(None) }
    }

    /// The key set, fetched again when it is old, or when it does not have `kid` and was not fetched just now.
    /// Callers wait for one fetch together.
    async fn keys(&self, kid: &str) -> ApiResult<Arc<JwkSet>> {
        if self.source.is_local() {
            return self.source.jwks().await.map(Arc::new);
        }
        let mut cache = self.cache.lock().await;
        let now = self.clock.now();
        if let Some((fetched, keys)) = &*cache {
            let age_ms = now.as_millisecond() - fetched.as_millisecond();
            let known = keys.find(kid).is_some();
            let fresh_ms = i64::try_from(JWKS_FRESH.as_millis()).unwrap_or(i64::MAX);
            if age_ms < if known { fresh_ms } else { REFETCH_PERIOD_MS_MIN } {
                return Ok(Arc::clone(keys));
            }
        }
        let keys = Arc::new(self.source.jwks().await?);
        *cache = Some((now, Arc::clone(&keys)));
        Ok(keys)
    }

    /// Checks signature and dates of any token this directory signed, and reads its claims as `T`.
    pub async fn verify_as<T: serde::de::DeserializeOwned>(&self, token: &str) -> ApiResult<T> {
        let broken =
            || ApiError::unauthorized("Session invalide : reconnectez-vous. Invalid session: sign in again.");
        let header = jsonwebtoken::decode_header(token).map_err(|_| broken())?;
        let kid = header.kid.filter(|_| header.alg == Algorithm::RS256).ok_or_else(broken)?;
        let keys = self.keys(&kid).await?;
        let key = keys.find(&kid).and_then(|jwk| DecodingKey::from_jwk(jwk).ok()).ok_or_else(broken)?;
        let mut validation = Validation::new(Algorithm::RS256);
        // Dates are checked below, against our own clock.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let decoded =
            jsonwebtoken::decode::<serde_json::Value>(token, &key, &validation).map_err(|_| broken())?;
        let exp = decoded.claims.get("exp").and_then(serde_json::Value::as_i64).ok_or_else(broken)?;
        if self.clock.now().as_second() > exp + CLOCK_SKEW_S_MAX {
            let message = "Session expirée : reconnectez-vous. Session expired: sign in again.";
            return Err(ApiError::new(axum::http::StatusCode::UNAUTHORIZED, "session-expired", message));
        }
        serde_json::from_value(decoded.claims).map_err(|_| broken())
    }
}

#[async_trait]
impl TokenVerifier for JwksVerifier {
    async fn verify(&self, token: &str) -> ApiResult<Claims> {
        let claims: Claims = self.verify_as(token).await?;
        if claims.id.is_empty() || claims.anonymous_action {
            // Signed by the directory, but for another purpose.
            return Err(ApiError::unauthorized("Ce jeton n'est pas une session. This token is no session."));
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use halle_base::ManualClock;
    use jiff::SignedDuration;
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{EncodingKey, Header};

    use super::*;

    struct Signer(EncodingKey);

    impl Signer {
        fn new() -> Self {
            let der = KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
            let body = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, der.as_ref());
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
            Self(EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap())
        }

        fn jwk(&self, kid: &str) -> Jwk {
            let mut jwk = Jwk::from_encoding_key(&self.0, Algorithm::RS256).unwrap();
            jwk.common.key_id = Some(kid.to_owned());
            jwk
        }

        fn token(&self, kid: &str, exp: i64) -> String {
            let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) };
            let claims = Claims { id: "u".to_owned(), exp, ..Claims::default() };
            jsonwebtoken::encode(&header, &claims, &self.0).unwrap()
        }
    }

    struct Published {
        keys: std::sync::Mutex<JwkSet>,
        fetches: AtomicUsize,
    }

    #[async_trait]
    impl JwksSource for Published {
        async fn jwks(&self) -> ApiResult<JwkSet> {
            self.fetches.fetch_add(1, Ordering::Relaxed);
            Ok(self.keys.lock().unwrap().clone())
        }
    }

    #[tokio::test]
    async fn tokens_are_believed_only_with_a_published_key_an_intact_body_and_a_date_to_come() {
        let signer = Signer::new();
        let keys = std::sync::Mutex::new(JwkSet { keys: vec![signer.jwk("k1")] });
        let source = Arc::new(Published { keys, fetches: AtomicUsize::new(0) });
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let verifier = JwksVerifier::new(Arc::clone(&source) as _, Arc::clone(&clock) as _);
        let token = signer.token("k1", 1_000);
        assert_eq!(verifier.verify(&token).await.unwrap().id, "u");
        assert_eq!(verifier.verify(&token).await.unwrap().id, "u");
        assert_eq!(source.fetches.load(Ordering::Relaxed), 1, "the keys are kept a while");

        let parts: Vec<&str> = token.split('.').collect();
        let mut sign = parts[2].to_owned();
        let first = if sign.starts_with('A') { "B" } else { "A" };
        sign.replace_range(0..1, first);
        for bad in [format!("{}.{}.{sign}", parts[0], parts[1]), "x".to_owned(), signer.token("k2", 1_000)] {
            assert_eq!(verifier.verify(&bad).await.unwrap_err().status.as_u16(), 401, "{bad}");
        }

        // A rotated key is found at once, and the old one dies with the cache.
        clock.advance(SignedDuration::from_secs(2));
        *source.keys.lock().unwrap() = JwkSet { keys: vec![signer.jwk("k2")] };
        assert!(verifier.verify(&signer.token("k2", 1_000)).await.is_ok());
        clock.advance(SignedDuration::from_secs(11));
        assert_eq!(verifier.verify(&token).await.unwrap_err().status.as_u16(), 401);

        clock.advance(SignedDuration::from_secs(2_000));
        let expired = verifier.verify(&signer.token("k2", 1_000)).await.unwrap_err();
        assert_eq!((expired.status.as_u16(), expired.code), (401, "session-expired"));
    }
}
