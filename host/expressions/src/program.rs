//! A parsed expression whose columns are found.

use std::collections::BTreeSet;

use halle_base::Dice;

use crate::EXPRESSION_BYTES_MAX;
use crate::ast::{At, Function, NameId, Node};
use crate::error::{EvaluationError, ParseError, Place};
use crate::eval::Evaluation;
use crate::functions::Builtin;
use crate::parser::parse;
use crate::value::Value;

/// The line that an expression is evaluated on.
pub trait Line {
    /// The value of a column, by its position among the keys that [`Program::compile`] was given. Absent values are
    /// [`Value::Null`]. Asked once per column and evaluation.
    fn value(&self, column: usize) -> Value;
}

/// What a name stands for.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// A function that is always there.
    Function(Function),
    /// A column.
    Column(usize),
    /// Columns whose keys have the name and a dot in front, as one object.
    Group(Vec<(String, usize)>),
    /// Nothing, unless the expression gives it a value.
    Nothing,
}

/// An expression, ready to be evaluated on many lines.
#[derive(Debug)]
pub struct Program {
    text: String,
    pub(crate) root: Node,
    pub(crate) names: Vec<String>,
    pub(crate) meanings: Vec<Meaning>,
    given: Vec<NameId>,
}

impl Program {
    /// Parses a text, whose variables are the columns of these keys. Names that are no column are no error yet:
    /// [`unknown`](Self::unknown) tells them.
    pub fn compile(text: &str, keys: &[&str]) -> Result<Self, ParseError> {
        if text.len() > EXPRESSION_BYTES_MAX {
            let reason = format!("l'expression dépasse {EXPRESSION_BYTES_MAX} octets");
            return Err(ParseError { place: Place { line: 1, column: 1 }, reason });
        }
        let tree = parse(text, &|name| keys.contains(&name))?;
        let meanings = tree.names.iter().map(|name| meaning(name, keys)).collect();
        let (root, names, given) = (tree.root, tree.names, tree.given);
        Ok(Self { text: text.to_owned(), root, names, meanings, given })
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Positions of the columns that the expression reads, in order.
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = BTreeSet::new();
        for meaning in &self.meanings {
            match meaning {
                Meaning::Column(column) => drop(columns.insert(*column)),
                Meaning::Group(members) => columns.extend(members.iter().map(|(_, column)| *column)),
                Meaning::Function(_) | Meaning::Nothing => {}
            }
        }
        columns.into_iter().collect()
    }

    /// Names that are neither columns nor functions, and to which the expression gives no value.
    pub fn unknown(&self) -> Vec<&str> {
        let names = self.names.iter().enumerate().filter(|(id, _)| {
            matches!(self.meanings[*id], Meaning::Nothing) && !self.given.contains(&(*id as NameId))
        });
        names.map(|(_, name)| name.as_str()).collect()
    }

    /// The value of the expression on a line.
    pub fn evaluate(&self, line: &dyn Line, dice: &dyn Dice) -> Result<Value, EvaluationError> {
        Evaluation::new(self, line, dice).run()
    }

    pub(crate) fn place(&self, at: At) -> Place {
        Place::of(&self.text, at as usize)
    }
}

fn meaning(name: &str, keys: &[&str]) -> Meaning {
    if let Some(builtin) = Builtin::by_name(name) {
        return Meaning::Function(Function::Builtin(builtin));
    }
    if let Some(column) = keys.iter().position(|key| *key == name) {
        return Meaning::Column(column);
    }
    let inside = |key: &str| key.strip_prefix(name)?.strip_prefix('.').map(str::to_owned);
    let members: Vec<(String, usize)> =
        keys.iter().enumerate().filter_map(|(column, key)| Some((inside(key)?, column))).collect();
    if members.is_empty() { Meaning::Nothing } else { Meaning::Group(members) }
}
