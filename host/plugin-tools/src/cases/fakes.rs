//! A platform in memory: recorded exchanges, datasets, state, a log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use halle_extensions::Problem;
use halle_extensions::services::{
    Egress, EgressPolicy, HttpRequest, HttpResponse, HttpStream, LogLevel, PluginState, RunLog, Services,
};
use serde_json::{Map, Value};

use super::file::{Case, Exchange, Level, RecordedRequest};
use super::log::Record;
use super::record::Recorder;
use super::slots::SlotTable;
use super::tables;

/// Everything a call may use, and what it did.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    exchanges: Vec<Exchange>,
    recorder: Option<Recorder>,
    tables: BTreeMap<String, SlotTable>,
    done: Mutex<Done>,
}

#[derive(Debug, Default)]
struct Done {
    used: Vec<usize>,
    log: Vec<String>,
    records: Vec<Record>,
    written: Map<String, Value>,
    state: BTreeMap<String, (Vec<u8>, u64)>,
}

impl World {
    /// The world of a case. With a recorder, requests that no exchange answers are made.
    pub fn new(case: &Case, recorder: Option<Recorder>) -> Result<Self, String> {
        let mut slots = BTreeMap::new();
        for (slot, table) in &case.slots {
            let batch = tables::batch(&table.fields, &table.rows)
                .map_err(|error| format!("slots.{slot}: {error}"))?;
            let (fields, primary_key) = (table.fields.clone(), table.primary_key.clone());
            slots.insert(slot.clone(), SlotTable { fields, batch, primary_key });
        }
        let (exchanges, done) = (case.exchanges.clone(), Mutex::default());
        Ok(Self(Arc::new(Inner { exchanges, recorder, tables: slots, done })))
    }

    /// What was recorded, if anything is.
    pub fn recorder(&self) -> Option<&Recorder> {
        self.0.recorder.as_ref()
    }

    /// What a call gets.
    pub fn services(&self) -> Services {
        let world = Arc::new(self.clone());
        Services {
            log: world.clone(),
            egress: Some(world.clone()),
            state: Some(world.clone()),
            datasets: Some(world),
        }
    }

    /// The table of a slot, if the case has one.
    pub(super) fn table(&self, slot: &str) -> Option<SlotTable> {
        self.0.tables.get(slot).cloned()
    }

    /// Remembers what was committed to a slot.
    pub(super) fn commit(&self, slot: String, written: Value) {
        self.done().written.insert(slot, written);
    }

    /// What was written and committed, by slot.
    pub fn written(&self) -> Value {
        Value::Object(self.done().written.clone())
    }

    /// What the plugin logged.
    pub fn records(&self) -> Vec<Record> {
        self.done().records.clone()
    }

    /// What was logged, with what the plugin said of its progress, for people.
    pub fn log_lines(&self) -> Vec<String> {
        self.done().log.clone()
    }

    /// Exchanges that were recorded but never asked for.
    pub fn unused_exchanges(&self) -> Vec<String> {
        let done = self.done();
        let unused = self.0.exchanges.iter().enumerate().filter(|(index, _)| !done.used.contains(index));
        unused
            .map(|(_, exchange)| {
                format!("exchanges: {} {} was never asked", exchange.request.method, exchange.request.url)
            })
            .collect()
    }

    /// The answer to a request: the recorded one, or else the one that is recorded now.
    pub async fn exchange(
        &self,
        policy: &EgressPolicy,
        request: HttpRequest,
    ) -> Result<HttpResponse, Problem> {
        let Some(recorder) = self.recorder() else { return self.answer(&request) };
        let known =
            self.0.exchanges.iter().any(|known| answers(&known.request, &recorder.redacted(&request)));
        if known {
            self.answer(&recorder.redacted(&request))
        } else {
            recorder.exchange(policy, request).await
        }
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        let mut done = self.done();
        let matching = |(_, exchange): &(usize, &Exchange)| answers(&exchange.request, request);
        let all = || self.0.exchanges.iter().enumerate().filter(matching);
        // The first one that was not used yet, so that the same request may have several answers in turn.
        let found = all().find(|(index, _)| !done.used.contains(index)).or_else(|| all().last());
        let Some((index, exchange)) = found else {
            let body = request.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let body: String = body.chars().take(500).collect();
            let message = format!(
                "no recorded exchange answers {} {} {:?} {body}",
                request.method, request.url, request.headers
            );
            done.log.push(message.clone());
            return Err(Problem::new("test/unexpected-request", message));
        };
        done.used.push(index);
        Ok(exchange.response.to_response())
    }

    fn done(&self) -> MutexGuard<'_, Done> {
        self.0.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answers(recorded: &RecordedRequest, request: &HttpRequest) -> bool {
    let body = || request.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let has = |(name, value): (&String, &String)| {
        request.headers.iter().any(|(other, found)| other.eq_ignore_ascii_case(name) && found == value)
    };
    recorded.method == request.method
        && recorded.url == request.url
        && recorded.headers.iter().all(has)
        && recorded.body.as_ref().is_none_or(|expected| *expected == body())
        && recorded.contains.iter().all(|text| body().contains(text))
}

impl RunLog for World {
    fn emit(&self, level: LogLevel, message: &str, fields: &[(String, String)]) {
        let mut done = self.done();
        done.log.push(format!("{level:?}: {message}"));
        let (message, fields) = (message.to_owned(), fields.iter().cloned().collect());
        done.records.push(Record { level: Level::of(level), message, fields });
    }

    fn task(&self, name: &str, total: Option<u64>) {
        self.done()
            .log
            .push(format!("Task: {name}{}", total.map(|total| format!(" ({total})")).unwrap_or_default()));
    }

    fn advance(&self, _done: u64) {}
}

#[async_trait]
impl Egress for World {
    async fn send(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpResponse, Problem> {
        self.exchange(policy, request).await
    }

    async fn stream(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpStream, Problem> {
        let HttpResponse { status, headers, body, .. } = self.exchange(policy, request).await?;
        Ok(HttpStream { status, headers, body: futures::stream::once(async { Ok(body) }).boxed() })
    }

    async fn upload(
        &self,
        policy: &EgressPolicy,
        request: HttpRequest,
        _length: u64,
        mut body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| Problem::new("test/body", error.to_string()))?);
        }
        self.exchange(policy, HttpRequest { body: Some(bytes.freeze()), ..request }).await
    }
}

#[async_trait]
impl PluginState for World {
    async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, u64)>, Problem> {
        Ok(self.done().state.get(key).cloned())
    }

    async fn put(&self, key: &str, value: Vec<u8>, expected: Option<u64>) -> Result<u64, Problem> {
        let mut done = self.done();
        let current = done.state.get(key).map_or(0, |(_, revision)| *revision);
        if expected.is_some_and(|expected| expected != current) {
            return Err(Problem::new("state/conflict", format!("`{key}` is at revision {current}")));
        }
        done.state.insert(key.to_owned(), (value, current + 1));
        Ok(current + 1)
    }

    async fn delete(&self, key: &str) -> Result<(), Problem> {
        self.done().state.remove(key);
        Ok(())
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, max: u32) -> Result<Vec<String>, Problem> {
        let done = self.done();
        let keys = done
            .state
            .keys()
            .filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
        Ok(keys.take(max as usize).cloned().collect())
    }
}
