//! The words of a part: a tantivy index of one segment, whose documents are the rows in their order.

use std::path::Path;

use halle_model::{Column, ColumnKind, concept};
use halle_search::IndexSpec;
use halle_search::SearchError;
use halle_search::engine::SearchResult;
use tantivy::directory::MmapDirectory;
use tantivy::postings::Postings as _;
use tantivy::query::{Bm25StatisticsProvider, Bm25Weight, EnableScoring, PhraseQuery, Query as _};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{DocSet as _, Index, ReloadPolicy, Searcher, TERMINATED, TantivyDocument, Term};

use super::column::Column as Stored;
use crate::analysis::{self, View};
use crate::bits::Bits;

/// What tantivy may hold while it writes one part, in bytes; a hint, parts are small.
const WRITER_BYTES: usize = 64 << 20;

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
    column.kind() == ColumnKind::Text && (!internal || column.key.starts_with("_file."))
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
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").finish_non_exhaustive()
    }
}

/// Writes the words of the columns into an empty folder.
pub(crate) fn write(dir: &Path, spec: &IndexSpec, columns: &[Stored], rows: usize) -> SearchResult<()> {
    std::fs::create_dir_all(dir).map_err(SearchError::engine)?;
    let fields = word_fields(spec);
    let directory = MmapDirectory::open(dir).map_err(SearchError::engine)?;
    let mut writer = Index::builder()
        .schema(schema(spec))
        .tokenizers(analysis::tokenizers())
        .single_segment_index_writer::<TantivyDocument>(directory, WRITER_BYTES)
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
        let mut index = Index::open_in_dir(dir).map_err(SearchError::engine)?;
        index.set_tokenizers(analysis::tokenizers());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        let reader: tantivy::IndexReader = reader.map_err(SearchError::engine)?;
        Ok(Self { searcher: reader.searcher() })
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
        let term = Term::from_field_text(field.field, word);
        let Some(segment) = self.searcher.segment_readers().first() else { return Ok(()) };
        let inverted = segment.inverted_index(field.field).map_err(SearchError::engine)?;
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
        let lengths = segment.get_fieldnorms_reader(field.field).map_err(SearchError::engine)?;
        let weight = statistics.weight(&term)?.boost_by(field.boost);
        while postings.doc() != TERMINATED {
            let row = postings.doc();
            bits.set(row as usize);
            scores[row as usize] += weight.score(lengths.fieldnorm_id(row), postings.term_freq());
            postings.advance();
        }
        Ok(())
    }

    /// Adds the rows that hold a word which starts with `prefix`.
    pub(crate) fn prefix(&self, field: &WordField, prefix: &str, bits: &mut Bits) -> SearchResult<()> {
        let Some(segment) = self.searcher.segment_readers().first() else { return Ok(()) };
        let inverted = segment.inverted_index(field.field).map_err(SearchError::engine)?;
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
        let Some(segment) = self.searcher.segment_readers().first() else { return Ok(()) };
        let terms =
            words.iter().map(|(place, word)| (*place, Term::from_field_text(field.field, word))).collect();
        let query = PhraseQuery::new_with_offset_and_slop(terms, slop);
        let Some(scores) = scores else {
            let scoring = EnableScoring::disabled_from_searcher(&self.searcher);
            let weight = query.weight(scoring).map_err(SearchError::engine)?;
            return weight
                .for_each_no_score(segment, &mut |rows| rows.iter().for_each(|row| bits.set(*row as usize)))
                .map_err(SearchError::engine);
        };
        let scoring = EnableScoring::enabled_from_statistics_provider(statistics, &self.searcher);
        let weight = query.weight(scoring).map_err(SearchError::engine)?;
        weight
            .for_each(segment, &mut |row, score| {
                bits.set(row as usize);
                scores[row as usize] += score * field.boost;
            })
            .map_err(SearchError::engine)
    }
}

/// Frequencies of words over all parts, so that a score means the same in each.
pub(crate) struct Statistics<'a>(pub(crate) Vec<&'a Words>);

impl Statistics<'_> {
    fn weight(&self, term: &Term) -> SearchResult<Bm25Weight> {
        Bm25Weight::for_terms(self, std::slice::from_ref(term)).map_err(SearchError::engine)
    }

    fn sum(&self, count: impl Fn(&Searcher) -> tantivy::Result<u64>) -> tantivy::Result<u64> {
        self.0.iter().map(|words| count(&words.searcher)).sum()
    }
}

impl Bm25StatisticsProvider for Statistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        self.sum(|searcher| searcher.total_num_tokens(field))
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        self.sum(Bm25StatisticsProvider::total_num_docs)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        self.sum(|searcher| Bm25StatisticsProvider::doc_freq(searcher, term))
    }
}
