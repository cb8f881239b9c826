//! The host, in native tests: the functions of the contract, answered by [`crate::testing::FakeHost`].
//!
//! Signatures are those that wit-bindgen generates, so that a plugin compiles the same for both.

pub mod blobs;
pub mod datasets;

use crate::messages::{Request, Response};
use crate::problem::{Problem, Result};
use crate::testing::with_host;

pub mod log {
    //! Writing to the log.

    /// How serious.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Level {
        /// For operators.
        Debug,
        /// Progress in words.
        Info,
        /// Something to look at.
        Warn,
        /// Something went wrong.
        Error,
    }

    /// Writes one record.
    pub fn emit(level: Level, message: &str, _fields: &[(String, String)]) {
        crate::testing::with_host(|host| host.log.push((level, message.to_owned())));
    }
}

pub mod progress {
    //! Telling how far a run is.

    /// Begins a task.
    pub fn task(name: &str, total: Option<u64>) {
        crate::testing::with_host(|host| host.tasks.push((name.to_owned(), total)));
    }

    /// Steps done of the current task.
    pub fn advance(done: u64) {
        crate::testing::with_host(|host| host.advanced = done);
    }
}

pub mod cancel {
    //! Learning that one should stop.

    /// Whether somebody asked.
    pub fn requested() -> bool {
        crate::testing::with_host(|host| host.is_cancelled())
    }

    /// Milliseconds left.
    pub fn remaining_ms() -> u64 {
        60_000
    }
}

pub mod config {
    //! The configuration of this instance.

    /// As JSON.
    pub fn get() -> String {
        crate::testing::with_host(|host| host.config.to_string())
    }
}

pub mod secrets {
    //! Secrets, by name.

    /// Those that have a value.
    pub fn names() -> Vec<String> {
        crate::testing::with_host(|host| host.secrets.clone())
    }
}

pub mod http {
    //! Outgoing HTTP.

    use super::{Problem, Request, Response, Result, blobs, with_host};

    /// An answer whose body stayed on the host.
    #[derive(Debug)]
    pub struct Downloaded {
        /// Status code.
        pub status: u16,
        /// Headers, names in lower case.
        pub headers: Vec<(String, String)>,
        /// Body.
        pub body: blobs::Blob,
    }

    /// Makes a request and reads the answer whole.
    pub fn send(request: &Request) -> Result<Response> {
        with_host(|host| host.answer(request))
    }

    /// Makes a request and stores the body on the host.
    pub fn download(request: &Request) -> Result<Downloaded> {
        let Response { status, headers, body, .. } = send(request)?;
        Ok(Downloaded { status, headers, body: blobs::Blob::from(body) })
    }

    /// Makes a request whose body is a blob.
    pub fn upload(request: &Request, body: &blobs::Blob) -> Result<Response> {
        if request.body.is_some() {
            return Err(Problem::new("http/request", "upload with a body of its own"));
        }
        send(&Request { body: Some(body.bytes().to_vec()), ..request.clone() })
    }
}

pub mod state {
    //! Small durable state.

    use super::{Problem, Result, with_host};

    /// Value and revision of a key.
    pub fn get(key: &str) -> Result<Option<(Vec<u8>, u64)>> {
        with_host(|host| Ok(host.state.get(key).cloned()))
    }

    /// Writes a key.
    pub fn put(key: &str, value: &[u8], expected: Option<u64>) -> Result<u64> {
        with_host(|host| {
            let current = host.state.get(key).map_or(0, |(_, revision)| *revision);
            if expected.is_some_and(|expected| expected != current) {
                return Err(Problem::new("state/conflict", format!("revision of {key} is {current}")));
            }
            host.state.insert(key.to_owned(), (value.to_vec(), current + 1));
            Ok(current + 1)
        })
    }

    /// Removes a key.
    pub fn delete(key: &str) -> Result<()> {
        with_host(|host| host.state.remove(key));
        Ok(())
    }

    /// Keys that start with a prefix.
    pub fn keys(prefix: &str, after: Option<&str>, max: u32) -> Result<Vec<String>> {
        with_host(|host| {
            let keys = host
                .state
                .keys()
                .filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
            Ok(keys.take(max as usize).cloned().collect())
        })
    }
}

pub mod reference {
    //! Reference tables, read-only.

    use super::{Result, datasets};
    use crate::columns::{Batch, Field};

    /// A table being read.
    #[derive(Debug)]
    pub struct Table(datasets::Reader);

    impl Table {
        /// Columns.
        pub fn schema(&self) -> Vec<Field> {
            self.0.schema()
        }

        /// The next rows.
        pub fn next(&self, max_rows: u32) -> Result<Option<Batch>> {
            self.0.next(max_rows)
        }
    }

    /// Opens the table bound to a slot.
    pub fn open(slot: &str) -> Result<Table> {
        datasets::open_read(slot, "{}").map(Table)
    }
}

pub mod source {
    //! The content of the dataset that is being published.

    use super::{Problem, Result, blobs, with_host};

    /// The dataset as a file.
    pub fn file(_format: &str) -> Result<blobs::Blob> {
        let bytes = with_host(|host| host.source.clone());
        bytes.map(blobs::Blob::from).ok_or_else(|| Problem::new("dataset/unbound", "no source in this test"))
    }
}
