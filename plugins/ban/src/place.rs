//! What each row asks: an address, or a point.

use halle_plugin::serde_json::Value;
use halle_plugin::{Cell, Reader, Rows};

/// Characters of an address that the service takes.
const ADDRESS_CHARS_MAX: usize = 200;
/// Characters below which nothing can be found.
const ADDRESS_CHARS_MIN: usize = 3;

/// What a row asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// An address in one line, and the code of the commune it is known to be in.
    Address {
        /// Number, street, postcode, commune.
        text: String,
        /// INSEE code, or empty.
        citycode: String,
    },
    /// Degrees, WGS 84.
    Point {
        /// North.
        lat: f64,
        /// East.
        lon: f64,
    },
}

/// The rows that ask something, with what they ask.
pub fn of(rows: &Rows<'_>, reverse: bool) -> Vec<(u32, Place)> {
    let column = |key: &str| rows.column(key).ok();
    let keys = if reverse {
        ["lat", "lon", "latlon"].map(column).to_vec()
    } else {
        ["address", "number", "street", "postcode", "city", "citycode"].map(column).to_vec()
    };
    let read = |row: usize| {
        let cells =
            keys.iter().map(|column| column.map_or(Cell::Null, |column: Reader<'_>| column.cell(row)));
        let cells: Vec<Cell<'_>> = cells.collect();
        if reverse { point(&cells) } else { address(&cells) }
    };
    (0..rows.len()).filter_map(|row| Some((u32::try_from(row).ok()?, read(row)?))).collect()
}

/// One line of the parts of an address, each once: a whole address often ends with the postcode and the commune already.
fn address(cells: &[Cell<'_>]) -> Option<Place> {
    let mut parts: Vec<String> = cells.iter().map(|cell| plain(*cell)).collect();
    let citycode = parts.pop().unwrap_or_default();
    let mut text = String::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        if !text.to_lowercase().contains(&part.to_lowercase()) {
            text.push_str(if text.is_empty() { "" } else { " " });
            text.push_str(part);
        }
    }
    // The service wants a letter or a digit first.
    let text: String =
        text.trim_start_matches(|c: char| !c.is_alphanumeric()).chars().take(ADDRESS_CHARS_MAX).collect();
    (text.chars().count() >= ADDRESS_CHARS_MIN).then_some(Place::Address { text, citycode })
}

/// A cell as text on one line. Numbers are codes here.
fn plain(cell: Cell<'_>) -> String {
    let text = match cell.to_json() {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn point(cells: &[Cell<'_>]) -> Option<Place> {
    let number = |cell: Cell<'_>| cell.number().or_else(|| cell.text()?.trim().parse().ok());
    let two = || Some((number(*cells.first()?)?, number(*cells.get(1)?)?));
    let one = || {
        let (lat, lon) = cells.get(2)?.text()?.split_once(',')?;
        Some((lat.trim().parse::<f64>().ok()?, lon.trim().parse::<f64>().ok()?))
    };
    let (lat, lon) = two().or_else(one)?;
    (lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some(Place::Point { lat, lon })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_address_are_put_together_once_each() {
        let text = |cells: [&str; 6]| match address(&cells.map(Cell::Text)) {
            Some(Place::Address { text, citycode }) => format!("{text}|{citycode}"),
            other => format!("{other:?}"),
        };
        assert_eq!(
            text(["", "8 bis", "rue de la Paix", "75002", "Paris", "75102"]),
            "8 bis rue de la Paix 75002 Paris|75102"
        );
        assert_eq!(
            text(["1 place de l'Étoile,\n67000 STRASBOURG", "", "", "67000", "Strasbourg", ""]),
            "1 place de l'Étoile, 67000 STRASBOURG|"
        );
        assert_eq!(text(["- 12 rue X", "", "", "", "", ""]), "12 rue X|");
        assert_eq!(text(["", "", "", "", "", "29019"]), "None", "a code alone is no address");
        assert_eq!(text([&"é".repeat(300), "", "", "", "", ""]).chars().count(), ADDRESS_CHARS_MAX + 1);
    }

    #[test]
    fn a_point_comes_in_one_column_or_two_and_stays_on_earth() {
        assert_eq!(
            point(&[Cell::Number(48.5), Cell::Integer(2), Cell::Null]),
            Some(Place::Point { lat: 48.5, lon: 2.0 })
        );
        assert_eq!(
            point(&[Cell::Null, Cell::Null, Cell::Text("48.5, -4.5")]),
            Some(Place::Point { lat: 48.5, lon: -4.5 })
        );
        assert_eq!(
            point(&[Cell::Number(652_000.0), Cell::Number(6_862_000.0), Cell::Null]),
            None,
            "metres are no degrees"
        );
    }
}
