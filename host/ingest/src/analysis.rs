//! What was found out about a file.

use halle_model::Column;
use serde::{Deserialize, Serialize};

use crate::format::{Container, Format};

/// What the producer said, and what is known from before.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Encoding that the producer chose (`windows-1252`, `UTF-8`...), instead of detection.
    pub encoding: Option<&'a str>,
    /// Columns of the previous version. Those that the file still has keep their order, keys, texts, concepts and forced
    /// types; those it no longer has are left out.
    pub previous: Option<&'a [Column]>,
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
    /// How the file is written; `file.props` of Data Fair.
    pub dialect: Dialect,
    /// Rows that have at least one value.
    pub rows: u64,
    /// The columns, in the order in which to show them; `file.schema` of Data Fair (with input formats of dates).
    pub columns: Vec<Column>,
    /// The columns in the order of the file, those left out too.
    pub layout: Vec<FileColumn>,
    /// What the producer should know although the file is accepted.
    pub warnings: Vec<Warning>,
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
}

/// Something the producer should know although the file is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code: `empty-columns`, `missing-headers`, `duplicate-headers`.
    pub code: String,
    /// Text for the producer, in French.
    pub message: String,
}
