//! The files of edited lines: a blob each.

use futures::TryStreamExt;
use halle_model::Dataset;
use halle_store::LineRecord;
use serde_json::Value;

use super::{DOCUMENT_BYTES_MAX, FileFacts, attachment_column, facts};
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::state::Datasets;

impl Datasets {
    /// What the index has of the files of the lines that are not deleted, in their order.
    pub(crate) async fn files_of_lines(
        &self,
        dataset: &Dataset,
        lines: &[LineRecord],
    ) -> DatasetsResult<Vec<FileFacts>> {
        let column = attachment_column(&dataset.schema);
        let mut files = Vec::with_capacity(lines.len());
        for line in lines.iter().filter(|line| !line.deleted) {
            let path = column.and_then(|column| line.body.get(&column.key)).and_then(Value::as_str);
            files.push(match path.zip(column) {
                Some((path, column)) => {
                    self.file_of_line(dataset, path, column.capabilities.index_attachment()).await?
                }
                None => FileFacts::default(),
            });
        }
        Ok(files)
    }

    async fn file_of_line(
        &self,
        dataset: &Dataset,
        path: &str,
        wants_text: bool,
    ) -> DatasetsResult<FileFacts> {
        // A path that no file can have names none.
        let Ok(key) = names::attachment(&dataset.id, path) else { return Ok(FileFacts::default()) };
        let Some(info) = self.blobs.head(&key).await? else { return Ok(FileFacts::default()) };
        let mut bytes = None;
        if info.size <= DOCUMENT_BYTES_MAX {
            let Some((_, content)) = self.blobs.get(&key, None).await? else {
                return Ok(FileFacts::default());
            };
            let whole = content.try_fold(Vec::new(), |mut whole, piece| async move {
                whole.extend_from_slice(&piece);
                Ok(whole)
            });
            bytes = Some(whole.await.map_err(DatasetsError::internal)?);
        }
        let (id, path) = (dataset.id.clone(), path.to_owned());
        let read = tokio::task::spawn_blocking(move || facts(&id, &path, bytes.as_deref(), wants_text));
        let (found, why) = read.await.map_err(DatasetsError::internal)?;
        if let Some(why) = why {
            tracing::info!(dataset = %dataset.id, why, "the text of the file of a line could not be read");
        }
        Ok(found)
    }
}
