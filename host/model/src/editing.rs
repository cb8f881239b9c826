//! What a producer decides about an editable dataset: attribute `rest` (reference §3.2).

use halle_base::Timestamp;
use jiff::{Span, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Attributes of `rest` that are known.
const KNOWN: &[&str] =
    &["ttl", "history", "historyTTL", "lineOwnership", "storeUpdatedBy", "primaryKeyMode", "indiceMode"];

/// Rules of an editable dataset. Nothing is switched on by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Editing {
    /// Removal of old lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<LineTtl>,
    /// Whether every change of a line is kept as a revision.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub history: bool,
    /// Removal of old revisions.
    #[serde(rename = "historyTTL", skip_serializing_if = "Option::is_none")]
    pub history_ttl: Option<HistoryTtl>,
    /// Whether each line has an owner, who may edit it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub line_ownership: bool,
    /// Whether each line tells who changed it last.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub store_updated_by: bool,
    /// How the primary key gives a line its identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_key_mode: Option<PrimaryKeyMode>,
    /// How lines are numbered; kept for clients, lines are always numbered by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indice_mode: Option<String>,
}

/// How the primary key gives a line its identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrimaryKeyMode {
    /// A digest of the values.
    Sha256,
    /// The values themselves, encoded.
    Base64,
}

/// Removal of lines whose date is too old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineTtl {
    /// Whether it is in force.
    #[serde(default)]
    pub active: bool,
    /// Column that holds the date: of type date or date-time, or `_updatedAt`.
    #[serde(default = "updated_at")]
    pub prop: String,
    /// Age from which a line is removed.
    pub delay: Delay,
    /// When lines were last checked; written by the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
}

/// Removal of revisions that are too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryTtl {
    /// Whether it is in force.
    #[serde(default)]
    pub active: bool,
    /// Age from which a revision is removed.
    pub delay: Delay,
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// How many, from 1.
    pub value: u16,
    /// Of what.
    #[serde(default)]
    pub unit: DelayUnit,
}

/// Unit of a [`Delay`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DelayUnit {
    /// Hours.
    Hours,
    /// Days.
    #[default]
    Days,
    /// Weeks.
    Weeks,
    /// Months of the calendar.
    Months,
    /// Years of the calendar.
    Years,
}

fn updated_at() -> String {
    "_updatedAt".to_owned()
}

impl Delay {
    /// The instant this long before `now`, by the calendar of UTC.
    pub fn before(self, now: Timestamp) -> Timestamp {
        let value = i64::from(self.value);
        let span = match self.unit {
            DelayUnit::Hours => Span::new().hours(value),
            DelayUnit::Days => Span::new().days(value),
            DelayUnit::Weeks => Span::new().weeks(value),
            DelayUnit::Months => Span::new().months(value),
            // The calendar ends ten thousand years ago.
            DelayUnit::Years => Span::new().years(value.min(9_000)),
        };
        now.to_zoned(TimeZone::UTC).checked_sub(span).map_or(Timestamp::MIN, |then| then.timestamp())
    }
}

impl Editing {
    /// Reads the attribute `rest`. The error is for the client.
    pub fn parse(value: &Value) -> Result<Self, String> {
        if value.is_null() {
            return Ok(Self::default());
        }
        let unknown = value.as_object().and_then(|rest| rest.keys().find(|k| !KNOWN.contains(&k.as_str())));
        if let Some(name) = unknown {
            let known = KNOWN.join(", ");
            return Err(format!("L'attribut \"rest.{name}\" n'existe pas. Au choix : {known}."));
        }
        let rules: Self = serde_json::from_value(value.clone())
            .map_err(|error| format!("L'attribut \"rest\" est incorrect : {error}."))?;
        let delays = [rules.ttl.as_ref().map(|ttl| ttl.delay), rules.history_ttl.map(|ttl| ttl.delay)];
        if delays.into_iter().flatten().any(|delay| delay.value == 0) {
            return Err("L'attribut \"rest\" est incorrect : un délai est d'au moins 1.".to_owned());
        }
        Ok(rules)
    }

    /// Whether nothing is switched on.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The removal of old lines, if it is in force.
    pub fn active_ttl(&self) -> Option<&LineTtl> {
        self.ttl.as_ref().filter(|ttl| ttl.active)
    }

    /// The age from which revisions are removed, if they are.
    pub fn active_history_ttl(&self) -> Option<Delay> {
        self.history_ttl.filter(|ttl| ttl.active && self.history).map(|ttl| ttl.delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_read_back_as_they_were_written_and_unknown_ones_are_named() {
        let rest = json!({
            "ttl": { "active": true, "prop": "jour", "delay": { "value": 3, "unit": "days" } },
            "history": true,
            "historyTTL": { "active": true, "delay": { "value": 1, "unit": "months" } },
            "primaryKeyMode": "base64",
        });
        let rules = Editing::parse(&rest).unwrap();
        assert_eq!(serde_json::to_value(&rules).unwrap(), rest);
        assert_eq!(Editing::parse(&json!({ "history": false })).unwrap(), Editing::default());
        assert!(Editing::parse(&json!({ "histoire": true })).unwrap_err().contains("\"rest.histoire\""));
        let nothing = json!({ "ttl": { "active": true, "delay": { "value": 0 } } });
        assert!(Editing::parse(&nothing).unwrap_err().contains("au moins 1"));
    }

    #[test]
    fn delays_follow_the_calendar() {
        let now: Timestamp = "2024-03-31T10:00:00Z".parse().unwrap();
        let before = |value, unit| Delay { value, unit }.before(now).to_string();
        assert_eq!(before(2, DelayUnit::Hours), "2024-03-31T08:00:00Z");
        assert_eq!(before(1, DelayUnit::Days), "2024-03-30T10:00:00Z");
        assert_eq!(before(1, DelayUnit::Months), "2024-02-29T10:00:00Z");
        assert!(before(u16::MAX, DelayUnit::Years).starts_with('-'), "long before everything");
    }
}
