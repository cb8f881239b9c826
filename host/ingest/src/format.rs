//! Which files are accepted, by the extension of their names.

use serde::{Deserialize, Serialize};

use crate::error::{IngestError, IngestResult};

/// Format of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Delimited text: `.csv`, `.tsv`, `.txt`, `.dif`.
    Csv,
    /// An array of objects: `.json`.
    Json,
    /// An object per line: `.ndjson`, `.jsonl`.
    Ndjson,
    /// A collection of features: `.geojson`.
    Geojson,
    /// Excel workbook: `.xlsx`.
    Xlsx,
    /// Excel 97 workbook: `.xls`.
    Xls,
    /// OpenDocument spreadsheet: `.ods`.
    Ods,
    /// OpenDocument spreadsheet in one XML file: `.fods`.
    Fods,
    /// dBASE table: `.dbf`.
    Dbf,
    /// A zip of `.shp`, `.shx`, `.dbf` and perhaps `.prj` and `.cpg`.
    Shapefile,
    /// Keyhole markup, of Google Earth: `.kml`; zipped it is `.kmz`.
    Kml,
    /// Tracks of receivers: `.gpx`.
    Gpx,
    /// GeoPackage: `.gpkg`.
    Gpkg,
    /// Apache Parquet: `.parquet`.
    Parquet,
    /// Calendar: `.ics`.
    Ics,
    /// A zip of files that are no table: a row per file, with its path.
    Attachments,
}

/// What a file is once it can be read row by row, whatever it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A table; Data Fair converts these to CSV.
    Table,
    /// Features with a geometry; Data Fair converts these to GeoJSON.
    Features,
}

impl Kind {
    /// MIME type, as `file.mimetype` of Data Fair.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Table => "text/csv",
            Self::Features => "application/geo+json",
        }
    }

    /// Extension of the converted file.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Table => "csv",
            Self::Features => "geojson",
        }
    }
}

/// Extensions, their MIME types, and what reads them.
const EXTENSIONS: &[(&str, &str, Option<Format>)] = &[
    ("csv", "text/csv", Some(Format::Csv)),
    ("tsv", "text/tab-separated-values", Some(Format::Csv)),
    ("txt", "text/plain", Some(Format::Csv)),
    ("dif", "text/plain", Some(Format::Csv)),
    ("json", "application/json", Some(Format::Json)),
    ("ndjson", "application/x-ndjson", Some(Format::Ndjson)),
    ("jsonl", "application/x-ndjson", Some(Format::Ndjson)),
    ("geojson", "application/geo+json", Some(Format::Geojson)),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Some(Format::Xlsx)),
    ("xls", "application/vnd.ms-excel", Some(Format::Xls)),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet", Some(Format::Ods)),
    ("fods", "application/vnd.oasis.opendocument.spreadsheet-flat-xml", Some(Format::Fods)),
    // What people try besides, so that the refusal names what they sent.
    ("dbf", "application/dbase", Some(Format::Dbf)),
    ("ics", "text/calendar", Some(Format::Ics)),
    ("kml", "application/vnd.google-earth.kml+xml", Some(Format::Kml)),
    ("kmz", "application/vnd.google-earth.kmz", Some(Format::Kml)),
    ("gpx", "application/gpx+xml", Some(Format::Gpx)),
    ("gpkg", "application/geopackage+sqlite3", Some(Format::Gpkg)),
    ("parquet", "application/vnd.apache.parquet", Some(Format::Parquet)),
    ("pdf", "application/pdf", None),
    ("xml", "application/xml", None),
    ("html", "text/html", None),
    ("htm", "text/html", None),
    ("png", "image/png", None),
    ("jpg", "image/jpeg", None),
    ("jpeg", "image/jpeg", None),
];

impl Format {
    /// What it is once it can be read row by row.
    pub fn kind(self) -> Kind {
        match self {
            Self::Geojson | Self::Shapefile | Self::Kml | Self::Gpx | Self::Gpkg => Kind::Features,
            _ => Kind::Table,
        }
    }

    /// Whether Data Fair reads it as it is; it converts everything else.
    pub fn is_native(self) -> bool {
        matches!(self, Self::Csv | Self::Geojson)
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
    /// A `.zip` that holds exactly one file of an accepted format, or the files of a format that has several.
    Zip,
}

/// A file by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Format of the content; `None` for a zip, which must be looked into.
    pub format: Option<Format>,
    /// What the content is wrapped in.
    pub container: Container,
    /// MIME type of the file as it is.
    pub mime: &'static str,
}

/// Decides by its name whether a file is accepted: call it before storing an upload. What is inside a zip is looked at
/// by [`analyze`](crate::analyze). Fails with [`IngestError::Unsupported`].
pub fn accept(file_name: &str) -> IngestResult<Accepted> {
    let name = file_name.to_ascii_lowercase();
    if let Some(inner) = name.strip_suffix(".gz") {
        let mime = "application/gzip";
        let (_, format) = of_name(inner).ok_or_else(|| unsupported(mime))?;
        let format = Some(format.ok_or_else(|| unsupported(mime))?);
        return Ok(Accepted { format, container: Container::Gzip, mime });
    }
    if name.ends_with(".zip") {
        return Ok(Accepted { format: None, container: Container::Zip, mime: "application/zip" });
    }
    let (mime, format) = of_name(&name).unwrap_or(("application/octet-stream", None));
    let format = Some(format.ok_or_else(|| unsupported(mime))?);
    let container = if name.ends_with(".kmz") { Container::Zip } else { Container::Plain };
    Ok(Accepted { format, container, mime })
}

/// MIME type and format of a name in lower case, by its extension.
fn of_name(name: &str) -> Option<(&'static str, Option<Format>)> {
    let (_, extension) = name.rsplit_once('.')?;
    let found = EXTENSIONS.iter().find(|(known, ..)| *known == extension);
    found.map(|(_, mime, format)| (*mime, *format))
}

/// The refusal of a MIME type.
pub(crate) fn unsupported(mime: &str) -> IngestError {
    IngestError::Unsupported { mime: mime.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_what_is_accepted() {
        for (name, format, container, mime) in [
            ("a.csv", Some(Format::Csv), Container::Plain, "text/csv"),
            ("A.CSV", Some(Format::Csv), Container::Plain, "text/csv"),
            ("a.b.tsv", Some(Format::Csv), Container::Plain, "text/tab-separated-values"),
            ("a.jsonl", Some(Format::Ndjson), Container::Plain, "application/x-ndjson"),
            ("a.geojson.gz", Some(Format::Geojson), Container::Gzip, "application/gzip"),
            ("a.zip", None, Container::Zip, "application/zip"),
            ("a.kmz", Some(Format::Kml), Container::Zip, "application/vnd.google-earth.kmz"),
        ] {
            assert_eq!(accept(name).unwrap(), Accepted { format, container, mime }, "{name}");
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
