//! The bench: Halle beside two yardsticks, on the same rows, in one run.
//!
//! These machines are shared and noisy, so that ratios within one run are what counts, and medians of several rounds in
//! which the contenders take turns. `cargo xtask bench` builds everything and runs this; what was seen last is in
//! `host/docs/performance.md`.
//!
//! **Invariant:** a contender answers over HTTP from a process of its own, and what is compared is what a client gets: totals
//! that must agree are compared before anything is timed.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks on its standard streams"
)]

mod alone;
mod halle;
mod load;
mod plugin;
mod process;
mod questions;
mod report;
mod rows;
mod run;
mod yardstick;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

/// Measures Halle beside two yardsticks.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ingests, asks, and prints the figures as Markdown.
    Run(run::Args),
    /// Serves one yardstick: what `run` starts beside Halle.
    Yardstick {
        /// Which.
        which: Which,
        /// File of the rows.
        #[arg(long)]
        csv: PathBuf,
        /// Folder of the index, which must be empty.
        #[arg(long)]
        dir: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    Raw,
    Tantivy,
}

#[tokio::main]
async fn main() -> Result<()> {
    // `reqwest` takes the provider that the process has.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match Cli::parse().command {
        Command::Run(args) => run::run(&args).await,
        Command::Yardstick { which: Which::Raw, csv, .. } => {
            yardstick::serve(yardstick::raw::Raw::load(&csv)?).await
        }
        Command::Yardstick { which: Which::Tantivy, csv, dir } => {
            yardstick::serve(yardstick::tantivy::Tantivy::load(&csv, &dir)?).await
        }
    }
}
