//! The program as a whole, in a process of its own, from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod again;
mod attack;
mod dev;
mod drawing;
mod hostile;
mod metering;
mod openapi;
mod permissions;
#[path = "../../../store-sql/tests/it/postgres_server.rs"]
mod postgres_server;
mod server;
mod slots;
mod store;
mod things;
mod upgrade;
mod walk;
mod writing;
