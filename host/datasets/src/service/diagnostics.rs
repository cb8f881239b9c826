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
    /// What was wrong with the rows of the version in the making, else of the served one; 404 when nothing was.
    pub(crate) async fn validation_diagnostic(
        &self,
        caller: &Caller,
        id: &str,
    ) -> DatasetsResult<DiagnosticFile> {
        let dataset = self.load(caller, id, "readJournal").await?.entity;
        let version = wrong_version(&dataset).map(str::to_owned);
        self.diagnostic_file(dataset, version).await
    }

    async fn diagnostic_file(
        &self,
        dataset: Dataset,
        version: Option<String>,
    ) -> DatasetsResult<DiagnosticFile> {
        let none = || DatasetsError::Missing("Ce jeu de données n'a pas de diagnostic d'erreurs.".to_owned());
        let key = names::diagnostic(&dataset.id, &version.ok_or_else(none)?)?;
        let (info, body) = self.blobs.get(&key, None).await?.ok_or_else(none)?;
        Ok(DiagnosticFile { dataset, info, body })
    }
}

/// The version whose rows are wrong: the newest one that was checked.
fn wrong_version(dataset: &Dataset) -> Option<&str> {
    let building = dataset.building.as_ref().filter(|building| building.diagnostic.is_some());
    let served = dataset.served.as_ref().filter(|version| version.diagnostic.is_some());
    building.map(|building| building.id.as_str()).or(served.map(|version| version.id.as_str()))
}
