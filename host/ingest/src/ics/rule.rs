//! Repetitions of events, as RFC 5545 has them: every so many days, weeks, months or years.
//!
//! Understood: `FREQ` from `DAILY` up, `INTERVAL`, `COUNT`, `UNTIL`, `BYDAY`, `BYMONTHDAY`, `BYMONTH`, `BYSETPOS`, `WKST`.
//! A rule with anything else is not guessed.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use crate::ics::time::{self, Moment};

/// Occurrences of one event; a daily one has ten years.
pub(super) const OCCURRENCES_MAX: usize = 3_660;

/// Periods looked at for one event: some have no occurrence, as 29 February.
const PERIODS_MAX: i64 = 10_000;

/// Years after the first occurrence in which a repetition without end is followed.
const ENDLESS_YEARS_MAX: i16 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A weekday, or the so manyth one of a month: `MO`, `1MO`, `-1FR`.
type Day = (Option<i8>, Weekday);

/// A rule that is understood.
#[derive(Debug)]
pub(super) struct Rule {
    frequency: Frequency,
    interval: i64,
    count: Option<usize>,
    until: Option<String>,
    days: Vec<Day>,
    month_days: Vec<i8>,
    months: Vec<i8>,
    positions: Vec<i32>,
    week_start: Weekday,
}

impl Rule {
    /// Reads a rule; `None` when it is not understood.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rule = Self {
            frequency: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            days: Vec::new(),
            month_days: Vec::new(),
            months: Vec::new(),
            positions: Vec::new(),
            week_start: Weekday::Monday,
        };
        let mut has_frequency = false;
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => {
                    has_frequency = true;
                    rule.frequency = match value.to_ascii_uppercase().as_str() {
                        "DAILY" => Frequency::Daily,
                        "WEEKLY" => Frequency::Weekly,
                        "MONTHLY" => Frequency::Monthly,
                        "YEARLY" => Frequency::Yearly,
                        _ => return None,
                    };
                }
                "INTERVAL" => rule.interval = value.parse().ok().filter(|n| (1..=10_000).contains(n))?,
                "COUNT" => rule.count = Some(value.parse().ok()?),
                "UNTIL" => rule.until = Some(value.to_owned()),
                "BYDAY" => rule.days = list(value, day)?,
                "BYMONTHDAY" => rule.month_days = list(value, |text| text.parse().ok())?,
                "BYMONTH" => rule.months = list(value, |text| text.parse().ok())?,
                "BYSETPOS" => rule.positions = list(value, |text| text.parse().ok())?,
                "WKST" => rule.week_start = day(value)?.1,
                _ => return None,
            }
        }
        let is_yearly_by_day =
            rule.frequency == Frequency::Yearly && !rule.days.is_empty() && rule.months.is_empty();
        (has_frequency && !is_yearly_by_day).then_some(rule)
    }

    /// The starts of the occurrences, the first one being the event's own.
    pub(super) fn occurrences(&self, start: &Moment) -> Vec<Moment> {
        let first = start.local.date();
        let until = self.until.as_deref().and_then(|until| time::until(until, start));
        let count = self.count.unwrap_or(OCCURRENCES_MAX).min(OCCURRENCES_MAX);
        let is_endless = self.count.is_none() && until.is_none();
        let mut found = vec![start.clone()];
        for period in 0..PERIODS_MAX {
            let Some(mut days) = self.days_of(period, first) else { break };
            days.sort_unstable();
            days.dedup();
            for day in self.positioned(days) {
                let moment = start.on(day);
                let is_over = until.is_some_and(|until| moment.local > until)
                    || is_endless && day.year() > first.year() + ENDLESS_YEARS_MAX;
                if is_over || found.len() >= count {
                    return found;
                }
                if day > first {
                    found.push(moment);
                }
            }
        }
        found
    }

    /// The days of a period, in any order; `None` beyond the calendar.
    fn days_of(&self, period: i64, first: Date) -> Option<Vec<Date>> {
        let steps = period * self.interval;
        Some(match self.frequency {
            Frequency::Daily => {
                let day = first.checked_add(steps.days()).ok()?;
                let is_wanted = self.has_month(day)
                    && (self.days.is_empty()
                        || self.days.iter().any(|(_, weekday)| *weekday == day.weekday()))
                    && (self.month_days.is_empty()
                        || self.month_days.iter().any(|n| nth_day(day, *n) == Some(day)));
                if is_wanted { vec![day] } else { Vec::new() }
            }
            Frequency::Weekly => {
                let back = i64::from(first.weekday().since(self.week_start));
                let week = first.checked_sub(back.days()).ok()?.checked_add((7 * steps).days()).ok()?;
                let weekdays =
                    if self.days.is_empty() { vec![(None, first.weekday())] } else { self.days.clone() };
                let day = |(_, weekday): Day| {
                    week.checked_add(i64::from(weekday.since(self.week_start)).days()).ok()
                };
                weekdays.into_iter().filter_map(day).filter(|day| self.has_month(*day)).collect()
            }
            Frequency::Monthly => {
                let month = first.first_of_month().checked_add(steps.months()).ok()?;
                if self.has_month(month) { self.days_of_month(month, first) } else { Vec::new() }
            }
            Frequency::Yearly => {
                let january = first.first_of_year().checked_add(steps.years()).ok()?;
                let all: Vec<i8> = match (&self.months[..], &self.month_days[..]) {
                    ([], []) => vec![first.month()],
                    ([], _) => (1..=12).collect(),
                    (months, _) => months.to_vec(),
                };
                let months = all.into_iter().filter_map(|month| january.with().month(month).build().ok());
                months.flat_map(|month| self.days_of_month(month, first)).collect()
            }
        })
    }

    fn has_month(&self, day: Date) -> bool {
        self.months.is_empty() || self.months.contains(&day.month())
    }

    /// The days of a month, by its first.
    fn days_of_month(&self, month: Date, first: Date) -> Vec<Date> {
        let by_number = self.month_days.iter().filter_map(|n| nth_day(month, *n));
        if self.days.is_empty() {
            if self.month_days.is_empty() {
                return month.with().day(first.day()).build().into_iter().collect();
            }
            return by_number.collect();
        }
        let by_weekday = self.days.iter().flat_map(|(nth, weekday)| weekdays(month, *nth, *weekday));
        if self.month_days.is_empty() {
            return by_weekday.collect();
        }
        let numbered: Vec<Date> = by_number.collect();
        by_weekday.filter(|day| numbered.contains(day)).collect()
    }

    /// The days of a period that `BYSETPOS` keeps.
    fn positioned(&self, days: Vec<Date>) -> Vec<Date> {
        if self.positions.is_empty() {
            return days;
        }
        let length = days.len() as i32;
        let is_kept = |index: i32| {
            self.positions.iter().any(|position| *position == index + 1 || *position == index - length)
        };
        days.into_iter().zip(0..).filter(|(_, index)| is_kept(*index)).map(|(day, _)| day).collect()
    }
}

fn list<T>(text: &str, item: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(|text| item(text.trim())).collect()
}

fn day(text: &str) -> Option<Day> {
    let (number, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let weekday = match name.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let nth = if number.is_empty() { None } else { Some(number.parse().ok().filter(|nth| *nth != 0)?) };
    Some((nth, weekday))
}

/// The so manyth day of a month, from its end when negative.
fn nth_day(month: Date, n: i8) -> Option<Date> {
    let day = if n < 0 { month.days_in_month().checked_add(n)?.checked_add(1)? } else { n };
    month.with().day(day).build().ok()
}

/// The days of a month that are this weekday: all, or the so manyth.
fn weekdays(month: Date, nth: Option<i8>, weekday: Weekday) -> Vec<Date> {
    match nth {
        Some(nth) => month.nth_weekday_of_month(nth, weekday).into_iter().collect(),
        None => (1..=5).filter_map(|nth| month.nth_weekday_of_month(nth, weekday).ok()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(start: Date, rule: &str, expected: &[&str]) {
        let start = Moment::local(start.at(10, 0, 0, 0));
        let found = Rule::parse(rule).unwrap().occurrences(&start);
        let days: Vec<String> = found.iter().take(8).map(|moment| moment.local.date().to_string()).collect();
        assert_eq!(days, expected, "{rule}");
    }

    #[test]
    fn rules_give_the_days_of_the_standard() {
        let day = |month, day| jiff::civil::date(2024, month, day);
        check(day(2, 27), "FREQ=DAILY;COUNT=3", &["2024-02-27", "2024-02-28", "2024-02-29"]);
        check(
            day(2, 27),
            "FREQ=DAILY;INTERVAL=10;UNTIL=20240318",
            &["2024-02-27", "2024-03-08", "2024-03-18"],
        );
        check(
            day(1, 2),
            "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4",
            &["2024-01-02", "2024-01-04", "2024-01-09", "2024-01-11"],
        );
        check(day(1, 31), "FREQ=MONTHLY;COUNT=3", &["2024-01-31", "2024-03-31", "2024-05-31"]);
        check(day(1, 31), "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", &["2024-01-31", "2024-02-29", "2024-03-31"]);
        check(day(1, 1), "FREQ=MONTHLY;BYDAY=1MO;COUNT=3", &["2024-01-01", "2024-02-05", "2024-03-04"]);
        check(
            day(1, 31),
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3",
            &["2024-01-31", "2024-02-29", "2024-03-29"],
        );
        check(day(2, 29), "FREQ=YEARLY;COUNT=2", &["2024-02-29", "2028-02-29"]);
        check(day(9, 21), "FREQ=YEARLY;BYMONTH=9;BYDAY=3SA;COUNT=2", &["2024-09-21", "2025-09-20"]);
    }

    #[test]
    fn repetitions_without_end_end() {
        let start = Moment::local(jiff::civil::date(2024, 1, 1).at(10, 0, 0, 0));
        let daily = Rule::parse("FREQ=DAILY").unwrap().occurrences(&start);
        assert_eq!(daily.len(), OCCURRENCES_MAX);
        let yearly = Rule::parse("FREQ=YEARLY").unwrap().occurrences(&start);
        assert_eq!(yearly.len(), 11);
        let never = Rule::parse("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31").unwrap().occurrences(&start);
        assert_eq!(never.len(), 1);
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for rule in [
            "",
            "FREQ=HOURLY",
            "FREQ=DAILY;BYHOUR=3",
            "FREQ=YEARLY;BYDAY=1MO",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=WEEKLY;BYDAY=é",
        ] {
            assert!(Rule::parse(rule).is_none(), "{rule}");
        }
    }
}
