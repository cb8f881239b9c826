//! The rows of a part that have one of some terms.

use std::rc::Rc;

use halle_search::SearchError;
use halle_search::engine::SearchResult;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings as _, SegmentPostings, TermInfo};
use tantivy::query::Bm25Weight;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet as _, InvertedIndexReader, TERMINATED};

use crate::bits::Bits;
use crate::select::Scores;

/// Words asked at once of one field: a stem and a word.
pub(crate) const ASKED_MAX: usize = 2;

/// What a word adds to the score of a row.
#[derive(Clone)]
pub(crate) enum Weight {
    /// By its frequency and the length of the text.
    Words(Rc<Bm25Weight>),
    /// The same wherever it is.
    Fixed(f32),
}

/// A word that is asked: the terms that stand for it, and what it adds.
pub(crate) struct Weighed {
    pub(crate) terms: Rc<[TermInfo]>,
    pub(crate) weight: Weight,
}

impl Weighed {
    #[inline]
    fn score(&self, lengths: Option<&FieldNormReader>, row: u32, frequency: u32) -> f32 {
        match (&self.weight, lengths) {
            (Weight::Words(weight), Some(lengths)) => weight.score(lengths.fieldnorm_id(row), frequency),
            (Weight::Words(weight), None) => weight.max_score(),
            (Weight::Fixed(score), _) => *score,
        }
    }
}

/// Adds the rows that have one of the terms.
pub(crate) fn fill<'t>(
    index: &InvertedIndexReader,
    terms: impl IntoIterator<Item = &'t TermInfo>,
    bits: &mut Bits,
) -> SearchResult<()> {
    for term in terms {
        let block = index.read_block_postings_from_terminfo(term, IndexRecordOption::Basic);
        let mut block = block.map_err(SearchError::engine)?;
        while !block.docs().is_empty() {
            block.docs().iter().for_each(|row| bits.set(*row as usize));
            block.advance();
        }
    }
    Ok(())
}

/// A term, and which of the words that are asked it stands for.
struct Shared<'t> {
    term: &'t TermInfo,
    of: [bool; ASKED_MAX],
}

/// Each term once, however many of the words it stands for.
fn shared(asked: &[Weighed]) -> Vec<Shared<'_>> {
    let mut all: Vec<Shared<'_>> = Vec::new();
    for (place, word) in asked.iter().enumerate().take(ASKED_MAX) {
        for term in word.terms.iter() {
            let same = |known: &&mut Shared<'_>| known.term.postings_range == term.postings_range;
            match all.iter_mut().find(same) {
                Some(known) => known.of[place] = true,
                None => {
                    let mut of = [false; ASKED_MAX];
                    of[place] = true;
                    all.push(Shared { term, of });
                }
            }
        }
    }
    all
}

/// Adds the rows that have one of the words, and what they score: the words' terms are read once, together.
pub(crate) fn score(
    index: &InvertedIndexReader,
    lengths: Option<&FieldNormReader>,
    asked: &[Weighed],
    bits: &mut Bits,
    scores: &mut Scores,
) -> SearchResult<()> {
    let terms = shared(asked);
    if let [only] = &terms[..] {
        let block = index.read_block_postings_from_terminfo(only.term, IndexRecordOption::WithFreqs);
        let mut block = block.map_err(SearchError::engine)?;
        while !block.docs().is_empty() {
            // Where frequencies are not kept, each is 1.
            for (place, row) in block.docs().iter().enumerate() {
                let words = asked.iter().zip(only.of).filter(|(_, is_of)| *is_of);
                let frequency = block.freq(place);
                words.for_each(|(word, _)| scores.add(bits, *row, word.score(lengths, *row, frequency)));
            }
            block.advance();
        }
        return Ok(());
    }
    let mut lists = Vec::with_capacity(terms.len());
    for term in &terms {
        let postings = index.read_postings_from_terminfo(term.term, IndexRecordOption::WithFreqs);
        lists.push((postings.map_err(SearchError::engine)?, term.of));
    }
    while let Some(row) = lists.iter().map(|(list, _)| list.doc()).min().filter(|row| *row != TERMINATED) {
        let mut frequencies = [0; ASKED_MAX];
        for (list, of) in lists.iter_mut().filter(|(list, _)| list.doc() == row) {
            let frequency = list.term_freq();
            frequencies
                .iter_mut()
                .zip(of)
                .filter(|(_, is_of)| **is_of)
                .for_each(|(sum, _)| *sum += frequency);
            list.advance();
        }
        let words = asked.iter().zip(frequencies).filter(|(_, frequency)| *frequency > 0);
        words.for_each(|(word, frequency)| scores.add(bits, row, word.score(lengths, row, frequency)));
    }
    Ok(())
}

/// Adds what these rows, which ascend, score for a word, and notes which of them have it.
pub(crate) fn score_rows(
    index: &InvertedIndexReader,
    lengths: Option<&FieldNormReader>,
    word: &Weighed,
    rows: &[u32],
    scores: &mut [f32],
    found: &mut [bool],
) -> SearchResult<()> {
    let mut lists = open(index, &word.terms, IndexRecordOption::WithFreqs)?;
    for (place, row) in rows.iter().copied().enumerate() {
        let mut frequency = 0;
        for list in &mut lists {
            if list.doc() < row {
                list.seek(row);
            }
            if list.doc() == row {
                frequency += list.term_freq();
            }
        }
        if frequency > 0 {
            found[place] = true;
            scores[place] += word.score(lengths, row, frequency);
        }
    }
    Ok(())
}

/// Hands out the rows that have one of the terms, in order, until `take` wants no more.
pub(crate) fn each(
    index: &InvertedIndexReader,
    terms: &[TermInfo],
    mut take: impl FnMut(u32) -> bool,
) -> SearchResult<()> {
    let mut lists = open(index, terms, IndexRecordOption::Basic)?;
    while let Some(row) = lists.iter().map(SegmentPostings::doc).min().filter(|row| *row != TERMINATED) {
        if !take(row) {
            break;
        }
        lists.iter_mut().filter(|list| list.doc() == row).for_each(|list| {
            list.advance();
        });
    }
    Ok(())
}

fn open(
    index: &InvertedIndexReader,
    terms: &[TermInfo],
    option: IndexRecordOption,
) -> SearchResult<Vec<SegmentPostings>> {
    let open = |term| index.read_postings_from_terminfo(term, option).map_err(SearchError::engine);
    terms.iter().map(open).collect()
}
