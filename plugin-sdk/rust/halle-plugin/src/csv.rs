//! CSV texts (RFC 4180), by the feature `csv`. Files are read by the host: see the contract's `blob.csv`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, Result};

/// The rows of a text, the header as the first; empty lines are left out. `delimiter` is one ASCII character.
///
/// ```
/// let rows: Vec<_> = halle_plugin::csv::rows("name;note\nBrest;\"a;b\"\n", b';').collect::<Result<_, _>>()?;
/// assert_eq!(rows, [["name", "note"], ["Brest", "a;b"]]);
/// # Ok::<(), halle_plugin::Problem>(())
/// ```
pub fn rows(text: &str, delimiter: u8) -> impl Iterator<Item = Result<Vec<String>>> {
    let reader = builder(delimiter).has_headers(false).flexible(true).from_reader(without_mark(text));
    reader.into_records().map(|record| {
        let record = record.map_err(|error| invalid(&error))?;
        Ok(record.iter().map(str::to_owned).collect())
    })
}

/// The rows of a text as objects, by the names of its header. A row with more or fewer cells than the header, or that is not
/// of the type, is `csv/invalid` with its line.
///
/// ```
/// #[derive(Debug, PartialEq, serde::Deserialize)]
/// struct City {
///     name: String,
///     inhabitants: Option<u32>,
/// }
/// let text = "name,inhabitants\nBrest,139456\nOuessant,\n";
/// let cities: Vec<City> = halle_plugin::csv::objects(text, b',').collect::<Result<_, _>>()?;
/// assert_eq!(cities[1], City { name: "Ouessant".into(), inhabitants: None });
///
/// let ragged = halle_plugin::csv::objects::<City>("name,inhabitants\nBrest\n", b',').next();
/// assert_eq!(ragged.unwrap().unwrap_err().code, "csv/invalid");
/// # Ok::<(), halle_plugin::Problem>(())
/// ```
pub fn objects<T: DeserializeOwned>(text: &str, delimiter: u8) -> impl Iterator<Item = Result<T>> {
    let reader = builder(delimiter).from_reader(without_mark(text));
    reader.into_deserialize().map(|row| row.map_err(|error| invalid(&error)))
}

/// A text of rows, one per line, cells quoted where they must be. A row is a list, a tuple, or an object, whose fields are
/// then the header.
///
/// ```
/// let text = halle_plugin::csv::format([("name", "note"), ("Brest", "say \"a,b\"")], b',')?;
/// assert_eq!(text, "name,note\nBrest,\"say \"\"a,b\"\"\"\n");
/// # Ok::<(), halle_plugin::Problem>(())
/// ```
pub fn format(rows: impl IntoIterator<Item = impl Serialize>, delimiter: u8) -> Result<String> {
    let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|error| invalid(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| Problem::new("csv/invalid", error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Problem::new("csv/invalid", error.to_string()))
}

fn builder(delimiter: u8) -> ::csv::ReaderBuilder {
    let mut builder = ::csv::ReaderBuilder::new();
    builder.delimiter(delimiter);
    builder
}

fn without_mark(text: &str) -> &[u8] {
    text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes()
}

/// Where it went wrong; cells are not repeated.
fn invalid(error: &::csv::Error) -> Problem {
    let at = error.position().map(|position| format!(" à la ligne {}", position.line())).unwrap_or_default();
    let why = match error.kind() {
        ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cellules pour {expected_len} colonnes")
        }
        ::csv::ErrorKind::Deserialize { err, .. } => {
            let column = err.field().map(|field| format!("colonne {} : ", field + 1)).unwrap_or_default();
            format!("{column}valeur d'un autre type")
        }
        _ => "ligne inattendue".to_owned(),
    };
    Problem::new("csv/invalid", format!("CSV illisible{at} : {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, delimiter: u8) -> Vec<Vec<String>> {
        rows(text, delimiter).collect::<Result<_>>().unwrap()
    }

    #[test]
    fn csv_keeps_quotes_line_ends_and_empty_cells() {
        let text = "a,b\r\n\"say \"\"x\"\"\",\"1,2\"\n\n\"two\nlines\",";
        let expected = [["a", "b"], ["say \"x\"", "1,2"], ["two\nlines", ""]];
        assert_eq!(read(text, b','), expected);
        assert_eq!(read(&format(expected, b',').unwrap(), b','), expected);
        assert_eq!(read("\u{feff}x;y\n1;\"2\"3\n", b';'), [["x", "y"], ["1", "23"]]);
        assert_eq!(format([[""], ["a"]], b',').unwrap(), "\"\"\na\n");
        assert_eq!(read("", b','), [[""; 0]; 0]);
    }

    #[test]
    fn what_is_wrong_has_its_line_and_no_value() {
        let problem = objects::<(u32, u32)>("a,b\n1,2\n3,x4711\n", b',').find_map(Result::err).unwrap();
        assert_eq!(problem.message, "CSV illisible à la ligne 3 : colonne 2 : valeur d'un autre type.");
        let problem = objects::<(u32, u32)>("a,b\n1,2,3\n", b',').find_map(Result::err).unwrap();
        assert_eq!(problem.message, "CSV illisible à la ligne 2 : 3 cellules pour 2 colonnes.");
    }
}
