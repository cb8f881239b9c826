//! Dates and date-times as files write them, and as the platform keeps them.

use std::fmt::Write as _;

use jiff::civil;
use jiff::tz::TimeZone;

/// How a file writes dates. Letters stand for digits as in Data Fair (`D/M/YYYY H:m`); everything else for itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pattern(&'static str);

/// Date-times without an offset, in order of preference.
pub(crate) const DATE_TIMES: &[Pattern] = &[
    Pattern("D/M/YYYY H:m"),
    Pattern("D/M/YY H:m"),
    Pattern("D/M/YYYY, H:m"),
    Pattern("D/M/YY, H:m"),
    Pattern("D/M/YYYY H:m:s"),
    Pattern("D/M/YY H:m:s"),
    Pattern("D/M/YYYY, H:m:s"),
    Pattern("D/M/YY, H:m:s"),
    Pattern("YYYY-MM-DDTHH:mm:ss"),
    Pattern("YYYY-MM-DD HH:mm:ss"),
];

/// Dates that are not in ISO form, in order of preference.
pub(crate) const DATES: &[Pattern] = &[Pattern("D/M/YYYY"), Pattern("D/M/YY"), Pattern("YYYY/M/D")];

/// Dates as ISO 8601 has them.
pub(crate) const ISO_DATE: Pattern = Pattern("YYYY-MM-DD");

/// Two-digit years up to this one are in the 2000s, later ones in the 1900s.
const CENTURY_PIVOT: i16 = 68;

impl Pattern {
    /// The known pattern that is written so.
    pub(crate) fn by_text(text: &str) -> Option<&'static Self> {
        DATE_TIMES.iter().chain(DATES).find(|pattern| pattern.0 == text)
    }

    /// As it is kept in a column's `dateFormat` or `dateTimeFormat`.
    pub(crate) fn text(&self) -> &'static str {
        self.0
    }

    /// The day that a value tells, if it follows the pattern.
    pub(crate) fn date(&self, value: &str) -> Option<civil::Date> {
        Some(self.parse(value)?.date())
    }

    /// The day and time that a value tells, if it follows the pattern. What the pattern does not tell is zero.
    pub(crate) fn parse(&self, value: &str) -> Option<civil::DateTime> {
        let (mut rest, mut pattern) = (value.trim().as_bytes(), self.0.as_bytes());
        let (mut year, mut month, mut day, mut time) = (0_i16, 1, 1, [0_i8; 3]);
        while let Some(&letter) = pattern.first() {
            let repeated = pattern.iter().take_while(|&&b| b == letter).count();
            pattern = &pattern[repeated..];
            let widths = match (letter, repeated) {
                (b'Y', n) => n..=n,
                (b'M' | b'D' | b'H' | b'm' | b's', n) => n..=2,
                _ => {
                    rest = rest.strip_prefix(&[letter])?;
                    continue;
                }
            };
            let number = digits(&mut rest, *widths.start(), *widths.end())?;
            let small = || i8::try_from(number).ok();
            match letter {
                b'Y' if repeated == 2 => year = number + if number > CENTURY_PIVOT { 1900 } else { 2000 },
                b'Y' => year = number,
                b'M' => month = small()?,
                b'D' => day = small()?,
                b'H' => time[0] = small()?,
                b'm' => time[1] = small()?,
                _ => time[2] = small()?,
            }
        }
        if !rest.is_empty() {
            return None;
        }
        civil::DateTime::new(year, month, day, time[0], time[1], time[2], 0).ok()
    }
}

/// Takes `min` to `max` digits off the front.
fn digits(rest: &mut &[u8], min: usize, max: usize) -> Option<i16> {
    let found = rest.iter().take(max).take_while(|b| b.is_ascii_digit()).count();
    if found < min {
        return None;
    }
    let (number, after) = rest.split_at(found);
    *rest = after;
    Some(number.iter().fold(0, |sum, b| sum * 10 + i16::from(b - b'0')))
}

/// An RFC 3339 date-time as the platform keeps it: `T` between day and time, the offset as it was. A space for the `T`
/// is accepted.
pub(crate) fn rfc_3339(value: &str) -> Option<String> {
    const DAY_BYTES: usize = "YYYY-MM-DD".len();
    const SECONDS_BYTES: usize = "YYYY-MM-DDTHH:MM:SS".len();
    let value = value.trim();
    if !value.is_ascii()
        || value.len() <= SECONDS_BYTES
        || !matches!(value.as_bytes()[DAY_BYTES], b'T' | b't' | b' ')
    {
        return None;
    }
    let (seconds, mut rest) = value.split_at(SECONDS_BYTES);
    let mut kept = String::with_capacity(value.len());
    kept.push_str(&seconds[..DAY_BYTES]);
    kept.push('T');
    kept.push_str(&seconds[DAY_BYTES + 1..]);
    DATE_TIMES.iter().find(|pattern| pattern.0 == "YYYY-MM-DDTHH:mm:ss")?.parse(&kept)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        kept.push_str(&rest[..=digits]);
        rest = &rest[1 + digits..];
    }
    match rest.as_bytes() {
        [b'Z' | b'z'] => kept.push('Z'),
        [b'+' | b'-', h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit())
                && &rest[1..3] < "24"
                && &rest[4..6] < "60" =>
        {
            kept.push_str(rest);
        }
        _ => return None,
    }
    Some(kept)
}

/// A local day and time as an RFC 3339 date-time with the offset of the zone. A time that the zone skips or repeats is
/// taken as clocks do: the offset before the change.
pub(crate) fn with_offset(local: civil::DateTime, zone: &TimeZone) -> Option<String> {
    let offset = zone.to_ambiguous_zoned(local).compatible().ok()?.offset();
    let moved = zone.to_ambiguous_zoned(local).compatible().ok()?.datetime();
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let mut text =
        format!("{}T{:02}:{:02}:{:02}", moved.date(), moved.hour(), moved.minute(), moved.second());
    write!(text, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_get_the_offset_of_their_season() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        for (pattern, text, expected) in [
            ("YYYY-MM-DDTHH:mm:ss", "2021-02-23T10:27:50", "2021-02-23T10:27:50+01:00"),
            ("D/M/YYYY H:m", "1/7/2021 8:05", "2021-07-01T08:05:00+02:00"),
            ("D/M/YY H:m", "1/7/69 8:05", "1969-07-01T08:05:00+01:00"),
            // This hour does not exist: clocks jump from 2 to 3.
            ("D/M/YYYY H:m", "28/3/2021 2:30", "2021-03-28T03:30:00+02:00"),
        ] {
            let local = Pattern::by_text(pattern).unwrap().parse(text).unwrap();
            assert_eq!(with_offset(local, &paris).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn instants_keep_their_offset() {
        for (text, expected) in [
            ("2021-02-23T10:27:50Z", Some("2021-02-23T10:27:50Z")),
            ("1961-02-13 00:00:00+00:00", Some("1961-02-13T00:00:00+00:00")),
            ("2021-02-23T10:27:50.125-03:30", Some("2021-02-23T10:27:50.125-03:30")),
            ("2021-02-23T10:27:50", None),
            ("2021-02-30T10:27:50Z", None),
            ("2021-02-23T25:27:50Z", None),
            ("2021-02-23T10:27:50.Z", None),
            ("2021-02-23T10:27:50+25:00", None),
            ("2021-02-23X10:27:50Z", None),
            ("2021-02-23T10:27:5é0Z", None),
        ] {
            assert_eq!(rfc_3339(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn days_must_exist() {
        for text in ["31/4/2020", "0/1/2020", "1/13/2020", "1/1/2020x", "1/1/20200", "1//2020", ""] {
            assert_eq!(DATES[0].date(text), None, "{text}");
        }
        assert_eq!(DATES[0].date(" 29/02/2020 "), Some(civil::date(2020, 2, 29)));
    }
}
