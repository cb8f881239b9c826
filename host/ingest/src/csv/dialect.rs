//! How a delimited file is written, by trying each way and scoring what comes out.

use std::collections::HashSet;

use crate::analysis::Dialect;
use crate::csv::records::{Marks, Records};
use crate::record::Record;

/// Bytes of text that the choice looks at.
pub(crate) const SAMPLE_BYTES: usize = 1 << 20;

/// Records that the choice looks at.
const SAMPLE_RECORDS_MAX: usize = 1_000;

/// Points for a separator that splits both the header and rows: more than one header twice or a few stray values cost,
/// so that a short broken file is refused at its line instead of being taken for a single column.
const SPLIT_POINTS: f64 = 60.0;

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
const QUOTES: [u8; 2] = [b'"', b'\''];

/// The way of writing that explains the sample best. `num_lines` is left at 0.
pub(crate) fn sniff(sample: &[u8]) -> Dialect {
    let lines_delimiter = line_end(sample);
    let terminator = if lines_delimiter == "\r" { b'\r' } else { b'\n' };
    let mut best = (f64::NEG_INFINITY, Marks { separator: b',', quote: b'"', terminator });
    for separator in SEPARATORS {
        for quote in QUOTES.into_iter().filter(|quote| is_plausible(sample, separator, *quote)) {
            let marks = Marks { separator, quote, terminator };
            let score = score(sample, marks);
            if score > best.0 {
                best = (score, marks);
            }
        }
    }
    let quote = char::from(best.1.quote);
    Dialect {
        num_lines: 0,
        lines_delimiter: lines_delimiter.to_owned(),
        fields_delimiter: char::from(best.1.separator),
        escape_char: quote,
        quote,
    }
}

/// The bytes that structure a file of this dialect.
pub(crate) fn marks(dialect: &Dialect) -> Marks {
    let byte = |c: char, default| u8::try_from(c).unwrap_or(default);
    Marks {
        separator: byte(dialect.fields_delimiter, b','),
        quote: byte(dialect.quote, b'"'),
        terminator: if dialect.lines_delimiter == "\r" { b'\r' } else { b'\n' },
    }
}

/// `\r` only where there is no `\n` at all, as old Macintosh exports have it.
fn line_end(sample: &[u8]) -> &'static str {
    match memchr::memchr(b'\n', sample) {
        Some(at) if at > 0 && sample[at - 1] == b'\r' => "\r\n",
        Some(_) => "\n",
        None if memchr::memchr(b'\r', sample).is_some() => "\r",
        None => "\n",
    }
}

/// Apostrophes are everywhere in French: they are quotes only where some stand on both sides of a separator.
fn is_plausible(sample: &[u8], separator: u8, quote: u8) -> bool {
    let has = |pair: [u8; 2]| memchr::memmem::find(sample, &pair).is_some();
    quote == b'"' || has([separator, quote]) && has([quote, separator])
}

/// Points for what looks right (lines, values, quotes around separators), against what looks wrong (values without a
/// header, quotes left at the edges, headers twice).
fn score(sample: &[u8], marks: Marks) -> f64 {
    let mut records = Records::new(sample, marks);
    let (mut record, mut header) = (Record::default(), Vec::new());
    let (mut score, mut seen, mut any_row_is_split) = (0.0, 0, false);
    let is_at_edge = |cell: &str| {
        let bytes = cell.as_bytes();
        bytes.first() == Some(&marks.quote) || bytes.last() == Some(&marks.quote)
    };
    // The end of the sample may cut a record: what cannot be read there is left out.
    while seen < SAMPLE_RECORDS_MAX && matches!(records.next(&mut record), Ok(true)) {
        if record.is_blank() {
            continue;
        }
        seen += 1;
        score += 0.5;
        if header.is_empty() {
            let mut names = HashSet::new();
            for name in record.cells().map(str::trim) {
                score -= if is_at_edge(name) { 10.0 } else { 0.0 };
                score -= if !name.is_empty() && !names.insert(name.to_owned()) { 50.0 } else { 0.0 };
                header.push(name.contains(char::is_alphanumeric));
            }
            continue;
        }
        any_row_is_split |= record.len() > 1;
        for (index, cell) in record.cells().enumerate().filter(|(_, cell)| !cell.trim().is_empty()) {
            score += if header.get(index) == Some(&true) { 1.0 } else { -10.0 };
            score -= if is_at_edge(cell) { 2.0 } else { 0.0 };
        }
    }
    let is_header_split = header.iter().filter(|is_named| **is_named).count() > 1;
    score += if is_header_split && (any_row_is_split || seen == 1) { SPLIT_POINTS } else { 0.0 };
    let between = [marks.quote, marks.separator, marks.quote];
    score + 2.0 * memchr::memmem::find_iter(sample, &between).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_writing_is_recognised() {
        for (text, separator, quote, end) in [
            ("a,b\n1,2\n", ',', '"', "\n"),
            ("a;b\r\n1;2\r\n", ';', '"', "\r\n"),
            ("a\tb\n1\t2\n", '\t', '"', "\n"),
            ("a|b\n1|2\n", '|', '"', "\n"),
            ("nom;montant\nParis;1,5\nLyon;2,25\n", ';', '"', "\n"),
            ("nom,note\n'Paris, Texas','a'\n'Lyon','b'\n", ',', '\'', "\n"),
            ("nom;note\n\"a;b\";\"c, d\"\n", ';', '"', "\n"),
            ("l'un;l'autre\nl'eau;l'air\n", ';', '"', "\n"),
            ("texte\nParis, France\nLyon, France\n", ';', '"', "\n"),
            ("a;b\r1;2\r", ';', '"', "\r"),
            ("a,b\n1,2\n1,2,3\n", ',', '"', "\n"),
            ("a;a\n1;2\n", ';', '"', "\n"),
            ("a;b\n", ';', '"', "\n"),
            ("seul\n1\n2\n", ',', '"', "\n"),
            ("", ',', '"', "\n"),
        ] {
            let dialect = sniff(text.as_bytes());
            let found = (dialect.fields_delimiter, dialect.quote, dialect.lines_delimiter.as_str());
            assert_eq!(found, (separator, quote, end), "{text:?}");
        }
    }

    #[test]
    fn a_sample_cut_inside_quotes_does_not_mislead() {
        let text = format!("a;b\n{}2;\"coup", "1;\"x;y\"\n".repeat(3));
        assert_eq!(sniff(text.as_bytes()).fields_delimiter, ';');
    }
}
