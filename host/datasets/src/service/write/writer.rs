//! Lines that a plugin writes to an editable dataset: each is looked at when it comes, and kept in a file; `commit` writes all
//! of them or none.
//!
//! The rules are those of bulk requests, for it is the same code that decides: what a line may hold, which line it is, what it
//! leaves behind, who is told.

use std::io::Write as _;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use halle_extensions::types::RowProblem;
use halle_extensions::{Field, Problem};
use halle_ingest::{Container, RECORD_BYTES_MAX};
use halle_model::{Caller, Column, ColumnKind, Dataset};
use halle_store::EntityExt;
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;
use tokio::sync::oneshot;

use super::at_once::{AtOnce, OPERATION};
use super::bulk::{Bulk, BulkReport};
use super::change::{Action, Change};
use super::source::{BulkFile, BulkFormat, cell, target};
use super::{batch, require_editable};
use crate::error::DatasetsResult;
use crate::service::read::refused;
use crate::state::Datasets;

/// Bytes that the number of a row takes at most, with what separates lines.
const NUMBER_BYTES_MAX: usize = 22;

/// What becomes of the lines that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// The new ones take their place.
    Replace,
    /// They stay; a line with the primary key of one of them is refused.
    Append,
    /// A line takes the place of the one with its primary key, if there is one.
    Upsert,
}

impl WriteMode {
    /// The mode of this name in the contract with plugins.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "replace" => Self::Replace,
            "append" => Self::Append,
            "upsert" => Self::Upsert,
            _ => return None,
        })
    }

    fn action(self) -> Action {
        match self {
            Self::Append => Action::Create,
            Self::Replace | Self::Upsert => Action::CreateOrUpdate,
        }
    }
}

/// A column that is written.
struct Target {
    key: String,
    kind: ColumnKind,
    /// What the batches hold.
    given: ColumnKind,
}

/// A transaction on the lines of an editable dataset. Dropping it changes nothing.
pub struct LinesWriter {
    datasets: Datasets,
    caller: Caller,
    dataset: String,
    mode: WriteMode,
    targets: Vec<Target>,
    spool: NamedTempFile,
    /// Bytes of the lines in the file.
    bytes: u64,
    /// Rows that came, and those of them that are in the file.
    rows: u64,
    accepted: u64,
    /// What takes the place of rows.
    file: Option<(BulkFile, NamedTempFile)>,
}

/// What became of a batch.
#[derive(Debug)]
pub struct Added {
    /// Rows that will be written.
    pub accepted: u64,
    /// The others, and why.
    pub problems: Vec<RowProblem>,
    /// Bytes that the rows take on the disk until the end of the transaction.
    pub bytes: u64,
}

impl Datasets {
    /// Whether there is a dataset with this identifier, and its lines are edited.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn is_editable(&self, id: &str) -> DatasetsResult<bool> {
        let dataset = self.store.read().await?.load::<Dataset>(id).await?;
        Ok(dataset.is_some_and(|dataset| dataset.is_rest))
    }

    /// Begins a transaction on the lines of an editable dataset, of rows with these columns.
    ///
    /// # Errors
    ///
    /// Problems for the plugin: `dataset/not-editable`, `dataset/no-primary-key` for [`WriteMode::Upsert`],
    /// `dataset/unknown-column`, `dataset/primary-key` when a column of the primary key is missing, `dataset/refused` with the
    /// words of the API.
    pub async fn lines_writer(
        &self,
        caller: &Caller,
        id: &str,
        mode: WriteMode,
        schema: &[Field],
    ) -> Result<LinesWriter, Problem> {
        let dataset = self.permitted(caller, id, OPERATION).await.map_err(refused)?;
        if !dataset.is_rest {
            return Err(Problem::new(
                "dataset/not-editable",
                "Ce jeu de données n'est pas éditable : seul le mode `replace` est possible. \
                 This dataset is not editable: `replace` is its only mode.",
            ));
        }
        require_editable(&dataset).map_err(refused)?;
        if mode == WriteMode::Upsert && dataset.primary_key.is_empty() {
            return Err(Problem::new(
                "dataset/no-primary-key",
                "Ce jeu de données n'a pas de clé primaire : définissez-en une, ou utilisez le mode `append`. \
                 This dataset has no primary key: give it one, or use the mode `append`.",
            ));
        }
        let targets = targets(&dataset, schema)?;
        // The primary key may be left out with all columns: a file brings its own.
        let brings_file = mode == WriteMode::Replace && schema.is_empty();
        if let Some(key) = missing_key(&dataset, &targets).filter(|_| !brings_file) {
            return Err(no_key_column(key));
        }
        let spool = NamedTempFile::new_in(&self.config.temp_dir).map_err(|error| disk(&error))?;
        let (datasets, caller) = (self.clone(), caller.clone());
        let (bytes, rows, accepted, file) = (0, 0, 0, None);
        let dataset = dataset.id;
        Ok(LinesWriter { datasets, caller, dataset, mode, targets, spool, bytes, rows, accepted, file })
    }
}

impl LinesWriter {
    /// Adds rows. Those that cannot be written for what they are, or for the lines that are there now, are left out, and told.
    ///
    /// # Errors
    ///
    /// When the transaction is lost: the dataset is no longer the caller's to write, or the disk is full.
    pub async fn add(&mut self, rows: &RecordBatch) -> Result<Added, Problem> {
        if self.file.is_some() {
            return Err(after_file());
        }
        let (mut problems, mut numbers, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..rows.num_rows() {
            let at = u32::try_from(row).unwrap_or(u32::MAX);
            match self.change(rows, row) {
                Ok(change) => {
                    numbers.push(at);
                    changes.push(change);
                }
                Err(text) => problems.push((at, self.problem(at, &text))),
            }
        }
        let anew = self.mode == WriteMode::Replace;
        let refusals = self.datasets.rehearse(&self.caller, &self.dataset, &changes, anew).await;
        let mut lines = Vec::new();
        let mut accepted = 0;
        for ((at, change), refusal) in numbers.into_iter().zip(changes).zip(refusals.map_err(refused)?) {
            match refusal {
                Some((_, text)) => problems.push((at, self.problem(at, &text))),
                None => {
                    let number = self.rows + u64::from(at) + 1;
                    writeln!(lines, "{number} {}", Value::Object(change.body))
                        .map_err(|error| disk(&error))?;
                    accepted += 1;
                }
            }
        }
        self.spool.write_all(&lines).map_err(|error| disk(&error))?;
        problems.sort_by_key(|(at, _)| *at);
        let bytes = lines.len() as u64;
        self.rows += rows.num_rows() as u64;
        self.accepted += accepted;
        self.bytes += bytes;
        Ok(Added { accepted, problems, bytes })
    }

    /// Makes the lines of a file, of any format that holds a table, the content of the dataset, instead of rows.
    ///
    /// # Errors
    ///
    /// `dataset/mode` in another mode than [`WriteMode::Replace`] or after rows, `dataset/file` when it holds no table.
    pub fn replace_by(&mut self, name: &str, copy: NamedTempFile) -> Result<(), Problem> {
        if self.mode != WriteMode::Replace || self.rows > 0 {
            return Err(Problem::new(
                "dataset/mode",
                "Un fichier remplace tout le contenu : ouvrez l'écriture en mode `replace`, sans lignes. \
                 A file becomes the whole content: open the transaction in the mode `replace`, and write no rows.",
            ));
        }
        let mut file = of_name(copy.path(), name)?;
        if let BulkFormat::Csv(_) = file.format {
            // Its separator is found out, as for files that are uploaded.
            file.format = BulkFormat::Table(name.to_owned());
        }
        self.file = Some((file, copy));
        Ok(())
    }

    /// Writes all lines, in one transaction. How many lines of the dataset are new or have other values.
    ///
    /// # Errors
    ///
    /// `dataset/lines` when a line cannot be written: then none is.
    pub async fn commit(mut self) -> Result<u64, Problem> {
        self.spool.flush().map_err(|error| disk(&error))?;
        let (path, format) = (self.spool.path().to_owned(), BulkFormat::Numbered);
        let spooled =
            BulkFile { path, format, container: Container::Plain, encoding: Some("utf-8".to_owned()) };
        let report = if self.mode == WriteMode::Replace {
            let file = self.file.as_ref().map_or(&spooled, |(file, _kept)| file);
            let bulk = Bulk { operation: OPERATION, owner: None, file, drop: true, lock: true, later: false };
            let (promise, _nobody_waits) = oneshot::channel();
            self.datasets.bulk_lines(&self.caller, &self.dataset, bulk, promise).await
        } else {
            let asked = AtOnce {
                caller: &self.caller,
                id: &self.dataset,
                action: self.mode.action(),
                file: &spooled,
                lines: self.accepted,
                bytes: self.bytes,
            };
            self.datasets.write_at_once(&asked).await
        };
        written(&report.map_err(refused)?)
    }

    fn change(&self, rows: &RecordBatch, row: usize) -> Result<Change, String> {
        let mut body = Map::new();
        for (target, array) in self.targets.iter().zip(rows.columns()) {
            if let Some(value) = value(target, array.as_ref(), row)? {
                body.insert(target.key.clone(), value);
            }
        }
        let bytes = serde_json::to_string(&body).map_or(0, |json| json.len());
        if bytes + NUMBER_BYTES_MAX > RECORD_BYTES_MAX {
            return Err(format!("la ligne dépasse {RECORD_BYTES_MAX} octets"));
        }
        Ok(Change { action: self.mode.action(), id: None, body })
    }

    /// The problem of a row: its number in the transaction, its column if the reason begins with one.
    fn problem(&self, at: u32, text: &str) -> Problem {
        line_problem("dataset/line", self.rows + u64::from(at) + 1, text)
    }
}

fn line_problem(code: &str, line: u64, text: &str) -> Problem {
    let column = text.strip_prefix('/').and_then(|text| text.split_whitespace().next());
    let details = json!({ "line": line, "column": column });
    let problem = Problem::new(code, format!("Ligne {line} : {text}"));
    Problem { details: Some(details), ..problem }
}

/// Lines written, or the problem of one that could not be.
fn written(report: &BulkReport) -> Result<u64, Problem> {
    if report.nb_errors == 0 {
        return Ok(report.nb_created + report.nb_modified);
    }
    let (line, text) = report.first_error().unwrap_or((0, "refusée"));
    let problem = line_problem("dataset/lines", line, text);
    let message = format!(
        "Rien n'a été écrit : {} ligne(s) refusée(s). Nothing was written: {} line(s) refused. {}",
        report.nb_errors, report.nb_errors, problem.message
    );
    Err(Problem { message, ..problem })
}

/// The columns that fields name, each by its key, its original name, or what its key is made of.
fn targets(dataset: &Dataset, schema: &[Field]) -> Result<Vec<Target>, Problem> {
    let own: Vec<Column> = dataset.schema.iter().filter(|column| !column.calculated).cloned().collect();
    let mut targets: Vec<Target> = Vec::with_capacity(schema.len());
    for field in schema {
        let (key, kind) = target(&field.key, &own);
        let kind = kind.filter(|_| targets.iter().all(|other| other.key != key)).ok_or_else(|| {
            let name = &field.key;
            let message = format!(
                "Le jeu de données n'a pas de colonne « {name} », ou elle est nommée deux fois. \
                 The dataset has no column `{name}`, or it is named twice."
            );
            Problem {
                details: Some(json!({ "column": name })),
                ..Problem::new("dataset/unknown-column", message)
            }
        })?;
        targets.push(Target { key, kind, given: field.kind });
    }
    Ok(targets)
}

/// A column of the primary key that is not written.
fn missing_key<'a>(dataset: &'a Dataset, targets: &[Target]) -> Option<&'a str> {
    let is_written = |key: &&String| targets.iter().any(|target| target.key == **key);
    dataset.primary_key.iter().find(|key| !is_written(key)).map(String::as_str)
}

fn no_key_column(key: &str) -> Problem {
    let message = format!(
        "La colonne « {key} » de la clé primaire manque aux colonnes écrites. \
         The column `{key}` of the primary key is missing from those that are written."
    );
    Problem { details: Some(json!({ "column": key })), ..Problem::new("dataset/primary-key", message) }
}

/// A cell as a line holds it: texts are read as those of CSV are.
fn value(target: &Target, array: &dyn Array, row: usize) -> Result<Option<Value>, String> {
    if array.is_null(row) {
        return Ok(None);
    }
    if *array.data_type() != DataType::Utf8 {
        return Ok(batch::value(target.given, array, row));
    }
    let value = cell(&target.key, Some(target.kind), array.as_string::<i32>().value(row))?;
    Ok(Some(value).filter(|value| !value.is_null()))
}

fn of_name(path: &Path, name: &str) -> Result<BulkFile, Problem> {
    BulkFile::named(path, name, b',', None).map_err(|text| Problem::new("dataset/file", text))
}

fn after_file() -> Problem {
    Problem::new(
        "dataset/mode",
        "Un fichier a déjà été donné : des lignes ne peuvent pas suivre. A file was given already: rows cannot follow.",
    )
}

fn disk(error: &std::io::Error) -> Problem {
    tracing::error!(%error, "lines on their way to a dataset could not be kept");
    Problem::new(
        "dataset/disk",
        "Le fichier temporaire n'a pas pu être écrit. The temporary file could not be written.",
    )
}
