//! Turns the reference table of `deploy/demo` into static tables: codes sorted for search, names stored once.

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
    let mut communes: Vec<(u32, usize)> = Vec::new();
    for row in reader.records() {
        let row = row?;
        let region = regions.index_of((row[region_code].to_owned(), row[region].to_owned()));
        let departement = departements.index_of((row[dep_code].to_owned(), row[dep].to_owned(), region));
        let epci = epcis.index_of((row[epci_code].to_owned(), row[epci].to_owned()));
        let place = places.index_of((departement, epci));
        communes.push((u32::from_str_radix(&row[code], 36)?, place));
    }
    communes.sort_unstable();

    let mut out = String::new();
    writeln!(out, "static REGIONS: &[(&str, &str)] = &{:?};", regions.0)?;
    writeln!(out, "static DEPARTEMENTS: &[(&str, &str, u8)] = &{:?};", departements.0)?;
    writeln!(out, "static EPCIS: &[(&str, &str)] = &{:?};", epcis.0)?;
    writeln!(out, "static PLACES: &[(u8, u16)] = &{:?};", places.0)?;
    let (codes, places): (Vec<u32>, Vec<usize>) = communes.into_iter().unzip();
    writeln!(out, "static CODES: &[u32] = &{codes:?};")?;
    writeln!(out, "static PLACE_OF: &[u16] = &{places:?};")?;
    let folder = std::env::var_os("OUT_DIR").ok_or("cargo tells build scripts where to write")?;
    std::fs::write(Path::new(&folder).join("table.rs"), out)?;
    Ok(())
}
