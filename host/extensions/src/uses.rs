//! Who uses a plugin: a port that every feature with plugins answers, so that none is removed under somebody's feet.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use halle_base::AccountRef;
use halle_store::{Entity, EntityExt, Filter, Order, StoreResult, UnitOfWork};
use serde::Serialize;

/// Name of the key by which documents tell which plugins they use: its values are identifiers of plugins.
pub const PLUGIN_KEY: &str = "plugin";

/// Something that uses a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// What it is: `processing`, `catalog`, `application`, `remote-service` or `dataset`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its identifier.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountRef>,
}

/// Who uses a plugin.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Uses {
    /// How many there are.
    pub count: u64,
    /// Some of them, by title.
    pub results: Vec<Use>,
}

impl fmt::Display for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, one) in self.results.iter().enumerate() {
            let owner = one.owner.as_ref().map(|owner| format!(", {owner}")).unwrap_or_default();
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{} \"{}\" ({}{owner})", one.kind, one.title, one.id)?;
        }
        let more = self.count.saturating_sub(self.results.len() as u64);
        if more > 0 { write!(f, " + {more}") } else { Ok(()) }
    }
}

/// A feature whose resources use plugins.
#[async_trait]
pub trait PluginUsers: Send + Sync {
    /// Its resources that use the plugin as `unit` sees them, `limit` of them at most, and how many there are.
    async fn uses(&self, unit: &mut dyn UnitOfWork, plugin: &str, limit: u32) -> StoreResult<Uses>;
}

/// The users among documents that have [`PLUGIN_KEY`].
pub fn by_key<E: Entity + 'static>(kind: &'static str) -> Arc<dyn PluginUsers> {
    Arc::new(ByKey::<E> { kind, entity: PhantomData })
}

struct ByKey<E> {
    kind: &'static str,
    entity: PhantomData<E>,
}

#[async_trait]
impl<E: Entity + 'static> PluginUsers for ByKey<E> {
    async fn uses(&self, unit: &mut dyn UnitOfWork, plugin: &str, limit: u32) -> StoreResult<Uses> {
        let filter = Filter { order: Order::TitleAsc, ..Filter::all(limit) }.with(PLUGIN_KEY, plugin);
        let page = unit.list::<E>(&filter).await?;
        let results = page.results.into_iter().map(|stored| Use {
            kind: self.kind,
            id: stored.entity.id().to_owned(),
            title: stored.entity.title().to_owned(),
            owner: stored.entity.owner().cloned(),
        });
        Ok(Uses { count: page.count, results: results.collect() })
    }
}

/// All users of a plugin as `unit` sees them, `limit` of each feature at most.
pub async fn all(
    users: &[Arc<dyn PluginUsers>],
    unit: &mut dyn UnitOfWork,
    plugin: &str,
    limit: u32,
) -> StoreResult<Uses> {
    let mut all = Uses::default();
    for users in users {
        let some = users.uses(&mut *unit, plugin, limit).await?;
        all.count += some.count;
        all.results.extend(some.results);
    }
    Ok(all)
}
