//! `halle key`.

use std::sync::Arc;

use anyhow::Result;
use clap::Subcommand;
use halle_directory::{Directory, SigningKeys};
use halle_model::limits::LimitValues;

use crate::config::DataArgs;
use crate::wiring::Base;

/// Commands about API keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, and nothing else. It is shown this once.
    New {
        #[command(flatten)]
        data: DataArgs,
        /// E-mail address of the person it is for.
        #[arg(long, value_name = "EMAIL")]
        user: String,
        /// Organisation it acts for; the person's own account when absent.
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
        /// Plugin whose versions it sends, and nothing else, for `halle plugin dev`; the person must be a superadmin.
        #[arg(long, value_name = "ID", conflicts_with = "organization")]
        plugin: Option<String>,
    },
}

/// Runs a command.
pub async fn run(command: KeyCommand) -> Result<()> {
    let KeyCommand::New { data, user, organization, plugin } = command;
    let base = Base::open(&data, LimitValues::default()).await?;
    let path = data.data_dir.join("signing-keys.json");
    let keys = Arc::new(SigningKeys::open(&path, &*base.clock, Arc::clone(&base.dice)).await?);
    let directory = Directory::new(base.store, base.clock, base.dice, "http://127.0.0.1", keys);
    let key = match plugin {
        Some(plugin) => directory.new_plugin_key(&user, &plugin).await?,
        None => directory.new_key(&user, organization.as_deref()).await?,
    };
    println!("{}", key.reveal());
    Ok(())
}
