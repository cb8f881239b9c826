//! Deleting a dataset, with everything it has.

use halle_model::{Caller, Dataset};
use halle_store::EntityExt;

use crate::error::DatasetsResult;
use crate::jobs::sweep;
use crate::service::load::load_in;
use crate::service::names;
use crate::service::union::tell_parents;
use crate::state::Datasets;

impl Datasets {
    /// Deletes a dataset: gone for every reader when this returns; its files and indexes follow in a job.
    pub async fn delete(&self, caller: &Caller, id: &str) -> DatasetsResult<()> {
        let mut unit = self.store.begin().await?;
        let dataset = load_in(unit.as_mut(), caller, id, "delete").await?.entity;
        unit.jobs().cancel(&names::job_key(&dataset.id)).await?;
        unit.remove::<Dataset>(&dataset.id).await?;
        tell_parents(unit.as_mut(), &dataset.id, self.clock.now()).await?;
        unit.logs().clear(&names::journal(&dataset.id)).await?;
        unit.lines().clear(&dataset.id).await?;
        unit.revisions().clear(&dataset.id).await?;
        unit.lines().clear(&names::unique_values(&dataset.id)).await?;
        let versions = versions_of(&dataset);
        // Files that belong to no version go too.
        unit.jobs().enqueue(&sweep::at_once(&dataset.id, &versions, self.clock.now())).await?;
        unit.commit().await?;
        Ok(())
    }
}

/// Every version that may have something on disk.
fn versions_of(dataset: &Dataset) -> Vec<String> {
    let (served, building) = dataset.versions();
    let mut versions: Vec<String> = served.into_iter().flat_map(names::places_of).collect();
    versions.extend(building.into_iter().flat_map(names::places_of_building));
    if dataset.cancelled_draft.is_some() {
        versions.push(names::CANCELLED_DRAFT.to_owned());
    }
    versions.sort_unstable();
    versions.dedup();
    versions
}
