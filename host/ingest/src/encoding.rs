//! Which encoding a file is in, and its text as UTF-8, in streaming.
//!
//! Order of evidence: what the producer chose; a byte order mark; whether all of the file is valid UTF-8; a guess by
//! the frequencies of letters. A UTF-8 mark in front of bytes that are not UTF-8 (two exports glued together) is not
//! believed.

use std::io::{self, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memchr;

use crate::error::{IngestError, IngestResult};
use crate::source::Bytes;

/// Bytes after the first that is not ASCII that a guess looks at. More does not make it better.
const GUESS_BYTES_MAX: u64 = 4 << 20;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 << 10;

const UTF_8_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Decides the encoding of a file that can be opened again. Fails when it holds what no text has.
pub(crate) fn detect(
    open: impl Fn() -> IngestResult<Bytes>,
    chosen: Option<&str>,
) -> IngestResult<&'static Encoding> {
    let chosen = chosen.map(by_label).transpose()?;
    let scan = scan(open()?, chosen.is_some_and(is_utf_16))?;
    if let Some(encoding) = chosen.or(scan.utf_16) {
        return Ok(encoding);
    }
    match scan.not_utf_8_at {
        None => Ok(UTF_8),
        Some(offset) => guess(open()?, offset),
    }
}

/// The encoding that a label names, by the WHATWG table.
pub(crate) fn by_label(label: &str) -> IngestResult<&'static Encoding> {
    Encoding::for_label(label.as_bytes())
        .ok_or_else(|| IngestError::UnknownEncoding { label: label.chars().take(100).collect() })
}

fn is_utf_16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// What one pass over the bytes tells.
struct Scan {
    /// UTF-16, by its mark.
    utf_16: Option<&'static Encoding>,
    /// Offset of the first byte that is not UTF-8.
    not_utf_8_at: Option<u64>,
}

/// Reads all of it once. A NUL byte outside UTF-16 means that this is no text.
fn scan(mut bytes: Bytes, is_utf_16_chosen: bool) -> IngestResult<Scan> {
    let mut found = Scan { utf_16: None, not_utf_8_at: None };
    let mut buffer = vec![0; CHUNK_BYTES];
    let (mut carried, mut offset, mut any_multibyte) = (0, 0_u64, false);
    loop {
        let n = read_full(&mut bytes, &mut buffer[carried..])?;
        let chunk = &buffer[..carried + n];
        if offset == 0 {
            found.utf_16 = Encoding::for_bom(chunk).map(|(encoding, _)| encoding).filter(|e| is_utf_16(e));
        }
        if found.utf_16.is_some() || is_utf_16_chosen {
            return Ok(found);
        }
        if let Some(at) = memchr(0, chunk) {
            return Err(IngestError::Binary { offset: offset + at as u64 });
        }
        let valid = valid_utf_8(chunk);
        any_multibyte |= !chunk[..valid.bytes].is_ascii();
        let is_last = carried + n < buffer.len();
        // A character cut by the end of the file is a truncated file, if the rest did use such characters.
        let is_cut = valid.is_cut && (!is_last || any_multibyte);
        if valid.bytes < chunk.len() && !is_cut {
            found.not_utf_8_at.get_or_insert(offset + valid.bytes as u64);
        }
        if is_last {
            return Ok(found);
        }
        let kept = if is_cut { chunk.len() - valid.bytes } else { 0 };
        offset += (chunk.len() - kept) as u64;
        let end = chunk.len();
        buffer.copy_within(end - kept..end, 0);
        carried = kept;
    }
}

/// How far a chunk is UTF-8.
struct Valid {
    bytes: usize,
    /// Whether what follows may be the beginning of a character.
    is_cut: bool,
}

fn valid_utf_8(chunk: &[u8]) -> Valid {
    match std::str::from_utf8(chunk) {
        Ok(_) => Valid { bytes: chunk.len(), is_cut: false },
        Err(error) => Valid { bytes: error.valid_up_to(), is_cut: error.error_len().is_none() },
    }
}

fn guess(bytes: Bytes, first_foreign_at: u64) -> IngestResult<&'static Encoding> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut bytes = without_mark(bytes)?.take(first_foreign_at.saturating_add(GUESS_BYTES_MAX));
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let n = read_full(&mut bytes, &mut buffer)?;
        detector.feed(&buffer[..n], n < CHUNK_BYTES);
        if n < CHUNK_BYTES {
            return Ok(detector.guess(Some(b"fr"), Utf8Detection::Deny));
        }
    }
}

/// Reads until the buffer is full or the input ends.
fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Takes a leading UTF-8 mark away, whatever the encoding.
fn without_mark(mut bytes: Bytes) -> io::Result<Bytes> {
    let mut first = [0; 3];
    let n = read_full(&mut bytes, &mut first)?;
    if first == UTF_8_MARK {
        Ok(bytes)
    } else {
        Ok(Box::new(io::Cursor::new(first).take(n as u64).chain(bytes)))
    }
}

/// Text as UTF-8 bytes. Bytes that the encoding does not know become U+FFFD.
pub(crate) struct Decoded {
    input: Bytes,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_start: usize,
    raw_end: usize,
    is_raw_ended: bool,
    /// Decoded text not yet given: readers may ask for less than a character.
    text: Vec<u8>,
    text_start: usize,
    text_end: usize,
    is_ended: bool,
}

impl Decoded {
    /// Decodes a stream from its beginning; a byte order mark is left out.
    pub(crate) fn new(bytes: Bytes, encoding: &'static Encoding) -> io::Result<Self> {
        Ok(Self {
            input: without_mark(bytes)?,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; CHUNK_BYTES],
            raw_start: 0,
            raw_end: 0,
            is_raw_ended: false,
            text: vec![0; CHUNK_BYTES],
            text_start: 0,
            text_end: 0,
            is_ended: false,
        })
    }

    /// Decodes more; what was decoded before must have been given.
    fn refill(&mut self) -> io::Result<()> {
        if self.raw_start == self.raw_end && !self.is_raw_ended {
            self.raw_end = read_full(&mut self.input, &mut self.raw)?;
            self.raw_start = 0;
            self.is_raw_ended = self.raw_end < self.raw.len();
        }
        let raw = &self.raw[self.raw_start..self.raw_end];
        let (result, read, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, self.is_raw_ended);
        self.raw_start += read;
        (self.text_start, self.text_end) = (0, written);
        self.is_ended = self.is_raw_ended && result == CoderResult::InputEmpty;
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.text_start == self.text_end && !self.is_ended {
            self.refill()?;
        }
        let n = out.len().min(self.text_end - self.text_start);
        out[..n].copy_from_slice(&self.text[self.text_start..self.text_start + n]);
        self.text_start += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        let owned = bytes.to_vec();
        let open = || -> IngestResult<Bytes> { Ok(Box::new(io::Cursor::new(owned.clone()))) };
        assert_eq!(detect(open, None).unwrap().name(), expected);
    }

    fn text(bytes: &[u8], encoding: &'static Encoding) -> String {
        let mut text = String::new();
        Decoded::new(Box::new(io::Cursor::new(bytes.to_vec())), encoding)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn evidence_goes_before_guess() {
        check(b"", "UTF-8");
        check(b"code;nom\n", "UTF-8");
        check("\u{feff}code;région\n".as_bytes(), "UTF-8");
        check("code;région\n".as_bytes(), "UTF-8");
        check(b"code;r\xe9gion;d\xe9partement\nLa R\xe9union;\xcele-de-France\n", "windows-1252");
        check(b"nom\ncaf\xe9", "windows-1252");
        check(b"montant\n12 \x80\n", "windows-1252");
        check(b"\xff\xfec\0o\0d\0e\0", "UTF-16LE");
    }

    #[test]
    fn a_mark_that_lies_is_not_believed_and_not_shown() {
        let lying = b"\xef\xbb\xbfr\xe9gion;d\xe9partement\n\xcele-de-France;Essonne\n";
        check(lying, "windows-1252");
        assert!(text(lying, encoding_rs::WINDOWS_1252).starts_with("région;"));
    }

    #[test]
    fn a_character_across_two_chunks_is_one_character() {
        let long = format!("{}é;{}", "a".repeat(CHUNK_BYTES - 1), "é".repeat(CHUNK_BYTES));
        check(long.as_bytes(), "UTF-8");
        assert_eq!(text(long.as_bytes(), UTF_8), long);
        let late = [vec![b'a'; 3 * CHUNK_BYTES], b"\nd\xe9j\xe0 vu \xe0 l'\xe9cole\n".to_vec()].concat();
        check(&late, "windows-1252");
    }

    #[test]
    fn bytes_that_no_text_has_are_refused_with_their_place() {
        let open = || -> IngestResult<Bytes> { Ok(Box::new(io::Cursor::new(b"PK\x03\x04\0\0".to_vec()))) };
        assert!(matches!(detect(open, None), Err(IngestError::Binary { offset: 4 })));
    }

    #[test]
    fn a_choice_wins_and_must_exist() {
        let open = || -> IngestResult<Bytes> { Ok(Box::new(io::Cursor::new("é".as_bytes().to_vec()))) };
        assert_eq!(detect(open, Some("latin1")).unwrap().name(), "windows-1252");
        assert!(detect(open, Some("klingon")).unwrap_err().to_string().contains("klingon"));
    }
}
