//! Catalogues over HTTP: real adapters, and a neighbour in plain Rust.

mod again;
mod changes;
mod imports;
mod publications;
mod share;
mod site;
