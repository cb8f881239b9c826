//! `extended` to `indexed`: the index of the next version, built aside.

use halle_model::Column;
use halle_model::dataset::Status;
use halle_search::engine::{IndexSpec, IndexSummary};
use halle_store::blobs::LocalBlob;
use tokio_util::sync::CancellationToken;

use crate::jobs::pipeline::{Meter, Stage, StageError, StageResult};
use crate::jobs::rows::{local, read};
use crate::service::{columns, names};
use crate::state::Datasets;

pub(super) async fn run(stage: &Stage<'_>) -> StageResult<()> {
    stage.started().await?;
    let blob = local(stage, &names::rows(&stage.dataset.id, &stage.building.id)?).await?;
    let rows = stage.building.analysis.as_ref().and_then(|analysis| analysis.get("rows")?.as_u64());
    let meter = stage.meter(rows.or(stage.dataset.count).unwrap_or(0));
    let version =
        Versioned { dataset: &stage.dataset.id, version: &stage.building.id, schema: &stage.building.schema };
    let summary = build(stage.datasets, version, blob, &meter, &stage.context.cancel).await?;
    let summary = serde_json::to_value(summary).map_err(StageError::machine)?;
    stage
        .ended(Status::Indexed, Vec::new(), move |dataset, _now| {
            if let Some(building) = &mut dataset.building {
                building.summary = Some(summary);
            }
        })
        .await
}

/// One version of a dataset, to index.
#[derive(Clone, Copy)]
pub(crate) struct Versioned<'a> {
    /// Dataset.
    pub dataset: &'a str,
    /// Version.
    pub version: &'a str,
    /// Its columns.
    pub schema: &'a [Column],
}

/// Builds the index of a version from its canonical rows, replacing one that is there.
pub(crate) async fn build(
    datasets: &Datasets,
    version: Versioned<'_>,
    rows: LocalBlob,
    meter: &Meter,
    cancel: &CancellationToken,
) -> StageResult<IndexSummary> {
    let columns = columns::indexed(version.schema);
    let keys = columns.iter().map(|column| column.key.clone()).collect();
    let spec = IndexSpec { columns, editable: false };
    let mut builder = datasets.engine.create(&names::index(version.dataset, version.version), spec).await?;
    let mut batches = read(rows, keys, cancel.clone());
    let mut done = 0_u64;
    while let Some(batch) = batches.recv().await {
        let batch = batch?;
        done += batch.num_rows() as u64;
        builder.add(batch).await?;
        meter(done);
    }
    Ok(builder.finish().await?)
}
