//! Replacing the file of a dataset: the next version is prepared as a draft while the old one stays served.

use std::path::Path;

use halle_model::dataset::{Author, Building, DatasetKind, Status};
use halle_model::draft::DraftMode;
use halle_model::{Caller, Dataset};
use halle_store::{EntityExt, StoreError};
use serde_json::Map;

use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::pipeline::Told;
use crate::jobs::sweep;
use crate::service::columns::with_described;
use crate::service::create::{Upload, advance, upload_bytes};
use crate::service::data_attachments::kept;
use crate::service::drafts::{begin, check_mode};
use crate::service::load::load_in;
use crate::service::names;
use crate::service::publication::sites;
use crate::state::Datasets;

/// Times a write is tried again when somebody else changed the dataset between the look and the write.
const RACES_MAX: usize = 5;

impl Datasets {
    /// Makes a file the content of a dataset. The dataset is `loaded` when this returns; readers get the old version
    /// until the new one is whole.
    pub async fn replace_file(
        &self,
        caller: &Caller,
        id: &str,
        file_name: &str,
        path: &Path,
    ) -> DatasetsResult<Dataset> {
        self.replace_with(caller, id, Upload::new(file_name, path), &Map::new()).await
    }

    /// As [`replace_file`](Self::replace_file), with what the producer said of the file, and descriptive attributes to
    /// change along with it.
    pub async fn replace_with(
        &self,
        caller: &Caller,
        id: &str,
        upload: Upload<'_>,
        attributes: &Map<String, serde_json::Value>,
    ) -> DatasetsResult<Dataset> {
        self.replace_in_mode(caller, id, upload, attributes, DraftMode::Always).await
    }

    /// As [`replace_with`](Self::replace_with). A published dataset takes the file as a draft, of which `mode` tells what
    /// becomes; the answer is the dataset with its draft.
    pub(crate) async fn replace_in_mode(
        &self,
        caller: &Caller,
        id: &str,
        upload: Upload<'_>,
        attributes: &Map<String, serde_json::Value>,
        mode: DraftMode,
    ) -> DatasetsResult<Dataset> {
        let dataset = self.load(caller, id, "writeData").await?;
        check_mode(caller, &dataset, mode)?;
        if dataset.kind() != DatasetKind::File {
            let message =
                "Ce jeu de données n'est pas constitué d'un fichier : il n'a pas de fichier à remplacer.";
            return Err(DatasetsError::NotImplemented(message.to_owned()));
        }
        crate::service::attributes::check_attributes(attributes, false)?;
        let published = sites(dataset.description.get("publicationSites"));
        let mut after = dataset.entity.clone();
        crate::service::attributes::set_description(&mut after, attributes);
        self.check_publication(caller, &after, &published, attributes).await?;
        self.check_room(&dataset.owner, upload_bytes(&upload).await?, 0).await?;
        let building = self.receive(&dataset.id, &upload).await?;
        for attempt in 1.. {
            let next = (building.clone(), mode);
            match self.switch_building(caller, &dataset.id, next, &upload, attributes).await {
                Err(DatasetsError::Store(StoreError::Stale { .. })) if attempt < RACES_MAX => {}
                Err(error) => {
                    self.forget_upload(&dataset.id, &building).await;
                    return Err(error);
                }
                Ok(dataset) => return Ok(dataset),
            }
        }
        Ok(dataset.entity)
    }

    async fn switch_building(
        &self,
        caller: &Caller,
        id: &str,
        (mut building, mode): (Building, DraftMode),
        upload: &Upload<'_>,
        attributes: &Map<String, serde_json::Value>,
    ) -> DatasetsResult<Dataset> {
        let mut unit = self.store.begin().await?;
        let mut stored = load_in(unit.as_mut(), caller, id, "writeData").await?;
        if upload.attachments.is_none() {
            building.attachments = kept(&stored);
        }
        // A dataset that was never published is what its draft says.
        let known = if stored.is_first_draft() { stored.with_draft().schema } else { stored.schema.clone() };
        building.schema = with_described(&known, upload.columns);
        check_mode(caller, &stored, mode)?;
        let now = self.clock.now();
        let author = caller.user.as_ref().map(|user| Author { id: user.id.clone() });
        if stored.served.is_some() || stored.is_first_draft() {
            begin(unit.as_mut(), &mut stored, (building, mode), author, attributes, now).await?;
            let event = Told::plain("data-updated").event(true, now);
            let event = self.record_event(unit.as_mut(), &stored.id, event).await?;
            unit.jobs().enqueue(&advance(&stored.id, now)).await?;
            unit.commit().await?;
            self.announce(&stored.id, &event);
            return Ok(stored.with_draft());
        }
        let superseded = stored.building.replace(building);
        stored.status = Status::Loaded;
        stored.error_status = None;
        stored.data_updated_at = Some(now);
        stored.entity.updated_at = now;
        stored.updated_by = author;
        crate::service::attributes::set_description(&mut stored, attributes);
        unit.save(&mut stored, now).await?;
        if let Some(superseded) = superseded {
            let versions = names::places_of_building(&superseded);
            unit.jobs().enqueue(&sweep::at_once(&stored.id, &versions, now)).await?;
        }
        let event = self.record(unit.as_mut(), &stored.id, "data-updated", None).await?;
        unit.jobs().enqueue(&advance(&stored.id, now)).await?;
        unit.commit().await?;
        self.announce(&stored.id, &event);
        Ok(stored.entity)
    }
}
