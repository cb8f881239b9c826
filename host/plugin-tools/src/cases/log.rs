//! What a plugin logged, against what a case expects of it.

use std::collections::BTreeMap;
use std::fmt;

use super::file::{ExpectedRecord, Level};

/// A record that a plugin logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its severity.
    pub level: Level,
    /// Its message.
    pub message: String,
    /// Its fields.
    pub fields: BTreeMap<String, String>,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.level.as_str(), self.message)?;
        if self.fields.is_empty() { Ok(()) } else { write!(f, " {:?}", self.fields) }
    }
}

/// Compares records one by one, in their order; a list that is shorter or longer than expected is told by its first record
/// that is missing or that was not expected.
pub fn compare(expected: &[ExpectedRecord], found: &[Record], differences: &mut Vec<String>) {
    for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
        if let Some(wanted) = unlike(expected, found) {
            differences.push(format!("log[{at}]: expected {wanted}, found {found}"));
        }
    }
    let both = expected.len().min(found.len());
    if let Some(missing) = expected.get(both) {
        differences.push(format!("log[{both}]: expected {}, and there is no such record", told(missing)));
    }
    if let Some(more) = found.get(both) {
        differences.push(format!("log[{both}]: expected nothing more, found {more}"));
    }
}

/// What was wanted of a record that is not as expected.
fn unlike(expected: &ExpectedRecord, found: &Record) -> Option<String> {
    let is_like = expected.level.is_none_or(|level| level == found.level)
        && expected.message.as_ref().is_none_or(|message| *message == found.message)
        && expected.contains.as_ref().is_none_or(|text| found.message.contains(text))
        && expected.fields.iter().all(|(name, value)| found.fields.get(name) == Some(value));
    (!is_like).then(|| told(expected))
}

fn told(expected: &ExpectedRecord) -> String {
    let mut parts = vec![expected.level.map_or("a record", Level::as_str).to_owned()];
    parts.extend(expected.message.as_ref().map(|message| format!("`{message}`")));
    parts.extend(expected.contains.as_ref().map(|text| format!("with `{text}` in it")));
    if !expected.fields.is_empty() {
        parts.push(format!("{:?}", expected.fields));
    }
    parts.join(" ")
}
