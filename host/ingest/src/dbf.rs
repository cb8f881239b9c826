//! dBASE tables, `.dbf`: alone, or beside the shapes of a shapefile.
//!
//! Records have a fixed width, so the table streams. The encoding is what the producer or a `.cpg` says, else what the
//! table's own language byte says, else Windows-1252: a table is too often wrong about itself for more.

use std::io::Read;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::encoding;
use crate::error::{IngestError, IngestResult};
use crate::record::Record;
use crate::source::Bytes;
use crate::table::{Declared, Field, Opened, Reading, Table, check_header};

/// Bytes of the description of the table, and of each of its columns.
const DESCRIPTION_BYTES: usize = 32;

/// Where a column is in a record, and how its values are written.
#[derive(Debug)]
struct Layout {
    kind: u8,
    start: usize,
    length: usize,
}

/// A table being read.
pub(crate) struct DbfTable {
    input: std::io::BufReader<Bytes>,
    encoding: &'static Encoding,
    fields: Vec<Field>,
    layout: Vec<Layout>,
    buffer: Vec<u8>,
    rows: u64,
    number: u64,
}

/// Opens a table that comes alone.
pub(crate) fn open(reading: &Reading<'_>) -> IngestResult<Opened> {
    let encoding = reading.encoding.get().map(encoding::by_label).transpose()?;
    let table = DbfTable::new(reading.bytes()?, encoding)?;
    let name = table.encoding().name();
    Ok(Opened::encoded(table, name))
}

impl DbfTable {
    /// Reads the description of the table.
    pub(crate) fn new(bytes: Bytes, encoding: Option<&'static Encoding>) -> IngestResult<Self> {
        let mut input = std::io::BufReader::with_capacity(64 << 10, bytes);
        let not_one = || IngestError::broken("l'en-tête", "ce n'est pas une table dBASE (.dbf) entière");
        let mut head = [0; DESCRIPTION_BYTES];
        read_exact(&mut input, &mut head)?.ok_or_else(not_one)?;
        let header_bytes = usize::from(u16::from_le_bytes([head[8], head[9]]));
        let record_bytes = usize::from(u16::from_le_bytes([head[10], head[11]]));
        if !matches!(head[0] & 0x07, 2..=5) || record_bytes < 2 || header_bytes <= DESCRIPTION_BYTES {
            return Err(not_one());
        }
        let encoding = encoding.unwrap_or_else(|| by_language(head[29]));
        let mut columns = vec![0; header_bytes - DESCRIPTION_BYTES];
        read_exact(&mut input, &mut columns)?.ok_or_else(not_one)?;
        let (mut fields, mut layout, mut start) = (Vec::new(), Vec::new(), 1);
        for column in columns.chunks_exact(DESCRIPTION_BYTES).take_while(|column| column[0] != 0x0d) {
            let name = column[..11].split(|byte| *byte == 0).next().unwrap_or(&[]);
            let name = encoding.decode_without_bom_handling(name).0;
            let (kind, decimals) = (column[11], column[17]);
            // Long texts use the byte of the decimals for their length.
            let high = if kind == b'C' { usize::from(decimals) << 8 } else { 0 };
            let length = usize::from(column[16]) | high;
            fields.push(Field::new(&name, declared(kind, decimals)));
            layout.push(Layout { kind, start, length });
            start += length;
        }
        if start > record_bytes {
            return Err(IngestError::broken("l'en-tête", "les colonnes sont plus larges que les lignes"));
        }
        check_header(&fields)?;
        let rows = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        Ok(Self { input, encoding, fields, layout, buffer: vec![0; record_bytes], rows, number: 0 })
    }

    pub(crate) fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Reads the next record, a blank one too: `None` at the end, false when it was deleted. The cells are not closed
    /// by [`Record::begin`]: whoever calls begins the row.
    pub(crate) fn read(&mut self, record: &mut Record) -> IngestResult<Option<bool>> {
        if self.number == self.rows {
            return Ok(None);
        }
        self.number += 1;
        let number = self.number;
        let cut = || IngestError::broken(format!("ligne {number}"), "la table est incomplète");
        read_exact(&mut self.input, &mut self.buffer)?.ok_or_else(cut)?;
        record.begin(number);
        for layout in &self.layout {
            let value = &self.buffer[layout.start..layout.start + layout.length];
            push_value(layout.kind, value, self.encoding, record);
        }
        Ok(Some(self.buffer[0] != b'*'))
    }
}

impl Table for DbfTable {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        while let Some(is_there) = self.read(record)? {
            if is_there && !record.is_blank() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Fills the buffer; `None` when the input ends before.
fn read_exact(input: &mut impl Read, buffer: &mut [u8]) -> IngestResult<Option<()>> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(Some(())),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a column says of its values. Texts are sniffed: exporters write everything as text.
fn declared(kind: u8, decimals: u8) -> Declared {
    match kind {
        b'N' | b'F' if decimals > 0 => Declared::Number,
        b'N' | b'F' | b'I' => Declared::Integer,
        b'B' | b'O' | b'Y' => Declared::Number,
        b'L' => Declared::Boolean,
        b'D' => Declared::Date,
        b'T' | b'@' => Declared::DateTime,
        _ => Declared::Unknown,
    }
}

fn push_value(kind: u8, value: &[u8], encoding: &'static Encoding, record: &mut Record) {
    match kind {
        b'D' => record.push(&day(value).unwrap_or_default()),
        b'L' => record.push(match value.first() {
            Some(b'T' | b't' | b'Y' | b'y' | b'1') => "true",
            Some(b'F' | b'f' | b'N' | b'n' | b'0') => "false",
            _ => "",
        }),
        b'N' | b'F' => {
            let text = String::from_utf8_lossy(value);
            // Stars are what a number that was too wide left behind.
            let number = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
            let is_number = number.parse::<f64>().is_ok_and(f64::is_finite);
            record.push(if is_number { number } else { "" });
        }
        b'I' => match value.try_into() {
            Ok(bytes) => record.push(&i32::from_le_bytes(bytes).to_string()),
            Err(_) => record.push(""),
        },
        b'B' | b'O' => match value.try_into().map(f64::from_le_bytes) {
            Ok(number) if number.is_finite() => record.push(&number.to_string()),
            _ => record.push(""),
        },
        b'Y' => match value.try_into().map(i64::from_le_bytes) {
            Ok(number) => record.push(&(number as f64 / 10_000.0).to_string()),
            Err(_) => record.push(""),
        },
        b'T' | b'@' => record.push(&moment(value).unwrap_or_default()),
        // Long texts are in another file, which does not come along.
        b'M' | b'G' | b'P' | b'0' => record.push(""),
        _ => {
            let text = encoding.decode_without_bom_handling(value).0;
            record.push(text.trim_matches(|c: char| c.is_whitespace() || c == '\0'));
        }
    }
}

/// `20210223` as a day.
fn day(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let is_day = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (year, month, day) = is_day.then(|| (&text[..4], &text[4..6], &text[6..]))?;
    jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    Some(format!("{year}-{month}-{day}"))
}

/// A Julian day and milliseconds of it.
fn moment(value: &[u8]) -> Option<String> {
    const UNIX_EPOCH_JULIAN_DAY: i64 = 2_440_588;
    let julian = i64::from(i32::from_le_bytes(value.get(..4)?.try_into().ok()?));
    let milliseconds = i64::from(i32::from_le_bytes(value.get(4..8)?.try_into().ok()?));
    let day = (julian != 0).then_some(julian - UNIX_EPOCH_JULIAN_DAY)?;
    let moment = jiff::Timestamp::from_millisecond(day.checked_mul(86_400_000)?.checked_add(milliseconds)?);
    Some(moment.ok()?.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

/// The encoding of the language byte; Windows-1252 where it says nothing that is still in use.
fn by_language(byte: u8) -> &'static Encoding {
    let label = match byte {
        0x57 | 0x03 | 0x58 | 0x59 => "windows-1252",
        0x65 | 0x26 => "ibm866",
        0xc8 => "windows-1250",
        0xc9 => "windows-1251",
        0xca => "windows-1254",
        0xcb => "windows-1253",
        0x7b => "shift_jis",
        _ => "windows-1252",
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

/// The encoding that a `.cpg` names: `UTF-8`, `1252`, `ISO 88591`...
pub(crate) fn by_code_page(text: &str) -> Option<&'static Encoding> {
    let name = text.trim().trim_start_matches('\u{feff}').to_ascii_lowercase();
    if name == "65001" {
        return Some(UTF_8);
    }
    let spelled = [
        name.clone(),
        format!("windows-{name}"),
        name.replacen("iso 8859", "iso-8859-", 1),
        name.replace("ansi ", "windows-"),
    ];
    spelled.iter().find_map(|label| Encoding::for_label(label.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_pages_have_many_spellings() {
        for (text, name) in [
            ("UTF-8\n", "UTF-8"),
            ("65001", "UTF-8"),
            ("1252", "windows-1252"),
            ("ANSI 1252", "windows-1252"),
            ("ISO-8859-1", "windows-1252"),
            ("ISO 885915", "ISO-8859-15"),
        ] {
            assert_eq!(by_code_page(text).map(Encoding::name), Some(name), "{text}");
        }
        assert_eq!(by_code_page("klingon"), None);
    }

    #[test]
    fn days_must_exist() {
        assert_eq!(day(b"20240229").as_deref(), Some("2024-02-29"));
        for value in [b"20230229", b"        ", b"00000000", b"2024022x"] {
            assert_eq!(day(value), None);
        }
    }
}
