//! The directory over HTTP, on SQLite, as clients of Simple Directory see it.

mod accounts;
mod keys;
mod sessions;
mod site;
