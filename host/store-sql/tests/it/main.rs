//! The adapters against the conformance suite of the ports, and against a kill.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with its test")]

mod blobs;
mod durability;
mod postgres;
mod postgres_server;
mod sqlite;
