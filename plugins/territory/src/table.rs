//! French communes and what they belong to, built from `deploy/demo/territory.csv.gz` by `build.rs`.

use halle_plugin::Cell;

/// The tables: a block of a thousand `PLACE_OF` for each start of a code, and what places are made of.
mod data {
    include!(concat!(env!("OUT_DIR"), "/table.rs"));

    /// Where the commune is whose code begins with two characters, here in base 36, and ends with a number below a thousand. No
    /// block and no place have the largest number, so that neither is found.
    pub fn find(start: usize, number: usize) -> Option<super::Place> {
        let place = PLACE_OF.get(usize::from(*BLOCK_OF.get(start)?) * 1000 + number)?;
        let (departement, epci) = *PLACES.get(usize::from(*place))?;
        Some(super::Place { departement, epci })
    }

    /// Code, name and number of the région of a département.
    pub fn departement(number: u8) -> (&'static str, &'static str, u8) {
        DEPARTEMENTS[usize::from(number)]
    }

    /// Code and name of a région.
    pub fn region(number: u8) -> (&'static str, &'static str) {
        REGIONS[usize::from(number)]
    }

    /// SIREN and name of an intercommunality; both empty where there is none.
    pub fn epci(number: u16) -> (&'static str, &'static str) {
        EPCIS[usize::from(number)]
    }
}

/// What a commune belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    departement: u8,
    epci: u16,
}

impl Place {
    /// Name of the département, or of the overseas collectivity.
    pub fn departement(self) -> &'static str {
        data::departement(self.departement).1
    }

    /// Code of the département.
    pub fn departement_code(self) -> &'static str {
        data::departement(self.departement).0
    }

    /// Name of the région.
    pub fn region(self) -> &'static str {
        data::region(data::departement(self.departement).2).1
    }

    /// Code of the région.
    pub fn region_code(self) -> &'static str {
        data::region(data::departement(self.departement).2).0
    }

    /// Name of the intercommunality, if there is one.
    pub fn epci(self) -> Option<&'static str> {
        Some(data::epci(self.epci).1).filter(|name| !name.is_empty())
    }

    /// SIREN of the intercommunality, if there is one.
    pub fn epci_code(self) -> Option<&'static str> {
        Some(data::epci(self.epci).0).filter(|code| !code.is_empty())
    }
}

/// Where a commune is. A code that lost its leading zero (`1001`), as spreadsheets do, is found as well.
pub fn find(code: Cell<'_>) -> Option<Place> {
    match code {
        // Codes with letters (Corse) are texts; a number is a code without leading zeros.
        Cell::Integer(number) => by_text(&number.to_string()),
        Cell::Number(number) if number.fract() == 0.0 => by_text(&format!("{number:.0}")),
        Cell::Text(text) => by_text(text).or_else(|| by_text(text.trim())),
        _ => None,
    }
}

fn by_text(code: &str) -> Option<Place> {
    let [a, b, c, d, e] = match *code.as_bytes() {
        [a, b, c, d, e] => [a, b, c, d, e],
        [b, c, d, e] => [b'0', b, c, d, e],
        _ => return None,
    };
    let [a, b, c, d, e] = [a, b, c, d, e].map(|byte| usize::from(DIGITS[usize::from(byte)]));
    // One look at all of them instead of one at each.
    if a.max(b) >= 36 || c.max(d).max(e) >= 10 {
        return None;
    }
    data::find(a * 36 + b, c * 100 + d * 10 + e)
}

/// The value of each byte as a digit in base 36, of which small letters are digits too; more than that for those that are none.
static DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut byte = 0;
    while byte < 128 {
        if let Some(digit) = (byte as u8 as char).to_digit(36) {
            digits[byte] = digit as u8;
        }
        byte += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn communes_are_found_by_text_number_and_without_their_zero() {
        let found = find(Cell::Text("35238")).unwrap();
        assert_eq!(
            (found.departement(), found.region(), found.epci()),
            ("Ille-et-Vilaine", "Bretagne", Some("Rennes Métropole"))
        );
        let ain = Some("Ain");
        for code in [
            Cell::Text("01001"),
            Cell::Text("1001"),
            Cell::Text(" 01001 "),
            Cell::Integer(1001),
            Cell::Number(1001.0),
        ] {
            assert_eq!(find(code).map(|found| found.departement()), ain, "{code:?}");
        }
        assert_eq!(find(Cell::Text("2A004")).map(|found| found.departement_code()), Some("2A"));
        assert_eq!(find(Cell::Text("2a004")).map(|found| found.departement_code()), Some("2A"));
        assert_eq!(find(Cell::Text("75101")).map(|found| found.region()), Some("Île-de-France"));
    }

    #[test]
    fn what_is_no_code_is_not_found() {
        for code in ["", "99999", "1", "+1001", "01-01", "350238", "Rennes"] {
            assert_eq!(find(Cell::Text(code)), None, "{code}");
        }
        assert_eq!(find(Cell::Boolean(true)), None);
    }
}
