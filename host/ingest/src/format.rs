//! Which files are accepted, by the extension of their names.

use serde::{Deserialize, Serialize};

use crate::error::{IngestError, IngestResult};

/// Format of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Delimited text: `.csv`, `.tsv`, `.txt`, `.dif`.
    Csv,
}

impl Format {
    /// MIME type, as `file.mimetype` of Data Fair.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
        }
    }

    fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "csv" | "tsv" | "txt" | "dif" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// What the content is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// Nothing.
    Plain,
    /// `.gz`, one or several members.
    Gzip,
    /// A `.zip` that holds exactly one file of an accepted format.
    Zip,
}

/// Decides by its name whether a file is accepted: call it before storing an upload. What is inside a zip is looked at
/// by [`analyze`](crate::analyze). Fails with [`IngestError::Unsupported`].
pub fn accept(file_name: &str) -> IngestResult<(Format, Container)> {
    let name = file_name.to_ascii_lowercase();
    let (name, container) = match name.strip_suffix(".gz") {
        Some(inner) => (inner, Container::Gzip),
        None => (name.as_str(), Container::Plain),
    };
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if let Some(format) = Format::of_extension(extension) {
        return Ok((format, container));
    }
    match (extension, container) {
        ("zip", Container::Plain) => Ok((Format::Csv, Container::Zip)),
        (_, Container::Gzip) => Err(unsupported("application/gzip")),
        (extension, _) => Err(unsupported(mime_of(extension))),
    }
}

/// The refusal of a MIME type.
pub(crate) fn unsupported(mime: &str) -> IngestError {
    IngestError::Unsupported { mime: mime.to_owned() }
}

/// MIME types that people try, so that the refusal names what they sent.
fn mime_of(extension: &str) -> &'static str {
    match extension {
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xls" => "application/vnd.ms-excel",
        "ods" => "application/vnd.oasis.opendocument.spreadsheet",
        "dbf" => "application/dbase",
        "geojson" => "application/geo+json",
        "json" => "application/json",
        "ndjson" | "jsonl" => "application/x-ndjson",
        "ics" => "text/calendar",
        "kml" => "application/vnd.google-earth.kml+xml",
        "kmz" => "application/vnd.google-earth.kmz",
        "gpx" => "application/gpx+xml",
        "gpkg" => "application/geopackage+sqlite3",
        "parquet" => "application/vnd.apache.parquet",
        "pdf" => "application/pdf",
        "xml" => "application/xml",
        "html" | "htm" => "text/html",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_what_is_accepted() {
        for (name, expected) in [
            ("a.csv", Container::Plain),
            ("A.CSV", Container::Plain),
            ("a.b.tsv", Container::Plain),
            ("a.txt", Container::Plain),
            ("a.csv.gz", Container::Gzip),
            ("a.zip", Container::Zip),
        ] {
            assert_eq!(accept(name).unwrap(), (Format::Csv, expected), "{name}");
        }
    }

    #[test]
    fn a_refusal_names_the_type() {
        for (name, text) in [
            ("a.pdf", "application/pdf type is not supported"),
            ("a", "application/octet-stream type is not supported"),
            ("a.tar.gz", "application/gzip type is not supported"),
            ("csv", "application/octet-stream type is not supported"),
        ] {
            assert_eq!(accept(name).unwrap_err().to_string(), text, "{name}");
        }
    }
}
