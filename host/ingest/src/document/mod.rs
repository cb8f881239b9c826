//! The words of a document: what is searched of a file that came along with a line.
//!
//! A document is read whole, in memory: callers bound its bytes ([`DOCUMENT_BYTES_MAX`]). What comes out is text in the
//! order in which a person reads it as far as the format tells, without layout; it is for searching, not for showing.
//!
//! **Invariant:** whatever is in the document, work and memory are bounded: bytes that come out of a decompressor, values
//! and steps of a PDF, elements within elements, text ([`TEXT_BYTES_MAX`]). No document makes a reader panic; should one
//! all the same, [`text`] answers an error.

mod gathered;
mod html;
mod letters;
mod office;
mod pdf;
mod rtf;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::encoding;
use crate::error::{IngestError, IngestResult};
use crate::source::Bytes;
use gathered::Text;

/// Bytes of a document whose words are read (reference §5.4: 5 MB).
pub const DOCUMENT_BYTES_MAX: u64 = 5_000_000;

/// Bytes of the text of one document, in UTF-8; the rest is left out.
pub const TEXT_BYTES_MAX: usize = halle_base::limits::CELL_BYTES_MAX;

/// Bytes at the beginning in which a format may be recognised.
const HEAD_BYTES: usize = 1_024;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pdf,
    Office(office::Kind),
    Html,
    Rtf,
    /// Tags are markup of which nothing is known.
    Xml,
    Plain,
    /// No text to be had.
    Other,
}

/// Formats by the extension of the name: `(extension, what is read, media type)`.
const NAMES: &[(&str, Kind, &str)] = &[
    ("pdf", Kind::Pdf, "application/pdf"),
    ("odt", Kind::Office(office::Kind::OpenDocument), "application/vnd.oasis.opendocument.text"),
    ("ods", Kind::Office(office::Kind::OpenDocument), "application/vnd.oasis.opendocument.spreadsheet"),
    ("odp", Kind::Office(office::Kind::OpenDocument), "application/vnd.oasis.opendocument.presentation"),
    (
        "docx",
        Kind::Office(office::Kind::Word),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (
        "xlsx",
        Kind::Office(office::Kind::Workbook),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    (
        "pptx",
        Kind::Office(office::Kind::Slides),
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("html", Kind::Html, "text/html"),
    ("htm", Kind::Html, "text/html"),
    ("xhtml", Kind::Html, "application/xhtml+xml"),
    ("rtf", Kind::Rtf, "application/rtf"),
    ("xml", Kind::Xml, "application/xml"),
    ("txt", Kind::Plain, "text/plain"),
    ("log", Kind::Plain, "text/plain"),
    ("md", Kind::Plain, "text/markdown"),
    ("csv", Kind::Plain, "text/csv"),
    ("tsv", Kind::Plain, "text/tab-separated-values"),
    ("json", Kind::Plain, "application/json"),
    ("geojson", Kind::Plain, "application/geo+json"),
    ("doc", Kind::Other, "application/msword"),
    ("png", Kind::Other, "image/png"),
    ("jpg", Kind::Other, "image/jpeg"),
    ("jpeg", Kind::Other, "image/jpeg"),
    ("gif", Kind::Other, "image/gif"),
    ("webp", Kind::Other, "image/webp"),
    ("svg", Kind::Other, "image/svg+xml"),
    ("tif", Kind::Other, "image/tiff"),
    ("tiff", Kind::Other, "image/tiff"),
    ("zip", Kind::Other, "application/zip"),
];

/// Media type of a document: by what is in it, else by the name or path that it has.
pub fn media_type(name: &str, bytes: &[u8]) -> &'static str {
    kind_of(name, bytes).1
}

/// The text of a document, given its bytes (at most [`DOCUMENT_BYTES_MAX`]) and the name or path that it has: empty when it
/// has none, `None` for a format of which no text is read. Fails for a document that is broken or protected; the error is
/// for the person who brought it.
pub fn text(name: &str, bytes: &[u8]) -> IngestResult<Option<String>> {
    let (kind, _) = kind_of(name, bytes);
    let mut text = Text::new(TEXT_BYTES_MAX);
    let reading = AssertUnwindSafe(|| read(kind, bytes, &mut text));
    let read = catch_unwind(reading).unwrap_or_else(|_| {
        Err(IngestError::broken("le document".to_owned(), "sa lecture a été interrompue"))
    })?;
    Ok(read.then(|| text.finish()))
}

/// Reads; `false` when the format has no text to be had.
fn read(kind: Kind, bytes: &[u8], text: &mut Text) -> IngestResult<bool> {
    match kind {
        Kind::Pdf => pdf::read(bytes, text)?,
        Kind::Office(kind) => office::read(kind, bytes, text)?,
        Kind::Rtf => rtf::read(bytes, text),
        Kind::Html | Kind::Xml => html::read(&decoded(bytes)?, text),
        Kind::Plain => text.push(&decoded(bytes)?),
        Kind::Other => return Ok(false),
    }
    Ok(true)
}

fn kind_of(name: &str, bytes: &[u8]) -> (Kind, &'static str) {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let named = NAMES.iter().find(|(known, ..)| Some(*known) == extension.as_deref());
    let named = named.map(|(_, kind, media_type)| (*kind, *media_type));
    if memchr::memmem::find(head, b"%PDF-").is_some() {
        return (Kind::Pdf, "application/pdf");
    }
    if head.starts_with(b"{\\rtf") {
        return (Kind::Rtf, "application/rtf");
    }
    match named {
        // What a name promises and the first bytes deny is nothing to read.
        Some((Kind::Pdf | Kind::Rtf, _)) => (Kind::Other, "application/octet-stream"),
        Some((Kind::Office(_), _)) if !head.starts_with(b"PK") => (Kind::Other, "application/octet-stream"),
        Some(known) => known,
        None => {
            let start = String::from_utf8_lossy(head).trim_start().to_ascii_lowercase();
            if start.starts_with("<!doctype html") || start.starts_with("<html") {
                (Kind::Html, "text/html")
            } else {
                (Kind::Other, "application/octet-stream")
            }
        }
    }
}

/// The bytes as text, in the encoding that they show.
fn decoded(bytes: &[u8]) -> IngestResult<String> {
    let open = || -> IngestResult<Bytes> { Ok(Box::new(std::io::Cursor::new(bytes.to_vec()))) };
    let encoding = encoding::detect(open, None)?;
    Ok(encoding.decode(bytes).0.into_owned())
}

#[cfg(test)]
mod tests;
