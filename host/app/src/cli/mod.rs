//! The command line.

mod key;
mod plugin;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::ServeArgs;
use crate::{reindex, serve};

/// An open-data platform in one binary.
#[derive(Debug, Parser)]
#[command(name = "halle", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve everything: API, portal, back office, jobs.
    Serve(Box<ServeArgs>),
    /// API keys.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Plugins: make them, install them, grant them what they ask for.
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    /// Rebuild the indexes from the database and the files. Stop the server first.
    Reindex {
        #[command(flatten)]
        serve: Box<ServeArgs>,
        /// Only this dataset.
        #[arg(long)]
        dataset: Option<String>,
    },
    /// Compile a component from standard input to standard output.
    #[command(name = crate::wiring::COMPILE_COMMAND, hide = true)]
    CompileComponent,
}

/// Runs the program.
pub fn run(cli: Cli) -> ExitCode {
    if matches!(cli.command, Command::CompileComponent) {
        return compile();
    }
    let json = matches!(&cli.command, Command::Serve(args) if args.log_json);
    let is_server = matches!(cli.command, Command::Serve(_));
    start_logs(json, if is_server { "info" } else { "warn" });
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    if provider.install_default().is_err() {
        eprintln!("error: another TLS provider is in place already");
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(dispatch(cli.command)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::serve(*args).await?,
        Command::Key(command) => key::run(command).await?,
        Command::Plugin(command) => return plugin::run(command).await,
        Command::Reindex { serve, dataset } => reindex::reindex(&serve, dataset.as_deref()).await?,
        Command::CompileComponent => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// The other side of the sandbox's compiler: no logs, no runtime, nothing but the component.
fn compile() -> ExitCode {
    match halle_wasm::compile_worker(std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn start_logs(json: bool, default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colours = std::io::stderr().is_terminal();
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    if json { logs.json().init() } else { logs.init() }
}
