//! `TRANSFORM_DATE`: dates read and written with the format letters of dayjs, names of months in English.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use crate::error::Refusal;
use crate::eval::{Evaluated, Evaluation};
use crate::functions::argument;
use crate::value::Value;

/// Zone of dates when none is named.
const DEFAULT_ZONE: &str = "Europe/Paris";

/// How a date is written when no format is given.
const ISO: &str = "YYYY-MM-DDTHH:mm:ssZ";

/// Bytes of a date or of a format.
const DATE_BYTES_MAX: usize = 200;

/// Format letters, longer ones first.
const LETTERS: &[&str] = &[
    "YYYY", "MMMM", "dddd", "YY", "MMM", "ddd", "SSS", "MM", "DD", "Do", "dd", "HH", "hh", "mm", "ss", "SS",
    "ZZ", "WW", "kk", "M", "D", "d", "H", "h", "m", "s", "S", "Z", "A", "a", "X", "x", "Q", "W", "k", "Y",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// `TRANSFORM_DATE(date, inFormat, outFormat, inZone, outZone)`. Without formats, ISO 8601; `X` and `x` are seconds and
/// milliseconds since 1970, and give numbers. What is empty, or neither text nor number, is returned as it is.
pub(crate) fn transform(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let date = argument(arguments, 0);
    let is_date = match date {
        Value::Text(text) => !text.is_empty(),
        Value::Number(_) => true,
        _ => false,
    };
    if !is_date {
        return Ok(date.clone());
    }
    let mut option = |index| match argument(arguments, index) {
        Value::Undefined | Value::Null => Ok("".into()),
        given => evaluation.text(given),
    };
    let (read_as, write_as) = (option(1)?, option(2)?);
    let (from, to) = (zone(&option(3)?)?, zone(&option(4)?)?);
    if read_as.len().max(write_as.len()) > DATE_BYTES_MAX {
        return Err("TRANSFORM_DATE : format trop long".to_owned());
    }
    let instant = match date {
        Value::Number(number) if read_as.is_empty() => milliseconds(*number),
        date => read(&evaluation.text(date)?, &read_as, &from)?,
    };
    let instant = instant.ok_or_else(|| {
        let text =
            evaluation.text(date).map_or_else(|_| String::new(), |text| text.chars().take(50).collect());
        let format = if read_as.is_empty() { "ISO 8601" } else { &*read_as };
        format!("TRANSFORM_DATE : \"{text}\" n'est pas une date au format {format}")
    })?;
    let milliseconds = instant.as_millisecond();
    Ok(match &*write_as {
        "X" => Value::Number(milliseconds.div_euclid(1_000) as f64),
        "x" => Value::Number(milliseconds as f64),
        "" => Value::text(&written(&instant.to_zoned(to), ISO)),
        format => Value::text(&written(&instant.to_zoned(to), format)),
    })
}

fn zone(name: &str) -> Result<TimeZone, Refusal> {
    let name = if name.is_empty() { DEFAULT_ZONE } else { name };
    TimeZone::get(name).map_err(|_| format!("TRANSFORM_DATE : le fuseau horaire \"{name}\" n'existe pas"))
}

fn milliseconds(number: f64) -> Option<Timestamp> {
    let in_range = number.abs() < 1e15;
    if in_range { Timestamp::from_millisecond(number as i64).ok() } else { None }
}

/// The instant that a text tells in a format; `None` when it tells none.
fn read(text: &str, format: &str, zone: &TimeZone) -> Result<Option<Timestamp>, Refusal> {
    let text = text.trim();
    if text.len() > DATE_BYTES_MAX {
        return Ok(None);
    }
    if format.is_empty() {
        return Ok(iso(text, zone));
    }
    let mut found = Found::default();
    let mut rest = text;
    for piece in pieces(format) {
        let next = match piece {
            Piece::Letters(letters) => found.take(letters, rest),
            // As in dayjs, it is the length of what is between that counts.
            Piece::Between(between) if between.chars().all(char::is_alphanumeric) => Some(rest),
            Piece::Between(between) => {
                rest.char_indices().nth(between.chars().count()).map_or(Some(""), |(at, _)| rest.get(at..))
            }
        };
        let Some(next) = next else { return Ok(None) };
        rest = next;
    }
    if found.instant.is_none() && found.year.is_none() {
        return Err(format!("TRANSFORM_DATE : le format {format} ne dit pas l'année"));
    }
    Ok(found.instant(zone))
}

fn iso(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let local = text.parse::<DateTime>().ok().or_else(|| Some(text.parse::<Date>().ok()?.at(0, 0, 0, 0)))?;
    local_instant(local, zone)
}

fn local_instant(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_zoned(local).compatible().ok().map(|zoned| zoned.timestamp())
}

/// A piece of a format.
enum Piece<'a> {
    Letters(&'static str),
    Between(&'a str),
}

fn pieces(format: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = format;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((inside, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            rest = after;
            return Some(Piece::Between(inside));
        }
        if let Some(letters) = LETTERS.iter().find(|letters| rest.starts_with(**letters)) {
            rest = &rest[letters.len()..];
            return Some(Piece::Letters(letters));
        }
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let (between, after) = rest.split_at(first);
        rest = after;
        Some(Piece::Between(between))
    })
}

/// What a text told so far.
#[derive(Default)]
struct Found {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    hour: i8,
    minute: i8,
    second: i8,
    millisecond: i32,
    is_afternoon: Option<bool>,
    offset: Option<Offset>,
    instant: Option<Timestamp>,
}

impl Found {
    /// Reads what the letters stand for, and returns what comes after it.
    fn take<'t>(&mut self, letters: &str, text: &'t str) -> Option<&'t str> {
        if matches!(letters, "MMM" | "MMMM" | "A" | "a") {
            let start = text.find(char::is_alphabetic)?;
            let word = text[start..].split(|c: char| !c.is_alphabetic()).next()?;
            self.word(letters, word)?;
            return Some(&text[start + word.len()..]);
        }
        if matches!(letters, "Z" | "ZZ") {
            return self.offset(text);
        }
        let is_signed = matches!(letters, "X" | "x" | "Y");
        let start = text.find(|c: char| c.is_ascii_digit() || is_signed && c == '-')?;
        let text = &text[start..];
        let (min, max) = match letters {
            "YYYY" => (4, 4),
            "YY" | "MM" | "DD" | "SS" => (2, 2),
            "SSS" => (3, 3),
            "S" => (1, 1),
            "X" | "x" | "Y" => (1, 18),
            _ => (1, 2),
        };
        let sign = usize::from(is_signed && text.starts_with('-'));
        let digits = text[sign..].bytes().take(max).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = text.split_at(sign + digits);
        if digits.len() < min + sign {
            return None;
        }
        let rest = if letters == "Do" { rest.trim_start_matches(char::is_alphabetic) } else { rest };
        self.set(letters, digits.parse().ok()?)?;
        Some(rest)
    }

    fn set(&mut self, letters: &str, number: i64) -> Option<()> {
        let small = i8::try_from(number);
        match letters {
            "YYYY" | "Y" => self.year = Some(i16::try_from(number).ok()?),
            "YY" => self.year = Some(i16::try_from(number).ok()? + if number > 68 { 1900 } else { 2000 }),
            "M" | "MM" => self.month = Some(small.ok()?),
            "D" | "DD" | "Do" => self.day = Some(small.ok()?),
            "H" | "HH" | "h" | "hh" => self.hour = small.ok()?,
            "m" | "mm" => self.minute = small.ok()?,
            "s" | "ss" => self.second = small.ok()?,
            "S" => self.millisecond = i32::try_from(number).ok()? * 100,
            "SS" => self.millisecond = i32::try_from(number).ok()? * 10,
            "SSS" => self.millisecond = i32::try_from(number).ok()?,
            "X" => self.instant = Some(Timestamp::from_second(number).ok()?),
            "x" => self.instant = Some(Timestamp::from_millisecond(number).ok()?),
            // Days of the week, weeks and quarters follow from the date.
            _ => {}
        }
        Some(())
    }

    fn word(&mut self, letters: &str, word: &str) -> Option<()> {
        if matches!(letters, "A" | "a") {
            self.is_afternoon = Some(word.eq_ignore_ascii_case("pm"));
            return Some(());
        }
        let is_month = |month: &&str| {
            let name = if letters == "MMM" { &month[..3] } else { *month };
            name.eq_ignore_ascii_case(word)
        };
        let month = MONTHS.iter().position(is_month)?;
        self.month = i8::try_from(month + 1).ok();
        Some(())
    }

    fn offset<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let start = text.find(['+', '-', 'Z'])?;
        let text = &text[start..];
        if let Some(rest) = text.strip_prefix('Z') {
            self.offset = Some(Offset::UTC);
            return Some(rest);
        }
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let hours: i32 = text.get(1..3)?.parse().ok()?;
        let rest = &text[3..];
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let minutes: Option<i32> = rest.get(..2).and_then(|digits| digits.parse().ok());
        let seconds = sign * (hours * 60 + minutes.unwrap_or(0)) * 60;
        self.offset = Some(Offset::from_seconds(seconds).ok()?);
        Some(if minutes.is_some() { &rest[2..] } else { rest })
    }

    fn instant(&self, zone: &TimeZone) -> Option<Timestamp> {
        if self.instant.is_some() {
            return self.instant;
        }
        let hour = match self.is_afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let date = Date::new(self.year?, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?;
        let time =
            jiff::civil::Time::new(hour, self.minute, self.second, self.millisecond * 1_000_000).ok()?;
        let local = date.to_datetime(time);
        match self.offset {
            Some(offset) => offset.to_timestamp(local).ok(),
            None => local_instant(local, zone),
        }
    }
}

/// A date in a format.
fn written(date: &Zoned, format: &str) -> String {
    let mut text = String::new();
    for piece in pieces(format) {
        match piece {
            Piece::Letters(letters) => text.push_str(&piece_of(date, letters)),
            Piece::Between(between) => text.push_str(between),
        }
    }
    text
}

fn piece_of(date: &Zoned, letters: &str) -> String {
    let twelve = if date.hour() % 12 == 0 { 12 } else { date.hour() % 12 };
    let twenty_four = if date.hour() == 0 { 24 } else { date.hour() };
    let month = MONTHS[(date.month() - 1) as usize];
    let day = DAYS[date.weekday().to_sunday_zero_offset() as usize];
    match letters {
        "YYYY" => format!("{:04}", date.year()),
        "YY" => format!("{:02}", date.year().rem_euclid(100)),
        "Y" => date.year().to_string(),
        "M" => date.month().to_string(),
        "MM" => format!("{:02}", date.month()),
        "MMM" => month[..3].to_owned(),
        "MMMM" => month.to_owned(),
        "D" => date.day().to_string(),
        "DD" => format!("{:02}", date.day()),
        "Do" => ordinal(date.day()),
        "d" => date.weekday().to_sunday_zero_offset().to_string(),
        "dd" => day[..2].to_owned(),
        "ddd" => day[..3].to_owned(),
        "dddd" => day.to_owned(),
        "H" => date.hour().to_string(),
        "HH" => format!("{:02}", date.hour()),
        "h" => twelve.to_string(),
        "hh" => format!("{twelve:02}"),
        "k" => twenty_four.to_string(),
        "kk" => format!("{twenty_four:02}"),
        "A" => if date.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        "a" => if date.hour() < 12 { "am" } else { "pm" }.to_owned(),
        "m" => date.minute().to_string(),
        "mm" => format!("{:02}", date.minute()),
        "s" => date.second().to_string(),
        "ss" => format!("{:02}", date.second()),
        "S" => (date.millisecond() / 100).to_string(),
        "SS" => format!("{:02}", date.millisecond() / 10),
        "SSS" => format!("{:03}", date.millisecond()),
        "Z" => offset_text(date.offset(), ":"),
        "ZZ" => offset_text(date.offset(), ""),
        "X" => date.timestamp().as_millisecond().div_euclid(1_000).to_string(),
        "x" => date.timestamp().as_millisecond().to_string(),
        "Q" => ((date.month() + 2) / 3).to_string(),
        "W" => iso_week(date).to_string(),
        "WW" => format!("{:02}", iso_week(date)),
        other => other.to_owned(),
    }
}

fn ordinal(day: i8) -> String {
    let suffix = match (day % 10, day % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{day}{suffix}")
}

fn iso_week(date: &Zoned) -> i8 {
    // The week is that of its Thursday.
    let back = i64::from(date.weekday().since(Weekday::Monday));
    let thursday = date.date().saturating_add(jiff::Span::new().days(3 - back));
    i8::try_from((thursday.day_of_year() - 1) / 7 + 1).unwrap_or(1)
}

fn offset_text(offset: Offset, separator: &str) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}{separator}{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, read_as: &str, write_as: &str, expected: &str) {
        let paris = TimeZone::get(DEFAULT_ZONE).unwrap();
        let instant = read(text, read_as, &paris).unwrap().map(|instant| instant.to_zoned(paris));
        let found = instant.map_or_else(|| "nothing".to_owned(), |date| written(&date, write_as));
        assert_eq!(found, expected, "{text} as {read_as}");
    }

    #[test]
    fn dates_go_from_one_format_to_another() {
        check("31/12/2024", "DD/MM/YYYY", "YYYY-MM-DD", "2024-12-31");
        check("1/7/24 8:05", "D/M/YY H:mm", ISO, "2024-07-01T08:05:00+02:00");
        check("3 March 2021", "D MMMM YYYY", "ddd Do MMM YY, [semaine] W", "Wed 3rd Mar 21, semaine 9");
        check("2021-02-23T10:27:50.125Z", "", "HH:mm:ss.SSS ZZ", "11:27:50.125 +0100");
        check("2021-02-23", "", "x", "1614034800000");
        check("20240229T2359", "YYYYMMDDTHHmm", "YYYY/MM/DD hh:mm A", "2024/02/29 11:59 PM");
        check("12:30 am 05-06-2020", "hh:mm a DD-MM-YYYY", "H:m kk", "0:30 24");
        check("1614034800", "X", "YYYY-MM-DD Q", "2021-02-23 1");
        check("2021-02-23 10:00 -0330", "YYYY-MM-DD HH:mm ZZ", "HH:mm", "14:30");
    }

    #[test]
    fn what_is_no_date_is_not_made_one() {
        check("31/02/2024", "DD/MM/YYYY", ISO, "nothing");
        check("demain", "DD/MM/YYYY", ISO, "nothing");
        check("demain", "", ISO, "nothing");
    }
}
