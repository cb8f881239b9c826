//! Finding installed plugins, for features that run them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::manifest::PluginKind;
use crate::registry::{Installed, Registry};
use crate::types::{PluginError, PluginResult};

/// Finds installed plugins. The registry is one; tests bring their own.
#[async_trait]
pub trait InstalledPlugins: Send + Sync {
    /// The plugin with this identifier, granted or not; `None` when it is not installed.
    async fn installed(&self, id: &str) -> PluginResult<Option<Arc<Installed>>>;
}

#[async_trait]
impl InstalledPlugins for Registry {
    async fn installed(&self, id: &str) -> PluginResult<Option<Arc<Installed>>> {
        let found = self.get(id).await;
        found.map_err(|error| {
            tracing::error!(%error, plugin = id, "the registry did not answer");
            PluginError::Unavailable(
                "Le registre des plugins ne répond pas. The registry does not answer.".to_owned(),
            )
        })
    }
}

/// The plugin with this identifier, if it is of this kind and an administrator granted what it asks for.
pub async fn usable(
    plugins: &dyn InstalledPlugins,
    id: &str,
    kind: PluginKind,
) -> PluginResult<Arc<Installed>> {
    let found = plugins.installed(id).await?;
    let plugin = found.ok_or_else(|| {
        PluginError::Unavailable(format!(
            "Le plugin « {id} » n'est pas installé. The plugin `{id}` is not installed."
        ))
    })?;
    if plugin.manifest.plugin.kind != kind {
        let message =
            format!("Le plugin « {id} » n'est pas du bon type. The plugin `{id}` is of another kind.");
        return Err(PluginError::Unavailable(message));
    }
    if plugin.grants.is_none() {
        return Err(PluginError::Unavailable(format!(
            "Le plugin « {id} » attend qu'un administrateur accorde ce qu'il demande. \
             The plugin `{id}` waits for an administrator to grant what it asks for."
        )));
    }
    Ok(plugin)
}
