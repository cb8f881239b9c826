//! What was found out about a file.

use halle_model::{Column, ColumnKind};
use serde::{Deserialize, Serialize};

use crate::attachments::Attachments;
use crate::columns::GEOMETRY;
use crate::format::{Container, Format, Kind};

/// What the producer said of a spreadsheet, in Data Fair's names. Everything counts from 1; 1 when absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NormalizeOptions {
    /// Sheet to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spreadsheet_worksheet_index: Option<u32>,
    /// Row of the headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spreadsheet_header_line: Option<u32>,
    /// First column of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spreadsheet_start_col: Option<u32>,
}

/// What the producer said, and what is known from before.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Encoding that the producer chose (`windows-1252`, `UTF-8`...), instead of detection.
    pub encoding: Option<&'a str>,
    /// Columns of the previous version. Those that the file still has keep their order, keys, texts, concepts and forced
    /// types; those it no longer has are left out.
    pub previous: Option<&'a [Column]>,
    /// Where the table is in a spreadsheet.
    pub normalize: Option<&'a NormalizeOptions>,
    /// Coordinate system, `EPSG:2154` for instance, of a file that does not tell its own.
    pub projection: Option<&'a str>,
    /// Files that came beside: a column most of whose values are their paths is one of attachments.
    pub attachments: Option<&'a Attachments>,
}

/// What a file is, and how to read it. Stored between jobs as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// Format of the content.
    pub format: Format,
    /// What the content is wrapped in.
    pub container: Container,
    /// Encoding, by its WHATWG name: `UTF-8`, `windows-1252`... ASCII counts as UTF-8.
    pub encoding: String,
    /// How delimited text is written; `file.props` of Data Fair.
    #[serde(default)]
    pub dialect: Option<Dialect>,
    /// What the producer said of a spreadsheet.
    #[serde(default)]
    pub normalize: NormalizeOptions,
    /// What the producer said of the coordinates.
    #[serde(default)]
    pub projection: Option<String>,
    /// Rows that have at least one value.
    pub rows: u64,
    /// The columns, in the order in which to show them; `file.schema` of Data Fair (with input formats of dates).
    pub columns: Vec<Column>,
    /// The columns in the order of the file, those left out too.
    pub layout: Vec<FileColumn>,
    /// What the producer should know although the file is accepted.
    pub warnings: Vec<Warning>,
}

impl Analysis {
    /// What the file is once it can be read row by row: features when a column holds geometries.
    pub fn kind(&self) -> Kind {
        let has_geometry = self.columns.iter().any(|column| column.refers_to.as_deref() == Some(GEOMETRY));
        if has_geometry && self.format != Format::Csv { Kind::Features } else { self.format.kind() }
    }

    /// Whether Data Fair would have converted the file; false when it reads it as it is.
    pub fn is_converted(&self) -> bool {
        !self.format.is_native() || self.container != Container::Plain
    }
}

/// How a delimited file is written. Names on the wire are Data Fair's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dialect {
    /// Physical lines of the file, the header and quoted line breaks included.
    pub num_lines: u64,
    /// `\r\n`, `\n` or `\r`.
    pub lines_delimiter: String,
    /// `,`, `;`, a tabulation or `|`.
    pub fields_delimiter: char,
    /// Always the same as `quote`: a quote is escaped by doubling it.
    pub escape_char: char,
    /// `"` or `'`.
    pub quote: char,
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileColumn {
    /// Header as the file has it, without outer spaces.
    pub header: String,
    /// Key of the column that takes the values; `None` when the column is left out.
    pub key: Option<String>,
    /// What its values hold, whatever the column is forced to.
    #[serde(default = "text")]
    pub kind: ColumnKind,
}

fn text() -> ColumnKind {
    ColumnKind::Text
}

/// Something the producer should know although the file is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code: `empty-columns`, `missing-headers`, `duplicate-headers`, `wrong-shapes`.
    pub code: String,
    /// Text for the producer, in French.
    pub message: String,
}
