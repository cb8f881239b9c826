//! From the query as data to a plan: names resolved, words analysed, values of each column's kind.

use halle_model::ColumnKind;
use halle_search::ast::{Bound, Operand, TextView};
use halle_search::engine::{FILE_TEXT, SearchResult};
use halle_search::{Query, SearchError};

use crate::analysis::{self, Placed, View};
use crate::part::fields::{WordField, word_fields};
use crate::snapshot::{Field, Snapshot};
use crate::time;

/// Deepest query that is evaluated, in levels.
const DEPTH_MAX: usize = 64;

/// What a column must hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    In(Vec<Operand>),
    Range(Bound, Bound),
    Prefix(String),
    Wildcard(String),
    Exists,
}

/// What a view of a column must hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Words {
    /// One of the words.
    Any(Vec<String>),
    /// A word that differs from this one by so many letters at most.
    Fuzzy(String, u8),
    /// All the words, and one that starts with the last.
    Prefix(Vec<String>, String),
    /// The words, one after the other.
    Phrase(Vec<Placed>, u32),
}

/// A query that can be evaluated part by part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan {
    All,
    Nothing,
    /// Asks for nothing, such as a stop word: dropped beside other words, matches nothing alone.
    Neutral,
    And(Vec<Plan>),
    Or(Vec<Plan>),
    Not(Box<Plan>),
    Column(Field, Test),
    Text(WordField, Words),
    Box([f64; 4]),
    Near {
        lon: f64,
        lat: f64,
        metres: f64,
    },
    /// Matches score 1.
    Constant(Box<Plan>),
    Unscored(Box<Plan>),
}

impl Plan {
    /// Whether matches differ in relevance.
    pub(crate) fn scores(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::scores),
            Self::Text(..) | Self::Constant(_) => true,
            _ => false,
        }
    }

    /// Whether what a row scores can be had for it alone, at little cost.
    pub(crate) fn scores_by_words(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().all(Self::scores_by_words),
            Self::Text(_, words) => matches!(words, Words::Any(_)),
            Self::Constant(part) => matches!(**part, Self::Column(..)),
            Self::Column(..) => true,
            _ => false,
        }
    }

    /// Whether it is asked of each row that others left.
    pub(crate) fn is_filter(&self) -> bool {
        matches!(self, Self::Column(..) | Self::Box(_) | Self::Near { .. })
    }

    fn is_words(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::is_words),
            Self::Unscored(part) => part.is_words(),
            Self::Text(..) | Self::Constant(_) | Self::Nothing => true,
            _ => false,
        }
    }

    /// The place that every match is near to, if the query has one.
    pub(crate) fn place(&self) -> Option<(f64, f64)> {
        match self {
            Self::Near { lon, lat, .. } => Some((*lon, *lat)),
            Self::And(parts) => parts.iter().find_map(Self::place),
            Self::Unscored(part) => part.place(),
            _ => None,
        }
    }
}

/// The plan of a query.
///
/// # Errors
///
/// `BadRequest` for a column that does not exist, and for a query of too many levels.
pub(crate) fn plan(snapshot: &Snapshot, query: &Query) -> SearchResult<Plan> {
    let planner = Planner { snapshot, fields: word_fields(&snapshot.spec) };
    Ok(match planner.plan(query, 0)? {
        Plan::Neutral => Plan::Nothing,
        plan => plan,
    })
}

struct Planner<'a> {
    snapshot: &'a Snapshot,
    fields: Vec<WordField>,
}

impl Planner<'_> {
    fn plan(&self, query: &Query, depth: usize) -> SearchResult<Plan> {
        if depth > DEPTH_MAX {
            let text = format!("the query has more than {DEPTH_MAX} levels; write it flatter");
            return Err(SearchError::BadRequest(text));
        }
        let column = |name: &str, test| Ok(Plan::Column(self.snapshot.filtered(name)?, test));
        match query {
            Query::All => Ok(Plan::All),
            Query::Nothing => Ok(Plan::Nothing),
            Query::And(parts) => Ok(all_of(self.plans(parts, depth)?)),
            Query::Or(parts) => Ok(any_of(self.plans(parts, depth)?)),
            Query::Not(part) => Ok(match self.plan(part, depth + 1)? {
                Plan::Neutral => Plan::Neutral,
                part => Plan::Not(Box::new(part)),
            }),
            Query::In { column: name, values } => column(name, Test::In(values.clone())),
            Query::Range { column: name, lower, upper } => {
                column(name, Test::Range(lower.clone(), upper.clone()))
            }
            Query::Prefix { column: name, prefix } => column(name, Test::Prefix(prefix.clone())),
            Query::Wildcard { column: name, pattern } => column(name, Test::Wildcard(pattern.clone())),
            Query::Exists { column: name } => column(name, Test::Exists),
            Query::Word { columns, word, view } => {
                self.words(columns, |planner, index, kind| planner.word(index, kind, word, *view))
            }
            Query::FuzzyWord { columns, word, distance } => {
                self.words(columns, |planner, index, kind| planner.fuzzy_word(index, kind, word, *distance))
            }
            Query::WordPrefix { columns, prefix } => {
                self.words(columns, |planner, index, kind| planner.word_prefix(index, kind, prefix))
            }
            Query::Phrase { columns, words, slop, view } => {
                self.words(columns, |planner, index, kind| planner.phrase(index, kind, words, *slop, *view))
            }
            Query::Box(area) => Ok(Plan::Box(*area)),
            Query::Near { lon, lat, metres } => Ok(Plan::Near { lon: *lon, lat: *lat, metres: *metres }),
            Query::Unscored(part) => Ok(match self.plan(part, depth + 1)? {
                Plan::Neutral => Plan::Neutral,
                part => Plan::Unscored(Box::new(part)),
            }),
        }
    }

    fn plans(&self, parts: &[Query], depth: usize) -> SearchResult<Vec<Plan>> {
        parts.iter().map(|part| self.plan(part, depth + 1)).collect()
    }

    /// Any of the columns, or of all when none is named.
    fn words(
        &self,
        columns: &[String],
        of_column: impl Fn(&Self, usize, ColumnKind) -> Option<Vec<Plan>>,
    ) -> SearchResult<Plan> {
        let all = &self.snapshot.spec.columns;
        let mut targets = Vec::new();
        for name in columns {
            if let Field::Column(index) = self.snapshot.filtered(name)? {
                targets.push(index);
            }
        }
        if columns.is_empty() {
            let is_searched = |index: &usize| !all[*index].calculated || all[*index].key == FILE_TEXT;
            targets.extend((0..all.len()).filter(is_searched));
        }
        let mut parts = Vec::new();
        for index in targets {
            match of_column(self, index, all[index].kind()) {
                Some(found) => parts.extend(found),
                // A stop word is one in every column.
                None => return Ok(Plan::Neutral),
            }
        }
        Ok(if parts.is_empty() { Plan::Nothing } else { any_of(parts) })
    }

    /// The views of a column in which text of a query is looked up.
    fn views(&self, column: usize, view: TextView) -> impl Iterator<Item = &WordField> {
        let stemmed_too = view == TextView::Stemmed;
        let wanted =
            move |field: &&WordField| field.column == column && (stemmed_too || field.view != View::Stemmed);
        self.fields.iter().filter(wanted)
    }

    /// `None` for a stop word.
    fn word(&self, column: usize, kind: ColumnKind, word: &str, view: TextView) -> Option<Vec<Plan>> {
        if view == TextView::Stemmed && is_stop_word(word) {
            return None;
        }
        if kind != ColumnKind::Text {
            return Some(value_as_word(column, kind, word).into_iter().collect());
        }
        let plan = |field: &WordField| {
            let words = analysis::words(field.view, word).into_iter().map(|(_, word)| word);
            Plan::Text(*field, Words::Any(words.collect()))
        };
        Some(self.views(column, view).map(plan).collect())
    }

    fn fuzzy_word(&self, column: usize, kind: ColumnKind, word: &str, distance: u8) -> Option<Vec<Plan>> {
        if kind != ColumnKind::Text {
            return self.word(column, kind, word, TextView::Standard);
        }
        let plan = |field: &WordField| {
            let mut words: Vec<String> =
                analysis::words(field.view, word).into_iter().map(|(_, word)| word).collect();
            let one = if words.len() == 1 { words.pop() } else { None };
            Plan::Text(*field, one.map_or(Words::Any(words), |word| Words::Fuzzy(word, distance)))
        };
        Some(self.views(column, TextView::Standard).map(plan).collect())
    }

    fn word_prefix(&self, column: usize, kind: ColumnKind, prefix: &str) -> Option<Vec<Plan>> {
        if matches!(kind, ColumnKind::Date | ColumnKind::DateTime) {
            return Some(value_as_word(column, kind, prefix).into_iter().collect());
        }
        let plan = |field: &WordField| {
            let mut words: Vec<String> =
                analysis::words(field.view, prefix).into_iter().map(|(_, word)| word).collect();
            let last = words.pop()?;
            Some(Plan::Text(*field, Words::Prefix(words, last)))
        };
        Some(self.views(column, TextView::Standard).filter_map(plan).collect())
    }

    fn phrase(
        &self,
        column: usize,
        kind: ColumnKind,
        text: &str,
        slop: u32,
        view: TextView,
    ) -> Option<Vec<Plan>> {
        if view == TextView::Stemmed && is_stop_word(text) {
            return None;
        }
        if kind != ColumnKind::Text {
            return Some(value_as_word(column, kind, text.trim()).into_iter().collect());
        }
        let plan = |field: &WordField| {
            let mut words = analysis::words(field.view, text);
            let words = match words.len() {
                0 | 1 => Words::Any(words.drain(..).map(|(_, word)| word).collect()),
                _ => Words::Phrase(words, slop),
            };
            Plan::Text(*field, words)
        };
        Some(self.views(column, view).map(plan).collect())
    }
}

fn is_stop_word(text: &str) -> bool {
    analysis::words(View::Stemmed, text).is_empty() && !analysis::words(View::Standard, text).is_empty()
}

/// A word that stands for a whole number, a truth value, a day, a month or a year.
fn value_as_word(column: usize, kind: ColumnKind, word: &str) -> Option<Plan> {
    let test = match kind {
        ColumnKind::Integer => Test::In(vec![Operand::Integer(word.parse().ok()?)]),
        ColumnKind::Number => {
            let number: f64 = word.replace(',', ".").parse().ok()?;
            Test::In(vec![Operand::Number(number)])
        }
        ColumnKind::Boolean => Test::In(vec![Operand::Boolean(word.to_ascii_lowercase().parse().ok()?)]),
        ColumnKind::Date => {
            let (first, last) = time::days_of(word)?;
            Test::Range(Bound::Included(Operand::Day(first)), Bound::Included(Operand::Day(last)))
        }
        ColumnKind::DateTime => {
            time::days_of(word)?;
            Test::Prefix(word.to_owned())
        }
        ColumnKind::Text | ColumnKind::Object => return None,
    };
    Some(Plan::Constant(Box::new(Plan::Column(Field::Column(column), test))))
}

fn all_of(parts: Vec<Plan>) -> Plan {
    let count = parts.len();
    let mut left: Vec<Plan> = parts.into_iter().filter(|part| *part != Plan::Neutral).collect();
    if left.len() < count && !left.iter().any(Plan::is_words) {
        // `q` was made of stop words only: the filters beside it must not stand for it.
        return if left.is_empty() { Plan::Neutral } else { Plan::Nothing };
    }
    match left.len() {
        0 => Plan::All,
        1 => left.remove(0),
        _ => Plan::And(left),
    }
}

fn any_of(parts: Vec<Plan>) -> Plan {
    let count = parts.len();
    let mut left: Vec<Plan> = Vec::with_capacity(count);
    for part in parts {
        match part {
            Plan::Neutral => {}
            // One list, so that nothing is gathered twice.
            Plan::Or(parts) => left.extend(parts),
            part => left.push(part),
        }
    }
    match left.len() {
        0 if count > 0 => Plan::Neutral,
        0 => Plan::Nothing,
        1 => left.remove(0),
        _ => Plan::Or(left),
    }
}
