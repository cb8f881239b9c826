//! Plugins, from sources to answers of the real sandbox.
//!
//! Compiling guests takes minutes the first time, in `target/guests`, and seconds after.

mod author;
mod book;
mod compatibility;
mod deterministic;
mod expectations;
mod first_party;
mod sandbox;
