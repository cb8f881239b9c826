//! One column written in one form: telephone numbers, SIRET, SIREN, e-mail addresses, dates or postal addresses.
//!
//! Each kind has a module, whose comment gives its rules. A value that cannot be normalised gives a missing value and a
//! problem on its row, which the platform shows in the column of errors beside the output.
//!
//! **Invariant:** the same value and configuration give the same output, and an output given again is left as it is.
//!
//! **Invariant:** a problem says what is wrong and never repeats the value, which may be personal data.

pub mod address;
pub mod config;
pub mod date;
pub mod email;
pub mod phone;

use std::borrow::Cow;

use halle_plugin::enricher::{Answer, Described, Enricher, Planned};
use halle_plugin::{BatchBuilder, Cell, Field, Problem, Result, Rows};

use config::{Config, Shape};

pub use siret::Cleaned;

/// Characters of the longest value that is looked at.
const VALUE_CHARS_MAX: usize = 500;

/// The enricher.
pub struct Clean {
    config: Config,
    outputs: [Field; 1],
}

impl Enricher for Clean {
    type Config = Config;

    fn describe() -> Described {
        let inputs = Shape::ALL.into_iter().map(Shape::input).collect();
        Described { title: "Nettoyage d'une colonne".to_owned(), inputs }
    }

    fn plan(input: &[Field], config: &Config) -> Result<Planned> {
        let column = config.find(input)?;
        Ok(Planned { inputs: vec![column.key.clone()], outputs: vec![config.kind.output()] })
    }

    fn open(_input: &[Field], config: Config) -> Result<Self> {
        let outputs = [config.kind.output()];
        Ok(Self { config, outputs })
    }

    fn run(&mut self, rows: &Rows<'_>) -> Result<Answer> {
        let values = rows
            .column_at(0)
            .ok_or_else(|| Problem::new("input/missing", "Il manque la colonne à nettoyer."))?;
        let mut columns = BatchBuilder::new(&self.outputs);
        let mut problems = Vec::new();
        for row in 0..rows.len() {
            match self.clean(values.cell(row)) {
                Ok(Some(Value::Text(text))) => columns.push([Cell::Text(&text)])?,
                Ok(Some(Value::Day(days))) => columns.push([Cell::Date(days)])?,
                Ok(None) => columns.push_missing()?,
                Err(reason) => {
                    let code = format!("clean/{}", self.config.kind.name());
                    problems.push((row as u32, Problem::new(code, reason)));
                    columns.push_missing()?;
                }
            }
        }
        Ok(Answer { columns: columns.finish(), problems })
    }
}

/// A value in its form.
enum Value {
    Text(String),
    /// Days since 1970-01-01.
    Day(i32),
}

impl Clean {
    /// The value in its form; `None` where there is none to start with.
    fn clean(&self, cell: Cell<'_>) -> Cleaned<Option<Value>> {
        let written: Cow<'_, str> = match cell {
            Cell::Null => return Ok(None),
            Cell::Text(text) => text.trim().into(),
            Cell::Integer(number) => number.to_string().into(),
            // Beyond 2^53 digits are lost already.
            Cell::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                format!("{number:.0}").into()
            }
            Cell::Number(_) => return Err("nombre à virgule"),
            Cell::Boolean(_) => return Err("valeur logique"),
            Cell::Date(_) | Cell::DateTime(_) if self.config.kind != Shape::Date => return Err("date"),
            Cell::Date(days) => return Ok(Some(Value::Day(days))),
            Cell::DateTime(ms) => return Ok(Some(Value::Day(ms.div_euclid(MS_PER_DAY) as i32))),
        };
        if written.is_empty() {
            return Ok(None);
        }
        // A text has as many bytes as characters, or more.
        if written.len() > VALUE_CHARS_MAX && written.chars().nth(VALUE_CHARS_MAX).is_some() {
            return Err("valeur trop longue");
        }
        // A number lost the zeros it began with; a text kept them.
        let was_number = !matches!(cell, Cell::Text(_));
        let text = match self.config.kind {
            Shape::Phone => phone::normalise(&written, self.config.country),
            Shape::Siren => siret::siren(&written, was_number),
            Shape::Siret => siret::siret(&written, was_number),
            Shape::Email => email::normalise(&written),
            Shape::Address => address::normalise(&written),
            Shape::Date => return date::parse(&written).map(|days| Some(Value::Day(days))),
        };
        text.map(|text| Some(Value::Text(text)))
    }
}

/// Milliseconds in a day.
const MS_PER_DAY: i64 = 86_400_000;

halle_plugin::export_enricher!(Clean);
