//! Schedules: rules as forms write them, and the instants they stand for.
//!
//! A rule is evaluated in civil time of its zone, then turned into an instant: at a change to summer time, a time that
//! does not exist is taken an hour later; at the change back, a time that exists twice is taken once.

use std::str::FromStr;

use cron::Schedule;
use halle_base::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Zone of a rule that names none.
const DEFAULT_ZONE: &str = "Europe/Paris";

/// Occurrences looked at when searching the next one; more than the days of two months.
const OCCURRENCES_MAX: usize = 100;

/// A rule of a schedule: Data Fair's fields, or a cron expression of five fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// `monthly`, `weekly`, `daily`, `hourly`, or `cron`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Minute, 0 to 59.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minute: Option<u8>,
    /// Hour, 0 to 23.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour: Option<u8>,
    /// For `hourly`: every so many hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour_step: Option<u8>,
    /// For `weekly`: day of the week, 0 is Sunday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_of_week: Option<String>,
    /// For `monthly`: day of the month, 1 to 28.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_of_month: Option<u8>,
    /// For `monthly`: the last day of the month.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub last_day_of_month: bool,
    /// For `cron`: minute, hour, day of month, month, day of week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// IANA zone; Europe/Paris when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// Why a rule means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(String);

impl Rule {
    /// The first instant after `after` that the rule stands for; `None` if there is none.
    pub fn next(&self, after: Timestamp) -> Result<Option<Timestamp>, RuleError> {
        let name = self.time_zone.as_deref().unwrap_or(DEFAULT_ZONE);
        let zone = TimeZone::get(name)
            .map_err(|_| RuleError(format!("`timeZone` : « {name} » n'est pas un fuseau horaire IANA")))?;
        let schedule = self.schedule()?;
        let civil = as_utc(after.to_zoned(zone.clone()).datetime());
        for occurrence in schedule.after(&civil).take(OCCURRENCES_MAX) {
            let Some(civil) = as_civil(&occurrence) else { return Ok(None) };
            if self.last_day_of_month && civil.date().tomorrow().is_ok_and(|tomorrow| tomorrow.day() != 1) {
                continue;
            }
            let instant = zone.to_ambiguous_zoned(civil).compatible().map(|zoned| zoned.timestamp());
            match instant {
                Ok(instant) if instant > after => return Ok(Some(instant)),
                Ok(_) => {}
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    fn schedule(&self) -> Result<Schedule, RuleError> {
        let minute = number("minute", self.minute, 0..=59)?;
        let hour = number("hour", self.hour, 0..=23)?;
        let fields = match self.kind.as_str() {
            "hourly" => {
                format!("{minute} 0/{} * * *", number("hourStep", self.hour_step.or(Some(1)), 1..=23)?)
            }
            "daily" => format!("{minute} {hour} * * *"),
            "weekly" => format!("{minute} {hour} * * {}", self.day_of_week.as_deref().unwrap_or("1")),
            "monthly" if self.last_day_of_month => format!("{minute} {hour} 28-31 * *"),
            "monthly" => {
                let day = number("dayOfMonth", self.day_of_month.or(Some(1)), 1..=31)?;
                format!("{minute} {hour} {day} * *")
            }
            "cron" => self.cron.clone().ok_or_else(|| RuleError("`cron` manque".to_owned()))?,
            unknown => {
                let known = "monthly, weekly, daily, hourly, cron";
                return Err(RuleError(format!(
                    "`type` : « {unknown} » est inconnu, choisissez parmi {known}"
                )));
            }
        };
        parse(&fields)
    }
}

/// The earliest instant over several rules.
pub fn next(rules: &[Rule], after: Timestamp) -> Result<Option<Timestamp>, RuleError> {
    let instants = rules.iter().map(|rule| rule.next(after)).collect::<Result<Vec<_>, _>>()?;
    Ok(instants.into_iter().flatten().min())
}

fn number(name: &str, value: Option<u8>, range: std::ops::RangeInclusive<u8>) -> Result<u8, RuleError> {
    let value = value.unwrap_or(0);
    if range.contains(&value) {
        return Ok(value);
    }
    Err(RuleError(format!("`{name}` : {value} n'est pas entre {} et {}", range.start(), range.end())))
}

/// Five fields, days of the week as in crontab (0 and 7 are Sunday). The library has a field of seconds before, and
/// counts days of the week from 1, so they are given to it by name.
fn parse(five_fields: &str) -> Result<Schedule, RuleError> {
    let bad = || RuleError(format!("`cron` : « {five_fields} » n'est pas une expression de cinq champs"));
    let fields: Vec<&str> = five_fields.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else { return Err(bad()) };
    let (days, step) = weekday.split_once('/').unwrap_or((weekday, ""));
    let named: Vec<String> = days.split(',').map(day_names).collect();
    let step = if step.is_empty() { String::new() } else { format!("/{step}") };
    let expression = format!("0 {minute} {hour} {day} {month} {}{step}", named.join(","));
    Schedule::from_str(&expression).map_err(|_| bad())
}

/// `1` or `1-5` by names; anything else as it is.
fn day_names(part: &str) -> String {
    let name = |day: &str| {
        match day {
            "0" | "7" => "SUN",
            "1" => "MON",
            "2" => "TUE",
            "3" => "WED",
            "4" => "THU",
            "5" => "FRI",
            "6" => "SAT",
            other => return other.to_owned(),
        }
        .to_owned()
    };
    part.split('-').map(name).collect::<Vec<_>>().join("-")
}

/// The library works on `chrono`'s UTC; civil time travels through it unchanged.
fn as_utc(civil: DateTime) -> chrono::DateTime<chrono::Utc> {
    let seconds = civil.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_second());
    chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

fn as_civil(occurrence: &chrono::DateTime<chrono::Utc>) -> Option<DateTime> {
    let instant = Timestamp::from_second(occurrence.timestamp()).ok()?;
    Some(instant.to_zoned(TimeZone::UTC).datetime())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: serde_json::Value, after: &str, expected: &str) {
        let rule: Rule = serde_json::from_value(rule).unwrap();
        let next = rule.next(after.parse().unwrap()).unwrap();
        assert_eq!(next.map(|at| at.to_string()).as_deref(), Some(expected), "{rule:?}");
    }

    #[test]
    fn rules_are_in_the_time_of_their_zone() {
        let daily = serde_json::json!({ "type": "daily", "hour": 6, "minute": 30 });
        check(daily.clone(), "2026-01-10T12:00:00Z", "2026-01-11T05:30:00Z");
        check(daily, "2026-07-10T12:00:00Z", "2026-07-11T04:30:00Z");
        let tokyo =
            serde_json::json!({ "type": "hourly", "hourStep": 6, "minute": 5, "timeZone": "Asia/Tokyo" });
        check(tokyo, "2026-01-10T12:00:00Z", "2026-01-10T15:05:00Z");
    }

    #[test]
    fn a_time_that_does_not_exist_is_taken_an_hour_later_and_one_that_exists_twice_once() {
        let at_half_past_two = serde_json::json!({ "type": "daily", "hour": 2, "minute": 30 });
        check(at_half_past_two.clone(), "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z");
        check(at_half_past_two.clone(), "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
        check(at_half_past_two, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
    }

    #[test]
    fn the_last_day_of_the_month_is_the_last() {
        let last =
            serde_json::json!({ "type": "monthly", "lastDayOfMonth": true, "hour": 1, "timeZone": "UTC" });
        check(last.clone(), "2026-02-01T00:00:00Z", "2026-02-28T01:00:00Z");
        check(last, "2026-02-28T01:00:00Z", "2026-03-31T01:00:00Z");
    }

    #[test]
    fn cron_counts_days_of_the_week_from_sunday() {
        let monday = serde_json::json!({ "type": "cron", "cron": "0 9 * * 1-5", "timeZone": "UTC" });
        check(monday, "2026-11-21T00:00:00Z", "2026-11-23T09:00:00Z");
        let minutes = serde_json::json!({ "type": "cron", "cron": "*/5 * * * *" });
        check(minutes, "2026-11-21T00:01:00Z", "2026-11-21T00:05:00Z");
    }

    #[test]
    fn a_wrong_rule_says_which_field_is_wrong() {
        for (rule, word) in [
            (serde_json::json!({ "type": "yearly" }), "type"),
            (serde_json::json!({ "type": "daily", "hour": 25 }), "hour"),
            (serde_json::json!({ "type": "cron", "cron": "every day" }), "cron"),
            (serde_json::json!({ "type": "daily", "timeZone": "Mars/Base" }), "timeZone"),
        ] {
            let rule: Rule = serde_json::from_value(rule).unwrap();
            let error = rule.next(Timestamp::UNIX_EPOCH).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
