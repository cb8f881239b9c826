//! Packages of forgotten versions, over all plugins: each keeps a few for a while, and together they fill no disk either.

use halle_base::Timestamp;
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, StoreResult, UnitOfWork};

use super::{Installation, LIST_MAX};

/// Packages of forgotten versions that stay at once, of all plugins.
const RETIRED_OF_ALL_MAX: usize = 100;

/// Drops what is over or too many of the forgotten versions of all plugins, the oldest first; the digests of their packages.
/// Plugins of which nobody speaks any more give theirs back too.
pub(super) async fn bound(unit: &mut dyn UnitOfWork, now: Timestamp) -> StoreResult<Vec<String>> {
    let mut plugins = unit.list::<Installation>(&Filter::all(LIST_MAX)).await?.results;
    let oldest_kept = oldest_kept(&plugins, RETIRED_OF_ALL_MAX);
    let mut over = Vec::new();
    for plugin in &mut plugins {
        let dropped = plugin.entity.retired_before(oldest_kept, now);
        if !dropped.is_empty() {
            // What people see of the plugin did not change.
            let unchanged = plugin.updated_at;
            unit.save(plugin, unchanged).await?;
            over.extend(dropped);
        }
    }
    Ok(over)
}

/// When the oldest of the newest `max` versions was forgotten; `None` while there are no more than that.
fn oldest_kept(plugins: &[Stored<Installation>], max: usize) -> Option<Timestamp> {
    let mut moments: Vec<Timestamp> =
        plugins.iter().flat_map(|plugin| &plugin.retired).map(|retired| retired.retired_at).collect();
    moments.sort_unstable_by(|one, other| other.cmp(one));
    (moments.len() > max).then(|| moments[max - 1])
}
