//! The directory over HTTP, on SQLite, as clients of Simple Directory see it.
#![expect(clippy::unwrap_used, reason = "a helper of tests may panic: that fails the test")]

mod accounts;
mod keys;
mod sessions;
mod settings;
mod site;
