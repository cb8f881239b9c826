//! A plugin configured for something: a processing, a catalogue. Its configuration without secrets, and its secrets
//! sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use halle_base::Dice;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{ConfigSchema, SecretEdit};
use crate::host::Secrets;
use crate::manifest::Manifest;
use crate::types::Problem;
use crate::vault::{Vault, VaultError};

/// A stored configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Configured {
    /// The configuration; in place of a secret stands its name.
    pub config: Value,
    /// Secrets by name, sealed.
    pub secrets: BTreeMap<String, String>,
}

/// Opens and seals the secrets of one instance. `owner` names it, such as `processings/{id}`.
#[derive(Debug, Clone, Copy)]
pub struct Keeper<'a> {
    /// The vault.
    pub vault: &'a Vault,
    /// Chance.
    pub dice: &'a dyn Dice,
    /// What the secrets are for.
    pub owner: &'a str,
}

impl Keeper<'_> {
    fn purpose(&self, name: &str) -> String {
        format!("{}/{name}", self.owner)
    }
}

impl Configured {
    /// Takes what a form sent: secrets leave the configuration, which must then obey the manifest's schema. On an error
    /// nothing changes.
    pub fn update(
        &mut self,
        manifest: &Manifest,
        mut draft: Value,
        keeper: Keeper<'_>,
    ) -> Result<(), Problem> {
        let Some(schema) = schema(manifest)? else {
            self.config = draft;
            return Ok(());
        };
        let known: Vec<String> = self.secrets.keys().cloned().collect();
        let edits = schema.take_secrets(&mut draft, &known);
        schema.validate(&draft).map_err(|mut problems| problems.swap_remove(0))?;
        let keeps = |(name, edit): &&(String, SecretEdit)| {
            *edit == SecretEdit::Unchanged && self.secrets.contains_key(name)
        };
        if let Some((name, _)) = edits.iter().find(keeps)
            && let Some(address) = schema.moved_address(&self.config, &draft)
        {
            return Err(does_not_follow(name, address));
        }
        for (name, edit) in edits {
            match edit {
                SecretEdit::Unchanged => {}
                SecretEdit::Cleared => {
                    self.secrets.remove(&name);
                }
                SecretEdit::Set(secret) => {
                    let sealed = keeper.vault.seal(keeper.dice, &keeper.purpose(&name), &secret);
                    self.secrets.insert(name, sealed);
                }
            }
        }
        self.config = draft;
        Ok(())
    }

    /// Checks what is stored against the schema of the plugin as it is now: an upgrade may have changed it.
    pub fn check(&self, manifest: &Manifest) -> Result<(), Problem> {
        let Some(schema) = schema(manifest)? else { return Ok(()) };
        schema.validate(&self.config).map_err(|mut problems| {
            let problem = problems.swap_remove(0);
            let version = &manifest.plugin.version;
            let message = format!(
                "la configuration enregistrée ne convient pas à la version {version} du plugin : corrigez-la. The stored \
                 configuration does not fit version {version} of the plugin: {}",
                problem.message
            );
            Problem { message, ..problem }
        })
    }

    /// The configuration as a form shows it: a mask in place of each secret.
    pub fn shown(&self, manifest: &Manifest) -> Value {
        match schema(manifest) {
            Ok(Some(schema)) => schema.masked(&self.config),
            _ => self.config.clone(),
        }
    }

    /// The secrets, opened, for a call.
    pub fn open(&self, keeper: Keeper<'_>) -> Result<Secrets, VaultError> {
        let open = |(name, sealed): (&String, &String)| {
            Ok((name.clone(), keeper.vault.open(&keeper.purpose(name), sealed)?))
        };
        self.secrets.iter().map(open).collect::<Result<Vec<_>, _>>().map(Arc::new)
    }
}

/// A secret was typed for an address; who moves the address may not know it.
fn does_not_follow(secret: &str, address: &str) -> Problem {
    let message = format!(
        "l'adresse `{address}` a changé de serveur, saisissez de nouveau ce secret. The address `{address}` moved to another \
         server: type this secret again."
    );
    Problem { field: Some(format!("/{secret}")), ..Problem::new("config/secret-again", message) }
}

fn schema(manifest: &Manifest) -> Result<Option<ConfigSchema>, Problem> {
    let schema = manifest.config.as_ref().map(ConfigSchema::new).transpose();
    schema.map_err(|reason| {
        Problem::new("config/schema", format!("the plugin's configuration schema {reason}"))
    })
}
