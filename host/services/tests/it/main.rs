//! Remote services over HTTP: real adapters, an adapter plugin in plain Rust, a server that says hello.

mod cache;
mod changes;
mod enrichment;
mod first_party;
mod references;
mod site;
