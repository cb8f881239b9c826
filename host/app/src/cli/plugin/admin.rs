//! What administrators do: install, grant, compare versions, go back, stop and remove.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use halle_base::limits::PACKAGE_BYTES_MAX;
use halle_extensions::grants;
use halle_extensions::package::key_id;
use halle_extensions::registry::{Acceptance, Installation, Registry, VersionState};
use halle_model::limits::LimitValues;
use halle_plugin_tools::build::{PACKAGE_ENDING, package_at};

use crate::config::DataArgs;
use crate::wiring::Base;

/// Packages that are imported at once.
const IMPORT_PACKAGES_MAX: usize = 1_000;

/// Commands of administrators.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Install or upgrade a package. It runs once it is granted what it asks for.
    Install {
        /// The package, or the folder of a plugin that is built.
        package: PathBuf,
        #[command(flatten)]
        accept: AcceptArgs,
        /// Grant at once all that it asks for.
        #[arg(long)]
        grant: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Install or upgrade every package of a folder, or of a tar archive, without a network.
    Import {
        /// The folder, or the archive.
        from: PathBuf,
        #[command(flatten)]
        accept: AcceptArgs,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Grant a plugin what it asks for, or take it back. A version that waited runs from now on.
    Grant {
        /// Identifier of the plugin.
        id: String,
        /// Digest of the version that was decided on; needed when one waits, otherwise the current one when absent.
        #[arg(long, value_name = "DIGEST", conflicts_with = "revoke")]
        digest: Option<String>,
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
    /// List the versions of a plugin.
    Versions {
        /// Identifier of the plugin.
        id: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List who uses a plugin.
    Uses {
        /// Identifier of the plugin.
        id: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Go back to the version that was current before, or to another that is kept. What runs ends on the version it began
    /// with.
    Rollback {
        /// Identifier of the plugin.
        id: String,
        /// Digest of the version.
        #[arg(long, value_name = "DIGEST")]
        digest: Option<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Stop a plugin: nothing new starts, everything is kept.
    Disable {
        /// Identifier of the plugin.
        id: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let a plugin that was disabled start again.
    Enable {
        /// Identifier of the plugin.
        id: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Remove a plugin that nobody uses.
    Remove {
        /// Identifier of the plugin.
        id: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// What is accepted of a package beyond what is accepted of any.
#[derive(Debug, Clone, Copy, Args)]
pub struct AcceptArgs {
    /// Accept a package that no trusted key signed.
    #[arg(long)]
    accept_unsigned: bool,
    /// Accept a package that another key signed than the installed version.
    #[arg(long)]
    accept_new_signer: bool,
}

impl From<AcceptArgs> for Acceptance {
    fn from(args: AcceptArgs) -> Self {
        Self { unsigned: args.accept_unsigned, new_signer: args.accept_new_signer, by_key: false }
    }
}

/// Runs a command.
pub async fn run(command: AdminCommand) -> Result<ExitCode> {
    match command {
        AdminCommand::Install { package, accept, grant, data } => {
            let package = package_at(&package)?;
            let archive =
                std::fs::read(&package).with_context(|| format!("{} cannot be read", package.display()))?;
            let base = Base::open(&data, LimitValues::default()).await?;
            let done = install(&base.registry, &archive, accept.into(), grant).await;
            base.usage.flush().await?;
            done?;
        }
        AdminCommand::Import { from, accept, data } => {
            let base = Base::open(&data, LimitValues::default()).await?;
            let code = import(&base.registry, &from, accept.into()).await;
            base.usage.flush().await?;
            return code;
        }
        AdminCommand::Grant { id, digest, revoke, data } => {
            grant(&open(&data).await?, &id, digest.as_deref(), revoke).await?;
        }
        AdminCommand::List { data } => list(&open(&data).await?).await?,
        AdminCommand::Versions { id, data } => versions(&installation(&open(&data).await?, &id).await?)?,
        AdminCommand::Uses { id, data } => {
            let registry = open(&data).await?;
            installation(&registry, &id).await?;
            let uses = registry.uses(&id).await?;
            println!("{}\t{uses}", uses.count);
        }
        AdminCommand::Rollback { id, digest, data } => {
            let registry = open(&data).await?;
            let installed = match digest {
                Some(digest) => registry.activate(&id, &digest).await?,
                None => registry.rollback(&id).await?,
            };
            println!("{id} {} runs", installed.manifest.plugin.version);
        }
        AdminCommand::Disable { id, data } => {
            open(&data).await?.disable(&id, true).await?;
            println!("{id} is disabled");
        }
        AdminCommand::Enable { id, data } => {
            open(&data).await?.disable(&id, false).await?;
            println!("{id} is enabled");
        }
        AdminCommand::Remove { id, data } => {
            if !open(&data).await?.remove(&id).await? {
                bail!("no plugin `{id}` is installed: see `halle plugin list`");
            }
            println!("{id} is removed");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(data: &DataArgs) -> Result<Registry> {
    Ok(Base::open(data, LimitValues::default()).await?.registry)
}

async fn installation(registry: &Registry, id: &str) -> Result<Installation> {
    let found = registry.installation(id).await?;
    found.with_context(|| format!("no plugin `{id}` is installed: see `halle plugin list`"))
}

async fn install(registry: &Registry, archive: &[u8], accepted: Acceptance, grant: bool) -> Result<()> {
    let received = registry.install(archive, accepted).await?;
    let installed = received.installed;
    let (id, version) = (&installed.id, &installed.manifest.plugin.version);
    let asked = grants::asked(&installed.manifest);
    if received.state == VersionState::Waiting && !grant {
        let current = installation(registry, id).await?.current.installed;
        println!("{id} {version} waits for consent; {} runs meanwhile", current.manifest.plugin.version);
        // A grant gives all that is asked: what an administrator once left out is more than the current version has.
        let held = current.grants.clone().unwrap_or_default();
        println!("it asks for more: {}", installed.asks_beyond(&current, &held).join(", "));
        println!("grant it with: halle plugin grant {id} --digest {}", installed.digest);
        return Ok(());
    }
    println!("{id} {version} is installed");
    if grant {
        registry.grant(id, Some(&installed.digest), None).await?;
        println!("granted: {}", serde_json::to_string(&asked)?);
    } else if installed.grants.is_none() {
        println!("it asks for: {}", serde_json::to_string(&asked)?);
        println!("grant it with: halle plugin grant {id} --digest {}", installed.digest);
    }
    Ok(())
}

/// Installs what a folder or an archive holds, one after the other; what is refused is told, and the rest is installed.
async fn import(registry: &Registry, from: &Path, accepted: Acceptance) -> Result<ExitCode> {
    let mut refused = 0;
    let mut names = Vec::new();
    if from.is_dir() {
        for entry in std::fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
            names.push(entry?.path());
        }
        names.retain(|path| path.extension().is_some_and(|ending| ending == PACKAGE_ENDING));
        names.sort();
        ensure!(
            names.len() <= IMPORT_PACKAGES_MAX,
            "more than {IMPORT_PACKAGES_MAX} packages: import them in parts"
        );
        for path in &names {
            let archive =
                std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
            refused += told(path, install(registry, &archive, accepted, false).await);
        }
    } else {
        let file = std::fs::File::open(from).with_context(|| format!("{} cannot be read", from.display()))?;
        let mut tar = tar::Archive::new(std::io::BufReader::new(file));
        for entry in tar.entries().with_context(|| format!("{} is no tar archive", from.display()))? {
            let entry = entry.with_context(|| format!("{} is no tar archive", from.display()))?;
            let path = entry.path()?.into_owned();
            if path.extension().is_none_or(|ending| ending != PACKAGE_ENDING) {
                continue;
            }
            ensure!(
                names.len() < IMPORT_PACKAGES_MAX,
                "more than {IMPORT_PACKAGES_MAX} packages: import them in parts"
            );
            let mut archive = Vec::new();
            // One byte more than allowed, so that the reader of packages tells what is too large.
            entry.take(PACKAGE_BYTES_MAX as u64 + 1).read_to_end(&mut archive)?;
            refused += told(&path, install(registry, &archive, accepted, false).await);
            names.push(path);
        }
    }
    ensure!(!names.is_empty(), "{} holds no package (`*.{PACKAGE_ENDING}`)", from.display());
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells why a package was refused; 1 if it was.
fn told(path: &Path, outcome: Result<()>) -> usize {
    let Err(error) = outcome else { return 0 };
    eprintln!("{}: {error:#}", path.display());
    1
}

async fn grant(registry: &Registry, id: &str, digest: Option<&str>, revoke: bool) -> Result<()> {
    if revoke {
        registry.revoke(id).await?;
        println!("{id} has no grants any more");
        return Ok(());
    }
    let installed = registry.grant(id, digest, None).await?;
    println!("{id} is granted: {}", serde_json::to_string(&installed.grants)?);
    Ok(())
}

async fn list(registry: &Registry) -> Result<()> {
    for installation in registry.list().await? {
        let installed = &installation.current.installed;
        let plugin = &installed.manifest.plugin;
        let kind = serde_json::to_value(plugin.kind)?;
        let state = match (&installed.grants, installation.disabled, &installation.waiting) {
            (_, true, _) => "disabled",
            (None, ..) => "waits for grants",
            (Some(_), _, None) => "granted",
            (Some(_), _, Some(_)) => "granted, an upgrade waits",
        };
        let kind = kind.as_str().unwrap_or_default();
        println!("{}\t{}\t{kind}\t{state}\t{}", installed.id, plugin.version, &installed.digest[..12]);
    }
    Ok(())
}

fn versions(installation: &Installation) -> Result<()> {
    for (state, version) in installation.versions() {
        let state = serde_json::to_value(state)?;
        let signer = match (&version.installed.signed_by, &version.signer) {
            (Some(name), Some(key)) => format!("signed by {name} ({})", key_id(key)),
            (None, Some(key)) => format!("signed by a stranger ({})", key_id(key)),
            _ => "unsigned".to_owned(),
        };
        let (number, state) =
            (&version.installed.manifest.plugin.version, state.as_str().unwrap_or_default());
        println!("{number}\t{state}\t{signer}\t{}", version.installed.digest);
    }
    Ok(())
}
