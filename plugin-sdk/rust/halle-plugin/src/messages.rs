//! HTTP messages, as plain data.

use serde::de::DeserializeOwned;

use crate::problem::{Problem, Result};

/// A request, which the host makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<Vec<u8>>,
    /// Name of the secret that authorises the request; the host places its value where the manifest says.
    pub auth: Option<String>,
    /// Milliseconds for the whole exchange; 60,000 when absent.
    pub timeout_ms: Option<u32>,
    /// Bytes of the answer to read at most.
    pub max_bytes: Option<u64>,
}

impl Request {
    /// A request without headers or body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            auth: None,
            timeout_ms: None,
            max_bytes: None,
        }
    }

    /// A `GET` that asks for JSON.
    pub fn get_json(url: impl Into<String>) -> Self {
        Self::new("GET", url).header("accept", "application/json")
    }

    /// The same, with one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same, with a body.
    #[must_use]
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", media_type)
    }

    /// The same, authorised by a secret, named by its place in the configuration: `auth/token`.
    #[must_use]
    pub fn auth(mut self, secret: Option<&str>) -> Self {
        self.auth = secret.map(str::to_owned);
        self
    }
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// Whether the body was longer than asked, and is cut.
    pub truncated: bool,
}

impl Response {
    /// The first header with a name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text; invalid bytes become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the status is 2xx.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Itself when the status is 2xx; otherwise the problem `remote/status` with the beginning of the answer, its status
    /// ([`Problem::fault`]), and when to come back if the server says it.
    pub fn ok(self, url: &str) -> Result<Self> {
        if self.is_ok() {
            return Ok(self);
        }
        Err(crate::http::of_answer(url, self.status, self.header("retry-after"), &self.text()))
    }

    /// The body as JSON; `remote/json` when it is not.
    pub fn json<T: DeserializeOwned>(&self, url: &str) -> Result<T> {
        if self.truncated {
            return Err(Problem::new("remote/too-large", format!("La réponse de {url} est trop longue.")));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Problem::new("remote/json", format!("La réponse de {url} n'est pas le JSON attendu : {error}"))
        })
    }
}
