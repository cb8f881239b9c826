//! The words of a part: a tantivy index of one segment, whose documents are the rows in their order.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use halle_model::{Column, ColumnKind, concept};
use halle_search::IndexSpec;
use halle_search::SearchError;
use halle_search::engine::{FILE_TEXT, SearchResult};
use tantivy::directory::{Directory, MmapDirectory, RamDirectory};
use tantivy::postings::{Postings as _, TermInfo};
use tantivy::query::{
    Bm25StatisticsProvider, Bm25Weight, EnableScoring, FuzzyTermQuery, PhraseQuery, Query as _,
};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{
    DocSet as _, Index, InvertedIndexReader, ReloadPolicy, Searcher, SegmentReader, TERMINATED,
    TantivyDocument, Term,
};

use super::column::Column as Stored;
use crate::analysis::{self, View};
use crate::bits::Bits;
use crate::deadline::Deadline;

/// What tantivy may hold while it writes one part, in bytes; a hint, parts are small.
const WRITER_BYTES: usize = 64 << 20;

/// The same for a part in memory, of which there may be one for each line: the table of words begins this small.
const WRITER_IN_MEMORY_BYTES: usize = 100_000;

/// Words handed out between two looks at the clock.
const WORDS_PER_CHECK: u64 = 256;

/// A view of a column in the index of words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct WordField {
    /// Index of the column in the spec.
    pub(crate) column: usize,
    pub(crate) view: View,
    /// What a match counts for relevance.
    pub(crate) boost: f32,
    pub(crate) field: Field,
}

/// The views that the columns of a spec have, in the order of their fields.
pub(crate) fn word_fields(spec: &IndexSpec) -> Vec<WordField> {
    let mut fields = Vec::new();
    for (index, column) in spec.columns.iter().enumerate().filter(|(_, column)| is_searchable(column)) {
        let boost = boost(column);
        let able = column.capabilities;
        let mut push = |view, boost| {
            let field = Field::from_field_id(fields.len() as u32);
            fields.push(WordField { column: index, view, boost, field });
        };
        match (able.text(), able.text_standard()) {
            (true, true) => {
                push(View::Stemmed, boost);
                push(View::Standard, boost * 0.5);
            }
            (true, false) => push(View::Stemmed, boost),
            (false, true) => push(View::Standard, boost),
            (false, false) if able.index() => push(View::Whole, boost),
            (false, false) => {}
        }
    }
    fields
}

fn is_searchable(column: &Column) -> bool {
    let internal = column.calculated || matches!(column.key.as_str(), "_id" | "_i" | "_rand");
    column.kind() == ColumnKind::Text && (!internal || column.key == FILE_TEXT)
}

fn boost(column: &Column) -> f32 {
    match column.refers_to.as_deref().and_then(concept::by_uri).map(|concept| concept.id) {
        Some("label") => 3.0,
        Some("description") => 2.0,
        _ => 1.0,
    }
}

fn schema(spec: &IndexSpec) -> Schema {
    let mut builder = Schema::builder();
    for field in word_fields(spec) {
        let record = match field.view {
            View::Whole => IndexRecordOption::Basic,
            View::Stemmed | View::Standard => IndexRecordOption::WithFreqsAndPositions,
        };
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(field.view.name())
            .set_index_option(record)
            .set_fieldnorms(field.view != View::Whole);
        let name = format!("{}.{}", field.column, field.view.name());
        builder.add_text_field(&name, TextOptions::default().set_indexing_options(indexing));
    }
    builder.build()
}

/// The words of a part, open for reading.
#[derive(Clone)]
pub(crate) struct Words {
    searcher: Searcher,
    /// In a union: for each field of the union, the field here. Elsewhere fields are what they are called.
    fields: Option<Arc<[Option<Field>]>>,
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").finish_non_exhaustive()
    }
}

/// Writes the words of the columns into an empty folder, made if need be.
pub(crate) fn write(dir: &Path, spec: &IndexSpec, columns: &[Stored], rows: usize) -> SearchResult<()> {
    std::fs::create_dir_all(dir).map_err(SearchError::engine)?;
    let directory = MmapDirectory::open(dir).map_err(SearchError::engine)?;
    write_into(directory, WRITER_BYTES, spec, columns, rows)
}

/// The words of the columns in memory, and the bytes they take.
pub(crate) fn in_memory(spec: &IndexSpec, columns: &[Stored], rows: usize) -> SearchResult<(Words, u64)> {
    let directory = RamDirectory::create();
    write_into(directory.clone(), WRITER_IN_MEMORY_BYTES, spec, columns, rows)?;
    let bytes = directory.total_mem_usage() as u64;
    Ok((Words::of(Index::open(directory).map_err(SearchError::engine)?)?, bytes))
}

fn write_into(
    directory: impl Into<Box<dyn Directory>>,
    writer_bytes: usize,
    spec: &IndexSpec,
    columns: &[Stored],
    rows: usize,
) -> SearchResult<()> {
    let fields = word_fields(spec);
    let mut writer = Index::builder()
        .schema(schema(spec))
        .tokenizers(analysis::tokenizers())
        .single_segment_index_writer::<TantivyDocument>(directory, writer_bytes)
        .map_err(SearchError::engine)?;
    for row in 0..rows {
        let mut document = TantivyDocument::default();
        for field in &fields {
            if let Some(text) = columns[field.column].texts().and_then(|texts| texts.value(row)) {
                document.add_text(field.field, text);
            }
        }
        writer.add_document(document).map_err(SearchError::engine)?;
    }
    writer.finalize().map_err(SearchError::engine)?;
    Ok(())
}

impl Words {
    /// Opens the index of a folder.
    pub(crate) fn open(dir: &Path) -> SearchResult<Self> {
        Self::of(Index::open_in_dir(dir).map_err(SearchError::engine)?)
    }

    fn of(mut index: Index) -> SearchResult<Self> {
        index.set_tokenizers(analysis::tokenizers());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        let reader: tantivy::IndexReader = reader.map_err(SearchError::engine)?;
        Ok(Self { searcher: reader.searcher(), fields: None })
    }

    /// The same words under the fields of a union.
    pub(crate) fn under(&self, fields: Arc<[Option<Field>]>) -> Self {
        Self { searcher: self.searcher.clone(), fields: Some(fields) }
    }

    /// Whether there are words of this view of the column.
    pub(crate) fn has(&self, field: &WordField) -> bool {
        self.own(field.field).is_some()
    }

    fn own(&self, field: Field) -> Option<Field> {
        self.fields.as_ref().map_or(Some(field), |fields| *fields.get(field.field_id() as usize)?)
    }

    fn shared(&self, own: Field) -> Field {
        let place = |fields: &Arc<[Option<Field>]>| fields.iter().position(|field| *field == Some(own));
        self.fields.as_ref().and_then(place).map_or(own, |place| Field::from_field_id(place as u32))
    }

    fn place(&self, field: &WordField) -> Option<(&SegmentReader, Field)> {
        Some((self.searcher.segment_readers().first()?, self.own(field.field)?))
    }

    /// Adds the rows that hold the word to `bits`, and what they score to `scores`.
    pub(crate) fn word(
        &self,
        field: &WordField,
        word: &str,
        statistics: &Statistics<'_>,
        bits: &mut Bits,
        scores: Option<&mut [f32]>,
    ) -> SearchResult<()> {
        let Some((segment, own)) = self.place(field) else { return Ok(()) };
        let term = Term::from_field_text(own, word);
        let inverted = segment.inverted_index(own).map_err(SearchError::engine)?;
        let option = if scores.is_some() { IndexRecordOption::WithFreqs } else { IndexRecordOption::Basic };
        let postings = inverted.read_postings(&term, option).map_err(SearchError::engine)?;
        let Some(mut postings) = postings else { return Ok(()) };
        let Some(scores) = scores else {
            while postings.doc() != TERMINATED {
                bits.set(postings.doc() as usize);
                postings.advance();
            }
            return Ok(());
        };
        if field.view == View::Whole {
            while postings.doc() != TERMINATED {
                bits.set(postings.doc() as usize);
                scores[postings.doc() as usize] += field.boost;
                postings.advance();
            }
            return Ok(());
        }
        let lengths = segment.get_fieldnorms_reader(own).map_err(SearchError::engine)?;
        let weight = statistics.weight(self, field, word, &term)?;
        while postings.doc() != TERMINATED {
            let row = postings.doc();
            bits.set(row as usize);
            scores[row as usize] += weight.score(lengths.fieldnorm_id(row), postings.term_freq());
            postings.advance();
        }
        Ok(())
    }

    /// Adds what these rows, which ascend, score for the word, and notes which of them have it.
    pub(crate) fn score_rows(
        &self,
        field: &WordField,
        word: &str,
        statistics: &Statistics<'_>,
        rows: &[u32],
        scores: &mut [f32],
        found: &mut [bool],
    ) -> SearchResult<()> {
        let Some((segment, own)) = self.place(field) else { return Ok(()) };
        let term = Term::from_field_text(own, word);
        let inverted = segment.inverted_index(own).map_err(SearchError::engine)?;
        let postings = inverted.read_postings(&term, IndexRecordOption::WithFreqs);
        let Some(mut postings) = postings.map_err(SearchError::engine)? else { return Ok(()) };
        let lengths = match field.view {
            View::Whole => None,
            _ => Some(segment.get_fieldnorms_reader(own).map_err(SearchError::engine)?),
        };
        let weight = lengths.as_ref().map(|_| statistics.weight(self, field, word, &term)).transpose()?;
        for (place, row) in rows.iter().copied().enumerate() {
            if postings.doc() < row {
                postings.seek(row);
            }
            if postings.doc() != row {
                continue;
            }
            found[place] = true;
            scores[place] += match (&weight, &lengths) {
                (Some(weight), Some(lengths)) => {
                    weight.score(lengths.fieldnorm_id(row), postings.term_freq())
                }
                _ => field.boost,
            };
        }
        Ok(())
    }

    /// Adds the rows that hold a word which differs from this one by at most `distance` letters.
    pub(crate) fn near(
        &self,
        field: &WordField,
        word: &str,
        distance: u8,
        bits: &mut Bits,
    ) -> SearchResult<()> {
        let Some((segment, own)) = self.place(field) else { return Ok(()) };
        let query = FuzzyTermQuery::new(Term::from_field_text(own, word), distance, true);
        let scoring = EnableScoring::disabled_from_searcher(&self.searcher);
        let weight = query.weight(scoring).map_err(SearchError::engine)?;
        weight
            .for_each_no_score(segment, &mut |rows| rows.iter().for_each(|row| bits.set(*row as usize)))
            .map_err(SearchError::engine)
    }

    /// Adds the rows that hold a word which starts with `prefix`.
    pub(crate) fn prefix(&self, field: &WordField, prefix: &str, bits: &mut Bits) -> SearchResult<()> {
        let Some((segment, own)) = self.place(field) else { return Ok(()) };
        let inverted = segment.inverted_index(own).map_err(SearchError::engine)?;
        let mut terms =
            inverted.terms().range().ge(prefix.as_bytes()).into_stream().map_err(SearchError::engine)?;
        while terms.advance() {
            if !terms.key().starts_with(prefix.as_bytes()) {
                break;
            }
            let postings = inverted.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic);
            let mut postings = postings.map_err(SearchError::engine)?;
            while postings.doc() != TERMINATED {
                bits.set(postings.doc() as usize);
                postings.advance();
            }
        }
        Ok(())
    }

    /// Hands out each word of a field with the lines that have it, in the order of the alphabet.
    pub(crate) fn each_word(
        &self,
        field: &WordField,
        deadline: &Deadline,
        mut take: impl FnMut(&[u8], &LinesOfWord<'_>) -> SearchResult<()>,
    ) -> SearchResult<()> {
        let Some((segment, own)) = self.place(field) else { return Ok(()) };
        let index = segment.inverted_index(own).map_err(SearchError::engine)?;
        let mut words = index.terms().stream().map_err(SearchError::engine)?;
        let mut seen: u64 = 0;
        while words.advance() {
            if seen.is_multiple_of(WORDS_PER_CHECK) {
                deadline.check()?;
            }
            seen += 1;
            take(words.key(), &LinesOfWord { index: &index, info: words.value() })?;
        }
        Ok(())
    }

    /// The first rows of `among` that have a word.
    pub(crate) fn first_rows(
        &self,
        field: &WordField,
        word: &str,
        among: &Bits,
        rows_max: usize,
    ) -> SearchResult<Vec<usize>> {
        let mut rows = Vec::new();
        let Some((segment, own)) = self.place(field) else { return Ok(rows) };
        let index = segment.inverted_index(own).map_err(SearchError::engine)?;
        let term = Term::from_field_text(own, word);
        let postings = index.read_postings(&term, IndexRecordOption::Basic).map_err(SearchError::engine)?;
        let Some(mut postings) = postings else { return Ok(rows) };
        while postings.doc() != TERMINATED && rows.len() < rows_max {
            let row = postings.doc() as usize;
            if among.get(row) {
                rows.push(row);
            }
            postings.advance();
        }
        Ok(rows)
    }

    /// Adds the rows that hold the words (at least two) one after the other, and what they score.
    pub(crate) fn phrase(
        &self,
        field: &WordField,
        words: &[analysis::Placed],
        slop: u32,
        statistics: &Statistics<'_>,
        bits: &mut Bits,
        scores: Option<&mut [f32]>,
    ) -> SearchResult<()> {
        let Some((segment, own)) = self.place(field) else { return Ok(()) };
        let terms = words.iter().map(|(place, word)| (*place, Term::from_field_text(own, word))).collect();
        let query = PhraseQuery::new_with_offset_and_slop(terms, slop);
        let Some(scores) = scores else {
            let scoring = EnableScoring::disabled_from_searcher(&self.searcher);
            let weight = query.weight(scoring).map_err(SearchError::engine)?;
            return weight
                .for_each_no_score(segment, &mut |rows| rows.iter().for_each(|row| bits.set(*row as usize)))
                .map_err(SearchError::engine);
        };
        let asked = Asked { statistics, by: self };
        let scoring = EnableScoring::enabled_from_statistics_provider(&asked, &self.searcher);
        let weight = query.weight(scoring).map_err(SearchError::engine)?;
        weight
            .for_each(segment, &mut |row, score| {
                bits.set(row as usize);
                scores[row as usize] += score * field.boost;
            })
            .map_err(SearchError::engine)
    }
}

/// The lines of one part that have a word.
pub(crate) struct LinesOfWord<'a> {
    index: &'a InvertedIndexReader,
    info: &'a TermInfo,
}

impl LinesOfWord<'_> {
    /// Number of lines, those included that were removed since.
    pub(crate) fn count(&self) -> u64 {
        u64::from(self.info.doc_freq)
    }

    /// Number of lines of `rows` that have it.
    pub(crate) fn count_in(&self, rows: &Bits) -> SearchResult<u64> {
        let postings = self.index.read_postings_from_terminfo(self.info, IndexRecordOption::Basic);
        let mut postings = postings.map_err(SearchError::engine)?;
        let mut found = 0;
        while postings.doc() != TERMINATED {
            found += u64::from(rows.get(postings.doc() as usize));
            postings.advance();
        }
        Ok(found)
    }
}

/// Frequencies of words over all parts, so that a score means the same in each.
pub(crate) struct Statistics<'a> {
    parts: Vec<&'a Words>,
    /// What words weigh, by their field as the spec has it: each is looked up in all parts once, not once per part.
    weights: RefCell<HashMap<(Field, String), Rc<Bm25Weight>>>,
}

impl<'a> Statistics<'a> {
    /// The frequencies in these parts.
    pub(crate) fn new(parts: Vec<&'a Words>) -> Self {
        Self { parts, weights: RefCell::default() }
    }

    /// What a word weighs; `term` is the word in the field of the part `by`.
    fn weight(&self, by: &Words, field: &WordField, word: &str, term: &Term) -> SearchResult<Rc<Bm25Weight>> {
        let key = (field.field, word.to_owned());
        if let Some(known) = self.weights.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let weight = Bm25Weight::for_terms(&Asked { statistics: self, by }, std::slice::from_ref(term));
        let weight = Rc::new(weight.map_err(SearchError::engine)?.boost_by(field.boost));
        self.weights.borrow_mut().insert(key, Rc::clone(&weight));
        Ok(weight)
    }
}

/// The statistics, asked in the fields of one of the parts.
struct Asked<'a> {
    statistics: &'a Statistics<'a>,
    by: &'a Words,
}

impl Asked<'_> {
    /// Sums over the parts that have the field, each asked in its own terms.
    fn sum(
        &self,
        field: Field,
        count: impl Fn(&Searcher, Field) -> tantivy::Result<u64>,
    ) -> tantivy::Result<u64> {
        let shared = self.by.shared(field);
        let own = |words: &&Words| words.own(shared);
        self.statistics.parts.iter().filter_map(|words| Some(count(&words.searcher, own(words)?))).sum()
    }
}

impl Bm25StatisticsProvider for Asked<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        self.sum(field, Bm25StatisticsProvider::total_num_tokens)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        self.statistics.parts.iter().map(|words| words.searcher.total_num_docs()).sum()
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let value = term.value();
        let text = value.as_str().unwrap_or_default();
        self.sum(term.field(), |searcher, own| {
            Bm25StatisticsProvider::doc_freq(searcher, &Term::from_field_text(own, text))
        })
    }
}
