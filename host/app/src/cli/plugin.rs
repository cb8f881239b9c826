//! `halle plugin`.

mod admin;
mod author;
mod dev;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Commands about plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// On the machine of an author.
    #[command(flatten)]
    Author(author::AuthorCommand),
    /// Build a plugin whenever a source changes, and install it into a running server.
    Dev(dev::DevArgs),
    /// On the machine of a server.
    #[command(flatten)]
    Admin(admin::AdminCommand),
}

/// Runs a command.
pub async fn run(command: PluginCommand) -> Result<ExitCode> {
    match command {
        PluginCommand::Author(command) => author::run(command).await,
        PluginCommand::Dev(args) => dev::run(args).await.map(|()| ExitCode::SUCCESS),
        PluginCommand::Admin(command) => admin::run(command).await,
    }
}
