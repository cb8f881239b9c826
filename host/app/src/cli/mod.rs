//! The command line.

mod key;
mod plugin;

use std::io::{BufWriter, IsTerminal as _};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::config::ServeArgs;
use crate::{reindex, serve};

/// Lines of the log that may wait to be written; then whoever has more to say waits.
const LOG_LINES_WAITING_MAX: usize = 10_000;

/// Bytes of the log written at a time, when there are as many.
const LOG_BYTES_AT_ONCE: usize = 64 << 10;

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
    let logs = start_logs(json, is_server);
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
    let ended = runtime.block_on(dispatch(cli.command));
    // What is said at the end comes after the logs.
    drop(logs);
    match ended {
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

/// Starts logs on standard error. A server writes them from a thread of its own, so that no request waits for a terminal or
/// a disk; nothing is left out, and dropping what this returns writes the rest.
fn start_logs(json: bool, is_server: bool) -> Option<WorkerGuard> {
    let default = if is_server { "info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colours = std::io::stderr().is_terminal();
    let (writer, guard) = if is_server {
        let aside = NonBlockingBuilder::default().lossy(false).buffered_lines_limit(LOG_LINES_WAITING_MAX);
        let (writer, guard) = aside.finish(BufWriter::with_capacity(LOG_BYTES_AT_ONCE, std::io::stderr()));
        (BoxMakeWriter::new(writer), Some(guard))
    } else {
        (BoxMakeWriter::new(std::io::stderr), None)
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(writer);
    if json {
        logs.json().init();
    } else {
        logs.init();
    }
    guard
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Lines of the blocks of shell in the pages below a folder that begin with `halle`.
    fn commands(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).expect("the book is a folder") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                found.extend(commands(&path));
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a page is text");
            let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
            let lines = blocks.flat_map(str::lines).filter(|line| line.starts_with("halle "));
            found.extend(lines.map(str::to_owned));
        }
        found
    }

    #[test]
    fn every_command_of_the_book_for_authors_is_one() {
        let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk/docs");
        let commands = commands(&book);
        assert!(commands.len() > 40, "only {} commands", commands.len());
        for command in commands {
            // The book has this key in the environment.
            let key = if command.starts_with("halle plugin dev ") { " --api-key secret" } else { "" };
            let words = format!("{command}{key}");
            if let Err(error) = Cli::try_parse_from(words.split(' ')) {
                panic!("{command}: {error}");
            }
        }
    }
}
