//! The rows that every contender holds: the same seed gives the same rows, byte for byte.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

/// Names of the columns, in the order of the file.
pub const COLUMNS: [&str; 12] = [
    "code",
    "title",
    "description",
    "category",
    "city",
    "amount",
    "quantity",
    "day",
    "updated",
    "active",
    "lat",
    "lon",
];

/// Words of the vocabulary; the n-th is n times rarer than the first (Zipf).
const VOCABULARY_WORDS: u64 = 50_000;

/// Categories, by Zipf too.
const CATEGORIES: u64 = 400;

/// Cities, each as likely as another.
const CITIES: u64 = 35_000;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Unique.
    pub code: String,
    /// Six words.
    pub title: String,
    /// Fifteen words.
    pub description: String,
    /// One of a few hundred.
    pub category: String,
    /// One of 35,000.
    pub city: String,
    /// 0 to 9,999.99, mostly distinct.
    pub amount: f64,
    /// 0 to 999, so that `quantity < 100` is a tenth.
    pub quantity: i64,
    /// Days since 1970-01-01, over ten years.
    pub day: i32,
    /// Seconds since 1970-01-01.
    pub updated: i64,
    /// One in two.
    pub active: bool,
    /// Degrees north, over metropolitan France.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

/// The generator: `splitmix64`, enough for a table.
#[derive(Debug)]
pub struct Rows {
    state: u64,
    next: usize,
    count: usize,
}

impl Rows {
    /// The first `count` rows.
    pub fn new(count: usize) -> Self {
        Self { state: 42, next: 0, count }
    }

    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A rank from 0, by Zipf's law.
    fn zipf(&mut self, ranks: u64) -> u64 {
        let uniform = (self.random() >> 11) as f64 / (1u64 << 53) as f64;
        (ranks as f64).powf(uniform) as u64 - 1
    }

    fn text(&mut self, words: usize) -> String {
        let mut text = String::new();
        for position in 0..words {
            if position > 0 {
                text.push(' ');
            }
            let rank = self.zipf(VOCABULARY_WORDS);
            push_word(&mut text, rank);
        }
        text
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.next == self.count {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let (title, description) = (self.text(6), self.text(15));
        Some(Row {
            code: code(index),
            title,
            description,
            category: category(self.zipf(CATEGORIES + 1)),
            city: word(VOCABULARY_WORDS + self.random() % CITIES),
            amount: (self.random() % 1_000_000) as f64 / 100.0,
            quantity: (self.random() % 1_000).cast_signed(),
            day: 16_000 + (self.random() % 3_650) as i32,
            updated: 1_400_000_000 + (self.random() % 300_000_000).cast_signed(),
            active: self.random().is_multiple_of(2),
            lat: (420_000 + self.random() % 90_000) as f64 / 10_000.0,
            lon: (self.random() % 130_000) as f64 / 10_000.0 - 5.0,
        })
    }
}

/// The code of a row.
pub fn code(index: usize) -> String {
    format!("ligne-{index:08}")
}

/// A category, the most frequent first.
pub fn category(rank: u64) -> String {
    format!("secteur {}", word(100_000 + rank))
}

/// A word of the vocabulary, the most frequent first.
pub fn word(rank: u64) -> String {
    let mut text = String::new();
    push_word(&mut text, rank);
    text
}

/// Syllables without `s`, `e` or `r` at the end, which stemming leaves alone.
fn push_word(text: &mut String, rank: u64) {
    const SYLLABLES: [&str; 16] = [
        "ba", "du", "fo", "gik", "ka", "lu", "mok", "nap", "pib", "ko", "tak", "vob", "zu", "dab", "gu",
        "lop",
    ];
    let mut rest = rank + 16;
    while rest > 0 {
        text.push_str(SYLLABLES[(rest % 16) as usize]);
        rest /= 16;
    }
}

/// Writes the rows as CSV, unless the file is there already.
pub fn write_csv(path: &Path, count: usize) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let aside = path.with_extension("part");
    let file = std::fs::File::create(&aside).with_context(|| format!("{}", aside.display()))?;
    let mut file = std::io::BufWriter::new(file);
    writeln!(file, "{}", COLUMNS.join(","))?;
    let mut line = String::new();
    for row in Rows::new(count) {
        line.clear();
        row.write(&mut line)?;
        file.write_all(line.as_bytes())?;
    }
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    std::fs::rename(aside, path)?;
    Ok(())
}

impl Row {
    /// The row as a line of CSV.
    pub fn write(&self, line: &mut String) -> Result<()> {
        let Self { code, title, description, category, city, amount, quantity, active, lat, lon, .. } = self;
        let (day, updated) = (day_text(self.day)?, instant_text(self.updated)?);
        writeln!(
            line,
            "{code},{title},{description},{category},{city},{amount},{quantity},{day},{updated},{active},{lat},{lon}"
        )?;
        Ok(())
    }

    /// The row of a record of the file.
    pub fn read(record: &csv::StringRecord) -> Result<Self> {
        let text = |index: usize| record.get(index).context("a row is too short");
        Ok(Self {
            code: text(0)?.to_owned(),
            title: text(1)?.to_owned(),
            description: text(2)?.to_owned(),
            category: text(3)?.to_owned(),
            city: text(4)?.to_owned(),
            amount: text(5)?.parse()?,
            quantity: text(6)?.parse()?,
            day: days(text(7)?)?,
            updated: text(8)?.parse::<jiff::Timestamp>()?.as_second(),
            active: text(9)?.parse()?,
            lat: text(10)?.parse()?,
            lon: text(11)?.parse()?,
        })
    }
}

/// `YYYY-MM-DD` of a number of days since 1970-01-01.
pub fn day_text(days: i32) -> Result<String> {
    let epoch = jiff::civil::date(1970, 1, 1);
    Ok(epoch.checked_add(jiff::Span::new().days(days))?.to_string())
}

fn days(text: &str) -> Result<i32> {
    let epoch = jiff::civil::date(1970, 1, 1);
    Ok(text.parse::<jiff::civil::Date>()?.since(epoch)?.get_days())
}

fn instant_text(seconds: i64) -> Result<String> {
    Ok(jiff::Timestamp::from_second(seconds)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_written_is_the_row_read() {
        for row in Rows::new(100) {
            let mut line = String::new();
            row.write(&mut line).unwrap();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let record = reader.records().next().unwrap().unwrap();
            assert_eq!(Row::read(&record).unwrap(), row);
        }
    }

    #[test]
    fn words_follow_zipf() {
        let rows: Vec<Row> = Rows::new(2_000).collect();
        let count = |rank| {
            let wanted = word(rank);
            rows.iter().flat_map(|row| row.description.split(' ')).filter(|found| *found == wanted).count()
        };
        assert!(count(0) > 5 * count(9), "the first word is ten times as frequent as the tenth");
    }
}
