//! Days and instants as texts. Small on purpose: a guest carries no time zone tables.

/// Day number (days since 1970-01-01) of a civil date. The algorithm counts from 1 March, so that leap days come last.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Civil date (year, month, day) of a day number.
pub fn civil(days: i32) -> (i32, u8, u8) {
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as u8, (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u8)
}

/// `2024-01-31` of a day number.
pub fn format_day(days: i32) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// RFC 3339 in UTC of milliseconds since 1970.
pub fn format_instant(ms: i64) -> String {
    let day = format_day(ms.div_euclid(86_400_000) as i32);
    let rest = ms.rem_euclid(86_400_000);
    let (hours, minutes, seconds, ms) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
    let fraction = if ms == 0 { String::new() } else { format!(".{ms:03}") };
    format!("{day}T{hours:02}:{minutes:02}:{seconds:02}{fraction}Z")
}

/// Day number of `2024-01-31`; `None` for anything else, impossible days included.
pub fn parse_day(text: &str) -> Option<i32> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let days = day_number(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let days = i32::try_from(days).ok()?;
    (format_day(days) == text).then_some(days)
}

/// Milliseconds since 1970 of an RFC 3339 text (`2024-01-31T10:00:00+01:00`), or of a day at midnight UTC.
pub fn parse_instant(text: &str) -> Option<i64> {
    let Some((day, time)) = text.split_once(['T', ' ']) else {
        return Some(i64::from(parse_day(text)?) * 86_400_000);
    };
    let zone = time.rfind(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, offset) = time.split_at(zone);
    let (hms, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut units = hms.split(':').map(str::parse::<i64>);
    let (hours, minutes) = (units.next()?.ok()?, units.next()?.ok()?);
    let seconds = units.next().transpose().ok()?.unwrap_or(0);
    if hours > 23 || minutes > 59 || seconds > 60 || units.next().is_some() {
        return None;
    }
    let ms: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let offset_ms = match offset {
        "" | "Z" => 0,
        signed => {
            let (sign, digits) = signed.split_at(1);
            let digits = digits.replace(':', "");
            let number: i64 = digits.parse().ok().filter(|_| digits.len() == 4)?;
            (number / 100 * 60 + number % 100) * 60_000 * if sign == "-" { -1 } else { 1 }
        }
    };
    let in_day = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
    Some(i64::from(parse_day(day)?) * 86_400_000 + in_day - offset_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_round_trip_over_leap_years_and_before_1970() {
        for text in ["1970-01-01", "2000-02-29", "1900-03-01", "2024-12-31", "0001-01-01"] {
            assert_eq!(parse_day(text).map(format_day).as_deref(), Some(text));
        }
        assert_eq!(parse_day("2024-02-29"), Some(19_782));
        assert_eq!(parse_day("2023-02-29"), None);
        assert_eq!(parse_day("31/01/2024"), None);
    }

    #[test]
    fn instants_keep_their_offset_in_mind() {
        assert_eq!(parse_instant("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse_instant("1970-01-01T00:00:00.250Z"), Some(250));
        assert_eq!(format_instant(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(parse_instant("1970-01-02"), Some(86_400_000));
        assert_eq!(parse_instant("1970-01-01T25:00:00Z"), None);
    }
}
