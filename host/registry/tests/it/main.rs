//! The registry over HTTP, with packages that are real and a sandbox that only admits.

mod packages;
mod sandbox;
