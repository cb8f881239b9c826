//! Days, instants and calendar units.

use halle_search::SearchError;
use halle_search::engine::SearchResult;
use jiff::civil::{self, Date};
use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, ToSpan, Unit, ZonedRound};

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// The zone of this name; UTC if there is none.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Milliseconds since 1970-01-01 UTC of a date-time as Data Fair writes it; without offset, it is in `zone`.
pub(crate) fn instant(text: &str, zone: &TimeZone) -> Option<i64> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    let local: civil::DateTime = text.parse().ok()?;
    Some(zone.to_ambiguous_timestamp(local).compatible().ok()?.as_millisecond())
}

/// Days since 1970-01-01 of a date.
pub(crate) fn day_number(date: Date) -> i32 {
    (date - Date::constant(1970, 1, 1)).get_days()
}

/// The date of a number of days since 1970-01-01.
pub(crate) fn date_of_day(day: i32) -> Date {
    Date::constant(1970, 1, 1).checked_add(day.days()).unwrap_or(if day < 0 { Date::MIN } else { Date::MAX })
}

/// `YYYY-MM-DD`.
pub(crate) fn day_text(day: i32) -> String {
    date_of_day(day).to_string()
}

/// RFC 3339 with the offset of the zone.
pub(crate) fn instant_text(millis: i64, zone: &TimeZone) -> String {
    let timestamp = Timestamp::from_millisecond(millis).unwrap_or_default();
    timestamp.display_with_offset(zone.to_offset(timestamp)).to_string()
}

/// The days that `YYYY`, `YYYY-MM` or `YYYY-MM-DD` covers, first and last.
pub(crate) fn days_of(text: &str) -> Option<(i32, i32)> {
    if text.len() < 4 || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return None;
    }
    let mut parts = text.split('-');
    let year: i16 = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month: Option<i8> = parts.next().map(str::parse).transpose().ok()?;
    let day: Option<i8> = parts.next().map(str::parse).transpose().ok()?;
    if parts.next().is_some() {
        return None;
    }
    let first = Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
    let last = match (month, day) {
        (_, Some(_)) => first,
        (Some(_), None) => first.last_of_month(),
        (None, None) => first.last_of_year(),
    };
    Some((day_number(first), day_number(last)))
}

/// A calendar unit by which rows are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calendar {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Calendar {
    /// The unit of this name.
    pub(crate) fn parse(name: &str) -> SearchResult<Self> {
        Ok(match name {
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            _ => return Err(SearchError::BadRequest(format!("unknown calendar interval `{name}`"))),
        })
    }

    /// The first day of the unit that holds the date.
    pub(crate) fn first_day(self, date: Date) -> Date {
        match self {
            Self::Minute | Self::Hour | Self::Day => date,
            Self::Week => date
                .checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days())
                .unwrap_or(Date::MIN),
            Self::Month => date.first_of_month(),
            Self::Quarter => {
                let month = (date.month() - 1) / 3 * 3 + 1;
                Date::new(date.year(), month, 1).unwrap_or(date)
            }
            Self::Year => date.first_of_year(),
        }
    }

    /// The first day of the unit after the one that begins at `first`.
    pub(crate) fn next_day(self, first: Date) -> Date {
        let step = match self {
            Self::Minute | Self::Hour | Self::Day => 1.days(),
            Self::Week => 1.weeks(),
            Self::Month => 1.months(),
            Self::Quarter => 3.months(),
            Self::Year => 1.years(),
        };
        first.checked_add(step).unwrap_or(Date::MAX)
    }

    /// The instant at which the unit begins, in the zone, that holds the instant.
    pub(crate) fn floor(self, millis: i64, zone: &TimeZone) -> i64 {
        let zoned = Timestamp::from_millisecond(millis).unwrap_or_default().to_zoned(zone.clone());
        let unit = match self {
            Self::Minute => Unit::Minute,
            Self::Hour => Unit::Hour,
            _ => {
                let first = self.first_day(zoned.date());
                return first.to_zoned(zone.clone()).map_or(millis, |day| day.timestamp().as_millisecond());
            }
        };
        let options = ZonedRound::new().smallest(unit).mode(RoundMode::Trunc);
        zoned.round(options).map_or(millis, |start| start.timestamp().as_millisecond())
    }

    /// The instant at which the next unit begins.
    pub(crate) fn next(self, start: i64, zone: &TimeZone) -> i64 {
        match self {
            Self::Minute => start + 60_000,
            Self::Hour => start + 3_600_000,
            _ => {
                let zoned = Timestamp::from_millisecond(start).unwrap_or_default().to_zoned(zone.clone());
                let next = self.next_day(self.first_day(zoned.date()));
                next.to_zoned(zone.clone()).map_or(i64::MAX, |day| day.timestamp().as_millisecond())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_times_without_offset_are_in_the_zone() {
        let paris = zone("Europe/Paris");
        let with_offset = instant("2021-02-23T10:27:50+01:00", &paris);
        assert_eq!(with_offset, instant("2021-02-23T10:27:50", &paris));
        assert_eq!(with_offset, instant("2021-02-23T09:27:50.000Z", &paris));
        assert_eq!(instant("yesterday", &paris), None);
        assert_eq!(instant_text(1_614_072_470_000, &paris), "2021-02-23T10:27:50+01:00");
    }

    #[test]
    fn calendar_units_begin_in_the_zone() {
        let paris = zone("Europe/Paris");
        let at = |text: &str| instant(text, &paris).unwrap();
        let summer = at("2021-08-18T12:34:56");
        assert_eq!(Calendar::Quarter.floor(summer, &paris), at("2021-07-01T00:00:00"));
        assert_eq!(Calendar::Week.floor(summer, &paris), at("2021-08-16T00:00:00"));
        assert_eq!(Calendar::Hour.floor(summer, &paris), at("2021-08-18T12:00:00"));
        assert_eq!(Calendar::Day.next(at("2021-03-28T00:00:00"), &paris), at("2021-03-29T00:00:00"));
    }

    #[test]
    fn partial_dates_cover_their_days() {
        assert_eq!(days_of("1970"), Some((0, 364)));
        assert_eq!(days_of("1970-02"), Some((31, 58)));
        assert_eq!(days_of("1970-01-02"), Some((1, 1)));
        assert_eq!(days_of("197"), None);
        assert_eq!(days_of("12-03-2020"), None);
    }
}
