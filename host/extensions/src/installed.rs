//! Finding installed plugins, for features that run them.

use std::sync::Arc;

use async_trait::async_trait;
use halle_base::AccountRef;
use halle_store::{Entity, UnitOfWork};

use crate::manifest::PluginKind;
use crate::registry::{Installation, Installed, Registry, RegistryError};
use crate::types::{PluginError, PluginResult};

/// Finds installed plugins. The registry is one; tests bring their own.
#[async_trait]
pub trait InstalledPlugins: Send + Sync {
    /// The plugin with this identifier, granted or not; `None` when it is not installed. One that is disabled has no grants.
    async fn installed(&self, id: &str) -> PluginResult<Option<Arc<Installed>>>;

    /// Whether an administrator stopped the plugin: the reason why it has no grants.
    async fn is_disabled(&self, _id: &str) -> PluginResult<bool> {
        Ok(false)
    }

    /// Whether an account may take the plugin for something new.
    async fn is_visible_to(&self, _id: &str, _account: &AccountRef) -> PluginResult<bool> {
        Ok(true)
    }

    /// Keeps the plugin installed until `unit` ends; an error when it was removed meanwhile. Asked by the work that stores who
    /// uses it, since nobody may use what is gone.
    async fn hold(&self, _unit: &mut dyn UnitOfWork, _id: &str) -> PluginResult<()> {
        Ok(())
    }
}

#[async_trait]
impl InstalledPlugins for Registry {
    async fn installed(&self, id: &str) -> PluginResult<Option<Arc<Installed>>> {
        self.get(id).await.map_err(|error| silent(id, &error))
    }

    async fn is_disabled(&self, id: &str) -> PluginResult<bool> {
        let found = self.installation(id).await.map_err(|error| silent(id, &error))?;
        Ok(found.is_some_and(|installation| installation.disabled))
    }

    async fn is_visible_to(&self, id: &str, account: &AccountRef) -> PluginResult<bool> {
        let found = self.installation(id).await.map_err(|error| silent(id, &error))?;
        Ok(found.is_some_and(|installation| installation.is_visible_to(account)))
    }

    async fn hold(&self, unit: &mut dyn UnitOfWork, id: &str) -> PluginResult<()> {
        let held = unit.documents().hold(Installation::COLLECTION, id).await;
        if held.map_err(|error| silent(id, &error.into()))? { Ok(()) } else { Err(absent(id)) }
    }
}

/// The registry could not be asked; why is for the log.
fn silent(id: &str, error: &RegistryError) -> PluginError {
    tracing::error!(%error, plugin = id, "the registry did not answer");
    PluginError::Unavailable(
        "Le registre des plugins ne répond pas. The registry does not answer.".to_owned(),
    )
}

/// Nobody installed it, or somebody removed it.
pub fn absent(id: &str) -> PluginError {
    PluginError::Unavailable(format!(
        "Le plugin « {id} » n'est pas installé. The plugin `{id}` is not installed."
    ))
}

/// The plugin with this identifier, if it is of this kind and an administrator granted what it asks for.
pub async fn usable(
    plugins: &dyn InstalledPlugins,
    id: &str,
    kind: PluginKind,
) -> PluginResult<Arc<Installed>> {
    let found = plugins.installed(id).await?;
    let plugin = found.ok_or_else(|| absent(id))?;
    if plugin.manifest.plugin.kind != kind {
        let message =
            format!("Le plugin « {id} » n'est pas du bon type. The plugin `{id}` is of another kind.");
        return Err(PluginError::Unavailable(message));
    }
    if plugin.grants.is_none() && plugins.is_disabled(id).await? {
        return Err(PluginError::Unavailable(format!(
            "Le plugin « {id} » est désactivé par un administrateur. The plugin `{id}` is disabled by an administrator."
        )));
    }
    if plugin.grants.is_none() {
        return Err(PluginError::Unavailable(format!(
            "Le plugin « {id} » attend qu'un administrateur accorde ce qu'il demande. \
             The plugin `{id}` waits for an administrator to grant what it asks for."
        )));
    }
    Ok(plugin)
}

/// The plugin, if it is [`usable`] and this account sees it: for something new, as what an account has goes on working.
pub async fn choosable(
    plugins: &dyn InstalledPlugins,
    id: &str,
    kind: PluginKind,
    account: &AccountRef,
) -> PluginResult<Arc<Installed>> {
    if plugins.is_visible_to(id, account).await? {
        return usable(plugins, id, kind).await;
    }
    Err(PluginError::Unavailable(format!(
        "Le plugin « {id} » n'est pas installé pour ce compte. The plugin `{id}` is not installed for this account."
    )))
}
