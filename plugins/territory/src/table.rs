//! French communes and what they belong to, built from `deploy/demo/territory.csv.gz` by `build.rs`.

use halle_plugin::Cell;

/// The tables: `CODES` sorted, `PLACE_OF` beside it, and what places are made of.
mod data {
    include!(concat!(env!("OUT_DIR"), "/table.rs"));

    /// The territories of the commune with this number.
    pub fn find(number: u32) -> Option<super::Territory> {
        let (departement, epci) = PLACES[usize::from(PLACE_OF[CODES.binary_search(&number).ok()?])];
        let (departement_code, departement, region) = DEPARTEMENTS[usize::from(departement)];
        let (region_code, region) = REGIONS[usize::from(region)];
        let (epci_code, epci) = EPCIS[usize::from(epci)];
        Some(super::Territory { departement, region, epci, departement_code, region_code, epci_code })
    }
}

/// What a commune belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Territory {
    /// Name of the département, or of the overseas collectivity.
    pub departement: &'static str,
    /// Name of the région.
    pub region: &'static str,
    /// Name of the intercommunality; empty where there is none.
    pub epci: &'static str,
    /// Code of the département.
    pub departement_code: &'static str,
    /// Code of the région.
    pub region_code: &'static str,
    /// SIREN of the intercommunality.
    pub epci_code: &'static str,
}

/// The territories of a commune. A code that lost its leading zero (`1001`), as spreadsheets do, is found as well.
pub fn find(code: Cell<'_>) -> Option<Territory> {
    match code {
        // Codes with letters (Corse) are texts; a number is a code without leading zeros.
        Cell::Integer(number) => by_text(&number.to_string()),
        Cell::Number(number) if number.fract() == 0.0 => by_text(&format!("{number:.0}")),
        Cell::Text(text) => by_text(text).or_else(|| by_text(text.trim())),
        _ => None,
    }
}

fn by_text(code: &str) -> Option<Territory> {
    // Without a loop, which in the sandbox also looks at the limits each time around.
    let [a, b, c, d, e] = match *code.as_bytes() {
        [a, b, c, d, e] => [a, b, c, d, e],
        [b, c, d, e] => [b'0', b, c, d, e],
        _ => return None,
    };
    // In base 36, as the table is.
    let [a, b, c, d, e] = [digit(a)?, digit(b)?, digit(c)?, digit(d)?, digit(e)?];
    data::find((((a * 36 + b) * 36 + c) * 36 + d) * 36 + e)
}

/// The value of a digit or a letter in base 36.
fn digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(36)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn communes_are_found_by_text_number_and_without_their_zero() {
        let found = find(Cell::Text("35238")).unwrap();
        assert_eq!(
            (found.departement, found.region, found.epci),
            ("Ille-et-Vilaine", "Bretagne", "Rennes Métropole")
        );
        let ain = Some("Ain");
        for code in [
            Cell::Text("01001"),
            Cell::Text("1001"),
            Cell::Text(" 01001 "),
            Cell::Integer(1001),
            Cell::Number(1001.0),
        ] {
            assert_eq!(find(code).map(|found| found.departement), ain, "{code:?}");
        }
        assert_eq!(find(Cell::Text("2A004")).map(|found| found.departement_code), Some("2A"));
        assert_eq!(find(Cell::Text("2a004")).map(|found| found.departement_code), Some("2A"));
        assert_eq!(find(Cell::Text("75101")).map(|found| found.region), Some("Île-de-France"));
    }

    #[test]
    fn what_is_no_code_is_not_found() {
        for code in ["", "99999", "1", "+1001", "01-01", "350238", "Rennes"] {
            assert_eq!(find(Cell::Text(code)), None, "{code}");
        }
        assert_eq!(find(Cell::Boolean(true)), None);
    }
}
