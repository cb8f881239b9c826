//! A file as a table: the one port that every format implements.
//!
//! A format gives rows of text cells. Where the format itself has types (Parquet, dBASE, SQLite), the field says so and
//! the values are written in the form that the type is sniffed from; everything behind is the same for all.

use std::collections::HashMap;
use std::path::Path;

use halle_base::limits::DATASET_COLUMNS_MAX;

use crate::analysis::{Dialect, NormalizeOptions};
use crate::encoding::{self, Decoded};
use crate::error::{IngestError, IngestResult};
use crate::format::{Container, Format};
use crate::record::Record;
use crate::source;

/// Bytes of the name of a column.
pub(crate) const HEADER_BYTES_MAX: usize = 4 << 10;

/// What the format itself says of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Declared {
    /// Nothing: values are sniffed.
    #[default]
    Unknown,
    /// Text. Days and instants in ISO form are still recognised, since many formats have no type for them.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Truth values.
    Boolean,
    /// Days.
    Date,
    /// Instants.
    DateTime,
    /// GeoJSON geometries in longitude and latitude.
    Geometry,
    /// Paths of files that came along.
    Attachment,
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// As the file has it, without outer spaces; empty where it has none.
    pub(crate) header: String,
    pub(crate) declared: Declared,
}

impl Field {
    pub(crate) fn new(header: &str, declared: Declared) -> Self {
        Self { header: header.trim().to_owned(), declared }
    }

    /// The field of shapes, as the reference names it.
    pub(crate) fn geometry() -> Self {
        Self::new("geometry", Declared::Geometry)
    }
}

/// Rows of a file that is open, in order.
pub(crate) trait Table: Send {
    /// The columns met so far, in the order of the file. Formats without a header may meet more with later rows.
    fn fields(&self) -> &[Field];

    /// Reads the next row that is not blank; false at the end, after which it is not called again.
    fn next(&mut self, record: &mut Record) -> IngestResult<bool>;

    /// Physical lines read so far, of a format that has lines.
    fn lines(&self) -> Option<u64> {
        None
    }
}

/// What is said of the encoding, as WHATWG labels.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Label<'a> {
    /// By the producer, if by anybody.
    Told(Option<&'a str>),
    /// By the analysis, which read the whole file.
    Known(&'a str),
}

impl<'a> Label<'a> {
    pub(crate) fn get(self) -> Option<&'a str> {
        match self {
            Self::Told(label) => label,
            Self::Known(label) => Some(label),
        }
    }
}

/// How to open a file. What is not known is found out: encoding and dialect are known the second time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) path: &'a Path,
    pub(crate) container: Container,
    pub(crate) encoding: Label<'a>,
    pub(crate) dialect: Option<&'a Dialect>,
    pub(crate) normalize: &'a NormalizeOptions,
    /// Coordinate system that the producer gave, for files that do not tell theirs.
    pub(crate) projection: Option<&'a str>,
}

impl Reading<'_> {
    /// The content as bytes.
    pub(crate) fn bytes(&self) -> IngestResult<source::Bytes> {
        source::open(self.path, self.container)
    }

    /// The content as UTF-8 text, and the name of the encoding that the file is in.
    pub(crate) fn text(&self) -> IngestResult<(Decoded, &'static str)> {
        let encoding = match self.encoding {
            Label::Told(label) => encoding::detect(|| self.bytes(), label)?,
            Label::Known(label) => encoding::by_label(label)?,
        };
        Ok((Decoded::new(self.bytes()?, encoding)?, encoding.name()))
    }
}

/// A file that is open, and what was found out on the way.
pub(crate) struct Opened {
    pub(crate) table: Box<dyn Table>,
    /// WHATWG name; UTF-8 for formats that are not text.
    pub(crate) encoding: &'static str,
    /// Of delimited text.
    pub(crate) dialect: Option<Dialect>,
}

impl Opened {
    /// A format whose texts are UTF-8, or say themselves what they are in.
    pub(crate) fn new(table: impl Table + 'static) -> Self {
        Self::encoded(table, encoding_rs::UTF_8.name())
    }

    pub(crate) fn encoded(table: impl Table + 'static, encoding: &'static str) -> Self {
        Self { table: Box::new(table), encoding, dialect: None }
    }
}

/// Opens a file as a table. A new format is a line here.
pub(crate) fn open(format: Format, reading: &Reading<'_>) -> IngestResult<Opened> {
    match format {
        Format::Csv => crate::csv::open(reading),
        Format::Json | Format::Ndjson => crate::json::open(format, reading),
        Format::Geojson => crate::geojson::open(reading),
        Format::Xlsx | Format::Xls | Format::Ods | Format::Fods => crate::sheets::open(format, reading),
        Format::Dbf => crate::dbf::open(reading),
        Format::Shapefile => crate::shapefile::open(reading),
        Format::Kml => crate::kml::open(reading),
        Format::Gpx => crate::gpx::open(reading),
        Format::Gpkg => crate::gpkg::open(reading),
        Format::Ics => crate::ics::open(reading),
        Format::Attachments => crate::attachments::open(reading),
        Format::Parquet => crate::parquet_file::open(reading),
    }
}

/// Refuses a header without a name, or with more names than a dataset has columns.
pub(crate) fn check_header(fields: &[Field]) -> IngestResult<()> {
    if !fields.iter().any(|field| field.header.contains(char::is_alphanumeric)) {
        return Err(IngestError::NoColumn);
    }
    let named = fields.iter().filter(|field| !field.header.is_empty()).count();
    if named > DATASET_COLUMNS_MAX {
        return Err(IngestError::TooManyColumns { found: named, max: DATASET_COLUMNS_MAX });
    }
    Ok(())
}

/// Columns that are met on the way, and the row in the making: for formats in which each row names its columns.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    fields: Vec<Field>,
    places: HashMap<String, usize>,
    cells: Vec<String>,
}

impl Discovery {
    /// Begins with columns that are there whatever the rows say.
    pub(crate) fn new(fields: Vec<Field>) -> Self {
        let places = fields.iter().enumerate().map(|(at, field)| (field.header.clone(), at)).collect();
        let cells = vec![String::new(); fields.len()];
        Self { fields, places, cells }
    }

    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Gives the row in the making a value; the last one counts.
    pub(crate) fn set(&mut self, header: &str, value: &str) -> IngestResult<()> {
        let cell = self.cell(header, Declared::Unknown)?;
        cell.clear();
        cell.push_str(value);
        Ok(())
    }

    /// The cell of a column in the row in the making.
    pub(crate) fn cell(&mut self, header: &str, declared: Declared) -> IngestResult<&mut String> {
        let header = header.trim();
        let place = match self.places.get(header) {
            Some(place) => *place,
            None => self.add(header, declared)?,
        };
        Ok(&mut self.cells[place])
    }

    fn add(&mut self, header: &str, declared: Declared) -> IngestResult<usize> {
        let place = self.fields.len();
        if header.len() > HEADER_BYTES_MAX {
            let start = header.chars().take(50).collect::<String>();
            let reason = format!("le nom de la colonne « {start}… » dépasse {HEADER_BYTES_MAX} octets");
            return Err(IngestError::broken("l'en-tête", reason));
        }
        if place >= DATASET_COLUMNS_MAX {
            return Err(IngestError::TooManyColumns { found: place + 1, max: DATASET_COLUMNS_MAX });
        }
        self.fields.push(Field::new(header, declared));
        self.places.insert(header.to_owned(), place);
        self.cells.push(String::new());
        Ok(place)
    }

    /// Gives the row, and begins another.
    pub(crate) fn give(&mut self, line: u64, record: &mut Record) {
        record.begin(line);
        for cell in &mut self.cells {
            record.push(cell);
            cell.clear();
        }
    }
}
