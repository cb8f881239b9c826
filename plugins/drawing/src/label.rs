//! Values as people write them.

use halle_plugin::{Cell, dates};

use crate::locale::Locale;

/// A value of any kind. Codes and years are no quantities: whole numbers are not cut into thousands.
pub fn of(cell: Cell<'_>, locale: Locale) -> String {
    match cell {
        Cell::Null | Cell::Text("") => locale.pick("sans valeur", "no value").to_owned(),
        Cell::Text("true") | Cell::Boolean(true) => locale.pick("oui", "yes").to_owned(),
        Cell::Text("false") | Cell::Boolean(false) => locale.pick("non", "no").to_owned(),
        Cell::Text(text) => day(text, locale).unwrap_or_else(|| text.to_owned()),
        Cell::Integer(value) => value.to_string(),
        Cell::Number(value) if value.fract() == 0.0 => format!("{value:.0}"),
        Cell::Number(value) => locale.number(value),
        other => {
            let text = other.to_json().as_str().unwrap_or_default().to_owned();
            day(&text, locale).unwrap_or(text)
        }
    }
}

/// A day as French readers write it, or `None` when the text is none.
fn day(text: &str, locale: Locale) -> Option<String> {
    let days = dates::parse_day(text).filter(|_| locale == Locale::Fr)?;
    let (year, month, day) = dates::civil(days);
    Some(format!("{day:02}/{month:02}/{year:04}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_readers_write_them() {
        assert_eq!(of(Cell::Text("2024-03-01"), Locale::Fr), "01/03/2024");
        assert_eq!(of(Cell::Text("2024-03-01"), Locale::En), "2024-03-01");
        assert_eq!(of(Cell::Integer(29_019), Locale::Fr), "29019", "a code is no quantity");
        assert_eq!(of(Cell::Number(1234.5), Locale::Fr), "1\u{202f}234,5");
        assert_eq!(of(Cell::Text(""), Locale::En), "no value");
    }
}
