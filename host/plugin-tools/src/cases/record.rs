//! `halle plugin test --record`: requests that no exchange of a case answers are made, and kept in its file.
//!
//! **Invariant:** a request leaves through the same egress as on a server, with the policy that the manifest gives it.
//!
//! **Invariant:** what is written has no header of a request, no cookie, and wherever a secret stood, the value that the case
//! gives in its place. Tokens that a service hands out, and what the host placed to say who asks, are [stars](tokens::STARS) in
//! every exchange. The plugin is given such tokens as they are: it asks with them.

mod tokens;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use halle_base::Secret;
use halle_extensions::Problem;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use crate::error::{Result, ToolError, at};
use tokens::{STARS, Tokens};

/// Bytes of a body that a case may hold: more is no case but a dataset.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Exchanges that one case may record.
const EXCHANGES_MAX: usize = 1_000;

/// Bytes of the shortest secret that can be told from the text around it.
const SECRET_BYTES_MIN: usize = 4;

/// Headers of answers that are kept, beside those of [`is_own`].
const HEADERS: [&str; 10] = [
    "content-type",
    "content-disposition",
    "content-range",
    "link",
    "location",
    "retry-after",
    "etag",
    "last-modified",
    "x-total-count",
    "x-next-page",
];

/// What recording takes.
#[derive(Clone)]
pub struct Recording {
    /// The way out.
    pub egress: Arc<dyn Egress>,
    /// Real secrets by name (the pointer of their field without its first `/`), in place of those of the cases.
    pub secrets: BTreeMap<String, Secret<String>>,
}

/// Records the exchanges of one case.
pub struct Recorder {
    egress: Arc<dyn Egress>,
    /// What must not be written, and what is written in its place; longest first.
    hidden: Vec<(Secret<String>, String)>,
    /// Tokens and credentials that were seen.
    tokens: Mutex<Tokens>,
    exchanges: Mutex<Vec<Value>>,
}

impl Recorder {
    /// A recorder; `secrets` are real ones, with the values that the case gives in their place. `shown` are all values that the
    /// case gives to secrets: they are in its file and no secret.
    pub fn new(
        egress: Arc<dyn Egress>,
        secrets: Vec<(Secret<String>, String)>,
        shown: Vec<String>,
    ) -> Result<Self, String> {
        let mut hidden = Vec::new();
        for (secret, shown) in secrets {
            let secret = secret.reveal();
            if secret.len() < SECRET_BYTES_MIN {
                return Err(format!(
                    "a secret has fewer than {SECRET_BYTES_MIN} bytes: it cannot be told from the text around it"
                ));
            }
            hidden.extend(
                forms(secret)
                    .into_iter()
                    .zip(forms(&shown))
                    .map(|(secret, shown)| (Secret::new(secret), shown)),
            );
        }
        hidden.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.reveal().len()));
        let tokens = Mutex::new(Tokens::new(shown));
        Ok(Self { egress, hidden, tokens, exchanges: Mutex::default() })
    }

    /// Makes a request and keeps the exchange. What is answered has no secret either.
    pub async fn exchange(
        &self,
        policy: &EgressPolicy,
        request: HttpRequest,
    ) -> Result<HttpResponse, Problem> {
        let refused = |message: String| Problem::new("test/record", message);
        if self.exchanges().len() >= EXCHANGES_MAX {
            return Err(refused(format!(
                "more than {EXCHANGES_MAX} exchanges: narrow what the case asks for"
            )));
        }
        let place = format!("{} {}", request.method, self.redacted(&request).url);
        let kept = self.request(&request);
        let credentials = credentials(&request);
        self.tokens().learn_all(&credentials);
        let response = self.egress.send(policy, request).await?;
        if response.truncated || response.body.len() > BODY_BYTES_MAX {
            return Err(refused(format!(
                "the answer to {place} is longer than {BODY_BYTES_MAX} bytes: narrow what the case asks for"
            )));
        }
        let body = std::str::from_utf8(&response.body)
            .map_err(|_| refused(format!("the answer to {place} is no text: a case cannot hold it")))?;
        let mut body = self.shown(body);
        for credential in &credentials {
            body = body.replace(credential.as_str(), STARS);
        }
        self.tokens().learn_from(&body);
        let headers: Vec<(String, String)> = response
            .headers
            .iter()
            .filter(|(name, _)| is_kept(name))
            .map(|(name, value)| (name.clone(), self.shown(value)))
            .collect();
        self.exchanges()
            .push(json!({ "request": kept, "response": answer(response.status, &headers, &body) }));
        Ok(HttpResponse { status: response.status, headers, body: body.into(), truncated: false })
    }

    /// A request with what must not be written replaced, as cases have it.
    pub fn redacted(&self, request: &HttpRequest) -> HttpRequest {
        let body = request.body.as_deref().and_then(|body| std::str::from_utf8(body).ok());
        let body = body.map(|body| self.shown(body));
        let mut tokens = self.tokens();
        if let Some(body) = &body {
            tokens.learn_from(body);
        }
        let hidden = |text: &str| tokens.hidden(&self.shown(text));
        HttpRequest {
            url: hidden(&request.url),
            headers: request.headers.iter().map(|(name, value)| (name.clone(), hidden(value))).collect(),
            body: body.map(|body| tokens.hidden(&body).into()).or_else(|| request.body.clone()),
            ..request.clone()
        }
    }

    /// How many exchanges were recorded.
    pub fn count(&self) -> usize {
        self.exchanges().len()
    }

    /// Adds what was recorded to the file of the case.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = std::fs::read_to_string(path).map_err(at(path))?;
        let wrong = |message: String| ToolError::Case { path: path.to_owned(), message };
        let mut case: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let members = case.as_object_mut().ok_or_else(|| wrong("this is no object".to_owned()))?;
        let exchanges = members.entry("exchanges").or_insert_with(|| json!([]));
        let exchanges = exchanges.as_array_mut().ok_or_else(|| wrong("`exchanges` is no list".to_owned()))?;
        // What was learnt from one exchange is hidden in those before it, too.
        let tokens = self.tokens();
        exchanges.extend(self.exchanges().iter().map(|exchange| tokens.hidden_in(exchange)));
        replace(path, &format!("{case:#}\n"))
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exchanges(&self) -> std::sync::MutexGuard<'_, Vec<Value>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (secret, shown) in &self.hidden {
            text = text.replace(secret.reveal().as_str(), shown);
        }
        text
    }

    fn request(&self, request: &HttpRequest) -> Value {
        let request = self.redacted(request);
        let mut kept = json!({ "method": request.method, "url": request.url });
        let body = request.body.as_deref().filter(|body| !body.is_empty() && body.len() <= BODY_BYTES_MAX);
        if let Some(body) = body.and_then(|body| std::str::from_utf8(body).ok()) {
            kept["body"] = body.into();
        }
        kept
    }
}

/// Puts a text in place of that of a file, which is whole at every moment: it may have been written by hand.
fn replace(path: &Path, text: &str) -> Result<()> {
    // What a link points to is replaced, not the link.
    let path = &path.canonicalize().map_err(at(path))?;
    let part = path.with_extension("part");
    let written = std::fs::write(&part, text)
        .and_then(|()| std::fs::set_permissions(&part, std::fs::metadata(path)?.permissions()))
        .and_then(|()| std::fs::rename(&part, path));
    written.map_err(|error| {
        // The error that counts is the first one.
        let _removed = std::fs::remove_file(&part);
        at(path)(error)
    })
}

/// An answer as cases have it.
fn answer(status: u16, headers: &[(String, String)], body: &str) -> Value {
    let mut answer = json!({ "status": status });
    let is_json =
        |(name, value): &&(String, String)| name == "content-type" && value.starts_with("application/json");
    let json = headers.iter().find(is_json).and_then(|_| serde_json::from_str::<Value>(body).ok());
    let headers = headers.iter().filter(|header| json.is_none() || !is_json(header));
    let headers: Map<String, Value> =
        headers.map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    if !headers.is_empty() {
        answer["headers"] = Value::Object(headers);
    }
    match json {
        Some(json) => answer["json"] = json,
        None if !body.is_empty() => answer["body"] = body.into(),
        None => {}
    }
    answer
}

fn is_kept(header: &str) -> bool {
    HEADERS.contains(&header) || is_own(header)
}

/// Headers that services make up, but for those whose names tell of secrets.
fn is_own(header: &str) -> bool {
    let secrets = ["key", "token", "auth", "session", "secret", "cookie", "password", "request-id", "trace"];
    header.starts_with("x-") && !secrets.iter().any(|word| header.contains(word))
}

/// Texts that a secret may be written as: itself, in a form or a query, in JSON, in base64.
fn forms(secret: &str) -> [String; 4] {
    let quoted = Value::String(secret.to_owned()).to_string();
    [
        secret.to_owned(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        quoted[1..quoted.len() - 1].to_owned(),
        BASE64_STANDARD.encode(secret),
    ]
}

/// What the host placed in headers to say who asks: a service may echo it.
fn credentials(request: &HttpRequest) -> Vec<String> {
    let named = |name: &str| {
        let name = name.to_ascii_lowercase();
        name == "authorization" || name == "cookie" || (name.starts_with("x-") && !is_own(&name))
    };
    let values = request.headers.iter().filter(|(name, _)| named(name));
    let values = values.map(|(_, value)| value.rsplit(' ').next().unwrap_or_default().to_owned());
    values.filter(|value| value.len() >= SECRET_BYTES_MIN).collect()
}

#[cfg(test)]
mod tests;
