//! Files that come beside a data file, in a zip: received, kept for the next data file, replaced, taken away.
//!
//! The zip is kept as it came, under the version that received it, and read in place. A data file that is sent without a
//! zip keeps the files of the one before it; another zip takes the place of all of them, an empty one takes them away.

use std::path::Path;

use halle_base::new_id;
use halle_ingest::Attachments;
use halle_model::dataset::{AttachmentsZip, DatasetKind};
use halle_model::{Caller, Dataset};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::create::bytes_of;
use crate::service::load::check;
use crate::service::names;
use crate::service::write::FILES_MAX;
use crate::state::Datasets;

/// The files that the next data file keeps when it comes alone: those of the state that it follows.
pub(crate) fn kept(dataset: &Dataset) -> Option<AttachmentsZip> {
    if let Some(served) = &dataset.served {
        return served.attachments.clone();
    }
    let draft = dataset.draft.as_deref();
    let building = dataset.building.as_ref().or_else(|| draft?.building.as_ref());
    match building {
        Some(building) => building.attachments.clone(),
        None => draft?.served.as_ref()?.attachments.clone(),
    }
}

impl Datasets {
    /// Stores a zip under a version to which nothing refers yet; `None` for one without files. 400 for one that cannot be
    /// read, has a path that leaves its folder, or has too many files; 413 for one that is too large.
    pub(crate) async fn receive_attachments(
        &self,
        dataset: &str,
        version: &str,
        zip: &Path,
    ) -> DatasetsResult<Option<AttachmentsZip>> {
        let size = bytes_of(zip).await?;
        if size > self.config.upload_bytes_max {
            return Err(DatasetsError::TooLarge(self.config.upload_bytes_max));
        }
        let path = zip.to_owned();
        let counting = move || Attachments::open(&path).map(|files| files.count());
        let count = tokio::task::spawn_blocking(counting).await.map_err(DatasetsError::internal)?;
        let count = count.map_err(|error| {
            DatasetsError::BadRequest(format!("Le zip du champ \"attachments\" est refusé : {error}"))
        })?;
        if count > FILES_MAX {
            return Err(DatasetsError::BadRequest(format!("Le zip contient plus de {FILES_MAX} fichiers.")));
        }
        if count == 0 {
            return Ok(None);
        }
        self.blobs.put_file(&names::attachments_zip(dataset, version)?, zip).await?;
        Ok(Some(AttachmentsZip { version: version.to_owned(), size, count: count as u64 }))
    }

    /// Receives files for a data file that is there already. 400 for a dataset without one.
    pub(crate) async fn other_attachments(
        &self,
        caller: &Caller,
        dataset: &Dataset,
        zip: &Path,
    ) -> DatasetsResult<Option<AttachmentsZip>> {
        check(caller, "writeData", dataset)?;
        let has_file = dataset.served.is_some() || dataset.building.is_some();
        if dataset.kind() != DatasetKind::File || !has_file {
            let message = "Le champ \"attachments\" accompagne un fichier de données, que ce jeu de données n'a pas. Pour des \
                           lignes éditables, envoyez-le avec \"actions\" à \"_bulk_lines\".";
            return Err(DatasetsError::bad_request(message));
        }
        self.check_room(&dataset.owner, bytes_of(zip).await?, 0).await?;
        self.receive_attachments(&dataset.id, &new_id(&*self.dice), zip).await
    }

    /// Passes on how a change went that came with other files; removes these when it was not made.
    pub(crate) async fn forget_unless_saved(
        &self,
        dataset: &str,
        files: Option<AttachmentsZip>,
        saved: DatasetsResult<Dataset>,
    ) -> DatasetsResult<Dataset> {
        if let (Err(_), Some(zip)) = (&saved, files)
            && let Ok(key) = names::attachments_zip(dataset, &zip.version)
            && let Err(error) = self.blobs.delete(&key).await
        {
            tracing::warn!(%error, key = key.as_str(), "files that no dataset has stay behind");
        }
        saved
    }
}
