//! The files of a dataset: the upload, and the full file with the columns of extensions.

use std::ops::Range;

use halle_ingest::Kind;
use halle_model::dataset::AnalysedFile;
use halle_model::{Caller, Dataset};
use halle_store::blobs::{BlobKey, LocalBlob};
use halle_store::{BlobInfo, ByteStream};
use serde::Serialize;

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::state::Datasets;

/// A file that can be downloaded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataFile {
    /// `original`, `normalized` or `full`.
    pub key: &'static str,
    /// File name.
    pub name: String,
    /// Bytes; absent for a file that is written as it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Media type.
    pub mimetype: String,
    /// Title for people.
    pub title: &'static str,
}

/// An upload on its way out.
pub struct Download {
    /// The dataset it belongs to.
    pub dataset: Dataset,
    /// File name.
    pub name: String,
    /// Media type.
    pub mimetype: String,
    /// Size of the file.
    pub info: BlobInfo,
    /// Its bytes.
    pub body: ByteStream,
    /// Where they are kept.
    pub(crate) key: BlobKey,
}

impl Datasets {
    /// The file as it was uploaded, of the served version; the first upload while nothing is served yet. `operation` is
    /// `downloadOriginalData` or `downloadDataFile`.
    pub async fn original_file(
        &self,
        caller: &Caller,
        id: &str,
        operation: &'static str,
    ) -> DatasetsResult<Download> {
        let dataset = self.load(caller, id, operation).await?.entity;
        let missing = || DatasetsError::Missing("Ce jeu de données n'a pas de fichier original.".to_owned());
        // Of a draft, the file that was sent last, whatever is thought of it.
        let newest = dataset.building.as_ref().filter(|_| dataset.draft_reason.is_some());
        let upload = match (newest, &dataset.served, &dataset.building) {
            (Some(building), ..) | (_, None, Some(building)) => names::upload_of_building(building),
            (_, Some(served), _) => names::upload_of(served),
            (_, None, None) => return Err(missing()),
        };
        let file = newest.and_then(|building| building.original_file.clone());
        let file = file.or_else(|| dataset.original_file.clone()).ok_or_else(missing)?;
        let key = names::original(&dataset.id, upload)?;
        let (info, body) = self.blobs.get(&key, None).await?.ok_or_else(missing)?;
        Ok(Download { dataset, name: file.name, mimetype: file.mimetype, info, body, key })
    }

    /// A part of an upload that was opened. `range`, in bytes, must be within it.
    pub(crate) async fn part_of(&self, key: &BlobKey, range: Range<u64>) -> DatasetsResult<ByteStream> {
        let missing = || DatasetsError::Missing("Ce fichier vient d'être remplacé.".to_owned());
        let (_, body) = self.blobs.get(key, Some(range)).await?.ok_or_else(missing)?;
        Ok(body)
    }

    /// The canonical rows of the served version, for the full file.
    pub(crate) async fn full_rows(
        &self,
        caller: &Caller,
        id: &str,
        operation: &'static str,
    ) -> DatasetsResult<(Dataset, LocalBlob)> {
        let dataset = self.load(caller, id, operation).await?.entity;
        let missing = || DatasetsError::Missing("Ce jeu de données n'a pas de fichier complet.".to_owned());
        let served = dataset.served.as_ref().filter(|_| !dataset.is_rest).ok_or_else(missing)?;
        let rows = self.blobs.local(&names::rows(&dataset.id, &served.id)?).await?.ok_or_else(missing)?;
        Ok((dataset, rows))
    }

    /// The files that can be downloaded.
    pub async fn data_files(&self, caller: &Caller, id: &str) -> DatasetsResult<(Dataset, Vec<DataFile>)> {
        let dataset = self.load(caller, id, "listDataFiles").await?.entity;
        let files = files_of(&dataset);
        Ok((dataset, files))
    }

    /// Which of the files has this name: `original`, `normalized` or `full`.
    pub(crate) async fn data_file_key(
        &self,
        caller: &Caller,
        id: &str,
        operation: &'static str,
        name: &str,
    ) -> DatasetsResult<Option<&'static str>> {
        let dataset = self.load(caller, id, operation).await?.entity;
        Ok(files_of(&dataset).into_iter().find(|file| file.name == name).map(|file| file.key))
    }
}

fn files_of(dataset: &Dataset) -> Vec<DataFile> {
    let mut files = Vec::new();
    if let Some(original) = &dataset.original_file {
        files.push(DataFile {
            key: "original",
            name: original.name.clone(),
            size: Some(original.size),
            mimetype: original.mimetype.clone(),
            title: "Fichier original",
        });
    }
    if let Some(converted) = converted(dataset).filter(|_| dataset.served.is_some()) {
        files.push(DataFile {
            key: "normalized",
            name: converted.name.clone(),
            size: None,
            mimetype: converted.mimetype.clone(),
            title: "Fichier normalisé",
        });
    }
    if dataset.served.is_some() && dataset.schema.iter().any(|column| column.extension.is_some()) {
        let (name, mimetype) = (full_name(dataset), kind_of(dataset).mime().to_owned());
        files.push(DataFile { key: "full", name, size: None, mimetype, title: "Fichier étendu" });
    }
    files
}

/// The file as it was converted, where its format is not one that the reference reads as it is.
pub(crate) fn converted(dataset: &Dataset) -> Option<&AnalysedFile> {
    let (original, file) = dataset.original_file.as_ref().zip(dataset.file.as_ref())?;
    (original.name != file.name).then_some(file)
}

/// What the rows are written as.
pub(crate) fn kind_of(dataset: &Dataset) -> Kind {
    let is_features = dataset.file.as_ref().is_some_and(|file| file.mimetype == Kind::Features.mime());
    if is_features { Kind::Features } else { Kind::Table }
}

/// Name of the full file.
pub(crate) fn full_name(dataset: &Dataset) -> String {
    format!("{}-full.{}", dataset.slug, kind_of(dataset).extension())
}
