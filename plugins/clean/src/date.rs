//! Dates: ISO order (year, month, day) and French order (day, month, year), to a day.
//!
//! - Parts in digits are separated by `-`, `/`, `.` or spaces; eight digits in a row are read in ISO order.
//! - French months are also read in letters, whole or short (`1er janvier 2024`, `jeu. 4 avr. 2024`), a week day before them
//!   left out without being checked.
//! - A time after `T` or a space is left out: the day is the one that is written, whatever the zone.
//! - A year of two digits is refused, since nothing says which century; so is the American order when it shows (`12/31/2024`).
//!   When it does not, `03/04/2024` is 3 April.
//! - Years 1000 to 9999.

use halle_plugin::dates::parse_day;

use crate::Cleaned;

/// Months by their first letters without accents, the shortest that tell them apart.
const MONTHS: [&str; 12] =
    ["janv", "fev", "mars", "avr", "mai", "juin", "juil", "aout", "sept", "oct", "nov", "dec"];
/// Whole names of the months, without accents.
const MONTH_NAMES: [&str; 12] = [
    "janvier",
    "fevrier",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "aout",
    "septembre",
    "octobre",
    "novembre",
    "decembre",
];
/// First letters of the days of the week.
const WEEK_DAYS: [&str; 7] = ["lun", "mar", "mer", "jeu", "ven", "sam", "dim"];

/// Days since 1970-01-01.
pub fn parse(written: &str) -> Cleaned<i32> {
    let lower = plain(written);
    let day = without_time(&lower);
    if day.bytes().all(|byte| byte.is_ascii_digit()) {
        return match day.len() {
            8 => from_parts(&day[..4], &day[4..6], &day[6..]),
            4 => Err("une année seule"),
            5 => Err("nombre de jours d'un tableur, pas une date"),
            _ => Err("chiffres sans séparateur"),
        };
    }
    let is_part = |c: char| c.is_whitespace() || matches!(c, '-' | '/' | '.' | ',');
    let mut parts: Vec<&str> = day.split(is_part).filter(|part| !part.is_empty()).collect();
    if parts.len() == 4 && WEEK_DAYS.iter().any(|name| parts[0].starts_with(name)) {
        parts.remove(0);
    }
    let [first, second, third] = parts[..] else { return Err("date illisible") };
    match (first.len(), third.len()) {
        (4, _) => from_parts(first, second, third),
        (_, 4) => from_parts(third, second, first.strip_suffix("er").unwrap_or(first)),
        (1.., 2) if is_number(third) => Err("année sur deux chiffres"),
        _ => Err("date illisible"),
    }
}

/// Lower case, without the accents of months and of `à`.
fn plain(written: &str) -> String {
    let lower = written.to_lowercase();
    lower
        .chars()
        .map(|c| match c {
            'é' | 'è' => 'e',
            'û' => 'u',
            'à' => 'a',
            c => c,
        })
        .collect()
}

/// What is before a time: `t` after a digit, or a space before `10:00` or `10h00`.
fn without_time(written: &str) -> &str {
    let bytes = written.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let separator = (1..bytes.len()).find(|at| match bytes[*at] {
        b't' => is_digit(at - 1) && is_digit(at + 1),
        b' ' => {
            let time = &written[at + 1..];
            let hours = time.bytes().take_while(u8::is_ascii_digit).count();
            (1..=2).contains(&hours) && time[hours..].starts_with([':', 'h'])
        }
        _ => false,
    });
    let day = separator.map_or(written, |at| &written[..at]);
    day.strip_suffix(" a").unwrap_or(day).trim()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn month_of(text: &str) -> Cleaned<u8> {
    let by_name = || {
        let at = MONTHS
            .iter()
            .zip(MONTH_NAMES)
            .position(|(short, whole)| text.starts_with(short) && whole.starts_with(text));
        at.map(|at| at as u8 + 1)
    };
    let month = if is_number(text) { text.parse().ok() } else { by_name() };
    match month {
        Some(month @ 1..=12) => Ok(month),
        Some(13..=31) => Err("mois au-delà de 12 : ordre américain ?"),
        Some(_) => Err("mois impossible"),
        None => Err("mois inconnu"),
    }
}

fn from_parts(year: &str, month: &str, day: &str) -> Cleaned<i32> {
    if !is_number(year) || !is_number(day) {
        return Err("date illisible");
    }
    if year.starts_with('0') {
        return Err("année avant l'an 1000");
    }
    if day.len() > 2 || (is_number(month) && month.len() > 2) {
        return Err("date illisible");
    }
    let month = month_of(month)?;
    parse_day(&format!("{year}-{month:02}-{day:0>2}")).ok_or("ce jour n'existe pas")
}

#[cfg(test)]
mod tests {
    use halle_plugin::dates::format_day;

    use super::*;

    #[test]
    fn french_and_iso_orders_are_read() {
        for written in [
            "2024-02-29",
            "2024/02/29",
            "2024.2.29",
            "20240229",
            "29/02/2024",
            "29-02-2024",
            "29.02.2024",
            "29 02 2024",
            "29 février 2024",
            "29 FÉVRIER 2024",
            "29 févr. 2024",
            "29 fev 2024",
            "jeudi 29 février 2024",
            "jeu. 29 févr. 2024",
            "2024-02-29T23:30:00+02:00",
            "2024-02-29 23:30",
            "29/02/2024 à 9h30",
            "29/02/2024 09:30:00",
        ] {
            assert_eq!(parse(written).map(format_day).as_deref(), Ok("2024-02-29"), "{written}");
        }
        assert_eq!(parse("1er août 1998").map(format_day).as_deref(), Ok("1998-08-01"));
        assert_eq!(parse("3/4/2024").map(format_day).as_deref(), Ok("2024-04-03"), "the day is first");
        for (at, name) in MONTH_NAMES.iter().enumerate() {
            let expected = format!("2023-{:02}-05", at + 1);
            assert_eq!(parse(&format!("5 {name} 2023")).map(format_day), Ok(expected), "{name}");
        }
    }

    #[test]
    fn reasons_say_what_is_wrong() {
        for (written, reason) in [
            ("31/01/24", "année sur deux chiffres"),
            ("1 janvier 24", "année sur deux chiffres"),
            ("12/31/2024", "mois au-delà de 12 : ordre américain ?"),
            ("30/02/2024", "ce jour n'existe pas"),
            ("29/02/2023", "ce jour n'existe pas"),
            ("00/01/2024", "ce jour n'existe pas"),
            ("01/00/2024", "mois impossible"),
            ("2024", "une année seule"),
            ("45352", "nombre de jours d'un tableur, pas une date"),
            ("310124", "chiffres sans séparateur"),
            ("5 brumaire 2024", "mois inconnu"),
            ("5 ju 2024", "mois inconnu"),
            ("0024-01-01", "année avant l'an 1000"),
            ("mars 2024", "date illisible"),
            ("été 2024 ou après", "date illisible"),
            ("hier", "date illisible"),
        ] {
            assert_eq!(parse(written), Err(reason), "{written}");
        }
    }
}
