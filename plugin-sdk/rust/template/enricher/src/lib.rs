//! Adds the column `greeting` to datasets that have a column of names.

use halle_plugin::enricher::{Answer, Described, Enricher, Planned};
use halle_plugin::{BatchBuilder, Field, Kind, Problem, Result, Rows};
use serde::Deserialize;

/// The concept of names: columns are found by what they mean, whatever they are called.
const NAME: &str = "http://www.w3.org/2000/01/rdf-schema#label";

/// The configuration; its schema is in `plugin.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    prefix: String,
}

/// The enricher.
pub struct MyPlugin {
    config: Config,
    outputs: Vec<Field>,
}

fn outputs() -> Vec<Field> {
    vec![Field::new("greeting", Kind::Text).titled("Salutation")]
}

impl Enricher for MyPlugin {
    type Config = Config;

    fn describe() -> Described {
        let name = Field::new("name", Kind::Text).titled("Nom").about(NAME).required();
        Described { title: "Mon enrichissement".to_owned(), inputs: vec![name] }
    }

    fn plan(input: &[Field], _config: &Config) -> Result<Planned> {
        let is_name = |field: &&Field| field.concept.as_deref() == Some(NAME) || field.key == "name";
        let name = input.iter().find(is_name);
        let name = name.ok_or_else(|| Problem::new("input/missing", "Il manque une colonne de noms."))?;
        Ok(Planned { inputs: vec![name.key.clone()], outputs: outputs() })
    }

    fn open(_input: &[Field], config: Config) -> Result<Self> {
        Ok(Self { config, outputs: outputs() })
    }

    fn run(&mut self, rows: &Rows<'_>) -> Result<Answer> {
        let Some(names) = rows.column_at(0) else {
            return Err(Problem::new("input/missing", "Aucune colonne."));
        };
        let mut columns = BatchBuilder::new(&self.outputs);
        let mut problems = Vec::new();
        for row in 0..rows.len() {
            match names.text(row).filter(|name| !name.is_empty()) {
                Some(name) => {
                    columns.push([format!("{}Bonjour {name}", self.config.prefix).as_str().into()])?
                }
                None => {
                    problems.push((row as u32, Problem::new("name/missing", "Cette ligne n'a pas de nom.")));
                    columns.push_missing()?;
                }
            }
        }
        Ok(Answer { columns: columns.finish(), problems })
    }
}

halle_plugin::export_enricher!(MyPlugin);
