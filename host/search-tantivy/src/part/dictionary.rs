//! A text column of a part: its distinct values in code-point order, and the code of each row.

use arrow::array::{Array, StringArray};
use arrow::buffer::{Buffer, ScalarBuffer};
use halle_search::SearchError;
use halle_search::engine::SearchResult;
use serde::{Deserialize, Serialize};

use super::file::{Buffers, FileWriter, Place};
use crate::hash::{self, FastMap};

/// The code of a row without value.
pub(crate) const NO_VALUE: u32 = u32::MAX;

/// A dictionary column. Codes compare like their texts, by code points.
#[derive(Debug, Clone)]
pub(crate) struct Dictionary {
    codes: ScalarBuffer<u32>,
    starts: ScalarBuffer<u32>,
    bytes: Buffer,
    /// Rows with a value in the order of their codes; kept when values are selective.
    by_code: Option<ScalarBuffer<u32>>,
}

/// Where the buffers of a dictionary are.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DictionaryPlaces {
    codes: Place,
    starts: Place,
    bytes: Place,
    by_code: Option<Place>,
}

impl Dictionary {
    /// The dictionary of the rows of these arrays, one after the other.
    pub(crate) fn build(chunks: &[&StringArray]) -> SearchResult<Self> {
        let (mut codes, distinct) = intern(chunks);
        let mut order: Vec<u32> = (0..distinct.len() as u32).collect();
        order.sort_unstable_by_key(|&old| distinct[old as usize]);
        let mut new_codes = vec![0; distinct.len()];
        let mut starts = Vec::with_capacity(distinct.len() + 1);
        let mut bytes = Vec::with_capacity(distinct.iter().map(|text| text.len()).sum());
        starts.push(0);
        for (new, &old) in order.iter().enumerate() {
            new_codes[old as usize] = new as u32;
            bytes.extend_from_slice(distinct[old as usize].as_bytes());
            let end = u32::try_from(bytes.len());
            starts.push(end.map_err(|_| SearchError::engine("a column of one part exceeds 4 GiB"))?);
        }
        for code in codes.iter_mut().filter(|code| **code != NO_VALUE) {
            *code = new_codes[*code as usize];
        }
        let selective = distinct.len() > codes.len() / 16;
        let by_code = selective.then(|| rows_by_code(&codes, distinct.len()).into());
        Ok(Self { codes: codes.into(), starts: starts.into(), bytes: bytes.into(), by_code })
    }

    /// Writes the buffers.
    pub(crate) fn write(&self, file: &mut FileWriter<'_>) -> SearchResult<DictionaryPlaces> {
        Ok(DictionaryPlaces {
            codes: file.put(self.codes.inner().as_slice())?,
            starts: file.put(self.starts.inner().as_slice())?,
            bytes: file.put(self.bytes.as_slice())?,
            by_code: self.by_code.as_ref().map(|rows| file.put(rows.inner().as_slice())).transpose()?,
        })
    }

    /// Maps the buffers.
    pub(crate) fn open(file: &Buffers, places: &DictionaryPlaces) -> SearchResult<Self> {
        Ok(Self {
            codes: file.slice(places.codes)?.into(),
            starts: file.slice(places.starts)?.into(),
            bytes: file.slice(places.bytes)?,
            by_code: places.by_code.map(|place| file.slice(place)).transpose()?.map(Into::into),
        })
    }

    /// The code of each row, [`NO_VALUE`] where there is none.
    #[inline]
    pub(crate) fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Number of distinct values.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The text of a code.
    #[inline]
    pub(crate) fn text(&self, code: u32) -> &str {
        let (start, end) = (self.starts[code as usize] as usize, self.starts[code as usize + 1] as usize);
        // Written from `str`s; were the file damaged since, no text is better than wrong bytes.
        std::str::from_utf8(&self.bytes.as_slice()[start..end]).unwrap_or_default()
    }

    /// The text of a row.
    #[inline]
    pub(crate) fn value(&self, row: usize) -> Option<&str> {
        let code = self.codes[row];
        (code != NO_VALUE).then(|| self.text(code))
    }

    /// The first code whose text is not before `text`, and whether it is `text` itself.
    pub(crate) fn find(&self, text: &str) -> (u32, bool) {
        let (mut low, mut high) = (0, self.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.text(middle).cmp(text) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return (middle, true),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        (low, false)
    }

    /// The codes of the texts that start with `prefix`.
    pub(crate) fn with_prefix(&self, prefix: &str) -> std::ops::Range<u32> {
        let start = self.find(prefix).0;
        let (mut low, mut high) = (start, self.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.text(middle).starts_with(prefix) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        start..low
    }

    /// The rows whose codes are in the range, if they can be had without reading all codes.
    pub(crate) fn rows_of(&self, codes: std::ops::Range<u32>) -> Option<&[u32]> {
        let rows: &[u32] = self.by_code.as_ref()?;
        let start = rows.partition_point(|&row| self.codes[row as usize] < codes.start);
        let end = rows.partition_point(|&row| self.codes[row as usize] < codes.end);
        Some(&rows[start..end.max(start)])
    }
}

/// Gives each distinct text a number in order of appearance.
fn intern<'a>(chunks: &[&'a StringArray]) -> (Vec<u32>, Vec<&'a str>) {
    let mut codes = Vec::with_capacity(chunks.iter().copied().map(Array::len).sum());
    let mut distinct: Vec<&str> = Vec::new();
    // Keyed by hash: texts that share one (rare) are told apart by probing the next number.
    let mut known: FastMap<u64, u32> = FastMap::default();
    for chunk in chunks {
        for text in *chunk {
            let Some(text) = text else {
                codes.push(NO_VALUE);
                continue;
            };
            let mut hash = hash::of_bytes(text.as_bytes());
            let code = loop {
                let next = distinct.len() as u32;
                let code = *known.entry(hash).or_insert(next);
                if code == next {
                    distinct.push(text);
                }
                if distinct[code as usize] == text {
                    break code;
                }
                hash = hash.wrapping_add(1);
            };
            codes.push(code);
        }
    }
    (codes, distinct)
}

/// Rows sorted by code, by counting.
fn rows_by_code(codes: &[u32], distinct: usize) -> Vec<u32> {
    let mut next = vec![0_u32; distinct + 1];
    for &code in codes.iter().filter(|code| **code != NO_VALUE) {
        next[code as usize + 1] += 1;
    }
    for code in 0..distinct {
        next[code + 1] += next[code];
    }
    let mut rows = vec![0; next[distinct] as usize];
    for (row, &code) in codes.iter().enumerate().filter(|(_, code)| **code != NO_VALUE) {
        rows[next[code as usize] as usize] = row as u32;
        next[code as usize] += 1;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_code_points_and_rows_are_found_by_code() {
        let first = StringArray::from(vec![Some("b"), None, Some("É"), Some("a")]);
        let second = StringArray::from(vec![Some("ab"), Some("b")]);
        let dictionary = Dictionary::build(&[&first, &second]).unwrap();
        assert_eq!(dictionary.codes(), [2, NO_VALUE, 3, 0, 1, 2]);
        assert_eq!(dictionary.with_prefix("a"), 0..2);
        assert_eq!(dictionary.rows_of(2..3), Some(&[0, 5][..]));
        assert_eq!(dictionary.find("aa"), (1, false));
        assert_eq!(dictionary.value(2), Some("É"));
    }
}
