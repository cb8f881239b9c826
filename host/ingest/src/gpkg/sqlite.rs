//! The tables of a SQLite file, row by row, without SQLite: an untrusted file never meets an engine that runs what is
//! in it. As <https://www.sqlite.org/fileformat2.html> describes the format.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::RECORD_BYTES_MAX;
use crate::error::{IngestError, IngestResult};

const SIGNATURE: &[u8; 16] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;

/// Pages from the root of a table to its rows.
const DEPTH_MAX: usize = 30;

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Value {
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }
}

/// A file whose header was read.
pub(super) struct Database {
    file: File,
    page_bytes: usize,
    usable_bytes: usize,
    pages: u64,
    encoding: &'static Encoding,
}

/// A table being read.
pub(super) struct Rows {
    /// Pages that are open, from the root down, with the next cell of each.
    open: Vec<(Page, usize)>,
    /// Pages visited: more than the file has means that they go in circles.
    visited: u64,
    is_begun: bool,
    root: u32,
}

struct Page {
    bytes: Vec<u8>,
    /// Where the page's own header begins.
    start: usize,
    is_leaf: bool,
    cells: usize,
}

/// A table by its definition.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) root: u32,
    pub(super) sql: String,
}

fn broken(reason: impl std::fmt::Display) -> IngestError {
    IngestError::broken("la base", reason)
}

fn damaged() -> IngestError {
    broken("elle est endommagée ou incomplète")
}

impl Database {
    pub(super) fn open(mut file: File) -> IngestResult<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let mut header = Vec::new();
        (&mut file).take(HEADER_BYTES as u64).read_to_end(&mut header)?;
        if header.len() < HEADER_BYTES || !header.starts_with(SIGNATURE) {
            return Err(broken("ce n'est pas un fichier GeoPackage (SQLite)"));
        }
        let page_bytes = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size if size.is_power_of_two() && size >= 512 => usize::from(size),
            _ => return Err(damaged()),
        };
        let encoding = match header[59] {
            2 => UTF_16LE,
            3 => UTF_16BE,
            _ => UTF_8,
        };
        let usable_bytes = page_bytes - usize::from(header[20]);
        if usable_bytes < 480 {
            return Err(damaged());
        }
        Ok(Self { file, page_bytes, usable_bytes, pages: length / page_bytes as u64, encoding })
    }

    /// The tables, by the file's own table of tables.
    pub(super) fn tables(&mut self) -> IngestResult<Vec<Definition>> {
        let mut rows = Rows::new(1);
        let mut tables = Vec::new();
        while let Some((_, values)) = rows.next(self)? {
            let text = |index: usize| values.get(index).and_then(Value::text);
            let root = values.get(3).and_then(Value::integer).and_then(|root| u32::try_from(root).ok());
            if let (Some("table"), Some(name), Some(root), Some(sql)) = (text(0), text(1), root, text(4)) {
                tables.push(Definition { name: name.to_owned(), root, sql: sql.to_owned() });
            }
        }
        Ok(tables)
    }

    fn read_page(&mut self, number: u32) -> IngestResult<Vec<u8>> {
        if number == 0 || u64::from(number) > self.pages {
            return Err(damaged());
        }
        self.file.seek(SeekFrom::Start((u64::from(number) - 1) * self.page_bytes as u64))?;
        let mut bytes = vec![0; self.page_bytes];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn page(&mut self, number: u32) -> IngestResult<Page> {
        let bytes = self.read_page(number)?;
        let start = if number == 1 { HEADER_BYTES } else { 0 };
        let is_leaf = match bytes[start] {
            0x0d => true,
            0x05 => false,
            _ => return Err(damaged()),
        };
        let cells = usize::from(u16::from_be_bytes([bytes[start + 3], bytes[start + 4]]));
        Ok(Page { bytes, start, is_leaf, cells })
    }

    /// The whole of a payload that begins in a page and may go on in others.
    fn payload(&mut self, page: &[u8], at: usize, length: usize) -> IngestResult<Vec<u8>> {
        if length > RECORD_BYTES_MAX {
            return Err(broken(format!("une ligne dépasse {} Mo", RECORD_BYTES_MAX >> 20)));
        }
        let local = local_bytes(self.usable_bytes, length);
        let mut payload = page.get(at..at + local).ok_or_else(damaged)?.to_vec();
        let mut next = if local < length { number_at(page, at + local).ok_or_else(damaged)? } else { 0 };
        while payload.len() < length {
            let overflow = self.read_page(next)?;
            next = number_at(&overflow, 0).ok_or_else(damaged)?;
            let wanted = (length - payload.len()).min(self.usable_bytes - 4);
            payload.extend_from_slice(overflow.get(4..4 + wanted).ok_or_else(damaged)?);
        }
        Ok(payload)
    }

    fn values(&self, payload: &[u8]) -> Option<Vec<Value>> {
        let (header_bytes, mut at) = varint(payload, 0)?;
        let header_bytes = usize::try_from(header_bytes).ok().filter(|bytes| *bytes <= payload.len())?;
        let (mut values, mut body) = (Vec::new(), header_bytes);
        while at < header_bytes {
            let (kind, next) = varint(payload, at)?;
            at = next;
            let length = match kind {
                1..=4 => usize::try_from(kind).ok()?,
                5 => 6,
                6 | 7 => 8,
                0 | 8 | 9 => 0,
                10 | 11 => return None,
                _ => usize::try_from((kind - 12) / 2).ok()?,
            };
            let bytes = payload.get(body..body.checked_add(length)?)?;
            body += length;
            values.push(self.value(kind, bytes)?);
        }
        Some(values)
    }

    fn value(&self, kind: u64, bytes: &[u8]) -> Option<Value> {
        Some(match kind {
            0 => Value::Null,
            1..=6 => {
                let is_negative = bytes.first()? & 0x80 != 0;
                let start: i64 = if is_negative { -1 } else { 0 };
                Value::Integer(bytes.iter().fold(start, |sum, byte| sum << 8 | i64::from(*byte)))
            }
            7 => Value::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            kind if kind % 2 == 0 => Value::Blob(bytes.to_vec()),
            _ => Value::Text(self.encoding.decode_without_bom_handling(bytes).0.into_owned()),
        })
    }
}

impl Rows {
    /// Rows of the table that begins at this page.
    pub(super) fn new(root: u32) -> Self {
        Self { open: Vec::new(), visited: 0, is_begun: false, root }
    }

    /// The next row: its number and its values; `None` at the end.
    pub(super) fn next(&mut self, base: &mut Database) -> IngestResult<Option<(i64, Vec<Value>)>> {
        if !self.is_begun {
            self.is_begun = true;
            self.enter(base, self.root)?;
        }
        while let Some((page, next)) = self.open.last_mut() {
            let index = *next;
            *next += 1;
            if page.is_leaf {
                if index >= page.cells {
                    self.open.pop();
                    continue;
                }
                let at = cell_at(page, index).ok_or_else(damaged)?;
                let (length, at) = varint(&page.bytes, at).ok_or_else(damaged)?;
                let (number, at) = varint(&page.bytes, at).ok_or_else(damaged)?;
                let length = usize::try_from(length).map_err(|_| damaged())?;
                let payload = base.payload(&page.bytes, at, length)?;
                let values = base.values(&payload).ok_or_else(damaged)?;
                return Ok(Some((number.cast_signed(), values)));
            }
            let child = match index {
                index if index < page.cells => cell_at(page, index).and_then(|at| number_at(&page.bytes, at)),
                index if index == page.cells => number_at(&page.bytes, page.start + 8),
                _ => {
                    self.open.pop();
                    continue;
                }
            };
            self.enter(base, child.ok_or_else(damaged)?)?;
        }
        Ok(None)
    }

    fn enter(&mut self, base: &mut Database, number: u32) -> IngestResult<()> {
        self.visited += 1;
        if self.visited > base.pages || self.open.len() >= DEPTH_MAX {
            return Err(damaged());
        }
        let page = base.page(number)?;
        self.open.push((page, 0));
        Ok(())
    }
}

/// Bytes of a payload that are in the page itself.
fn local_bytes(usable: usize, length: usize) -> usize {
    let most = usable - 35;
    if length <= most {
        return length;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let rest = least + (length - least) % (usable - 4);
    if rest <= most { rest } else { least }
}

/// Where a cell of a page begins.
fn cell_at(page: &Page, index: usize) -> Option<usize> {
    let pointers = page.start + if page.is_leaf { 8 } else { 12 };
    let at = pointers + 2 * index;
    Some(usize::from(u16::from_be_bytes(page.bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn number_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// A number in one to nine bytes, and where it ends.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for index in 0..8 {
        let byte = *bytes.get(at + index)?;
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at + index + 1));
        }
    }
    Some((number << 8 | u64::from(*bytes.get(at + 8)?), at + 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_as_many_bytes_as_they_need() {
        assert_eq!(varint(&[0x05], 0), Some((5, 1)));
        assert_eq!(varint(&[0x81, 0x00], 0), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9], 0), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0x80], 0), None);
    }

    #[test]
    fn payloads_are_cut_as_the_format_says() {
        assert_eq!(local_bytes(4_096, 4_061), 4_061);
        assert_eq!(local_bytes(4_096, 4_062), 489);
        assert_eq!(local_bytes(4_096, 5_000), 908);
    }
}
