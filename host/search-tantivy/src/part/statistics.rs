//! Frequencies of words over all parts, so that a score means the same in each; and the terms that stand for the words of a
//! question, each looked up once in a part.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use halle_search::SearchError;
use halle_search::engine::SearchResult;
use tantivy::Term;
use tantivy::postings::TermInfo;
use tantivy::query::{Bm25StatisticsProvider, Bm25Weight};
use tantivy::schema::Field;

use super::fields::WordField;
use super::postings::{Weighed, Weight};
use super::words::Words;
use crate::analysis::View;

/// What is known of the words of a question.
pub(crate) struct Statistics<'a> {
    /// Of each part of the snapshot.
    parts: Vec<Option<&'a Words>>,
    /// By the place of the field among those of the spec, then by word.
    known: RefCell<HashMap<usize, HashMap<String, Rc<Known>>>>,
    /// Words of each field, over all parts.
    lengths: RefCell<HashMap<usize, u64>>,
}

/// What is known of a word in a field.
struct Known {
    /// The terms that stand for it, in each part.
    terms: Vec<OnceCell<Rc<[TermInfo]>>>,
    weight: OnceCell<Rc<Bm25Weight>>,
}

impl<'a> Statistics<'a> {
    /// The frequencies in these parts.
    pub(crate) fn new(parts: Vec<Option<&'a Words>>) -> Self {
        Self { parts, known: RefCell::default(), lengths: RefCell::default() }
    }

    fn known(&self, field: &WordField, word: &str) -> Rc<Known> {
        let mut known = self.known.borrow_mut();
        let of_field = known.entry(field.at).or_default();
        if let Some(known) = of_field.get(word) {
            return Rc::clone(known);
        }
        let terms = self.parts.iter().map(|_| OnceCell::new()).collect();
        let new = Rc::new(Known { terms, weight: OnceCell::new() });
        of_field.insert(word.to_owned(), Rc::clone(&new));
        new
    }

    fn terms_of(
        &self,
        known: &Known,
        part: usize,
        field: &WordField,
        word: &str,
    ) -> SearchResult<Rc<[TermInfo]>> {
        if let Some(terms) = known.terms[part].get() {
            return Ok(Rc::clone(terms));
        }
        let terms: Rc<[TermInfo]> = match self.parts[part] {
            Some(words) => words.terms(field, word)?.into(),
            None => Rc::new([]),
        };
        Ok(Rc::clone(known.terms[part].get_or_init(|| terms)))
    }

    /// The terms that stand for a word in a part.
    pub(crate) fn terms(&self, part: usize, field: &WordField, word: &str) -> SearchResult<Rc<[TermInfo]>> {
        self.terms_of(&self.known(field, word), part, field, word)
    }

    /// The terms that stand for a word in a part, and what it weighs.
    pub(crate) fn weighed(&self, part: usize, field: &WordField, word: &str) -> SearchResult<Weighed> {
        let known = self.known(field, word);
        let terms = self.terms_of(&known, part, field, word)?;
        if field.view == View::Whole || terms.is_empty() {
            return Ok(Weighed { terms, weight: Weight::Fixed(field.boost) });
        }
        if let Some(weight) = known.weight.get() {
            return Ok(Weighed { terms, weight: Weight::Words(Rc::clone(weight)) });
        }
        let asked = self.counted(field, [(word, word)])?;
        let weight = Bm25Weight::for_terms(&asked, &asked.terms()).map_err(SearchError::engine)?;
        let weight = known.weight.get_or_init(|| Rc::new(weight.boost_by(field.boost)));
        Ok(Weighed { terms, weight: Weight::Words(Rc::clone(weight)) })
    }

    /// How many rows have each of the words, under the names by which tantivy will ask for them.
    pub(crate) fn counted<'w>(
        &self,
        field: &WordField,
        words: impl IntoIterator<Item = (&'w str, &'w str)>,
    ) -> SearchResult<Counted> {
        let rows: u64 = self.parts.iter().flatten().map(|words| words.rows()).sum();
        let mut counts = Vec::new();
        for (name, word) in words {
            let known = self.known(field, word);
            let mut count = 0;
            for part in 0..self.parts.len() {
                let terms = self.terms_of(&known, part, field, word)?;
                count += terms.iter().map(|term| u64::from(term.doc_freq)).sum::<u64>();
            }
            // A row may have several of the terms.
            counts.push((name.to_owned(), count.min(rows)));
        }
        Ok(Counted { rows, length: self.length(field)?, counts })
    }

    fn length(&self, field: &WordField) -> SearchResult<u64> {
        if let Some(length) = self.lengths.borrow().get(&field.at) {
            return Ok(*length);
        }
        let of_part = |words: &&Words| words.length(field);
        let length = self.parts.iter().flatten().map(of_part).sum::<SearchResult<u64>>()?;
        self.lengths.borrow_mut().insert(field.at, length);
        Ok(length)
    }
}

/// Counts of the words of a phrase, or of one word, that tantivy asks for.
pub(crate) struct Counted {
    rows: u64,
    length: u64,
    counts: Vec<(String, u64)>,
}

impl Counted {
    fn terms(&self) -> Vec<Term> {
        let field = Field::from_field_id(0);
        self.counts.iter().map(|(name, _)| Term::from_field_text(field, name)).collect()
    }
}

impl Bm25StatisticsProvider for Counted {
    fn total_num_tokens(&self, _field: Field) -> tantivy::Result<u64> {
        Ok(self.length)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.rows)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let value = term.value();
        let name = value.as_str().unwrap_or_default();
        Ok(self.counts.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count))
    }
}
