//! The registry over HTTP, with packages that are real and a sandbox that only admits.
#![expect(clippy::unwrap_used, reason = "a helper of tests may panic: that fails the test")]

mod artefacts;
mod packages;
mod sandbox;
mod usage;
mod versions;
