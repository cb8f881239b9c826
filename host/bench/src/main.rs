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
mod attack;
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
    /// Only what attacks and installations cost those who read, as in `run`.
    Attack(AttackArgs),
    /// Only what the sandbox costs by itself, as in `run`.
    Plugins(PluginArgs),
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

/// Options of `attack`.
#[derive(Debug, clap::Args)]
struct AttackArgs {
    /// The binary of the server.
    #[arg(long)]
    halle: PathBuf,
    /// Folder for rows and the server's data.
    #[arg(long)]
    work_dir: PathBuf,
}

/// Options of `plugins`.
#[derive(Debug, clap::Args)]
struct PluginArgs {
    /// The program that builds plugins.
    #[arg(long)]
    halle: PathBuf,
    /// Folder of the packages of plugins.
    #[arg(long)]
    plugins: PathBuf,
    /// Folder for compiled plugins.
    #[arg(long)]
    work_dir: PathBuf,
    /// Rows that are enriched.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
}

fn print(figures: Vec<alone::Seen>) {
    for (what, seen) in figures {
        println!("| {what} | {seen} |");
    }
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
        Command::Attack(AttackArgs { halle, work_dir }) => {
            std::fs::create_dir_all(&work_dir)?;
            print(attack::measure(&halle, &work_dir).await?);
            Ok(())
        }
        Command::Plugins(PluginArgs { halle, plugins, work_dir, rows }) => {
            std::fs::create_dir_all(&work_dir)?;
            print(plugin::measure(&halle, &plugins, &work_dir, rows).await?);
            Ok(())
        }
        Command::Yardstick { which: Which::Raw, csv, .. } => {
            yardstick::serve(yardstick::raw::Raw::load(&csv)?).await
        }
        Command::Yardstick { which: Which::Tantivy, csv, dir } => {
            yardstick::serve(yardstick::tantivy::Tantivy::load(&csv, &dir)?).await
        }
    }
}
