//! `stored` to `analyzed`: encoding, dialect, columns and types, from every value of the file.

use std::path::PathBuf;

use halle_ingest::{Analysis, Attachments, Dialect, Format, Kind, NormalizeOptions, Options};
use halle_model::dataset::{AnalysedFile, Building, OriginalFile, Status};
use halle_model::{Column, Dataset};
use serde_json::{Map, Value};

use crate::jobs::attachments;
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
    let projection = projection_of(&stage.dataset);
    let beside = attachments::Beside::of(stage).await?;
    let (analysis, file) = blocking(move || {
        let files = beside.as_ref().map(attachments::Beside::files);
        let (analysis, file) = analyze(path, file, &previous, projection.as_deref(), files)?;
        beside.map_or(Ok(()), |beside| beside.check(&analysis))?;
        Ok((analysis, file))
    })
    .await?;
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

/// Coordinate system that the producer gave for files that do not tell theirs: `projection.code`.
fn projection_of(dataset: &Dataset) -> Option<String> {
    let code = dataset.description.get("projection")?.get("code")?.as_str()?;
    // The reference's own list has bare numbers.
    let is_number = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
    Some(if is_number { format!("EPSG:{code}") } else { code.to_owned() })
}

fn analyze(
    path: PathBuf,
    file: OriginalFile,
    previous: &[Column],
    projection: Option<&str>,
    attachments: Option<&Attachments>,
) -> StageResult<(Analysis, OriginalFile)> {
    let normalize = file.normalize_options.clone().map(serde_json::from_value::<NormalizeOptions>);
    let normalize = normalize.transpose().map_err(StageError::machine)?;
    let options = Options {
        encoding: file.encoding.as_deref(),
        previous: if previous.is_empty() { None } else { Some(previous) },
        normalize: normalize.as_ref(),
        projection,
        attachments,
    };
    let analysis = halle_ingest::analyze(&path, &file.name, &options)?;
    Ok((analysis, file))
}

fn describe(building: &mut Building, file: OriginalFile, analysis: Analysis) -> StageResult<()> {
    let name =
        if analysis.is_converted() { converted_name(&file.name, analysis.kind()) } else { file.name.clone() };
    // What is converted is written in UTF-8.
    let encoding =
        if analysis.format.is_native() { analysis.encoding.to_uppercase() } else { "UTF-8".to_owned() };
    building.file = Some(AnalysedFile {
        name,
        size: file.size,
        encoding,
        mimetype: analysis.kind().mime().to_owned(),
        schema: analysis.columns.clone(),
        props: props_of(&analysis)?,
    });
    if analysis.format == Format::Attachments {
        // The lines are files themselves: those of an earlier data file are none of theirs.
        building.attachments = None;
    }
    building.schema = analysis.columns.iter().map(dataset_column).collect();
    building.analysis = Some(serde_json::to_value(&analysis).map_err(StageError::machine)?);
    Ok(())
}

/// `file.props`: the dialect of the file, or the one in which a table is converted.
fn props_of(analysis: &Analysis) -> StageResult<Map<String, Value>> {
    let converted = || Dialect {
        num_lines: analysis.rows + 1,
        lines_delimiter: "\n".to_owned(),
        fields_delimiter: ',',
        escape_char: '"',
        quote: '"',
    };
    let dialect = match analysis.kind() {
        Kind::Features => return Ok(Map::new()),
        Kind::Table => analysis.dialect.clone().unwrap_or_else(converted),
    };
    match serde_json::to_value(dialect).map_err(StageError::machine)? {
        Value::Object(props) => Ok(props),
        _ => Ok(Map::new()),
    }
}

/// Name of a file once it is converted: `a.xlsx` and `a.csv.gz` become `a.csv`.
fn converted_name(name: &str, kind: Kind) -> String {
    let lower = name.to_ascii_lowercase();
    let wrapping = [".gz", ".zip"].into_iter().find(|wrapping| lower.ends_with(wrapping));
    let inner = &name[..name.len() - wrapping.map_or(0, str::len)];
    let is_format =
        |stem: &str| !stem.is_empty() && (wrapping.is_none() || halle_ingest::accept(inner).is_ok());
    let stem = inner.rsplit_once('.').map(|(stem, _)| stem).filter(|stem| is_format(stem)).unwrap_or(inner);
    format!("{stem}.{}", kind.extension())
}

/// A column as the dataset shows it: without the formats in which the file writes dates.
fn dataset_column(column: &Column) -> Column {
    Column { date_format: None, date_time_format: None, ..column.clone() }
}

/// Event of a warning. Columns left out are told as the reference does: by an `error` that stops nothing.
fn event_of(code: &str) -> &'static str {
    if code == "empty-columns" { "error" } else { "warning" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converted_files_have_the_name_of_what_they_become() {
        for (name, kind, expected) in [
            ("a.xlsx", Kind::Table, "a.csv"),
            ("A.b.CSV.GZ", Kind::Table, "A.b.csv"),
            ("communes.zip", Kind::Features, "communes.geojson"),
            ("communes.v2.zip", Kind::Features, "communes.v2.geojson"),
            ("trace.gpx", Kind::Features, "trace.geojson"),
        ] {
            assert_eq!(converted_name(name, kind), expected, "{name}");
        }
    }
}
