//! Turns the reference table of `deploy/demo` into static tables: places by code, found without a search, names stored once.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

const SOURCE: &str = "../../deploy/demo/territory.csv.gz";

/// A list in which each value stands once, in the order of first sight.
struct Distinct<T>(Vec<T>);

impl<T: PartialEq> Distinct<T> {
    fn index_of(&mut self, value: T) -> usize {
        // The list grows by its end and rows come sorted, so that the last values are the likely ones.
        if let Some(found) = self.0.iter().rposition(|known| *known == value) {
            return found;
        }
        self.0.push(value);
        self.0.len() - 1
    }
}

/// Writes the place of each commune. The three digits that end its code are a position in a block of a thousand places, one
/// block for each two characters with which codes begin.
fn write_places(out: &mut String, communes: &[(String, u16)]) -> Result<(), Box<dyn Error>> {
    let mut starts = Distinct(Vec::new());
    // By the two characters in base 36: which block; the largest number for none.
    let mut block_of = vec![u8::MAX; 36 * 36];
    let mut place_of = Vec::new();
    for (code, place) in communes {
        let (start, number) = code.split_at_checked(2).ok_or("a code is too short")?;
        let block = starts.index_of(start.to_owned());
        block_of[usize::from_str_radix(start, 36)?] = u8::try_from(block)?;
        place_of.resize(starts.0.len() * 1000, u16::MAX);
        let digits = Some(number).filter(|number| number.len() == 3);
        let number: usize = digits.ok_or("a code does not end with three digits")?.parse()?;
        place_of[block * 1000 + number] = *place;
    }
    writeln!(out, "static BLOCK_OF: &[u8; 1296] = &{block_of:?};")?;
    writeln!(out, "static PLACE_OF: &[u16] = &{place_of:?};")?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCE}");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(SOURCE)?).read_to_string(&mut text)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers()?.clone();
    let column = |name: &str| {
        header.iter().position(|known| known == name).ok_or_else(|| format!("{SOURCE} has no column {name}"))
    };
    let [code, dep_code, dep, region_code, region, epci_code, epci] = [
        column("code")?,
        column("code_departement")?,
        column("departement")?,
        column("code_region")?,
        column("region")?,
        column("code_epci")?,
        column("epci")?,
    ];
    let (mut regions, mut departements) = (Distinct(Vec::new()), Distinct(Vec::new()));
    let (mut epcis, mut places) = (Distinct(Vec::new()), Distinct(Vec::new()));
    let mut communes: Vec<(String, u16)> = Vec::new();
    for row in reader.records() {
        let row = row?;
        let region = regions.index_of((row[region_code].to_owned(), row[region].to_owned()));
        let departement = departements.index_of((row[dep_code].to_owned(), row[dep].to_owned(), region));
        let epci = epcis.index_of((row[epci_code].to_owned(), row[epci].to_owned()));
        let place = places.index_of((departement, epci));
        communes.push((row[code].to_owned(), u16::try_from(place)?));
    }

    let mut out = String::new();
    writeln!(out, "static REGIONS: &[(&str, &str)] = &{:?};", regions.0)?;
    writeln!(out, "static DEPARTEMENTS: &[(&str, &str, u8)] = &{:?};", departements.0)?;
    writeln!(out, "static EPCIS: &[(&str, &str)] = &{:?};", epcis.0)?;
    writeln!(out, "static PLACES: &[(u8, u16)] = &{:?};", places.0)?;
    write_places(&mut out, &communes)?;
    let folder = std::env::var_os("OUT_DIR").ok_or("cargo tells build scripts where to write")?;
    std::fs::write(Path::new(&folder).join("table.rs"), out)?;
    Ok(())
}
