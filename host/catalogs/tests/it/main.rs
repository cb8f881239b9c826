//! Catalogues over HTTP: real adapters, and a neighbour in plain Rust.

mod changes;
mod imports;
mod publications;
mod share;
mod site;
