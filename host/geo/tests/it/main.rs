//! Tiles, drawn from any shape and read back.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with its test")]

mod decode;
mod tiles;
