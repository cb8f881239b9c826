//! Coarser values: the year of a date, the département of a postcode, the range of a number.

use halle_plugin::Cell;
use halle_plugin::dates::{civil, parse_instant};

/// A coarser value, or a short reason for people.
pub type Coarse<T> = std::result::Result<T, &'static str>;

/// Milliseconds in a day.
const MS_PER_DAY: i64 = 86_400_000;
/// Beyond it, a number of 64 bits has no unit digit.
const NUMBER_MAX: f64 = 9e15;
/// Characters of the longest value that counts as it is.
const KEPT_CHARS_MAX: usize = 200;

/// A value as the text that is hashed: without the spaces around it, dates as `2024-01-31`, whole numbers without decimals.
pub fn as_text(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => text.trim().to_owned(),
        Cell::Number(number) => number.to_string(),
        other => {
            let json = other.to_json();
            json.as_str().map_or_else(|| json.to_string(), str::to_owned)
        }
    }
}

/// The year of a date or of an instant (in UTC), or of a text in ISO order.
pub fn year(cell: Cell<'_>) -> Coarse<i64> {
    let days = match cell {
        Cell::Date(days) => i64::from(days),
        Cell::DateTime(ms) => ms.div_euclid(MS_PER_DAY),
        // The year as it is written, whatever the zone.
        Cell::Text(text) => {
            let day = text.trim().get(..10).and_then(parse_instant);
            day.ok_or("date illisible, nettoyez d'abord la colonne")?.div_euclid(MS_PER_DAY)
        }
        _ => return Err("ce n'est pas une date"),
    };
    i32::try_from(days).map(|days| i64::from(civil(days).0)).map_err(|_| "date hors du calendrier")
}

/// The département of a French postcode: its first two digits, three overseas, `2A` or `2B` in Corse.
///
/// Some communes have a postcode of the neighbouring département: their département is that of the post office.
pub fn departement(cell: Cell<'_>) -> Coarse<String> {
    let code = match cell {
        // A number lost the zero it began with.
        Cell::Integer(number) => format!("{number:05}"),
        Cell::Number(number) if number.fract() == 0.0 && number.abs() < NUMBER_MAX => {
            format!("{number:05.0}")
        }
        Cell::Text(text) => text.chars().filter(|c| !c.is_whitespace()).collect(),
        _ => return Err("ce n'est pas un code postal"),
    };
    if code.len() != 5 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("un code postal a cinq chiffres");
    }
    match &code[..2] {
        "20" => match &code[..3] {
            "200" | "201" => Ok("2A".to_owned()),
            "202" | "206" => Ok("2B".to_owned()),
            _ => Err("code postal inconnu"),
        },
        "97" | "98" => Ok(code[..3].to_owned()),
        "00" | "96" | "99" => Err("code postal inconnu"),
        own => Ok(own.to_owned()),
    }
}

/// The range of width `step` that holds a number, its lower end included: `[20 ; 30[`.
pub fn range(cell: Cell<'_>, step: u32) -> Coarse<String> {
    let number = cell.number().or_else(|| cell.text()?.trim().replace(',', ".").parse().ok());
    let number = number.filter(|number| number.is_finite()).ok_or("ce n'est pas un nombre")?;
    if number.abs() >= NUMBER_MAX {
        return Err("nombre trop grand");
    }
    let step = i64::from(step.max(1));
    let low = (number.floor() as i64).div_euclid(step) * step;
    Ok(format!("[{low} ; {}[", low + step))
}

/// A value that counts in groups as it is.
pub fn kept(cell: Cell<'_>) -> Coarse<String> {
    let text = as_text(cell);
    if text.chars().nth(KEPT_CHARS_MAX).is_some() {
        Err("valeur trop longue pour un groupe")
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_years() {
        assert_eq!(year(Cell::Date(0)), Ok(1970));
        assert_eq!(year(Cell::Date(-1)), Ok(1969));
        assert_eq!(year(Cell::DateTime(-1)), Ok(1969));
        assert_eq!(year(Cell::Text("1984-06-30")), Ok(1984));
        assert_eq!(year(Cell::Text("2024-01-01T00:30:00+02:00")), Ok(2024), "as it is written");
        assert!(year(Cell::Text("30/06/1984")).is_err() && year(Cell::Text("1984-02-30")).is_err());
        assert!(year(Cell::Integer(1984)).is_err());
    }

    #[test]
    fn postcodes_become_départements() {
        for (code, departement_code) in [
            ("35000", "35"),
            ("01 000", "01"),
            ("20000", "2A"),
            ("20169", "2A"),
            ("20200", "2B"),
            ("20620", "2B"),
            ("97400", "974"),
            ("98800", "988"),
        ] {
            assert_eq!(departement(Cell::Text(code)).as_deref(), Ok(departement_code), "{code}");
        }
        assert_eq!(departement(Cell::Integer(1000)).as_deref(), Ok("01"), "its zero was lost");
        for code in ["3500", "350000", "F-350", "00100", "99100", "20900", "é000"] {
            assert!(departement(Cell::Text(code)).is_err(), "{code}");
        }
        assert!(departement(Cell::Integer(-1000)).is_err());
    }

    #[test]
    fn numbers_become_ranges() {
        for (number, step, expected) in [
            (29.9, 10, "[20 ; 30["),
            (30.0, 10, "[30 ; 40["),
            (0.0, 10, "[0 ; 10["),
            (-0.5, 10, "[-10 ; 0["),
            (1_234_567.0, 50_000, "[1200000 ; 1250000["),
        ] {
            assert_eq!(range(Cell::Number(number), step).as_deref(), Ok(expected), "{number}");
        }
        assert_eq!(range(Cell::Integer(7), 5).as_deref(), Ok("[5 ; 10["));
        assert_eq!(range(Cell::Text("12,5"), 5).as_deref(), Ok("[10 ; 15["));
        for text in ["douze", "NaN", "inf", "1e300", ""] {
            assert!(range(Cell::Text(text), 5).is_err(), "{text}");
        }
    }

    #[test]
    fn the_same_value_is_the_same_text_whatever_its_column() {
        assert_eq!(as_text(Cell::Integer(35)), as_text(Cell::Number(35.0)));
        assert_eq!(as_text(Cell::Text(" 35 ")), "35");
        assert_eq!(as_text(Cell::Date(0)), "1970-01-01");
    }
}
