//! Drafts: beginning one, publishing it, dropping it.

use halle_base::{Timestamp, new_id};
use halle_http::ApiError;
use halle_model::dataset::{Author, Building, Status, Version};
use halle_model::draft::{Draft, DraftMode, DraftReason};
use halle_model::permission::{can, dataset_operation};
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;
use halle_store::{EntityExt, StoreResult, UnitOfWork};
use serde_json::{Map, Value};

use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::pipeline::Told;
use crate::jobs::sweep;
use crate::service::attachments::ATTACHMENT;
use crate::service::attributes::set_description;
use crate::service::create::advance;
use crate::service::load::{load_in, protected};
use crate::service::wait::not_ready;
use crate::service::{columns, names};
use crate::state::Datasets;

/// Parameter `draft` of an upload: which mode it asks for.
pub(crate) fn mode_of(parameter: Option<&str>, dataset: &Dataset) -> DatasetsResult<DraftMode> {
    match parameter {
        None | Some("" | "false") => Ok(DraftMode::Always),
        // Attachments are only known to be there by a person who looks.
        Some("true") if has_attachments(dataset) => Ok(DraftMode::Never),
        Some("true") => Ok(DraftMode::Compatible),
        Some(name) => DraftMode::of(name).ok_or_else(|| unknown_mode(name)),
    }
}

/// Parameter `draft` of a creation: whether it asks for a draft.
pub(crate) fn wants_draft(parameter: Option<&str>) -> DatasetsResult<bool> {
    match parameter {
        Some("true") => Ok(true),
        None | Some("" | "false") => Ok(false),
        Some(name) => DraftMode::of(name).map(|_| false).ok_or_else(|| unknown_mode(name)),
    }
}

fn unknown_mode(name: &str) -> DatasetsError {
    DatasetsError::BadRequest(format!(
        "Le paramètre \"draft\" ne connaît pas \"{name}\". Au choix : true, always, never, compatible, \
         compatibleOrCancel."
    ))
}

fn has_attachments(dataset: &Dataset) -> bool {
    dataset.schema.iter().any(|column| column.refers_to.as_deref() == Some(ATTACHMENT))
}

/// Refuses a file that would be published whatever it breaks, from somebody who may not break anything.
pub(crate) fn check_mode(caller: &Caller, dataset: &Dataset, mode: DraftMode) -> DatasetsResult<()> {
    let breaking = dataset_operation("writeDescriptionBreaking");
    let is_published = dataset.served.is_some();
    if mode == DraftMode::Always && is_published && !can(caller, breaking, protected(dataset)) {
        return Err(ApiError::forbidden("draft mode \"always\" is not permitted").into());
    }
    Ok(())
}

/// Whether a caller may see drafts: those who may read the journal, which tells of them.
pub(crate) fn may_see(caller: &Caller, dataset: &Dataset) -> bool {
    can(caller, dataset_operation("readJournal"), protected(dataset))
}

/// Replaces the draft of a dataset by one of a new upload. Versions of the draft that was are retired.
pub(crate) async fn begin(
    unit: &mut dyn UnitOfWork,
    stored: &mut Stored<Dataset>,
    (building, mode): (Building, DraftMode),
    author: Option<Author>,
    attributes: &Map<String, Value>,
    now: Timestamp,
) -> DatasetsResult<()> {
    let superseded = stored.draft.take();
    let first = stored.is_first_draft();
    let reason = if first { DraftReason::new_file() } else { DraftReason::updated_file(mode) };
    stored.draft = Some(Box::new(Draft::of(stored, reason, building, now, author)));
    let mut seen = stored.with_draft();
    if let Some(before) = superseded.as_deref().filter(|_| first) {
        // What was said of the draft holds for its next file.
        seen.schema.clone_from(&before.schema);
        before.title.iter().for_each(|title| seen.title.clone_from(title));
        set_description(&mut seen, &before.description);
    }
    set_description(&mut seen, attributes);
    stored.keep_draft(seen);
    stored.cancelled_draft = None;
    unit.save(stored, now).await?;
    if let Some(superseded) = superseded {
        retire(unit, &stored.id, &superseded, now).await?;
    }
    Ok(())
}

/// Makes `building` the next version of the published dataset and ends its draft. A version that was in the making is
/// retired.
pub(crate) async fn publish(
    datasets: &Datasets,
    unit: &mut dyn UnitOfWork,
    mut stored: Stored<Dataset>,
    building: Building,
    now: Timestamp,
) -> StoreResult<Dataset> {
    let superseded = stored.building.take();
    let draft = stored.publish_draft(building);
    stored.cancelled_draft = None;
    unit.save(&mut stored, now).await?;
    if let Some(draft) = draft {
        retire(unit, &stored.id, &draft, now).await?;
    }
    if let Some(superseded) = superseded {
        let versions = names::places_of_building(&superseded);
        unit.jobs().enqueue(&sweep::at_once(&stored.id, &versions, now)).await?;
    }
    unit.jobs().enqueue(&advance(&stored.id, datasets.clock.now())).await?;
    Ok(stored.entity)
}

/// Has the versions of a draft that ended removed, as far as nothing else needs them.
pub(crate) async fn retire(
    unit: &mut dyn UnitOfWork,
    dataset: &str,
    draft: &Draft,
    now: Timestamp,
) -> StoreResult<()> {
    let mut versions = draft.served.as_ref().map(names::places_of).unwrap_or_default();
    versions.extend(draft.building.iter().flat_map(names::places_of_building));
    unit.jobs().enqueue(&sweep::later(dataset, &versions, now)).await?;
    Ok(())
}

impl Datasets {
    /// Publishes the draft: its whole file becomes the next version. 409 without a draft, or while it is not ready.
    pub(crate) async fn publish_draft(&self, caller: &Caller, id: &str) -> DatasetsResult<Dataset> {
        let ready = self.wait_for_draft(caller, id, "validateDraft").await?;
        let next = ready.draft.as_deref().and_then(|draft| self.whole_of(draft));
        let (sample, building) = next.ok_or_else(|| not_ready(ready.with_draft().status))?;
        if building.diagnostic.is_some() {
            self.copy_diagnostic(&ready.id, &sample, &building.id).await?;
        }
        let mut unit = self.store.begin().await?;
        let stored = load_in(unit.as_mut(), caller, id, "validateDraft").await?;
        let draft = stored.draft.as_deref().filter(|draft| draft.status == Status::Finalized);
        if draft.and_then(|draft| draft.served.as_ref()).is_none_or(|version| version.id != sample.id) {
            return Err(not_ready(stored.with_draft().status));
        }
        let now = self.clock.now();
        let dataset = publish(self, unit.as_mut(), stored, building, now).await?;
        let event = Told::plain("draft-validated").event(false, now);
        let event = self.record_event(unit.as_mut(), &dataset.id, event).await?;
        unit.commit().await?;
        self.announce(&dataset.id, &event);
        Ok(dataset)
    }

    /// The sample of a draft that waits, and the version of all its rows that is to be made.
    fn whole_of(&self, draft: &Draft) -> Option<(Version, Building)> {
        let sample = draft.served.clone().filter(|_| draft.status == Status::Finalized)?;
        let building = Building {
            original_file: draft.original_file.clone(),
            file: draft.file.clone(),
            schema: columns::of_the_file(&draft.schema),
            upload: Some(names::upload_of(&sample).to_owned()),
            rows_from: Some(sample.whole().to_owned()),
            diagnostic: sample.diagnostic,
            attachments: sample.attachments.clone(),
            ..Building::new(new_id(&*self.dice))
        };
        Some((sample, building))
    }

    /// Keeps the list of what is wrong with rows that are served all the same.
    async fn copy_diagnostic(&self, dataset: &str, sample: &Version, to: &str) -> DatasetsResult<()> {
        for version in [sample.id.as_str(), sample.whole()] {
            if let Some((_, body)) = self.blobs.get(&names::diagnostic(dataset, version)?, None).await? {
                self.blobs.put(&names::diagnostic(dataset, to)?, body).await?;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Drops the draft. 409 without one, and for a dataset that is nothing but a draft.
    pub(crate) async fn cancel_draft(&self, caller: &Caller, id: &str) -> DatasetsResult<Dataset> {
        let mut unit = self.store.begin().await?;
        let mut stored = load_in(unit.as_mut(), caller, id, "cancelDraft").await?;
        if stored.is_first_draft() {
            let message = "Ce jeu de données n'a jamais été publié : publiez son brouillon, ou supprimez-le.";
            return Err(DatasetsError::Conflict(message.to_owned()));
        }
        let draft = stored.draft.take().ok_or_else(no_draft)?;
        let now = self.clock.now();
        unit.save(&mut stored, now).await?;
        retire(unit.as_mut(), &stored.id, &draft, now).await?;
        let event = Told::plain("draft-cancelled").event(false, now);
        let event = self.record_event(unit.as_mut(), &stored.id, event).await?;
        unit.commit().await?;
        self.announce(&stored.id, &event);
        Ok(stored.entity)
    }
}

/// The refusal of an operation on a draft that is not there.
pub(crate) fn no_draft() -> DatasetsError {
    DatasetsError::Conflict("Le jeu de données n'a pas de brouillon.".to_owned())
}
