//! Times of iCalendar.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

use crate::ics::content::Property;

/// Zone of times without one: the one in which the platform reads all local times.
const DEFAULT_ZONE: &str = "Europe/Paris";

/// A day and time in its zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Moment {
    pub(super) local: DateTime,
    zone: String,
}

impl Moment {
    #[cfg(test)]
    pub(super) fn local(local: DateTime) -> Self {
        Self { local, zone: DEFAULT_ZONE.to_owned() }
    }

    /// The same clock on another day.
    pub(super) fn on(&self, day: Date) -> Self {
        Self { local: day.to_datetime(self.local.time()), zone: self.zone.clone() }
    }

    /// The instant with its offset, as RFC 3339; empty outside the calendar.
    pub(super) fn text(&self) -> String {
        let zone =
            TimeZone::get(&self.zone).or_else(|_| TimeZone::get(DEFAULT_ZONE)).unwrap_or(TimeZone::UTC);
        if zone == TimeZone::UTC {
            return self.local.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        }
        crate::typing::date::with_offset(self.local, &zone).unwrap_or_default()
    }

    /// The instant on the clocks of UTC.
    pub(super) fn instant(&self) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.zone).or_else(|_| TimeZone::get(DEFAULT_ZONE)).ok()?;
        zone.to_timestamp(self.local).ok()
    }

    /// What is as long after this as `end` is after `first`.
    pub(super) fn after(&self, first: &Self, end: &Self) -> Option<Self> {
        let length = end.local.since(first.local).ok()?;
        Some(Self { local: self.local.checked_add(length).ok()?, zone: end.zone.clone() })
    }

    /// What is so much later on the same clocks.
    pub(super) fn later(&self, duration: Span) -> Option<Self> {
        Some(Self { local: self.local.checked_add(duration).ok()?, zone: self.zone.clone() })
    }
}

/// The time of a property that has one.
pub(super) fn moment(property: &Property) -> Option<Moment> {
    parse(&property.value, property.parameter("TZID"))
}

/// The times of a property that has several; of a period, its beginning. What is no time is left out.
pub(super) fn moments(property: &Property) -> Vec<Moment> {
    let zone = property.parameter("TZID");
    let times = property.value.split(',').filter_map(|text| parse(text.split('/').next()?, zone));
    times.collect()
}

/// `20240229`, `20240229T100000` or `20240229T100000Z`.
pub(super) fn parse(text: &str, zone: Option<&str>) -> Option<Moment> {
    let text = text.trim();
    let (text, is_utc) = text.strip_suffix(['Z', 'z']).map_or((text, false), |text| (text, true));
    let (day, time) = text.split_once(['T', 't']).unwrap_or((text, "000000"));
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i16>().ok())?;
    if !day.is_ascii() || day.len() != 8 || !time.is_ascii() || time.len() != 6 {
        return None;
    }
    let small = |text: &str| number(text).and_then(|number| i8::try_from(number).ok());
    let date = Date::new(number(&day[..4])?, small(&day[4..6])?, small(&day[6..])?).ok()?;
    // A leap second is the second before.
    let second = small(&time[4..])?.min(59);
    let time = Time::new(small(&time[..2])?, small(&time[2..4])?, second, 0).ok()?;
    let zone = if is_utc { "UTC" } else { zone.unwrap_or(DEFAULT_ZONE) };
    Some(Moment { local: date.to_datetime(time), zone: zone.to_owned() })
}

/// The end of a repetition as a local time of `start`'s zone, so that both can be compared.
pub(super) fn until(text: &str, start: &Moment) -> Option<DateTime> {
    let until = parse(text, Some(&start.zone))?;
    if !text.contains(['T', 't']) {
        return Some(until.local.date().at(23, 59, 59, 0));
    }
    let instant = until.instant()?;
    let zone = TimeZone::get(&start.zone).unwrap_or_else(|_| TimeZone::fixed(Offset::UTC));
    Some(zone.to_datetime(instant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_instants_of_their_zone() {
        for (text, zone, expected) in [
            ("20240229T100000Z", None, Some("2024-02-29T10:00:00Z")),
            ("20240229T100000", Some("America/New_York"), Some("2024-02-29T10:00:00-05:00")),
            ("20240729T100000", None, Some("2024-07-29T10:00:00+02:00")),
            ("20240229T100000", Some("Romance Standard Time"), Some("2024-02-29T10:00:00+01:00")),
            ("20240229", None, Some("2024-02-29T00:00:00+01:00")),
            ("20230229", None, None),
            ("2024-02-29", None, None),
            ("20240229T2500", None, None),
            ("20240229T250000", None, None),
            ("é2345678", None, None),
        ] {
            assert_eq!(parse(text, zone).map(|moment| moment.text()).as_deref(), expected, "{text}");
        }
    }
}
