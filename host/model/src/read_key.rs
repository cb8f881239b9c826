//! Keys with which anybody reads one dataset, and that renew themselves: `readApiKey` (reference §3.2, §5.5).
//!
//! A key lives for two intervals: one as the current key, one as the previous one, so that whoever reads has an interval
//! of time to fetch the next key.

use std::fmt;

use halle_base::Timestamp;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Members of the attribute that are known; the two dates are written by the platform.
const KNOWN: &[&str] = &["active", "interval", "expiresAt", "renewAt"];

/// How long a key is the current one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Interval {
    /// A week.
    #[default]
    #[serde(rename = "P1W")]
    Week,
    /// A month of the calendar.
    #[serde(rename = "P1M")]
    Month,
    /// A year of the calendar.
    #[serde(rename = "P1Y")]
    Year,
}

impl Interval {
    /// The instant `times` intervals after `now`, by the calendar of UTC.
    fn after(self, now: Timestamp, times: i64) -> Timestamp {
        let span: Span = match self {
            Self::Week => times.weeks(),
            Self::Month => times.months(),
            Self::Year => times.years(),
        };
        now.to_zoned(TimeZone::UTC).checked_add(span).map_or(Timestamp::MAX, |then| then.timestamp())
    }
}

/// What the owner asks for: the attribute as clients write it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Whether there is a key.
    pub active: bool,
    /// How often it is renewed.
    pub interval: Interval,
}

impl Wanted {
    /// Reads the attribute `readApiKey`; `null` asks for no key. The error is for the client.
    pub fn parse(value: &Value) -> Result<Self, String> {
        if value.is_null() {
            return Ok(Self::default());
        }
        let names = value.as_object().into_iter().flat_map(|members| members.keys());
        if let Some(name) = names.into_iter().find(|name| !KNOWN.contains(&name.as_str())) {
            let known = KNOWN.join(", ");
            return Err(format!("L'attribut \"readApiKey.{name}\" n'existe pas. Au choix : {known}."));
        }
        serde_json::from_value(value.clone()).map_err(|_| {
            "L'attribut \"readApiKey\" est incorrect : attendu {active: booléen, interval: P1W, P1M ou P1Y}.".to_owned()
        })
    }
}

/// The keys of a dataset, and their rhythm.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadKey {
    /// How often they are renewed.
    pub interval: Interval,
    /// The key to use.
    pub current: String,
    /// The one before, which still works for an interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// When the current key becomes the previous one.
    pub renew_at: Timestamp,
    /// When the current key stops working.
    pub expires_at: Timestamp,
}

impl fmt::Debug for ReadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadKey")
            .field("interval", &self.interval)
            .field("renew_at", &self.renew_at)
            .finish_non_exhaustive()
    }
}

impl ReadKey {
    /// A first key, `fresh`.
    pub fn new(interval: Interval, fresh: String, now: Timestamp) -> Self {
        let (renew_at, expires_at) = (interval.after(now, 1), interval.after(now, 2));
        Self { interval, current: fresh, previous: None, renew_at, expires_at }
    }

    /// `fresh` becomes the current key, and the current one the previous one, unless it is too old by now.
    pub fn renew(&mut self, fresh: String, now: Timestamp) {
        let previous = Some(self.current.clone()).filter(|_| now < self.expires_at);
        *self = Self { previous, ..Self::new(self.interval, fresh, now) };
    }

    /// Another rhythm for the same keys, from now on.
    pub fn set_interval(&mut self, interval: Interval, now: Timestamp) {
        *self = Self { previous: self.previous.clone(), ..Self::new(interval, self.current.clone(), now) };
    }

    /// Keys that work now: the current one until it expires, the previous one until the next renewal is due.
    pub fn valid(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let current = (now < self.expires_at).then_some(self.current.as_str());
        let previous = self.previous.as_deref().filter(|_| now < self.renew_at);
        current.into_iter().chain(previous)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_key_works_for_two_intervals() {
        let start = at("2026-01-01T00:00:00Z");
        let mut key = ReadKey::new(Interval::Week, "a".to_owned(), start);
        assert_eq!((key.renew_at, key.expires_at), (at("2026-01-08T00:00:00Z"), at("2026-01-15T00:00:00Z")));
        key.renew("b".to_owned(), key.renew_at);
        assert_eq!(key.valid(at("2026-01-14T23:59:59Z")).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(key.valid(at("2026-01-15T00:00:00Z")).collect::<Vec<_>>(), ["b"]);
        assert_eq!(key.valid(at("2026-01-22T00:00:00Z")).count(), 0, "nothing renewed it");
        key.renew("c".to_owned(), at("2026-03-01T00:00:00Z"));
        assert_eq!(key.valid(at("2026-03-01T00:00:00Z")).collect::<Vec<_>>(), ["c"], "too late for b");
    }

    #[test]
    fn another_rhythm_keeps_the_keys() {
        let start = at("2026-01-01T00:00:00Z");
        let mut key = ReadKey::new(Interval::Week, "a".to_owned(), start);
        key.set_interval(Interval::Year, start);
        assert_eq!((key.current.as_str(), key.renew_at), ("a", at("2027-01-01T00:00:00Z")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wanted = Wanted::parse(&json!({ "active": true, "interval": "P1M", "renewAt": "x" })).unwrap();
        assert_eq!(wanted, Wanted { active: true, interval: Interval::Month });
        assert!(!Wanted::parse(&Value::Null).unwrap().active);
        assert!(Wanted::parse(&json!({ "actif": true })).unwrap_err().contains("readApiKey.actif"));
        assert!(Wanted::parse(&json!({ "active": true, "interval": "P1D" })).unwrap_err().contains("P1W"));
    }

    #[test]
    fn keys_do_not_print() {
        let key = ReadKey::new(Interval::Week, "sésame".to_owned(), at("2026-01-01T00:00:00Z"));
        assert!(!format!("{key:?}").contains("sésame"));
    }
}
