//! The list of what is wrong with rows.

use halle_model::{Caller, Dataset};
use halle_store::{BlobInfo, ByteStream};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::state::Datasets;

/// A list on its way out.
pub(crate) struct DiagnosticFile {
    /// The dataset it is about.
    pub dataset: Dataset,
    /// Size of the file.
    pub info: BlobInfo,
    /// CSV in UTF-8, with its mark: `line,error_type,field,message,raw_value`.
    pub body: ByteStream,
}

impl Datasets {
    /// What was wrong with the rows that were checked last; 404 when nothing was.
    pub(crate) async fn validation_diagnostic(
        &self,
        caller: &Caller,
        id: &str,
    ) -> DatasetsResult<DiagnosticFile> {
        let dataset = self.load(caller, id, "readJournal").await?.entity;
        let versions = wrong_versions(&dataset);
        self.diagnostic_file(dataset, versions).await
    }

    /// What was wrong with the last draft, if it was dropped for that; 404 otherwise.
    pub(crate) async fn cancelled_diagnostic(
        &self,
        caller: &Caller,
        id: &str,
    ) -> DatasetsResult<DiagnosticFile> {
        let dataset = self.load(caller, id, "readJournal").await?.entity;
        let version = dataset.cancelled_draft.map(|_| names::CANCELLED_DRAFT.to_owned());
        self.diagnostic_file(dataset, version.into_iter().collect()).await
    }

    /// The first list there is, of these versions.
    async fn diagnostic_file(
        &self,
        dataset: Dataset,
        versions: Vec<String>,
    ) -> DatasetsResult<DiagnosticFile> {
        for version in versions {
            let key = names::diagnostic(&dataset.id, &version)?;
            if let Some((info, body)) = self.blobs.get(&key, None).await? {
                return Ok(DiagnosticFile { dataset, info, body });
            }
        }
        Err(DatasetsError::Missing("Ce jeu de données n'a pas de diagnostic d'erreurs.".to_owned()))
    }
}

/// The versions whose rows are wrong, newest first: of the draft, then of the published state; in the making, then served.
fn wrong_versions(dataset: &Dataset) -> Vec<String> {
    let draft = dataset.draft.as_ref().map(|_| dataset.with_draft());
    let mut versions = Vec::new();
    for state in draft.iter().chain([dataset]) {
        if let Some(building) = state.building.as_ref().filter(|building| building.diagnostic.is_some()) {
            versions.push(building.id.clone());
            versions.extend(building.rows_from.clone());
        }
        if let Some(served) = state.served.as_ref().filter(|version| version.diagnostic.is_some()) {
            versions.extend([served.id.clone(), served.whole().to_owned()]);
        }
    }
    versions
}
