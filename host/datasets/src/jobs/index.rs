//! `extended` to `indexed`: the index of the next version, built aside.

use halle_ingest::Kind;
use halle_ingest::rows::RowsReader;
use halle_model::Column;
use halle_model::dataset::Status;
use halle_search::engine::{IndexSpec, IndexSummary};
use halle_store::BlobKey;
use halle_store::blobs::LocalBlob;
use tokio_util::sync::CancellationToken;

use crate::constraints;
use crate::constraints::rows::Rows;
use crate::documents;
use crate::documents::archive::{Files, Unread};
use crate::jobs::diagnostic::Report;
use crate::jobs::pipeline::{Meter, Stage, StageError, StageResult};
use crate::jobs::rows::{blocking, local, read, temporary};
use crate::service::{columns, names};
use crate::state::Datasets;

pub(super) async fn run(stage: &Stage<'_>) -> StageResult<()> {
    stage.started().await?;
    check_unique(stage).await?;
    let blob = local(stage, &names::rows(&stage.dataset.id, &stage.building.id)?).await?;
    let rows = stage.building.analysis.as_ref().and_then(|analysis| analysis.get("rows")?.as_u64());
    let meter = stage.meter(rows.or(stage.dataset.count).unwrap_or(0));
    let building = &stage.building;
    let version = Versioned {
        dataset: &stage.dataset.id,
        version: &building.id,
        schema: &building.schema,
        files: documents::archive_key(
            &stage.dataset.id,
            &building.schema,
            building.original_file.as_ref(),
            names::upload_of_building(building),
            building.attachments.as_ref(),
        )?,
    };
    let (summary, unread) = build(stage.datasets, version, blob, &meter, &stage.context.cancel).await?;
    let summary = serde_json::to_value(summary).map_err(StageError::machine)?;
    let warnings = unread.text().map(|text| ("warning", text)).into_iter().collect();
    stage
        .ended(Status::Indexed, warnings, move |dataset, _now| {
            if let Some(building) = &mut dataset.building {
                building.summary = Some(summary);
            }
        })
        .await
}

/// Looks for rows that break a constraint, before any reader may see them. What is wrong is listed as what a check of
/// rows finds.
async fn check_unique(stage: &Stage<'_>) -> StageResult<()> {
    let constraints = constraints::of(&stage.dataset);
    if constraints.is_empty() {
        return Ok(());
    }
    let schema = &stage.building.schema;
    for unique in &constraints {
        if let Some(key) = constraints::missing(unique, schema) {
            return Err(StageError::Producer(constraints::unknown(unique, key)));
        }
    }
    let blob = local(stage, &names::rows(&stage.dataset.id, &stage.building.id)?).await?;
    let (cancel, list) = (stage.context.cancel.clone(), temporary(stage)?);
    let is_table = stage.building.file.as_ref().is_none_or(|file| file.mimetype != Kind::Features.mime());
    let first_line = if is_table { 2 } else { 1 };
    let report = blocking(move || {
        let mut report = Report::new(list)?;
        report.rows(RowsReader::open(&blob.path, None)?.rows(), 0);
        let rows = Rows { path: &blob.path, first_line, cancel: &cancel };
        for unique in &constraints {
            constraints::rows::note(&rows, unique, &mut report)?;
        }
        Ok(report)
    })
    .await?;
    let text = report.text();
    let (file, diagnostic) = report.finish()?;
    let Some(text) = text else { return Ok(()) };
    let key = names::diagnostic(&stage.dataset.id, &stage.building.id)?;
    stage.datasets.blobs.put_file(&key, file.path()).await?;
    Err(StageError::Invalid { text, diagnostic })
}

/// One version of a dataset, to index.
pub(crate) struct Versioned<'a> {
    /// Dataset.
    pub dataset: &'a str,
    /// Version.
    pub version: &'a str,
    /// Its columns.
    pub schema: &'a [Column],
    /// The zip of the files that its lines name, if they have some.
    pub files: Option<BlobKey>,
}

/// Builds the index of a version from its canonical rows, replacing one that is there. Tells of which files nothing could be
/// read.
pub(crate) async fn build(
    datasets: &Datasets,
    version: Versioned<'_>,
    rows: LocalBlob,
    meter: &Meter,
    cancel: &CancellationToken,
) -> StageResult<(IndexSummary, Unread)> {
    let keys = columns::indexed(version.schema).into_iter().map(|column| column.key).collect();
    let columns = documents::in_index(version.schema);
    let mut files = Files::open(datasets, &version).await?;
    let spec = IndexSpec { columns: columns.clone(), editable: false };
    let mut builder = datasets.engine.create(&names::index(version.dataset, version.version), spec).await?;
    let mut batches = read(rows, keys, cancel.clone());
    let mut done = 0_u64;
    while let Some(batch) = batches.recv().await {
        let batch = batch?;
        let mut from = 0;
        while from < batch.num_rows() {
            if cancel.is_cancelled() {
                return Err(StageError::Cancelled);
            }
            let added = files.with_files(&batch, from, &columns).await?;
            from += added.num_rows();
            done += added.num_rows() as u64;
            builder.add(added).await?;
            meter(done);
        }
    }
    Ok((builder.finish().await?, files.unread))
}
