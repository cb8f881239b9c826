//! Delimited text: `.csv`, `.tsv`, `.txt`.

mod columns;
mod dialect;
mod read;
mod records;
mod table;

use std::io::Read;
use std::path::Path;

use crate::analysis::{Analysis, FileColumn, Options, Warning};
use crate::csv::columns::Planned;
use crate::csv::records::Record;
use crate::csv::table::Table;
use crate::encoding::{self, Decoded};
use crate::error::{IngestError, IngestResult};
use crate::format::{Container, Format};
use crate::source;
use crate::typing::Evidence;

pub(crate) use read::CsvRows;

/// See [`crate::analyze`].
pub(crate) fn analyze(path: &Path, container: Container, options: &Options<'_>) -> IngestResult<Analysis> {
    let encoding = encoding::detect(|| source::open(path, container), options.encoding)?;
    let text = || -> IngestResult<Decoded> { Ok(Decoded::new(source::open(path, container)?, encoding)?) };

    let mut sample = Vec::new();
    text()?.take(dialect::SAMPLE_BYTES as u64).read_to_end(&mut sample)?;
    let mut dialect = dialect::sniff(&sample);
    drop(sample);

    let mut table = Table::open(text()?, dialect::marks(&dialect))?;
    let survey = survey(&mut table)?;
    dialect.num_lines = table.lines();

    let plan = columns::plan(table.headers(), &survey.evidence, survey.rows, options.previous.unwrap_or(&[]));
    let warnings = warnings(&plan, &survey);
    let layout: Vec<FileColumn> = plan.iter().map(|planned| planned.place.clone()).collect();
    let columns = columns::in_order(plan, options.previous.unwrap_or(&[]));
    if columns.is_empty() {
        return Err(IngestError::NoColumn);
    }
    Ok(Analysis {
        format: Format::Csv,
        container,
        encoding: encoding.name().to_owned(),
        dialect,
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
}

fn survey(table: &mut Table<Decoded>) -> IngestResult<Survey> {
    let mut survey = Survey { rows: 0, evidence: vec![Evidence::new(); table.headers().len()] };
    let mut record = Record::default();
    while table.next(&mut record)? {
        survey.rows += 1;
        for (cell, evidence) in record.cells().zip(&mut survey.evidence) {
            evidence.add(cell);
        }
    }
    Ok(survey)
}

fn warnings(plan: &[Planned], survey: &Survey) -> Vec<Warning> {
    let mut warnings = Vec::new();
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
