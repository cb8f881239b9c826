//! `initFrom`: a new dataset begins with what another one has (reference §1.4).

use futures::StreamExt;
use halle_model::dataset::DatasetKind;
use halle_model::{Caller, Column, Dataset};
use halle_search::params::Params;
use halle_store::ByteStream;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::columns;
use crate::service::create::{NewDataset, Upload};
use crate::service::full::csv;
use crate::service::load::check;
use crate::service::names;
use crate::state::Datasets;

/// Descriptive attributes that the part `description` copies. What says where a dataset is published is its own.
const DESCRIPTION: &[&str] = &[
    "summary",
    "description",
    "license",
    "origin",
    "image",
    "topics",
    "keywords",
    "spatial",
    "temporal",
    "frequency",
    "creator",
    "conformsTo",
    "customMetadata",
    "relatedDatasets",
    "thumbnails",
];

/// What a body asks for.
#[derive(Debug, Deserialize)]
struct InitFrom {
    /// Identifier of the source.
    dataset: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Part {
    Data,
    Description,
    Schema,
    MetadataAttachments,
    PrimaryKey,
    Extensions,
}

/// Data on their way from one dataset to another.
pub(crate) struct Copied {
    name: String,
    path: TempPath,
    /// The zip of the files that came beside the data file.
    beside: Option<TempPath>,
    encoding: Option<String>,
    normalize: Option<halle_ingest::NormalizeOptions>,
}

impl Copied {
    /// The data as a file that somebody uploads.
    pub(crate) fn upload(&self) -> Upload<'_> {
        let (encoding, normalize) = (self.encoding.clone(), self.normalize.clone());
        let attachments = self.beside.as_deref();
        Upload { encoding, normalize, attachments, ..Upload::new(&self.name, &self.path) }
    }

    /// Where the data are.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }
}

impl Datasets {
    /// Completes a creation with the parts of its `initFrom`; attributes of the body win. The data, if they are asked, come
    /// as a file: the upload of the source, or a CSV of its lines where it has none or they are going to be edited.
    pub(crate) async fn initialise(
        &self,
        caller: &Caller,
        new: &mut NewDataset,
    ) -> DatasetsResult<Option<Copied>> {
        let Some(wanted) = new.attributes.shift_remove("initFrom").filter(|wanted| !wanted.is_null()) else {
            return Ok(None);
        };
        let wanted: InitFrom = serde_json::from_value(wanted).map_err(|error| {
            DatasetsError::BadRequest(format!("L'attribut \"initFrom\" est incorrect : {error}."))
        })?;
        let source = self.load(caller, &wanted.dataset, "readDescription").await?.entity;
        let has = |part| wanted.parts.contains(&part);
        if has(Part::Schema) {
            check(caller, "readSchema", &source)?;
        }
        for (name, value) in attributes_of(&source, &wanted.parts)? {
            if new.attributes.get(&name).is_none_or(Value::is_null) {
                new.attributes.insert(name, value);
            }
        }
        let is_titled = new.title.is_some() || new.attributes.contains_key("title");
        if !is_titled {
            new.title = Some(source.title.clone());
        }
        if !has(Part::Data) {
            return Ok(None);
        }
        let is_rest = new.attributes.get("isRest").and_then(Value::as_bool) == Some(true);
        match source.kind() {
            DatasetKind::File if !is_rest => self.copied_file(caller, &source).await.map(Some),
            DatasetKind::File | DatasetKind::Editable | DatasetKind::Virtual => {
                let title = new.attributes.get("title").and_then(Value::as_str).map(str::to_owned);
                let title = title.or_else(|| new.title.clone()).unwrap_or_default();
                self.copied_lines(caller, &source, &title).await.map(Some)
            }
            DatasetKind::MetadataOnly => {
                let message = "\"initFrom\" : le jeu de données source n'a pas de données.";
                Err(DatasetsError::bad_request(message))
            }
        }
    }

    /// The upload of the source, with the files that came beside it.
    async fn copied_file(&self, caller: &Caller, source: &Dataset) -> DatasetsResult<Copied> {
        check(caller, "readLines", source)?;
        let download = self.original_file(caller, &source.id, "downloadOriginalData").await?;
        let path = self.kept_aside(download.body).await?;
        let beside = self.copied_beside(caller, source).await?;
        let original = source.original_file.as_ref();
        let normalize = original.and_then(|file| file.normalize_options.clone()).map(serde_json::from_value);
        Ok(Copied {
            name: download.name,
            path,
            beside,
            encoding: original.and_then(|file| file.encoding.clone()),
            normalize: normalize.transpose().map_err(DatasetsError::internal)?,
        })
    }

    /// The zip of the files that the lines of the source name, if it has one.
    async fn copied_beside(&self, caller: &Caller, source: &Dataset) -> DatasetsResult<Option<TempPath>> {
        let served = source.served.as_ref();
        let Some(zip) = served.and_then(|served| served.attachments.as_ref()) else { return Ok(None) };
        check(caller, "downloadAttachment", source)?;
        let key = names::attachments_zip(&source.id, &zip.version)?;
        let Some((_, body)) = self.blobs.get(&key, None).await? else {
            let message =
                "Les fichiers joints du jeu de données source viennent d'être remplacés : réessayez.";
            return Err(DatasetsError::Conflict(message.to_owned()));
        };
        self.kept_aside(body).await.map(Some)
    }

    /// A stream as a file of this machine.
    async fn kept_aside(&self, mut body: ByteStream) -> DatasetsResult<TempPath> {
        let (file, path) = self.temporary()?;
        let mut file = tokio::fs::File::from_std(file);
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(DatasetsError::internal)?;
            file.write_all(&piece).await.map_err(DatasetsError::internal)?;
        }
        file.flush().await.map_err(DatasetsError::internal)?;
        Ok(path)
    }

    /// The lines of the source as CSV.
    async fn copied_lines(&self, caller: &Caller, source: &Dataset, title: &str) -> DatasetsResult<Copied> {
        let mut lines = self.batches(caller, &source.id, &Params::default()).await?;
        let (file, path) = self.temporary()?;
        let mut file = tokio::fs::File::from_std(file);
        let header = csv::header(&lines.columns).map_err(DatasetsError::internal)?;
        file.write_all(&header).await.map_err(DatasetsError::internal)?;
        let mut written = header.len() as u64;
        while let Some(batch) = lines.batches.next().await {
            let piece = csv::piece(&batch?).map_err(DatasetsError::internal)?;
            written += piece.len() as u64;
            if written > self.config.upload_bytes_max {
                return Err(DatasetsError::TooLarge(self.config.upload_bytes_max));
            }
            file.write_all(&piece).await.map_err(DatasetsError::internal)?;
        }
        file.flush().await.map_err(DatasetsError::internal)?;
        let name: String = title.chars().map(|c| if c == '/' || c.is_control() { ' ' } else { c }).collect();
        Ok(Copied {
            name: format!("{}.csv", name.trim()),
            path,
            beside: None,
            encoding: None,
            normalize: None,
        })
    }

    fn temporary(&self) -> DatasetsResult<(std::fs::File, TempPath)> {
        let file = NamedTempFile::new_in(&self.config.temp_dir).map_err(DatasetsError::internal)?;
        Ok(file.into_parts())
    }
}

/// The attributes that the parts give.
fn attributes_of(source: &Dataset, parts: &[Part]) -> DatasetsResult<Vec<(String, Value)>> {
    let mut found = Vec::new();
    for part in parts {
        match part {
            Part::Data => {}
            Part::Description => {
                let copied =
                    source.description.iter().filter(|(name, _)| DESCRIPTION.contains(&name.as_str()));
                found.extend(copied.map(|(name, value)| (name.clone(), value.clone())));
            }
            Part::Schema => {
                let schema: Vec<Column> =
                    columns::of_the_file(&source.schema).into_iter().map(bare).collect();
                found.push(("schema".to_owned(), json!(schema)));
            }
            Part::PrimaryKey if source.primary_key.is_empty() => {}
            Part::PrimaryKey => found.push(("primaryKey".to_owned(), json!(source.primary_key))),
            Part::Extensions => found.push(("extensions".to_owned(), json!(source.extensions))),
            Part::MetadataAttachments => {
                let Some(attachments) = source.description.get("attachments") else { continue };
                let is_file = |one: &Value| one.get("type").and_then(Value::as_str) == Some("file");
                if attachments.as_array().into_iter().flatten().any(is_file) {
                    let message =
                        "\"initFrom\" : les pièces jointes en fichier ne sont pas copiées par cette version.";
                    return Err(DatasetsError::NotImplemented(message.to_owned()));
                }
                found.push(("attachments".to_owned(), attachments.clone()));
            }
        }
    }
    Ok(found)
}

/// A column without what the data of the source say of it.
pub(crate) fn bare(column: Column) -> Column {
    Column { values: None, cardinality: None, ..column }
}
