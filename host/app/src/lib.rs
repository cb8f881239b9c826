//! The binary `halle`: configuration, wiring, command line.
//!
//! **Invariant:** this is the only crate that reads the environment, and the only one that knows both features and
//! adapters.
//!
//! Start with [`cli`], then [`wiring`], then [`serve`].
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks on its standard streams"
)]

mod api_keys;
mod cli;
mod config;
mod health;
mod keys;
mod observer;
mod painter;
mod rates;
mod reindex;
mod serve;
mod wiring;

pub use cli::{Cli, run};
pub use config::ServeArgs;
pub use serve::{api_description, routes};
