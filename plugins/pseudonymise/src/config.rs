//! The configuration: what each column becomes.

use halle_plugin::{Field, Kind, Problem, Result};
use serde::Deserialize;

/// Key of the column of groups.
const GROUP: &str = "groupe";

/// The configuration, as the manifest describes it.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// Columns and what they become, at least one.
    pub columns: Vec<Treatment>,
    /// Hexadecimal characters of a pseudonym, 8 to 64.
    #[serde(default = "default_length")]
    pub length: usize,
}

/// What a column becomes.
#[derive(Debug, Clone, Deserialize)]
pub struct Treatment {
    /// Key of the column.
    pub column: String,
    /// What is done.
    pub action: Action,
    /// Width of ranges, at least 1.
    #[serde(default = "default_step")]
    pub step: u32,
}

/// What is done with the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A salted hash.
    Hash,
    /// The year of a date.
    Year,
    /// The département of a postcode.
    Departement,
    /// The range that holds a number.
    Range,
    /// Nothing is added; the values count in groups as they are.
    Keep,
}

fn default_length() -> usize {
    32
}

fn default_step() -> u32 {
    10
}

impl Treatment {
    /// The column that is added, if any.
    fn output(&self) -> Option<Field> {
        let (suffix, title, kind) = match self.action {
            Action::Hash => ("pseudonyme", "pseudonyme", Kind::Text),
            Action::Year => ("annee", "année", Kind::Integer),
            Action::Departement => ("departement", "département", Kind::Text),
            Action::Range => ("tranche", "tranche", Kind::Text),
            Action::Keep => return None,
        };
        // A dot in a key separates the prefix of an enrichment from its column.
        let key = format!("{}_{suffix}", self.column.replace('.', "_"));
        Some(Field::new(key, kind).titled(format!("{} ({title})", self.column)))
    }
}

impl Config {
    /// Refuses a column that the dataset has not, and the same output asked for twice.
    pub fn check(&self, input: &[Field]) -> Result<()> {
        for (at, treatment) in self.columns.iter().enumerate() {
            let pointer = format!("/columns/{at}/column");
            if !input.iter().any(|field| field.key == treatment.column) {
                let message = format!("Il n'y a pas de colonne « {} ».", treatment.column);
                return Err(Problem::config(pointer, message));
            }
            let is_same = |other: &Treatment| {
                other.column == treatment.column && other.action == treatment.action
                    || treatment
                        .output()
                        .is_some_and(|output| other.output().is_some_and(|other| other.key == output.key))
            };
            if self.columns[..at].iter().any(is_same) {
                let message = format!("La colonne « {} » est deux fois dans la liste.", treatment.column);
                return Err(Problem::config(pointer, message));
            }
        }
        Ok(())
    }

    /// Keys of the columns that are read, each once.
    pub fn inputs(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::with_capacity(self.columns.len());
        for treatment in &self.columns {
            if !keys.contains(&treatment.column) {
                keys.push(treatment.column.clone());
            }
        }
        keys
    }

    /// The columns that are added: one per treatment but for those kept, then the key of the group when there is one.
    pub fn outputs(&self) -> Vec<Field> {
        let mut outputs: Vec<Field> = self.columns.iter().filter_map(Treatment::output).collect();
        if self.columns.iter().any(|treatment| treatment.action != Action::Hash) {
            outputs.push(Field::new(GROUP, Kind::Text).titled("Groupe (k-anonymité)"));
        }
        outputs
    }
}
