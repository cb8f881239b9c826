//! The words of a part: a tantivy index of one segment, whose documents are the rows in their order.
//!
//! A column that is asked in two views, stems and words as they are, is one field of tantivy: a question for a stem is one for
//! all the words that have it ([`Stems`]). Parts written before that was so have a field for each view, and say so by the
//! names of their fields.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use halle_search::IndexSpec;
use halle_search::SearchError;
use halle_search::engine::SearchResult;
use tantivy::directory::{Directory, MmapDirectory, RamDirectory};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::TermInfo;
use tantivy::query::{EnableScoring, FuzzyTermQuery, PhraseQuery, Query, RegexPhraseQuery};
use tantivy::schema::Field;
use tantivy::{Index, InvertedIndexReader, ReloadPolicy, Searcher, SegmentReader, TantivyDocument, Term};

use super::column::Column as Stored;
use super::fields::{WordField, name_of, schema, word_fields, written};
use super::file::{self, Buffers};
use super::postings::{self, Weighed};
use super::statistics::Statistics;
use super::stems::{self, Lists, Stems, StemsPlaces};
use crate::analysis::{self, View};
use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::select::Scores;
use crate::select::texts::is_near;

/// What tantivy may hold while it writes one part, in bytes; a hint, parts are small.
const WRITER_BYTES: usize = 64 << 20;

/// The same for a part in memory, of which there may be one for each line: the table of words begins this small.
const WRITER_IN_MEMORY_BYTES: usize = 100_000;

/// Words handed out between two looks at the clock.
const WORDS_PER_CHECK: u32 = 256;

/// Where a view is in a part.
#[derive(Debug, Clone)]
struct Source {
    field: Field,
    /// Where the field is that of both views.
    stems: Option<Arc<Stems>>,
}

/// The words of a part, open for reading.
#[derive(Clone)]
pub(crate) struct Words {
    searcher: Searcher,
    /// In the order of the views of the spec; `None` where the part has no such words.
    sources: Arc<[Option<Source>]>,
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").finish_non_exhaustive()
    }
}

/// Writes the words of the columns into an empty folder, made if need be, and the stems into a file.
pub(crate) fn write(
    dir: &Path,
    stems: &Path,
    spec: &IndexSpec,
    columns: &[Stored],
    rows: usize,
) -> SearchResult<()> {
    std::fs::create_dir_all(dir).map_err(SearchError::engine)?;
    let directory = MmapDirectory::open(dir).map_err(SearchError::engine)?;
    let index = write_into(directory, WRITER_BYTES, spec, columns, rows)?;
    let tables = tables_of(spec, &searcher(index)?)?;
    if tables.is_empty() {
        return Ok(());
    }
    file::create(stems, |mut file| {
        let places = tables.iter().map(|table| table.write(&mut file)).collect::<SearchResult<Vec<_>>>()?;
        file.finish(&places)
    })
}

/// The words of the columns in memory, and the bytes they take.
pub(crate) fn in_memory(spec: &IndexSpec, columns: &[Stored], rows: usize) -> SearchResult<(Words, u64)> {
    let directory = RamDirectory::create();
    let index = write_into(directory.clone(), WRITER_IN_MEMORY_BYTES, spec, columns, rows)?;
    let searcher = searcher(index)?;
    let tables = tables_of(spec, &searcher)?;
    let bytes = directory.total_mem_usage() as u64 + tables.iter().map(Stems::bytes).sum::<u64>();
    Ok((Words::of(spec, searcher, tables)?, bytes))
}

fn write_into(
    directory: impl Into<Box<dyn Directory>>,
    writer_bytes: usize,
    spec: &IndexSpec,
    columns: &[Stored],
    rows: usize,
) -> SearchResult<Index> {
    let mut writer = Index::builder()
        .schema(schema(spec))
        .tokenizers(analysis::tokenizers())
        .single_segment_index_writer::<TantivyDocument>(directory, writer_bytes)
        .map_err(SearchError::engine)?;
    let fields = written(spec);
    for row in 0..rows {
        let mut document = TantivyDocument::default();
        for (field, (column, _)) in fields.iter().enumerate() {
            if let Some(text) = columns[*column].texts().and_then(|texts| texts.value(row)) {
                document.add_text(Field::from_field_id(field as u32), text);
            }
        }
        writer.add_document(document).map_err(SearchError::engine)?;
    }
    writer.finalize().map_err(SearchError::engine)
}

fn searcher(index: Index) -> SearchResult<Searcher> {
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
    let reader: tantivy::IndexReader = reader.map_err(SearchError::engine)?;
    Ok(reader.searcher())
}

/// The stems of each field of both views, in the order of the fields.
fn tables_of(spec: &IndexSpec, searcher: &Searcher) -> SearchResult<Vec<Stems>> {
    let mut tables = Vec::new();
    for (field, (_, view)) in written(spec).into_iter().enumerate() {
        if view == View::Both {
            let field = Field::from_field_id(field as u32);
            let index = searcher.segment_reader(0).inverted_index(field).map_err(SearchError::engine)?;
            tables.push(Stems::build(index.terms())?);
        }
    }
    Ok(tables)
}

/// A view of a column in a part, ready to be read.
struct Open<'a> {
    segment: &'a SegmentReader,
    index: Arc<InvertedIndexReader>,
    field: Field,
    /// Which terms stand for a word of this view, where it is not the term that is the word.
    lists: Option<&'a Lists>,
}

impl Words {
    /// Opens the index of a folder, and the file of its stems.
    pub(crate) fn open(dir: &Path, stems: &Path, spec: &IndexSpec) -> SearchResult<Self> {
        let mut index = Index::open_in_dir(dir).map_err(SearchError::engine)?;
        index.set_tokenizers(analysis::tokenizers());
        let searcher = searcher(index)?;
        let has_both = searcher.schema().fields().any(|(_, entry)| entry.name().ends_with(View::Both.name()));
        let mut tables = Vec::new();
        if has_both {
            let (file, places): (Buffers, Vec<StemsPlaces>) = Buffers::map(stems)?;
            let table = |places| Stems::open(&file, places);
            tables = places.iter().map(table).collect::<SearchResult<Vec<_>>>()?;
        }
        Self::of(spec, searcher, tables)
    }

    fn of(spec: &IndexSpec, searcher: Searcher, tables: Vec<Stems>) -> SearchResult<Self> {
        let schema = searcher.schema();
        let mut tables = tables.into_iter().map(Arc::new);
        let mut both: Option<(usize, Source)> = None;
        let mut sources = Vec::new();
        for wanted in word_fields(spec) {
            if let Ok(field) = schema.get_field(&name_of(wanted.column, wanted.view)) {
                sources.push(Some(Source { field, stems: None }));
                continue;
            }
            if both.as_ref().is_none_or(|(column, _)| *column != wanted.column) {
                let field =
                    schema.get_field(&name_of(wanted.column, View::Both)).map_err(SearchError::engine)?;
                let stems = Some(tables.next().ok_or_else(stems::damaged)?);
                both = Some((wanted.column, Source { field, stems }));
            }
            sources.push(both.as_ref().map(|(_, source)| source.clone()));
        }
        Ok(Self { searcher, sources: sources.into() })
    }

    /// The same words under the views of a union: for each, the place of the view here.
    pub(crate) fn under(&self, views: &[Option<usize>]) -> Self {
        let source = |own: &Option<usize>| own.and_then(|own| self.sources[own].clone());
        Self { searcher: self.searcher.clone(), sources: views.iter().map(source).collect() }
    }

    fn source(&self, field: &WordField) -> Option<&Source> {
        self.sources.get(field.at)?.as_ref()
    }

    /// Whether there are words of this view of the column.
    pub(crate) fn has(&self, field: &WordField) -> bool {
        self.source(field).is_some()
    }

    /// Whether two views are read from the same terms.
    pub(crate) fn share(&self, a: &WordField, b: &WordField) -> bool {
        self.source(a).zip(self.source(b)).is_some_and(|(a, b)| a.field == b.field)
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> u64 {
        self.searcher.segment_readers().iter().map(|segment| u64::from(segment.max_doc())).sum()
    }

    /// Number of words of the view in all rows, stop words included where words are kept for both views.
    pub(crate) fn length(&self, field: &WordField) -> SearchResult<u64> {
        Ok(self.read(field)?.map_or(0, |open| open.index.total_num_tokens()))
    }

    fn read(&self, field: &WordField) -> SearchResult<Option<Open<'_>>> {
        let (Some(segment), Some(source)) = (self.searcher.segment_readers().first(), self.source(field))
        else {
            return Ok(None);
        };
        let index = segment.inverted_index(source.field).map_err(SearchError::engine)?;
        let lists = source.stems.as_deref().map(|stems| match field.view {
            View::Stemmed => &stems.of_stems,
            _ => &stems.of_words,
        });
        Ok(Some(Open { segment, index, field: source.field, lists }))
    }

    /// The terms that stand for a word.
    pub(crate) fn terms(&self, field: &WordField, word: &str) -> SearchResult<Vec<TermInfo>> {
        self.read(field)?.map_or(Ok(Vec::new()), |open| open.terms(field.view, word))
    }

    /// Adds the rows that have one of these terms.
    pub(crate) fn fill<'t>(
        &self,
        field: &WordField,
        terms: impl IntoIterator<Item = &'t TermInfo>,
        bits: &mut Bits,
    ) -> SearchResult<()> {
        self.read(field)?.map_or(Ok(()), |open| postings::fill(&open.index, terms, bits))
    }

    /// Adds the rows that have one of the words of a field, and what they score.
    pub(crate) fn score(
        &self,
        field: &WordField,
        words: &[Weighed],
        bits: &mut Bits,
        scores: &mut Scores,
    ) -> SearchResult<()> {
        let Some(open) = self.read(field)? else { return Ok(()) };
        postings::score(&open.index, open.lengths(field)?.as_ref(), words, bits, scores)
    }

    /// Adds what these rows, which ascend, score for the word, and notes which of them have it.
    pub(crate) fn score_rows(
        &self,
        field: &WordField,
        word: &Weighed,
        rows: &[u32],
        scores: &mut [f32],
        found: &mut [bool],
    ) -> SearchResult<()> {
        let Some(open) = self.read(field)?.filter(|_| !word.terms.is_empty()) else { return Ok(()) };
        postings::score_rows(&open.index, open.lengths(field)?.as_ref(), word, rows, scores, found)
    }

    /// Adds the rows that hold a word which differs from this one by at most `distance` letters.
    pub(crate) fn near(
        &self,
        field: &WordField,
        word: &str,
        distance: u8,
        bits: &mut Bits,
    ) -> SearchResult<()> {
        let Some(open) = self.read(field)? else { return Ok(()) };
        let query = FuzzyTermQuery::new(Term::from_field_text(open.field, word), distance, true);
        let scoring = EnableScoring::disabled_from_searcher(&self.searcher);
        let weight = query.weight(scoring).map_err(SearchError::engine)?;
        weight
            .for_each_no_score(open.segment, &mut |rows| rows.iter().for_each(|row| bits.set(*row as usize)))
            .map_err(SearchError::engine)?;
        // Terms that are more than their word are not found by how they are written.
        for (text, terms) in open.lists.into_iter().flat_map(Lists::iter) {
            let text = std::str::from_utf8(text).map_err(SearchError::engine)?;
            if is_near(word, text, distance) {
                postings::fill(&open.index, &open.infos(terms)?, bits)?;
            }
        }
        Ok(())
    }

    /// Adds the rows that hold a word which starts with `prefix`.
    pub(crate) fn prefix(&self, field: &WordField, prefix: &str, bits: &mut Bits) -> SearchResult<()> {
        let Some(open) = self.read(field)? else { return Ok(()) };
        let terms = open.index.terms().range().ge(prefix.as_bytes());
        let mut terms = terms.into_stream().map_err(SearchError::engine)?;
        while terms.advance() && terms.key().starts_with(prefix.as_bytes()) {
            postings::fill(&open.index, [terms.value()], bits)?;
        }
        Ok(())
    }

    /// Hands out each word of a field with the lines that have it, in no order.
    pub(crate) fn each_word(
        &self,
        field: &WordField,
        deadline: &Deadline,
        mut take: impl FnMut(&[u8], &LinesOfWord<'_>) -> SearchResult<()>,
    ) -> SearchResult<()> {
        let Some(open) = self.read(field)? else { return Ok(()) };
        let is_stemmed = field.view == View::Stemmed;
        let stems = self.source(field).and_then(|own| own.stems.as_deref()).filter(|_| is_stemmed);
        let listed = stems.map(|stems| stems.not_own_stems(open.index.terms().num_terms()));
        let mut infos: HashMap<u32, TermInfo> = HashMap::new();
        let mut words = open.index.terms().stream().map_err(SearchError::engine)?;
        let mut seen: u32 = 0;
        while words.advance() {
            if seen.is_multiple_of(WORDS_PER_CHECK) {
                deadline.check()?;
            }
            if listed.as_ref().is_some_and(|listed| listed.get(seen as usize)) {
                infos.insert(seen, words.value().clone());
            } else {
                let terms = std::slice::from_ref(words.value());
                take(words.key(), &LinesOfWord { index: &open.index, terms })?;
            }
            seen += 1;
        }
        for (stem, terms) in stems.into_iter().flat_map(|stems| stems.of_stems.iter()) {
            deadline.check()?;
            let terms: Vec<TermInfo> = terms.iter().filter_map(|term| infos.get(term).cloned()).collect();
            take(stem, &LinesOfWord { index: &open.index, terms: &terms })?;
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
        let Some(open) = self.read(field)? else { return Ok(rows) };
        postings::each(&open.index, &open.terms(field.view, word)?, |row| {
            if among.get(row as usize) {
                rows.push(row as usize);
            }
            rows.len() < rows_max
        })?;
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
        scores: Option<&mut Scores>,
    ) -> SearchResult<()> {
        let Some(open) = self.read(field)? else { return Ok(()) };
        let mut places = Vec::with_capacity(words.len());
        for (place, word) in words {
            let texts = open.texts(field.view, word)?;
            if texts.is_empty() {
                return Ok(());
            }
            places.push((*place, texts.join("|")));
        }
        let names: Vec<String> = places.iter().map(|(_, name)| name.clone()).collect();
        // No word has this character, which stands between alternatives.
        let query: Box<dyn Query> = if names.iter().any(|name| name.contains('|')) {
            Box::new(RegexPhraseQuery::new_with_offset_and_slop(open.field, places, slop))
        } else {
            let term = |(place, text): (usize, String)| (place, Term::from_field_text(open.field, &text));
            Box::new(PhraseQuery::new_with_offset_and_slop(places.into_iter().map(term).collect(), slop))
        };
        let Some(scores) = scores else {
            let scoring = EnableScoring::disabled_from_searcher(&self.searcher);
            let weight = query.weight(scoring).map_err(SearchError::engine)?;
            let mut take = |rows: &[u32]| rows.iter().for_each(|row| bits.set(*row as usize));
            return weight.for_each_no_score(open.segment, &mut take).map_err(SearchError::engine);
        };
        let named = names.iter().zip(words).map(|(name, (_, word))| (name.as_str(), word.as_str()));
        let counted = statistics.counted(field, named)?;
        let scoring = EnableScoring::enabled_from_statistics_provider(&counted, &self.searcher);
        let weight = query.weight(scoring).map_err(SearchError::engine)?;
        let mut take = |row: u32, score: f32| scores.add(bits, row, score * field.boost);
        weight.for_each(open.segment, &mut take).map_err(SearchError::engine)
    }
}

impl Open<'_> {
    /// The lengths of the texts, where they count.
    fn lengths(&self, field: &WordField) -> SearchResult<Option<FieldNormReader>> {
        if field.view == View::Whole {
            return Ok(None);
        }
        self.segment.get_fieldnorms_reader(self.field).map(Some).map_err(SearchError::engine)
    }

    fn infos(&self, terms: &[u32]) -> SearchResult<Vec<TermInfo>> {
        let info =
            |text| self.index.terms().get(text).map_err(SearchError::engine)?.ok_or_else(stems::damaged);
        terms.iter().map(|term| info(self.text(*term)?)).collect()
    }

    /// A term as it is written.
    fn text(&self, term: u32) -> SearchResult<String> {
        let mut bytes = Vec::new();
        let dictionary = self.index.terms();
        let is_there = (term as usize) < dictionary.num_terms()
            && dictionary.ord_to_term(u64::from(term), &mut bytes).map_err(SearchError::engine)?;
        String::from_utf8(bytes).ok().filter(|_| is_there).ok_or_else(stems::damaged)
    }

    /// The terms that stand for a word.
    fn terms(&self, view: View, word: &str) -> SearchResult<Vec<TermInfo>> {
        if let Some(terms) = self.lists.and_then(|lists| lists.get(word)) {
            return self.infos(terms);
        }
        let found = self.index.terms().get(word).map_err(SearchError::engine)?;
        Ok(found.filter(|_| self.stands_for_itself(view, word)).into_iter().collect())
    }

    /// The same, as they are written.
    fn texts(&self, view: View, word: &str) -> SearchResult<Vec<String>> {
        let Some(terms) = self.lists.and_then(|lists| lists.get(word)) else {
            let found = self.index.terms().term_ord(word).map_err(SearchError::engine)?;
            let is_found = found.is_some() && self.stands_for_itself(view, word);
            return Ok(is_found.then(|| word.to_owned()).into_iter().collect());
        };
        terms.iter().map(|term| self.text(*term)).collect()
    }

    /// Whether a term of which no list tells stands for the word that it is. As a stem it does if the word is its own stem.
    fn stands_for_itself(&self, view: View, word: &str) -> bool {
        self.lists.is_none()
            || view != View::Stemmed
            || analysis::stem_of(word).is_some_and(|stem| stem == word)
    }
}

/// The lines of one part that have a word.
pub(crate) struct LinesOfWord<'a> {
    index: &'a InvertedIndexReader,
    terms: &'a [TermInfo],
}

impl LinesOfWord<'_> {
    /// Number of lines, those included that were removed since.
    pub(crate) fn count(&self) -> SearchResult<u64> {
        if let [only] = self.terms {
            return Ok(u64::from(only.doc_freq));
        }
        let mut count = 0;
        postings::each(self.index, self.terms, |_| {
            count += 1;
            true
        })?;
        Ok(count)
    }

    /// Number of lines of `rows` that have it.
    pub(crate) fn count_in(&self, rows: &Bits) -> SearchResult<u64> {
        let mut count = 0;
        postings::each(self.index, self.terms, |row| {
            count += u64::from(rows.get(row as usize));
            true
        })?;
        Ok(count)
    }
}
