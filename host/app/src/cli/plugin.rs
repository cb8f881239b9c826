//! `halle plugin`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use halle_base::SystemDice;
use halle_extensions::grants;
use halle_extensions::registry::MemoryComponents;

use crate::config::DataArgs;
use crate::wiring::{self, Base};

/// Commands about plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Make a plugin from a template that works.
    New {
        /// Kind: catalog-connector, processing, enricher, visualisation or remote-service.
        #[arg(long)]
        kind: String,
        /// Language: rust, javascript (which TypeScript is, too) or python.
        #[arg(long, alias = "lang", default_value = "rust")]
        language: String,
        /// Name, also of the folder.
        name: String,
    },
    /// Build a plugin into a package.
    Build {
        /// Folder of the plugin.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Folder for the package; the plugin's own when absent.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        tools: ToolsArgs,
    },
    /// Check a package: manifest, imports, what it asks for and does not use.
    Check {
        /// The package, or the folder of a plugin that is built.
        package: PathBuf,
    },
    /// Run a plugin's cases in the sandbox.
    Test {
        /// Folder of the plugin.
        #[arg(default_value = ".")]
        folder: PathBuf,
        #[command(flatten)]
        tools: ToolsArgs,
    },
    /// Install or upgrade a package. It runs once it is granted what it asks for.
    Install {
        /// The package, or the folder of a plugin that is built.
        package: PathBuf,
        /// Accept a package that no trusted key signed.
        #[arg(long)]
        accept_unsigned: bool,
        /// Grant at once all that it asks for.
        #[arg(long)]
        grant: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Grant an installed plugin what it asks for, or take it back.
    Grant {
        /// Identifier of the plugin.
        id: String,
        /// Take every grant back: the plugin stops running.
        #[arg(long)]
        revoke: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List installed plugins.
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Remove an installed plugin.
    Remove {
        /// Identifier of the plugin.
        id: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Where tools are kept that turn interpreted languages into components.
#[derive(Debug, Args)]
pub struct ToolsArgs {
    /// Folder of build tools, shared by all plugins; `halle` in the user's cache when absent.
    #[arg(long, value_name = "DIR", env = "HALLE_PLUGIN_TOOLS")]
    tools: Option<PathBuf>,
    /// The user's cache.
    #[arg(long, hide = true, value_name = "DIR", env = "XDG_CACHE_HOME")]
    user_cache: Option<PathBuf>,
}

impl ToolsArgs {
    fn folder(self) -> Result<PathBuf> {
        if let Some(folder) = self.tools {
            return Ok(folder);
        }
        let cache = self.user_cache.or_else(|| Some(std::env::home_dir()?.join(".cache")));
        let cache = cache.context("there is no home folder to keep build tools in: name one with --tools")?;
        Ok(cache.join("halle/plugin-tools"))
    }
}

/// Runs a command.
pub async fn run(command: PluginCommand) -> Result<ExitCode> {
    match command {
        PluginCommand::New { kind, language, name } => {
            let folder = halle_plugin_tools::new::new(&kind, &language, &name, &std::env::current_dir()?)?;
            println!("{} is ready: halle plugin build {name}", folder.display());
        }
        PluginCommand::Build { folder, out, tools } => {
            let say = &mut |line: &str| eprintln!("{line}");
            let package = halle_plugin_tools::build::build(&folder, out.as_deref(), &tools.folder()?, say)?;
            println!("{}", package.display());
        }
        PluginCommand::Check { package } => return check(&package),
        PluginCommand::Test { folder, tools } => return test(folder, tools).await,
        PluginCommand::Install { package, accept_unsigned, grant, data } => {
            install(&package, accept_unsigned, grant, &data).await?;
        }
        PluginCommand::Grant { id, revoke, data } => grant(&id, revoke, &data).await?,
        PluginCommand::List { data } => list(&data).await?,
        PluginCommand::Remove { id, data } => {
            if !Base::open(&data).await?.registry.remove(&id).await? {
                bail!("no plugin `{id}` is installed: see `halle plugin list`");
            }
            println!("{id} is removed");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check(package: &std::path::Path) -> Result<ExitCode> {
    let package = halle_plugin_tools::build::package_at(package)?;
    let report = halle_plugin_tools::check::check(&package)?;
    print!("{report}");
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn test(folder: PathBuf, tools: ToolsArgs) -> Result<ExitCode> {
    let say = &mut |line: &str| eprintln!("{line}");
    let package = halle_plugin_tools::build::build(&folder, None, &tools.folder()?, say)?;
    let archive = std::fs::read(&package).with_context(|| format!("{} cannot be read", package.display()))?;
    let package = halle_extensions::package::Package::read(&archive)?;
    let mut components = MemoryComponents::default();
    components.insert(package.digest(), package.component().clone());
    let scratch = std::env::temp_dir().join(format!("halle-plugin-test-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let host = wiring::sandbox(&scratch, Arc::new(components), &SystemDice);
    let report = match host {
        Ok(host) => halle_plugin_tools::cases::run(&folder, &package, Arc::new(host)).await,
        Err(error) => {
            std::fs::remove_dir_all(&scratch)?;
            return Err(error);
        }
    };
    std::fs::remove_dir_all(&scratch)?;
    let report = report?;
    print!("{report}");
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn install(
    package: &std::path::Path,
    accept_unsigned: bool,
    grant: bool,
    data: &DataArgs,
) -> Result<()> {
    let package = halle_plugin_tools::build::package_at(package)?;
    let archive = std::fs::read(&package).with_context(|| format!("{} cannot be read", package.display()))?;
    let registry = Base::open(data).await?.registry;
    let installed = registry.install(&archive, accept_unsigned).await?;
    println!("{} {} is installed", installed.id, installed.manifest.plugin.version);
    let asked = grants::asked(&installed.manifest);
    if grant {
        registry.grant(&installed.id, None).await?;
        println!("granted: {}", serde_json::to_string(&asked)?);
    } else if installed.grants.is_none() {
        println!("it asks for: {}", serde_json::to_string(&asked)?);
        println!("grant it with: halle plugin grant {}", installed.id);
    }
    Ok(())
}

async fn grant(id: &str, revoke: bool, data: &DataArgs) -> Result<()> {
    let registry = Base::open(data).await?.registry;
    if revoke {
        registry.revoke(id).await?;
        println!("{id} has no grants any more");
        return Ok(());
    }
    let installed = registry.grant(id, None).await?;
    println!("{id} is granted: {}", serde_json::to_string(&installed.grants)?);
    Ok(())
}

async fn list(data: &DataArgs) -> Result<()> {
    for installation in Base::open(data).await?.registry.list().await? {
        let installed = &installation.current.installed;
        let plugin = &installed.manifest.plugin;
        let kind = serde_json::to_value(plugin.kind)?;
        let state = if installed.grants.is_some() { "granted" } else { "waits for grants" };
        let kind = kind.as_str().unwrap_or_default();
        println!("{}\t{}\t{kind}\t{state}\t{}", installed.id, plugin.version, &installed.digest[..12]);
    }
    Ok(())
}
