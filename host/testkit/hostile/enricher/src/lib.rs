//! An enricher that attacks the platform in the way its configuration names, once it is given rows.

use halle_plugin::enricher::{Answer, Described, Enricher, Planned};
use halle_plugin::{BatchBuilder, Cell, Field, Kind, Problem, Result, Rows};
use serde::Deserialize;

/// Bytes of an answer that is too large for one crossing.
const HUGE_BYTES: usize = 66 << 20;

/// The configuration; its schema is in `plugin.toml`.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    attack: String,
}

/// The enricher.
pub struct Hostile {
    attack: String,
}

fn outputs() -> Vec<Field> {
    vec![Field::new("note", Kind::Text)]
}

impl Enricher for Hostile {
    type Config = Config;

    fn describe() -> Described {
        Described { title: "Enrichisseur hostile".to_owned(), inputs: vec![Field::new("nom", Kind::Text)] }
    }

    fn plan(input: &[Field], _config: &Config) -> Result<Planned> {
        let first = input.first().ok_or_else(|| Problem::new("input/missing", "no column"))?;
        Ok(Planned { inputs: vec![first.key.clone()], outputs: outputs() })
    }

    fn open(_input: &[Field], config: Config) -> Result<Self> {
        Ok(Self { attack: config.attack })
    }

    fn run(&mut self, rows: &Rows<'_>) -> Result<Answer> {
        hostile_attacks::compute(&self.attack);
        let mut columns = BatchBuilder::new(&outputs());
        match self.attack.as_str() {
            // One row for all that were given.
            "too-few-rows" => columns.push([Cell::Text("alone")])?,
            "huge-output" => {
                let huge = "x".repeat(HUGE_BYTES);
                columns.push([Cell::Text(&huge)])?;
            }
            _ => {
                for _ in 0..rows.len() {
                    columns.push([Cell::Text("harmless")])?;
                }
            }
        }
        Ok(Answer { columns: columns.finish(), problems: Vec::new() })
    }
}

halle_plugin::export_enricher!(Hostile);
