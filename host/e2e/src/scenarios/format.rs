//! What a file of scenarios holds, and what is compared of an answer.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::socket::Step;

/// Characters of an answer that an error repeats.
const EXCERPT_CHARS: usize = 600;

/// A file of scenarios: one section of the contract.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Section and subject.
    pub title: String,
    /// Who asks when a scenario does not say.
    #[serde(rename = "as", default)]
    pub caller: Option<String>,
    /// In the order in which they are replayed.
    pub scenarios: Vec<Scenario>,
}

impl ScenarioFile {
    /// Reads a file; errors name the file and the place in it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let file: Self =
            serde_saphyr::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        let mut names = std::collections::HashSet::new();
        for scenario in &file.scenarios {
            let twice = !names.insert(scenario.name.as_str());
            if twice {
                bail!("{}: two scenarios are named `{}`", path.display(), scenario.name);
            }
            scenario.check().with_context(|| format!("{}: {}", path.display(), scenario.name))?;
        }
        Ok(file)
    }
}

/// A request and what must come back.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Scenario {
    /// What is promised, in a few words; unique in its file.
    pub name: String,
    /// Who asks.
    #[serde(rename = "as")]
    pub caller: Option<String>,
    get: Option<String>,
    head: Option<String>,
    post: Option<String>,
    put: Option<String>,
    patch: Option<String>,
    delete: Option<String>,
    options: Option<String>,
    subscribe: Option<String>,
    unsubscribe: Option<String>,
    hear: Option<String>,
    /// Headers of the request.
    pub headers: BTreeMap<String, String>,
    /// Body of the request, as JSON.
    pub json: Option<Value>,
    /// Body of the request, as it is; `headers` say its type.
    pub text: Option<String>,
    /// Body of the request: a file of the folder.
    pub send: Option<String>,
    /// Body of the request: parts of a multipart form.
    pub parts: Vec<Part>,
    /// Ask again until the answer is the expected one.
    pub wait: bool,
    /// Expected status; 200 when absent.
    pub status: Option<u16>,
    /// Expected headers; `!` for absent ones.
    pub answers: BTreeMap<String, Value>,
    /// Expected body: a text for the whole text, else a part of the JSON.
    pub body: Option<Value>,
    /// What later scenarios of the file need: name, and JSON pointer or `header:NAME`.
    pub keep: BTreeMap<String, String>,
}

/// A field or a file of a multipart form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Part {
    /// Field.
    pub field: String,
    /// Name of the file; a plain field when absent.
    #[serde(default)]
    pub file: Option<String>,
    /// Content as text.
    #[serde(default)]
    pub text: Option<String>,
    /// Content as JSON.
    #[serde(default)]
    pub json: Option<Value>,
    /// Content from a file of the folder.
    #[serde(default)]
    pub send: Option<String>,
}

/// What must come back.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: BTreeMap<String, Value>,
    /// Body.
    pub body: Option<Value>,
}

impl Scenario {
    /// Fails unless the scenario does one thing.
    fn check(&self) -> Result<()> {
        let steps = [&self.subscribe, &self.unsubscribe, &self.hear].into_iter().flatten().count();
        match (steps, self.request()) {
            (0, request) => request.map(|_| ()),
            (1, Err(_)) => Ok(()),
            _ => bail!("a scenario has one request, or one of subscribe, unsubscribe, hear"),
        }
    }

    /// What it does with a socket, if it is no request.
    pub fn step(&self) -> Option<Step> {
        let subscribe = self.subscribe.clone().map(Step::Subscribe);
        let unsubscribe = || self.unsubscribe.clone().map(Step::Unsubscribe);
        let hear = || self.hear.clone().map(Step::Hear);
        subscribe.or_else(unsubscribe).or_else(hear)
    }

    /// Method and path.
    pub fn request(&self) -> Result<(Method, &str)> {
        let methods = [
            (Method::GET, &self.get),
            (Method::HEAD, &self.head),
            (Method::POST, &self.post),
            (Method::PUT, &self.put),
            (Method::PATCH, &self.patch),
            (Method::DELETE, &self.delete),
            (Method::OPTIONS, &self.options),
        ];
        let mut given = methods.into_iter().filter_map(|(method, path)| Some((method, path.as_deref()?)));
        match (given.next(), given.next()) {
            (Some(request), None) => Ok(request),
            _ => bail!("a scenario has exactly one of get, head, post, put, patch, delete, options"),
        }
    }

    /// What must come back.
    pub fn expected(&self) -> Expected {
        Expected {
            status: self.status.unwrap_or(200),
            headers: self.answers.clone(),
            body: self.body.clone(),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// Body as text.
    pub text: String,
    /// Body as JSON, when it is.
    pub json: Option<Value>,
}

impl Answer {
    /// Of an answer that was read whole.
    pub fn new(answer: &crate::client::Answer) -> Self {
        let headers = answer.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        Self {
            status: answer.status.as_u16(),
            headers: headers.collect(),
            json: serde_json::from_str(&answer.text).ok(),
            text: answer.text.clone(),
        }
    }

    /// The value at a place: a JSON pointer, or `header:NAME`.
    pub fn at(&self, place: &str) -> Option<Value> {
        match place.strip_prefix("header:") {
            Some(name) => self.headers.get(name).map(|value| Value::String(value.clone())),
            None => self.json.as_ref()?.pointer(place).cloned(),
        }
    }

    /// Its beginning.
    pub fn excerpt(&self) -> String {
        let text: String = self.text.chars().take(EXCERPT_CHARS).collect();
        format!("{} {text}", self.status)
    }
}
