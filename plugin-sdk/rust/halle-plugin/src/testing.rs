//! A host in memory, for native tests of plugins.
//!
//! ```
//! use halle_plugin::testing::FakeHost;
//! let host = FakeHost::default().on_json("GET", "https://a.test/x", r#"{"n": 1}"#);
//! let (answer, host) = host.run(|| halle_plugin::http::get_json::<serde_json::Value>("https://a.test/x"));
//! assert_eq!(answer.unwrap()["n"], 1);
//! assert_eq!(host.requests.len(), 1);
//! ```

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::columns::{Batch, Field};
use crate::messages::{Request, Response};
use crate::native::log::Level;
use crate::problem::{Problem, Result};
use crate::rows::Rows;

/// What a plugin wrote to a slot, and committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The slot.
    pub slot: String,
    /// `replace`, `append` or `upsert`.
    pub mode: String,
    /// Columns.
    pub schema: Vec<Field>,
    /// Rows.
    pub batches: Vec<Batch>,
    /// A file instead of rows: name and bytes.
    pub file: Option<(String, Vec<u8>)>,
}

impl Written {
    /// The rows as JSON, missing values left out.
    pub fn rows(&self) -> Vec<Value> {
        let views = self.batches.iter().filter_map(|batch| Rows::new(&self.schema, batch).ok());
        views.flat_map(|rows| (0..rows.len()).map(move |row| Value::Object(rows.json(row)))).collect()
    }
}

/// What a plugin may use in a test, and what it did.
#[derive(Debug, Default)]
pub struct FakeHost {
    /// The configuration.
    pub config: Value,
    /// Names of the secrets that have a value.
    pub secrets: Vec<String>,
    /// Answers by method and URL; each is given as often as asked, several in turn.
    pub answers: BTreeMap<(String, String), Vec<Response>>,
    /// Requests made, in order.
    pub requests: Vec<Request>,
    /// State.
    pub state: BTreeMap<String, (Vec<u8>, u64)>,
    /// Tables to read, by slot.
    pub tables: BTreeMap<String, (Vec<Field>, Batch)>,
    /// What was written and committed.
    pub written: Vec<Written>,
    /// The dataset being published, as CSV.
    pub source: Option<Vec<u8>>,
    /// Log records.
    pub log: Vec<(Level, String)>,
    /// Tasks begun.
    pub tasks: Vec<(String, Option<u64>)>,
    /// Steps done of the last task.
    pub advanced: u64,
    /// Somebody asks to stop after so many questions; `None` is never.
    pub cancel_after: Option<u32>,
}

thread_local! {
    static HOST: RefCell<FakeHost> = RefCell::new(FakeHost::default());
}

pub(crate) fn with_host<R>(f: impl FnOnce(&mut FakeHost) -> R) -> R {
    HOST.with(|host| f(&mut host.borrow_mut()))
}

impl FakeHost {
    /// Answers a request with JSON and status 200.
    #[must_use]
    pub fn on_json(self, method: &str, url: &str, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        self.on(
            method,
            url,
            Response { status: 200, headers, body: body.as_bytes().to_vec(), truncated: false },
        )
    }

    /// Answers a request; a second answer for the same one is given the second time.
    #[must_use]
    pub fn on(mut self, method: &str, url: &str, response: Response) -> Self {
        self.answers.entry((method.to_owned(), url.to_owned())).or_default().push(response);
        self
    }

    /// Runs something on this host, and returns the host with what was done.
    pub fn run<R>(self, f: impl FnOnce() -> R) -> (R, Self) {
        HOST.with(|host| *host.borrow_mut() = self);
        let result = f();
        (result, HOST.with(RefCell::take))
    }

    pub(crate) fn is_cancelled(&mut self) -> bool {
        match &mut self.cancel_after {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Result<Response> {
        self.requests.push(request.clone());
        let key = (request.method.clone(), request.url.clone());
        let Some(answers) = self.answers.get_mut(&key) else {
            return Err(Problem::new("denied/http", format!("unexpected request: {} {}", key.0, key.1)));
        };
        if answers.len() > 1 { Ok(answers.remove(0)) } else { Ok(answers[0].clone()) }
    }
}
