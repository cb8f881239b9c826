//! `stored` to `analyzed`: encoding, dialect, columns and types, from every value of the file.

use std::path::PathBuf;

use halle_ingest::{Analysis, Options};
use halle_model::Column;
use halle_model::dataset::{AnalysedFile, Building, OriginalFile, Status};
use serde_json::{Map, Value};

use crate::jobs::pipeline::{Stage, StageError, StageResult};
use crate::jobs::rows::{blocking, local};
use crate::service::{columns, names};

pub(super) async fn run(stage: &Stage<'_>) -> StageResult<()> {
    stage.started().await?;
    let upload = names::upload_of_building(&stage.building);
    let blob = local(stage, &names::original(&stage.dataset.id, upload)?).await?;
    let file = stage.building.original_file.clone();
    let file = file.ok_or_else(|| StageError::Machine("the version has no upload".to_owned()))?;
    let previous = previous_columns(stage);
    let path = blob.path.clone();
    let (analysis, file) = blocking(move || analyze(path, file, &previous)).await?;
    drop(blob);
    let warnings = analysis.warnings.iter().map(|warning| (event_of(&warning.code), warning.message.clone()));
    let warnings = warnings.collect();
    let mut building = stage.building.clone();
    describe(&mut building, file, analysis)?;
    stage.ended(Status::Analyzed, warnings, move |dataset, _now| dataset.building = Some(building)).await
}

/// What was known of the columns before: the version in the making if it was analysed, else the dataset's own.
fn previous_columns(stage: &Stage<'_>) -> Vec<Column> {
    let known = if stage.building.schema.is_empty() { &stage.dataset.schema } else { &stage.building.schema };
    columns::of_the_file(known)
}

fn analyze(path: PathBuf, file: OriginalFile, previous: &[Column]) -> StageResult<(Analysis, OriginalFile)> {
    let options = Options {
        encoding: file.encoding.as_deref(),
        previous: if previous.is_empty() { None } else { Some(previous) },
    };
    let analysis = halle_ingest::analyze(&path, &file.name, &options)?;
    Ok((analysis, file))
}

fn describe(building: &mut Building, file: OriginalFile, analysis: Analysis) -> StageResult<()> {
    let props = match serde_json::to_value(&analysis.dialect).map_err(StageError::machine)? {
        Value::Object(props) => props,
        _ => Map::new(),
    };
    building.file = Some(AnalysedFile {
        name: file.name.clone(),
        size: file.size,
        encoding: analysis.encoding.to_uppercase(),
        mimetype: analysis.format.mime().to_owned(),
        schema: analysis.columns.clone(),
        props,
    });
    building.schema = analysis.columns.iter().map(dataset_column).collect();
    building.analysis = Some(serde_json::to_value(&analysis).map_err(StageError::machine)?);
    Ok(())
}

/// A column as the dataset shows it: without the formats in which the file writes dates.
fn dataset_column(column: &Column) -> Column {
    Column { date_format: None, date_time_format: None, ..column.clone() }
}

/// Event of a warning. Columns left out are told as the reference does: by an `error` that stops nothing.
fn event_of(code: &str) -> &'static str {
    if code == "empty-columns" { "error" } else { "warning" }
}
