//! `indexed` to `finalized`: statistics, and the one transaction in which readers switch to the new version.

use halle_base::Timestamp;
use halle_model::Dataset;
use halle_model::dataset::{Building, Status, Version};
use halle_search::engine::IndexSummary;

use crate::jobs::follow::tell_followers;
use crate::jobs::pipeline::{Stage, StageError, StageResult, Told, current};
use crate::service::groups::GROUP_SIZES;
use crate::service::union::tell_parents;
use crate::service::{columns, names, period};

pub(super) async fn run(stage: &Stage<'_>) -> StageResult<()> {
    stage.started().await?;
    let summary = stage.building.summary.clone().map(serde_json::from_value::<IndexSummary>);
    let summary = summary
        .ok_or_else(|| StageError::Machine("the version was not indexed".to_owned()))?
        .map_err(StageError::machine)?;
    let rows = stage.datasets.blobs.head(&names::rows(&stage.dataset.id, &stage.building.id)?).await?;
    let rows_bytes = rows.map_or(0, |info| info.size);

    let index = stage.datasets.engine.open(&names::index(&stage.dataset.id, &stage.building.id)).await?;
    let period = period::of(&stage.building.schema, &*index).await?;
    let groups = stage.datasets.told_groups(&stage.dataset, &*index).await;

    let mut unit = stage.datasets.store.begin().await?;
    let mut side = current(unit.as_mut(), &stage.dataset, &stage.building).await?;
    let now = stage.datasets.clock.now();
    let is_published = side.served.is_some() && !stage.is_draft();
    let restructured = is_published && !columns::same_structure(&side.schema, &stage.building.schema);
    let retired = retired_by(&side, &stage.building);
    switch(&mut side, &stage.building, &summary, rows_bytes, now);
    period::set(&mut side, period);
    if !stage.is_draft() {
        tell_followers(unit.as_mut(), &side, now).await?;
    }
    side.save(unit.as_mut(), now).await?;
    if !stage.is_draft() {
        tell_parents(unit.as_mut(), &stage.dataset.id, now).await?;
    }
    if !retired.is_empty() {
        unit.jobs().enqueue(&super::sweep::later(&stage.dataset.id, &retired, now)).await?;
    }
    let mut told = vec![Told::plain("finalize-end")];
    if restructured {
        told.insert(0, Told::plain("structure-updated"));
    }
    told.extend(groups.into_iter().map(|text| Told::new(GROUP_SIZES, text)));
    let events = stage.tell(unit.as_mut(), told).await?;
    unit.commit().await?;
    stage.announce(&events);
    Ok(())
}

/// Makes the version in the making the served one.
fn switch(
    dataset: &mut Dataset,
    building: &Building,
    summary: &IndexSummary,
    rows_bytes: u64,
    now: Timestamp,
) {
    let schema = columns::with_statistics(building.schema.clone(), summary);
    dataset.schema = columns::with_calculated(schema, summary.bbox.is_some(), false);
    dataset.original_file.clone_from(&building.original_file);
    dataset.file.clone_from(&building.file);
    dataset.count = Some(summary.rows);
    dataset.bbox = summary.bbox;
    dataset.served = Some(Version {
        id: building.id.clone(),
        rows: summary.rows,
        index_bytes: summary.bytes,
        rows_bytes,
        upload: building.upload.clone(),
        diagnostic: building.diagnostic,
        attachments: building.attachments.clone(),
        sample_of: building.rows_from.clone().filter(|_| dataset.draft_reason.is_some()),
    });
    dataset.building = None;
    dataset.status = Status::Finalized;
    dataset.error_status = None;
    dataset.finalized_at = Some(now);
    dataset.updated_at = now;
}

/// Versions that nobody may need once `building` is served; those that are needed still are left by the sweep.
fn retired_by(dataset: &Dataset, building: &Building) -> Vec<String> {
    let mut retired = dataset.served.as_ref().map(names::places_of).unwrap_or_default();
    retired.extend(building.rows_from.clone());
    retired.sort_unstable();
    retired.dedup();
    retired
}
