//! The first pass: what the whole file says of itself.

use std::path::Path;

use halle_base::limits::CELL_BYTES_MAX;

use crate::RECORD_BYTES_MAX;
use crate::analysis::{Analysis, FileColumn, Options, Warning};
use crate::attachments::Attachments;
use crate::columns::{self, Planned};
use crate::error::{IngestError, IngestResult};
use crate::format::{Container, Format, Kind};
use crate::record::Record;
use crate::table::{self, Declared, Field, Label, Reading, Table};
use crate::typing::Evidence;

/// Wrong shapes that a warning quotes; the rest is counted.
const PROBLEMS_QUOTED_MAX: usize = 5;

/// See [`crate::analyze`].
pub(crate) fn analyze(
    path: &Path,
    format: Format,
    container: Container,
    options: &Options<'_>,
) -> IngestResult<Analysis> {
    let normalize = options.normalize.cloned().unwrap_or_default();
    let reading = Reading {
        path,
        container,
        encoding: Label::Told(options.encoding),
        dialect: None,
        normalize: &normalize,
        projection: options.projection,
    };
    let mut opened = table::open(format, &reading)?;
    let survey = Survey::of(&mut *opened.table, options.attachments)?;
    let dialect = opened.dialect.map(|mut dialect| {
        dialect.num_lines = opened.table.lines().unwrap_or(survey.rows);
        dialect
    });

    let previous = options.previous.unwrap_or(&[]);
    if survey.rows == 0 && opened.table.fields().iter().all(|field| field.declared == Declared::Geometry) {
        return Err(match format.kind() {
            Kind::Features => IngestError::broken("le contenu", "il n'y a aucun objet géographique"),
            Kind::Table => IngestError::NoColumn,
        });
    }
    let headers: Vec<String> = opened.table.fields().iter().map(|field| field.header.clone()).collect();
    let plan = columns::plan(&headers, &survey.evidence, survey.rows, previous);
    let warnings = warnings(&plan, &survey);
    let layout: Vec<FileColumn> = plan.iter().map(|planned| planned.place.clone()).collect();
    let columns = columns::in_order(plan, previous);
    if columns.is_empty() {
        return Err(IngestError::NoColumn);
    }
    Ok(Analysis {
        format,
        container,
        encoding: opened.encoding.to_owned(),
        dialect,
        normalize,
        projection: options.projection.map(str::to_owned),
        rows: survey.rows,
        columns,
        layout,
        warnings,
    })
}

/// What all rows together tell.
struct Survey {
    rows: u64,
    /// In the order of the file.
    evidence: Vec<Evidence>,
    /// Rows whose shape is wrong.
    wrong: u64,
    /// The first of them.
    problems: Vec<String>,
}

impl Survey {
    fn of(table: &mut dyn Table, attachments: Option<&Attachments>) -> IngestResult<Self> {
        let mut survey = Self { rows: 0, evidence: Vec::new(), wrong: 0, problems: Vec::new() };
        let mut record = Record::default();
        while table.next(&mut record)? {
            survey.rows += 1;
            survey.meet(table.fields());
            check_limits(&record, table.fields())?;
            if let Some(problem) = record.problem.take() {
                survey.wrong += 1;
                if survey.problems.len() < PROBLEMS_QUOTED_MAX {
                    survey.problems.push(problem);
                }
            }
            for (cell, evidence) in record.cells().zip(&mut survey.evidence) {
                evidence.add(cell);
                if attachments.is_some_and(|files| files.has(cell.trim())) {
                    evidence.add_path();
                }
            }
        }
        survey.meet(table.fields());
        survey.check_shapes()?;
        Ok(survey)
    }

    /// Refuses a file most of whose shapes are wrong (reference §4.6); fewer are a warning.
    fn check_shapes(&self) -> IngestResult<()> {
        let is_geometry = |evidence: &&Evidence| evidence.declared() == Declared::Geometry;
        let right: u64 = self.evidence.iter().filter(is_geometry).map(Evidence::filled).sum();
        match self.problems.first() {
            Some(first) if self.wrong > right => {
                let percent = (self.wrong * 100).div_ceil(self.wrong + right);
                Err(IngestError::WrongShapes { percent, first: first.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Takes columns into account that were not there before: so far they had no value.
    fn meet(&mut self, fields: &[Field]) {
        let known = self.evidence.len().min(fields.len());
        self.evidence.extend(fields[known..].iter().map(|field| Evidence::of(field.declared)));
    }
}

/// Stops at a value that is too long to be one. Shapes may be longer than texts.
fn check_limits(record: &Record, fields: &[Field]) -> IngestResult<()> {
    if record.text.len() > RECORD_BYTES_MAX {
        return Err(IngestError::RecordTooLong { line: record.line() });
    }
    if record.text.len() <= CELL_BYTES_MAX {
        return Ok(());
    }
    for (cell, field) in record.cells().zip(fields) {
        if cell.len() > CELL_BYTES_MAX && field.declared != Declared::Geometry {
            return Err(IngestError::CellTooLong { line: record.line(), column: field.header.clone() });
        }
    }
    Ok(())
}

fn warnings(plan: &[Planned], survey: &Survey) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if survey.wrong > 0 {
        let quoted = survey.problems.join(" ; ");
        let message =
            format!("{} lignes ont une géométrie incorrecte, qui est ignorée : {quoted}", survey.wrong);
        warnings.push(Warning { code: "wrong-shapes".to_owned(), message });
    }
    let mut warn = |code: &str, intro: &str, names: Vec<String>| {
        if !names.is_empty() {
            let message = format!("{intro} : {}", names.join(", "));
            warnings.push(Warning { code: code.to_owned(), message });
        }
    };
    let is_unnamed = |planned: &Planned| planned.place.header.is_empty();
    let empty = plan.iter().filter(|p| p.place.key.is_none() && !is_unnamed(p));
    warn(
        "empty-columns",
        "le fichier contient une ou plusieurs colonnes vides qui seront ignorées",
        empty.map(|p| p.place.header.clone()).collect(),
    );
    let unnamed = plan.iter().enumerate().filter(|(i, p)| is_unnamed(p) && survey.evidence[*i].filled() > 0);
    warn(
        "missing-headers",
        "le fichier contient des valeurs dans une ou plusieurs colonnes sans en-tête qui seront ignorées, positions",
        unnamed.map(|(index, _)| (index + 1).to_string()).collect(),
    );
    let renamed = plan.iter().filter(|p| p.is_duplicate && p.place.key.is_some());
    warn(
        "duplicate-headers",
        "le fichier contient plusieurs colonnes de même en-tête, elles reçoivent une clé numérotée",
        renamed.map(|p| format!("{} ({})", p.place.header, p.place.key.as_deref().unwrap_or(""))).collect(),
    );
    warnings
}
