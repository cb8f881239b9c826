//! Pseudonyms for identifiers, coarser values for what would identify together, and the key of the groups that result.
//!
//! **The salt** is not in the configuration, which whoever may read the dataset's description reads with it, and secrets of a
//! configuration never reach a plugin: it is the one line of a private dataset, bound to the slot `salt`. It appears in no
//! output, problem or log.
//!
//! **k-anonymity.** An enricher sees batches, several sessions may share a dataset, and edited lines come alone: none can
//! count a whole dataset. So each row gets the key of its group (`groupe`), the manifest says so (`[groups]`), and the platform
//! counts: it reports how many rows are in groups of fewer than `k`, a property of the configuration that only it reads.
//!
//! **Invariant:** the same salt, value and length give the same pseudonym in every column and dataset, so that datasets can
//! still be joined.
//!
//! **Invariant:** a problem names a column and never repeats a value.

pub mod config;
pub mod general;
pub mod salt;

use halle_plugin::enricher::{Answer, Described, Enricher, Planned};
use halle_plugin::{BatchBuilder, Cell, Field, Problem, Result, Rows};

use config::{Action, Config, Treatment};
use salt::Salt;

/// Between the values of a group's key.
const GROUP_SEPARATOR: &str = " | ";
/// What stands for a missing value in a group's key. A value that is itself `-` is written `\-`.
const GROUP_MISSING: &str = "-";

/// The enricher.
pub struct Pseudonymise {
    config: Config,
    /// Index of the column of each treatment among the inputs.
    columns: Vec<usize>,
    outputs: Vec<Field>,
    /// There when a column is hashed.
    salt: Option<Salt>,
}

impl Enricher for Pseudonymise {
    type Config = Config;

    fn describe() -> Described {
        Described { title: "Pseudonymisation".to_owned(), inputs: Vec::new() }
    }

    fn plan(input: &[Field], config: &Config) -> Result<Planned> {
        config.check(input)?;
        Ok(Planned { inputs: config.inputs(), outputs: config.outputs() })
    }

    fn open(input: &[Field], config: Config) -> Result<Self> {
        let index = |treatment: &Treatment| {
            let at = input.iter().position(|field| field.key == treatment.column);
            at.ok_or_else(|| {
                Problem::new("input/missing", format!("Il manque la colonne « {} ».", treatment.column))
            })
        };
        let columns = config.columns.iter().map(index).collect::<Result<_>>()?;
        let is_hashed = config.columns.iter().any(|treatment| treatment.action == Action::Hash);
        let salt = if is_hashed { Some(Salt::read()?) } else { None };
        Ok(Self { outputs: config.outputs(), config, columns, salt })
    }

    fn run(&mut self, rows: &Rows<'_>) -> Result<Answer> {
        let mut columns = BatchBuilder::new(&self.outputs);
        let mut problems = Vec::new();
        for row in 0..rows.len() {
            match self.treat(rows, row) {
                Ok(values) => columns.push(values.iter().map(Value::cell).collect::<Vec<_>>())?,
                Err(problem) => {
                    problems.push((row as u32, problem));
                    columns.push_missing()?;
                }
            }
        }
        Ok(Answer { columns: columns.finish(), problems })
    }
}

/// A value of an output.
#[derive(Debug)]
enum Value {
    Missing,
    Text(String),
    Integer(i64),
}

impl Value {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Missing => Cell::Null,
            Self::Text(text) => Cell::Text(text),
            Self::Integer(number) => Cell::Integer(*number),
        }
    }
}

impl Pseudonymise {
    /// The outputs of a row. One value that cannot be treated leaves the whole row without: a row half treated could be
    /// taken for a whole one.
    fn treat(&self, rows: &Rows<'_>, row: usize) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(self.outputs.len());
        let mut group = Vec::new();
        for (treatment, column) in self.config.columns.iter().zip(&self.columns) {
            let cell = rows.column_at(*column).map_or(Cell::Null, |column| column.cell(row));
            let value = self.value(treatment, cell).map_err(|reason| {
                Problem::new("pseudonymise/value", format!("{} : {reason}", treatment.column))
            })?;
            if treatment.action != Action::Hash {
                group.push(in_group(&value));
            }
            if treatment.action != Action::Keep {
                values.push(value);
            }
        }
        if !group.is_empty() {
            values.push(Value::Text(group.join(GROUP_SEPARATOR)));
        }
        Ok(values)
    }

    fn value(&self, treatment: &Treatment, cell: Cell<'_>) -> Result<Value, &'static str> {
        let is_blank = cell.is_missing() || cell.text().is_some_and(|text| text.trim().is_empty());
        if is_blank {
            return Ok(Value::Missing);
        }
        match treatment.action {
            Action::Hash => {
                let salt = self.salt.as_ref().ok_or("il n'y a pas de sel")?;
                Ok(Value::Text(salt.pseudonym(&general::as_text(cell), self.config.length)))
            }
            Action::Year => general::year(cell).map(Value::Integer),
            Action::Departement => general::departement(cell).map(Value::Text),
            Action::Range => general::range(cell, treatment.step).map(Value::Text),
            Action::Keep => general::kept(cell).map(Value::Text),
        }
    }
}

/// A value in the key of a group: written so that different values never give the same key.
fn in_group(value: &Value) -> String {
    match value {
        Value::Missing => GROUP_MISSING.to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) if text == GROUP_MISSING => format!("\\{GROUP_MISSING}"),
        Value::Text(text) => text.replace('\\', "\\\\").replace('|', "\\|"),
    }
}

halle_plugin::export_enricher!(Pseudonymise);
