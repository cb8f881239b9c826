//! Drives a real `halle` from outside: loads the demo, proves the journey.
//!
//! **Invariant:** everything goes over HTTP or the command line, as a user would; nothing of the product is linked in.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks on its standard streams"
)]

mod client;
mod demo;
mod durability;
mod fixtures;
mod gallery;
mod journey;
mod oracles;
mod outside;
mod scenarios;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Drives a real `halle` from outside.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Loads the demo and serves it, or proves it.
    Demo(DemoArgs),
    /// Replays the corpus of requests and expected answers against a server of its own.
    Scenarios(ScenarioArgs),
    /// Kills a server of its own at random moments, and looks whether it lost anything.
    Durability(DurabilityArgs),
    /// Asks programs that are not ours about a server: schemathesis about its description, DuckDB about its figures.
    Oracles(OracleArgs),
}

/// Where things are, and what to do with them.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// The `halle` binary.
    #[arg(long)]
    halle: PathBuf,
    /// Folder for the data of the demo.
    #[arg(long)]
    work_dir: PathBuf,
    /// Folder of the built plugin packages.
    #[arg(long)]
    plugins: PathBuf,
    /// Folder of the demo's files.
    #[arg(long, default_value = "deploy/demo")]
    files: PathBuf,
    /// Port of the server; the check takes free ones.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Prove every step of the journey on a clean folder, then exit.
    #[arg(long)]
    check: bool,
}

/// Which scenarios to replay, against what.
#[derive(Debug, Clone, Args)]
pub struct ScenarioArgs {
    /// The `halle` binary.
    #[arg(long)]
    halle: PathBuf,
    /// Folder for the data of the server; emptied first.
    #[arg(long)]
    work_dir: PathBuf,
    /// Folder of the scenarios.
    #[arg(long, default_value = "host/e2e/scenarios")]
    scenarios: PathBuf,
    /// Replay only the files whose name contains this, after the file that sets the world up.
    #[arg(long)]
    only: Option<String>,
}

/// How often to kill what.
#[derive(Debug, Clone, Args)]
pub struct DurabilityArgs {
    /// The `halle` binary.
    #[arg(long)]
    halle: PathBuf,
    /// Folder for the data of the server; emptied first.
    #[arg(long)]
    work_dir: PathBuf,
    /// How many times the server is killed.
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// What the moments follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Whom to ask.
#[derive(Debug, Clone, Args)]
pub struct OracleArgs {
    /// The `halle` binary.
    #[arg(long)]
    halle: PathBuf,
    /// Folder for the data of the server; emptied first.
    #[arg(long)]
    work_dir: PathBuf,
    /// Python environment with `schemathesis` and `duckdb`.
    #[arg(long)]
    python: PathBuf,
    /// Folder of the scenarios, whose first file makes what is asked about.
    #[arg(long, default_value = "host/e2e/scenarios")]
    scenarios: PathBuf,
    /// Folder of the questions.
    #[arg(long, default_value = "host/e2e/oracles")]
    oracles: PathBuf,
    /// What random questions follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.install_default().expect("nothing else in this process chose a provider");
    let outcome = match Cli::parse().command {
        Command::Demo(args) if args.check => journey::prove(&args).await,
        Command::Demo(args) => demo::serve(&args).await,
        Command::Scenarios(args) => scenarios::replay(&args).await,
        Command::Durability(args) => durability::prove(&args).await,
        Command::Oracles(args) => oracles::ask(&args).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
