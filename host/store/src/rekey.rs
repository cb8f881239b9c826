//! Keys of documents that an earlier release stored without them.

use crate::{ABSENT, Entity, EntityExt, Filter, Order, Store, StoreResult};

/// Entities of one unit of work.
const ENTITIES_PER_STEP: u32 = 200;

/// Stores entities again that lack the key `name`, so that lists find them by it. Dates stay as they are. How many; those that
/// have no such key to give are left as they are.
///
/// # Errors
///
/// [`crate::StoreError::Stale`] when somebody else changes one at the same time, and errors of the engine.
pub async fn rekey<E: Entity>(store: &dyn Store, name: &'static str) -> StoreResult<u64> {
    let (mut count, mut skip) = (0, 0);
    loop {
        let mut unit = store.begin().await?;
        let lacking = Filter { order: Order::CreatedAsc, skip, ..Filter::all(ENTITIES_PER_STEP) };
        let page = unit.list::<E>(&lacking.with(name, ABSENT)).await?;
        if page.results.is_empty() {
            return Ok(count);
        }
        for mut stored in page.results {
            if stored.keys().iter().any(|key| key.name == name) {
                let at = stored.updated_at;
                unit.save(&mut stored, at).await?;
                count += 1;
            } else {
                skip += 1;
            }
        }
        unit.commit().await?;
    }
}
