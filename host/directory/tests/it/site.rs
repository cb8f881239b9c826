//! A site to test: routes with the layers of the platform, and browsers that keep cookies.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use halle_base::{ManualClock, Secret, SeededDice, Timestamp};
use halle_directory::{Directory, SigningKeys};
use halle_http::client_ip::TrustedProxies;
use halle_http::jwks::JwksVerifier;
use halle_http::session::SessionAuthenticator;
use halle_http::{Authenticator, auth, base_url, client_ip, layers};
use halle_store_sql::SqlStore;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tower::ServiceExt;

pub const PASSWORD: &str = "TestPasswd01";
pub const ADMIN: &str = "root@example.org";
const PUBLIC_URL: &str = "http://halle.test";

/// A running site with one superadmin.
pub struct Site {
    router: Router,
    pub directory: Directory,
    pub keys: Arc<SigningKeys>,
    pub clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Status as a number, for short assertions.
    pub fn code(&self) -> u16 {
        self.status.as_u16()
    }

    /// The `Set-Cookie` lines, in order.
    pub fn cookies(&self) -> Vec<String> {
        let lines = self.headers.get_all(header::SET_COOKIE).into_iter();
        lines.map(|value| value.to_str().unwrap().to_owned()).collect()
    }
}

impl Site {
    pub async fn new() -> Self {
        let start: Timestamp = "2026-01-15T10:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::at(start));
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqlStore::sqlite_temporary().await.unwrap());
        let dice = Arc::new(SeededDice::new(7));
        let path = folder.path().join("signing-keys.json");
        let keys = Arc::new(SigningKeys::open(&path, &*clock, dice.clone()).await.unwrap());
        let directory = Directory::new(store, clock.clone(), dice, PUBLIC_URL, keys.clone());
        directory.ensure_admin(ADMIN, &Secret::new(PASSWORD.to_owned())).await.unwrap();
        let verifier = Arc::new(JwksVerifier::new(Arc::new(directory.clone()), clock.clone()));
        let api_keys = Arc::new(directory.clone());
        let scope = directory.cookie_scope();
        let authenticator: Arc<dyn Authenticator> =
            Arc::new(SessionAuthenticator::new(verifier, Some(api_keys), scope));
        let router = halle_directory::router(directory.clone())
            .layer(from_fn_with_state(authenticator, auth::authenticate))
            .layer(from_fn_with_state(TrustedProxies(1), client_ip::resolve))
            .layer(from_fn_with_state(Arc::<str>::from(PUBLIC_URL), base_url::resolve))
            .layer(from_fn(layers::access_log));
        Self { router, directory, keys, clock, _folder: folder }
    }

    pub fn wait(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Somebody who has not signed in.
    pub fn browser(&self) -> Browser<'_> {
        Browser { site: self, cookies: BTreeMap::new(), headers: Vec::new() }
    }

    /// A session of an account.
    pub async fn session(&self, email: &str) -> Browser<'_> {
        let mut browser = self.browser();
        browser.sign_in(json!({ "email": email, "password": PASSWORD })).await;
        browser
    }

    /// The superadmin with powers on.
    pub async fn admin(&self) -> Browser<'_> {
        let mut browser = self.browser();
        browser.sign_in(json!({ "email": ADMIN, "password": PASSWORD, "adminMode": true })).await;
        browser
    }

    /// Makes an account; its identifier.
    pub async fn user(&self, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD, "firstName": "Test" });
        let answer = self.admin().await.post("/simple-directory/api/users", body).await;
        assert_eq!(answer.code(), 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Makes an organisation with a department `eau`, whose administrator is the account `email`.
    pub async fn organization(&self, id: &str, email: &str) {
        let mut admin = self.admin().await;
        let body = json!({ "id": id, "name": "Ville", "departments": [{ "name": "Eau" }] });
        let answer = admin.post("/simple-directory/api/organizations?autoAdmin=false", body).await;
        assert_eq!(answer.code(), 201, "{}", answer.text);
        let body = json!({ "email": email, "role": "admin" });
        let answer = admin.post(&format!("/simple-directory/api/organizations/{id}/members"), body).await;
        assert_eq!(answer.code(), 201, "{}", answer.text);
    }
}

/// A client that keeps cookies as a browser does, but sends `id_token_ex` everywhere.
#[derive(Clone)]
pub struct Browser<'a> {
    site: &'a Site,
    pub cookies: BTreeMap<String, String>,
    pub headers: Vec<(&'static str, String)>,
}

impl Browser<'_> {
    pub async fn sign_in(&mut self, body: Value) -> Answer {
        let answer = self.post("/simple-directory/api/auth/password", body).await;
        assert_eq!(answer.code(), 200, "{}", answer.text);
        let callback = answer.text.strip_prefix(PUBLIC_URL).expect("a callback on this site").to_owned();
        self.get(&callback).await
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(("application/json", body.to_string()))).await
    }

    pub async fn patch(&mut self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(("application/json", body.to_string()))).await
    }

    pub async fn delete(&mut self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    pub async fn send(&mut self, method: Method, path: &str, body: Option<(&str, String)>) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path);
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let body = match body {
            Some((media_type, text)) => {
                request = request.header(header::CONTENT_TYPE, media_type);
                Body::from(text)
            }
            None => Body::empty(),
        };
        let response = self.site.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let answer = Answer { status: parts.status, headers: parts.headers, text };
        for cookie in answer.cookies() {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap_or("");
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}
