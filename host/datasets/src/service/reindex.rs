//! Building the index of a served version again, from its canonical rows: the index is never the truth.

use std::sync::Arc;

use halle_model::Dataset;
use halle_model::dataset::DatasetKind;
use halle_store::{EntityExt, Filter};
use tokio_util::sync::CancellationToken;

use crate::documents;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::index::{Versioned, build};
use crate::jobs::pipeline::Meter;
use crate::service::names;
use crate::service::write::rebuild_job;
use crate::state::Datasets;

/// Datasets looked at in one go.
const PAGE: u32 = 100;

impl Datasets {
    /// Builds the index of a dataset again; readers have the old one until the new one is whole. Number of lines, 0 for
    /// a dataset that has none. The index of an editable dataset is rebuilt by a job, from SQL.
    pub async fn reindex(&self, id: &str) -> DatasetsResult<u64> {
        let dataset = {
            let mut unit = self.store.read().await?;
            unit.load::<Dataset>(id).await?.ok_or_else(|| DatasetsError::NotFound(id.to_owned()))?.entity
        };
        if let Some((draft, sample)) =
            dataset.draft.as_ref().and_then(|draft| Some((draft, draft.served.as_ref()?)))
        {
            let (upload, beside) = (names::upload_of(sample), sample.attachments.as_ref());
            let original = draft.original_file.as_ref();
            let files = documents::archive_key(&dataset.id, &draft.schema, original, upload, beside)?;
            let (version, schema) = (sample.id.as_str(), draft.schema.as_slice());
            self.reindex_version(Versioned { dataset: &dataset.id, version, schema, files }).await?;
        }
        let Some(served) = &dataset.served else { return Ok(0) };
        if dataset.kind() == DatasetKind::Editable {
            let mut unit = self.store.begin().await?;
            unit.jobs().enqueue(&rebuild_job(&dataset.id, self.clock.now())).await?;
            unit.commit().await?;
            return Ok(served.rows);
        }
        let (upload, beside) = (names::upload_of(served), served.attachments.as_ref());
        let original = dataset.original_file.as_ref();
        let files = documents::archive_key(&dataset.id, &dataset.schema, original, upload, beside)?;
        let (version, schema) = (served.id.as_str(), dataset.schema.as_slice());
        self.reindex_version(Versioned { dataset: &dataset.id, version, schema, files }).await
    }

    /// Builds the index of one version of a file again. Number of lines.
    async fn reindex_version(&self, version: Versioned<'_>) -> DatasetsResult<u64> {
        let rows = self.blobs.local(&names::rows(version.dataset, version.version)?).await?;
        let rows = rows.ok_or_else(|| {
            DatasetsError::internal(format!(
                "the canonical rows of dataset {} are missing: upload its file again",
                version.dataset
            ))
        })?;
        let silent: Meter = Arc::new(|_rows| {});
        let summary = build(self, version, rows, &silent, &CancellationToken::new()).await;
        Ok(summary.map_err(DatasetsError::internal)?.0.rows)
    }

    /// Identifiers of every dataset, oldest first: what `halle reindex` goes through.
    pub async fn all_ids(&self) -> DatasetsResult<Vec<String>> {
        let mut unit = self.store.read().await?;
        let mut ids = Vec::new();
        loop {
            let skip = u32::try_from(ids.len()).map_err(DatasetsError::internal)?;
            let order = halle_store::Order::CreatedAsc;
            let page = unit.list::<Dataset>(&Filter { order, skip, ..Filter::all(PAGE) }).await?;
            if page.results.is_empty() {
                return Ok(ids);
            }
            ids.extend(page.results.into_iter().map(|dataset| dataset.entity.id));
        }
    }
}
