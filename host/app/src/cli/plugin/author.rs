//! What authors do: make a plugin, build, pack, sign, check and test it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use halle_base::SystemDice;
use halle_extensions::metering::Unmetered;
use halle_extensions::package::key_id;
use halle_extensions::registry::MemoryComponents;
use halle_plugin_tools::cases::{self, Recording};
use halle_plugin_tools::{build, sign};
use halle_transports::{EgressConfig, HttpEgress};
use halle_wasm::Readers;

use crate::wiring;

/// Commands of authors.
#[derive(Debug, Subcommand)]
pub enum AuthorCommand {
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
    /// Pack a plugin whose component is made already: the last build's, or one that another tool made.
    Pack {
        /// Folder of the plugin.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The component; what was built last when absent.
        #[arg(long, value_name = "FILE")]
        component: Option<PathBuf>,
        /// Folder for the package; the plugin's own when absent.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Sign a package: who installs it can tell that it is yours and that nobody changed it.
    Sign {
        /// The package, or the folder of a plugin that is built.
        package: PathBuf,
        /// File of your key, made by `halle plugin key new`.
        #[arg(long, value_name = "FILE", env = "HALLE_PLUGIN_KEY")]
        key: PathBuf,
    },
    /// Keys that sign packages.
    #[command(subcommand)]
    Key(KeyCommand),
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
        recording: RecordArgs,
        #[command(flatten)]
        tools: ToolsArgs,
    },
}

/// How exchanges are recorded.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Make the requests that no exchange of a case answers, to the origins that the manifest asks for, and keep the
    /// exchanges in the file of the case.
    #[arg(long)]
    record: bool,
    /// JSON file of real secrets by name, `{"auth/token": "..."}`, in place of those of the cases. They are never written.
    #[arg(long, value_name = "FILE", requires = "record")]
    secrets: Option<PathBuf>,
    /// Origins on private or loopback addresses that may be called, separated by commas.
    #[arg(long, env = "HALLE_ALLOWED_PRIVATE_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    allowed_private_origins: Vec<String>,
}

impl RecordArgs {
    fn recording(self) -> Result<Option<Recording>> {
        if !self.record {
            return Ok(None);
        }
        let mut secrets = BTreeMap::new();
        if let Some(path) = &self.secrets {
            let told = || format!("{} is no JSON object of texts", path.display());
            let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
            secrets = serde_json::from_slice(&text).with_context(told)?;
        }
        let private_origins = self.allowed_private_origins.into_iter().filter(|origin| !origin.is_empty());
        let config =
            EgressConfig { allowed_private_origins: private_origins.collect(), ..EgressConfig::default() };
        Ok(Some(Recording { egress: Arc::new(HttpEgress::new(config)?), secrets }))
    }
}

/// Commands about keys that sign packages.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key in a new file that only you can read, and print its public part. Keep a copy where nobody else comes:
    /// who installed your plugin is warned when an upgrade is signed by another key.
    New {
        /// The file.
        file: PathBuf,
    },
    /// Print the public part of a key: what administrators add to HALLE_TRUSTED_KEYS.
    Show {
        /// The file.
        file: PathBuf,
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
    /// The folder of build tools.
    pub fn folder(self) -> Result<PathBuf> {
        if let Some(folder) = self.tools {
            return Ok(folder);
        }
        let cache = self.user_cache.or_else(|| Some(std::env::home_dir()?.join(".cache")));
        let cache = cache.context("there is no home folder to keep build tools in: name one with --tools")?;
        Ok(cache.join("halle/plugin-tools"))
    }
}

/// Runs a command.
pub async fn run(command: AuthorCommand) -> Result<ExitCode> {
    match command {
        AuthorCommand::New { kind, language, name } => {
            let folder = halle_plugin_tools::new::new(&kind, &language, &name, &std::env::current_dir()?)?;
            println!("{} is ready: halle plugin build {name}", folder.display());
        }
        AuthorCommand::Build { folder, out, tools } => {
            let say = &mut |line: &str| eprintln!("{line}");
            println!("{}", build::build(&folder, out.as_deref(), &tools.folder()?, say)?.display());
        }
        AuthorCommand::Pack { folder, component, out } => {
            println!("{}", build::pack(&folder, component.as_deref(), out.as_deref())?.display());
        }
        AuthorCommand::Sign { package, key } => {
            let package = build::package_at(&package)?;
            let public = sign::sign(&package, &sign::open_key(&key)?)?;
            println!("{} is signed by the key {}", package.display(), key_id(&public));
        }
        AuthorCommand::Key(KeyCommand::New { file }) => {
            let public = sign::new_key(&file, &SystemDice)?;
            eprintln!(
                "{} is made: keep it to yourself. Its public part, for HALLE_TRUSTED_KEYS:",
                file.display()
            );
            println!("{}", trusted(&file, &public));
        }
        AuthorCommand::Key(KeyCommand::Show { file }) => {
            println!("{}", trusted(&file, &sign::open_key(&file)?.public_hex()));
        }
        AuthorCommand::Check { package } => return check(&package),
        AuthorCommand::Test { folder, recording, tools } => {
            return test(&folder, tools, recording.recording()?).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A public key as HALLE_TRUSTED_KEYS takes it, named after its file.
fn trusted(file: &Path, public: &str) -> String {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().replace([',', '='], "-");
    format!("{name}={public}")
}

fn check(package: &Path) -> Result<ExitCode> {
    let package = build::package_at(package)?;
    let report = halle_plugin_tools::check::check(&package)?;
    print!("{report}");
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn test(folder: &Path, tools: ToolsArgs, recording: Option<Recording>) -> Result<ExitCode> {
    let say = &mut |line: &str| eprintln!("{line}");
    let package = build::build(folder, None, &tools.folder()?, say)?;
    let archive = std::fs::read(&package).with_context(|| format!("{} cannot be read", package.display()))?;
    let package = halle_extensions::package::Package::read(&archive)?;
    let mut components = MemoryComponents::default();
    components.insert(package.digest(), package.component().clone());
    let scratch = std::env::temp_dir().join(format!("halle-plugin-test-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let host =
        wiring::sandbox(&scratch, Arc::new(components), Arc::new(Unmetered), &SystemDice, Readers::default());
    let report = match host {
        Ok(host) => match recording {
            None => cases::run(folder, &package, Arc::new(host)).await,
            Some(recording) => cases::record(folder, &package, Arc::new(host), recording).await,
        },
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
