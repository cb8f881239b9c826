//! The program as a whole, in a process of its own, from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod attack;
mod openapi;
mod permissions;
mod server;
mod slots;
mod things;
mod walk;
