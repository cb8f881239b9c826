//! Office documents: a zip of XML, of which only what people read is read.

use std::io::{Seek, SeekFrom, Write};

use super::gathered::Text;
use crate::error::IngestResult;
use crate::source::Archive;
use crate::xml::{Token, Xml};

/// Parts of one document that are read.
const PARTS_MAX: usize = 2_000;

/// A family of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// ODT, ODS, ODP.
    OpenDocument,
    /// DOCX.
    Word,
    /// XLSX.
    Workbook,
    /// PPTX.
    Slides,
}

impl Kind {
    /// Whether people read the part of this name.
    fn has(self, name: &str) -> bool {
        let within = |folder: &str, starts: &[&str]| {
            let file = name.strip_prefix(folder).and_then(|file| file.strip_suffix(".xml"));
            file.is_some_and(|file| starts.iter().any(|start| file.starts_with(start)))
        };
        match self {
            Self::OpenDocument => name == "content.xml",
            Self::Word => {
                within("word/", &["document", "header", "footer", "footnotes", "endnotes", "comments"])
            }
            Self::Workbook => name == "xl/sharedStrings.xml" || within("xl/worksheets/", &["sheet"]),
            Self::Slides => within("ppt/slides/", &["slide"]) || within("ppt/notesSlides/", &["notes"]),
        }
    }

    /// Whether text stands directly in this element.
    fn holds_text(self, element: &str) -> bool {
        match self {
            Self::OpenDocument => matches!(element, "p" | "h"),
            _ => element == "t",
        }
    }
}

/// Adds the text of a document.
pub(super) fn read(kind: Kind, bytes: &[u8], text: &mut Text) -> IngestResult<()> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.seek(SeekFrom::Start(0))?;
    let archive = Archive::open(file)?;
    let mut parts: Vec<(usize, &str)> = archive
        .contents()
        .map(|(index, entry)| (index, entry.name.as_str()))
        .filter(|(_, name)| kind.has(name))
        .collect();
    // The second page comes before the tenth.
    parts.sort_by_key(|(_, name)| (name.len(), *name));
    for (index, name) in parts.into_iter().take(PARTS_MAX) {
        let mut xml = Xml::new(archive.read(index)?, name);
        part(kind, &mut xml, text)?;
        if text.is_full() {
            break;
        }
    }
    Ok(())
}

fn part(kind: Kind, xml: &mut Xml, text: &mut Text) -> IngestResult<()> {
    let mut within = 0_usize;
    while !text.is_full() {
        match xml.next()? {
            Token::Start => match xml.name() {
                name if kind.holds_text(name) => within += 1,
                "s" | "tab" | "br" | "line-break" | "cr" if kind != Kind::Workbook => text.space(),
                _ => {}
            },
            Token::End => match xml.name() {
                name if kind.holds_text(name) => {
                    within = within.saturating_sub(1);
                    if kind == Kind::OpenDocument {
                        text.line();
                    }
                }
                // A paragraph, a text that cells share, a cell with a text of its own.
                "p" | "si" | "is" => text.line(),
                _ => {}
            },
            Token::Text if within > 0 => text.push(xml.text()),
            Token::Text => {}
            Token::Eof => break,
        }
    }
    Ok(())
}
