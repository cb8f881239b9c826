//! Requests as a script would make them, with errors that carry what the server said.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// How long a dataset, a run or an import may take to end.
const SETTLE_WITHIN: Duration = Duration::from_secs(180);

/// A client of one server, with or without an API key.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    /// Address of the server, without a trailing slash.
    pub base: String,
    key: Option<String>,
    cookie: Option<String>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
    /// Body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.text).with_context(|| format!("not JSON: {}", self.excerpt()))
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The first characters of the body, for an error.
    pub fn excerpt(&self) -> String {
        self.text.chars().take(400).collect()
    }
}

impl Client {
    /// A client without a key, which follows no redirect.
    pub fn anonymous(base: &str) -> Result<Self> {
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = builder.timeout(Duration::from_secs(120)).build()?;
        Ok(Self { http, base: base.to_owned(), key: None, cookie: None })
    }

    /// The same client with an API key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// The API key, if it has one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The same client with a session: the text of the header `cookie`.
    #[must_use]
    pub fn with_session(&self, cookie: &str) -> Self {
        Self { cookie: Some(cookie.to_owned()), ..self.clone() }
    }

    /// The text of the header `cookie`, if it has a session.
    pub fn session(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// A request to a path of the server, for headers and bodies of its own.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.http.request(method, url);
        let request = self.key.iter().fold(request, |request, key| request.header("x-apiKey", key));
        self.cookie.iter().fold(request, |request, cookie| request.header("cookie", cookie))
    }

    /// Sends a request and reads the answer, whatever its status.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer> {
        let answer = request.send().await.context("the server did not answer")?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok(Answer { status, headers, text: answer.text().await? })
    }

    /// The answer to a GET, whatever its status.
    pub async fn get_any(&self, path: &str) -> Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// The answer to a GET that must succeed.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        let answer = self.get_any(path).await?;
        ensure!(answer.status.is_success(), "GET {path}: {} {}", answer.status, answer.excerpt());
        Ok(answer)
    }

    /// The JSON answer to a GET that must succeed.
    pub async fn json(&self, path: &str) -> Result<Value> {
        self.get(path).await?.json()
    }

    /// Sends JSON with a method; must succeed. `null` when the answer has no body.
    pub async fn send_json(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let answer = self.send(self.request(method.clone(), path).json(body)).await?;
        ensure!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.excerpt());
        if answer.text.is_empty() { Ok(Value::Null) } else { answer.json() }
    }

    /// Uploads a file as the multipart field `file`, with a JSON `body`.
    pub async fn upload(
        &self,
        method: Method,
        path: &str,
        name: &str,
        bytes: Vec<u8>,
        body: &Value,
    ) -> Result<Value> {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().text("body", body.to_string()).part("file", part);
        let answer = self.send(self.request(method, path).multipart(form)).await?;
        ensure!(answer.status.is_success(), "upload to {path}: {} {}", answer.status, answer.excerpt());
        answer.json()
    }

    /// Asks for a JSON document until `settled` says what it came to.
    pub async fn until<T>(&self, path: &str, settled: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let deadline = tokio::time::Instant::now() + SETTLE_WITHIN;
        let mut last = Value::Null;
        while tokio::time::Instant::now() < deadline {
            last = self.json(path).await?;
            if let Some(outcome) = settled(&last) {
                return Ok(outcome);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let last: String = last.to_string().chars().take(800).collect();
        bail!("{path} did not settle within {SETTLE_WITHIN:?}; it last said {last}")
    }

    /// Waits until a dataset is `finalized` after `since` (an ISO date, or empty), or it or its draft is in error; returns it.
    pub async fn finalized(&self, id: &str, since: &str) -> Result<Value> {
        // What is published stays `finalized` while the next file is a draft.
        let path = format!("/data-fair/api/v1/datasets/{id}?draft=true");
        let done = |dataset: &Value| {
            let newer = dataset["finalizedAt"].as_str().is_some_and(|at| at > since);
            let status = dataset["status"].as_str()?;
            (status == "error" || status == "finalized" && newer).then(|| dataset.clone())
        };
        self.until(&path, done).await
    }
}
