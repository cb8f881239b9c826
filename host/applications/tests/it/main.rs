//! Applications over HTTP: real adapters, a visualisation in plain Rust, and pictures that are texts.

mod changes;
mod keys;
mod pictures;
mod site;
