//! Which words of a part have a stem, and which terms stand for a word: a small table beside the index of words.
//!
//! A column that is asked in two views, stems and words as they are, keeps each word once (see [`crate::analysis`]). The
//! table is over the vocabulary of the part, not over its rows. It leaves out what needs no telling: a word that is its own
//! stem and the only one that has it, and a word for which one term stands, itself.

use arrow::buffer::{Buffer, ScalarBuffer};
use halle_search::SearchError;
use halle_search::engine::SearchResult;
use serde::{Deserialize, Serialize};
use tantivy::termdict::TermDictionary;

use super::file::{Buffers, FileWriter, Place};
use crate::analysis::{self, BETWEEN};
use crate::bits::Bits;

/// Texts in their order, each with some terms: their numbers in the dictionary of terms.
#[derive(Debug, Clone)]
pub(crate) struct Lists {
    starts: ScalarBuffer<u32>,
    bytes: Buffer,
    firsts: ScalarBuffer<u32>,
    terms: ScalarBuffer<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ListsPlaces {
    starts: Place,
    bytes: Place,
    firsts: Place,
    terms: Place,
}

/// How the terms of one field are read in both views.
#[derive(Debug, Clone)]
pub(crate) struct Stems {
    /// For a stem, the terms that have it.
    pub(crate) of_stems: Lists,
    /// For a folded word, the terms that stand for it.
    pub(crate) of_words: Lists,
    /// Terms without a stem: stop words.
    stops: ScalarBuffer<u32>,
}

/// Where a table is in its file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StemsPlaces {
    of_stems: ListsPlaces,
    of_words: ListsPlaces,
    stops: Place,
}

impl Stems {
    /// The table of the terms of a field.
    pub(crate) fn build(terms: &TermDictionary) -> SearchResult<Self> {
        let (mut of_stems, mut of_words, mut stops) = (Vec::new(), Vec::new(), Vec::new());
        let mut stream = terms.stream().map_err(SearchError::engine)?;
        let mut term = 0;
        while stream.advance() {
            let text = std::str::from_utf8(stream.key()).map_err(SearchError::engine)?;
            let stem = match text.split_once(BETWEEN) {
                Some((word, stem)) => {
                    of_words.push((word.to_owned(), term));
                    Some(stem.to_owned()).filter(|stem| !stem.is_empty())
                }
                None => analysis::stem_of(text),
            };
            match stem {
                None => stops.push(term),
                Some(stem) if stem == text => {}
                Some(stem) => of_stems.push((stem, term)),
            }
            term += 1;
        }
        // What was left out for being alone, and is not.
        let plain = |text: &str| terms.term_ord(text).map_err(SearchError::engine);
        for (text, is_stem) in texts_of(&of_stems, true).into_iter().chain(texts_of(&of_words, false)) {
            let Some(term) = plain(&text)? else { continue };
            if !is_stem {
                of_words.push((text, term as u32));
            } else if analysis::stem_of(&text).as_ref() == Some(&text) {
                of_stems.push((text, term as u32));
            }
        }
        Ok(Self { of_stems: Lists::build(of_stems)?, of_words: Lists::build(of_words)?, stops: stops.into() })
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> u64 {
        (self.of_stems.bytes() + self.of_words.bytes() + self.stops.inner().len()) as u64
    }

    /// Writes the table.
    pub(crate) fn write(&self, file: &mut FileWriter<'_>) -> SearchResult<StemsPlaces> {
        Ok(StemsPlaces {
            of_stems: self.of_stems.write(file)?,
            of_words: self.of_words.write(file)?,
            stops: file.put(self.stops.inner())?,
        })
    }

    /// Maps the table.
    pub(crate) fn open(file: &Buffers, places: &StemsPlaces) -> SearchResult<Self> {
        Ok(Self {
            of_stems: Lists::open(file, &places.of_stems)?,
            of_words: Lists::open(file, &places.of_words)?,
            stops: numbers(file, places.stops)?,
        })
    }

    /// The terms, of so many, that are in a list of stems, or have no stem.
    pub(crate) fn not_own_stems(&self, terms: usize) -> Bits {
        let mut found = Bits::none(terms);
        let all = self.of_stems.terms.iter().chain(self.stops.iter());
        all.filter(|term| (**term as usize) < terms).for_each(|term| found.set(*term as usize));
        found
    }
}

/// Each text once.
fn texts_of(pairs: &[(String, u32)], is_stem: bool) -> Vec<(String, bool)> {
    let mut texts: Vec<&String> = pairs.iter().map(|(text, _)| text).collect();
    texts.sort_unstable();
    texts.dedup();
    texts.into_iter().map(|text| (text.clone(), is_stem)).collect()
}

impl Lists {
    fn build(mut pairs: Vec<(String, u32)>) -> SearchResult<Self> {
        pairs.sort_unstable();
        let (mut starts, mut bytes, mut firsts) = (vec![0], Vec::new(), vec![0]);
        for same in pairs.chunk_by(|(a, _), (b, _)| a == b) {
            bytes.extend_from_slice(same[0].0.as_bytes());
            let end = u32::try_from(bytes.len());
            starts.push(end.map_err(|_| SearchError::engine("the stems of one part exceed 4 GiB"))?);
            firsts.push(firsts.last().copied().unwrap_or(0) + same.len() as u32);
        }
        let terms: Vec<u32> = pairs.into_iter().map(|(_, term)| term).collect();
        Ok(Self { starts: starts.into(), bytes: bytes.into(), firsts: firsts.into(), terms: terms.into() })
    }

    fn bytes(&self) -> usize {
        self.starts.inner().len() + self.bytes.len() + self.firsts.inner().len() + self.terms.inner().len()
    }

    fn write(&self, file: &mut FileWriter<'_>) -> SearchResult<ListsPlaces> {
        Ok(ListsPlaces {
            starts: file.put(self.starts.inner())?,
            bytes: file.put(&self.bytes)?,
            firsts: file.put(self.firsts.inner())?,
            terms: file.put(self.terms.inner())?,
        })
    }

    fn open(file: &Buffers, places: &ListsPlaces) -> SearchResult<Self> {
        let lists = Self {
            starts: numbers(file, places.starts)?,
            bytes: file.slice(places.bytes)?,
            firsts: numbers(file, places.firsts)?,
            terms: numbers(file, places.terms)?,
        };
        let fits = |ends: &[u32], length: usize| {
            ends.is_sorted()
                && ends.first() == Some(&0)
                && ends.last().is_some_and(|end| *end as usize == length)
        };
        let is_whole = lists.starts.len() == lists.firsts.len()
            && fits(&lists.starts, lists.bytes.len())
            && fits(&lists.firsts, lists.terms.len());
        is_whole.then_some(lists).ok_or_else(damaged)
    }

    fn text(&self, place: usize) -> &[u8] {
        &self.bytes[self.starts[place] as usize..self.starts[place + 1] as usize]
    }

    fn list(&self, place: usize) -> &[u32] {
        &self.terms[self.firsts[place] as usize..self.firsts[place + 1] as usize]
    }

    /// The terms of a text; `None` when nothing is told of it.
    pub(crate) fn get(&self, text: &str) -> Option<&[u32]> {
        let (mut low, mut high) = (0, self.starts.len() - 1);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.text(middle).cmp(text.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(self.list(middle)),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Each text with its terms.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u32])> {
        (0..self.starts.len() - 1).map(|place| (self.text(place), self.list(place)))
    }
}

fn numbers(file: &Buffers, place: Place) -> SearchResult<ScalarBuffer<u32>> {
    if !place.1.is_multiple_of(4) {
        return Err(damaged());
    }
    Ok(file.slice(place)?.into())
}

/// What is said of a table that does not hold together.
pub(crate) fn damaged() -> SearchError {
    SearchError::engine("the stems of a part are damaged; rebuild the index")
}
