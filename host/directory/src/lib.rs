//! Accounts: people, organisations with departments and roles, sessions, signing keys, API keys.
//!
//! Speaks as Simple Directory does (`/simple-directory/api/...`), so that clients and services of that world sign in
//! here. This crate is the only one that signs tokens; everybody else verifies them by the published keys.
//!
//! **Invariant:** a password, a clear API key and a private key never reach a log, an answer (but the one that creates
//! the key) or a document; documents hold hashes.
//!
//! **Invariant:** an unknown address and a wrong password are indistinguishable, in text and in work done.
//!
//! **Invariant:** an API key manages no account: every write here asks for a session.
//!
//! Start with [`Directory`], then `service/sign_in.rs`.

mod entities;
mod error;
mod http;
mod passwords;
mod service;
mod signing;
mod views;

use std::sync::Arc;

use async_trait::async_trait;
use halle_base::{Clock, Dice};
use halle_http::ApiResult;
use halle_http::cookies::CookieScope;
use halle_http::jwks::{JwksSource, JwksVerifier};
use halle_http::rate_limit::Buckets;
use halle_store::{Recent, Store};
use jsonwebtoken::jwk::JwkSet;

pub use error::DirectoryError;
pub use http::{openapi, router};
pub use signing::SigningKeys;

use passwords::Passwords;
use service::api_keys::KnownKey;

/// Attempts to sign in per minute, for one address and for one e-mail address (services reference §1.6).
const SIGN_IN_ATTEMPTS_PER_MINUTE: u32 = 5;

/// The directory. Cheap to clone.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    dice: Arc<dyn Dice>,
    public_url: String,
    scope: CookieScope,
    passwords: Passwords,
    keys: Arc<SigningKeys>,
    verifier: JwksVerifier,
    attempts: Buckets,
    /// What keys that were used lately stand for, by the hash of the key; never checked for being expired.
    recent_keys: Recent<String, KnownKey>,
}

impl Directory {
    /// A directory over `store` that signs with `keys`. `public_url` is the site's address without a trailing slash: it
    /// decides the path of cookies and whether they are `Secure`.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        dice: Arc<dyn Dice>,
        public_url: &str,
        keys: Arc<SigningKeys>,
    ) -> Self {
        let source = Arc::clone(&keys) as Arc<dyn JwksSource>;
        let attempts =
            Buckets::new(Arc::clone(&clock), SIGN_IN_ATTEMPTS_PER_MINUTE, SIGN_IN_ATTEMPTS_PER_MINUTE);
        Self(Arc::new(Inner {
            scope: CookieScope::of(public_url),
            public_url: public_url.trim_end_matches('/').to_owned(),
            passwords: Passwords::new(Arc::clone(&dice)),
            verifier: JwksVerifier::new(source, Arc::clone(&clock)),
            attempts,
            recent_keys: Recent::default(),
            store,
            clock,
            dice,
            keys,
        }))
    }

    /// The scope of the site's cookies, for the platform's authenticator.
    pub fn cookie_scope(&self) -> CookieScope {
        self.0.scope.clone()
    }

    /// Keeps the directory in order: rotates the signing key when it is old, drops expired sessions. Call it hourly.
    pub async fn maintain(&self) -> ApiResult<()> {
        self.0.keys.rotate_if_due(&*self.0.clock).await?;
        self.drop_expired_sessions().await
    }
}

/// The same-process case: the platform's verifier reads the keys without HTTP.
#[async_trait]
impl JwksSource for Directory {
    async fn jwks(&self) -> ApiResult<JwkSet> {
        self.0.keys.jwks().await
    }

    fn is_local(&self) -> bool {
        true
    }
}
