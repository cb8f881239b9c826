//! `words_agg`: which words a column has in the lines that match.
//!
//! Words are counted from the postings of tantivy, line by line, exactly. Stems are then shown in the form in which the
//! first lines that have them write them most often.

use std::collections::HashMap;

use halle_search::SearchError;
use halle_search::engine::{SearchResult, WordCount, Words, WordsRequest};
use tantivy::tokenizer::{TokenStream as _, Tokenizer as _};

use crate::analysis::{Analyser, View};
use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::part::fields::{WordField, word_fields};
use crate::select::Selection;
use crate::snapshot::{Field, Snapshot};

/// Distinct words held while counting. Beyond, those that were seen once are let go: they are not among the first.
const WORDS_HELD_MAX: usize = 1 << 20;

/// Lines of one part that are read to find how a word is written.
const FORMS_LINES_MAX: usize = 64;

/// Lines that must have a word before it is called significant, if there are as many.
const SIGNIFICANT_LINES_MIN: u64 = 3;

/// The words of a column.
///
/// # Errors
///
/// `BadRequest` when the column has no words.
pub(crate) fn words(snapshot: &Snapshot, request: &WordsRequest, deadline: &Deadline) -> SearchResult<Words> {
    let field = field_of(snapshot, &request.column)?;
    let selection = Selection::new(snapshot, &request.query, deadline)?;
    let hits: Vec<Bits> = (0..snapshot.parts.len())
        .map(|part| Ok(selection.hits(part, false)?.rows))
        .collect::<SearchResult<_>>()?;
    let total: u64 = hits.iter().map(|rows| rows.count() as u64).sum();
    let mut counts: HashMap<Vec<u8>, u64> = HashMap::new();
    for (live, rows) in snapshot.parts.iter().zip(&hits) {
        let Some(index) = live.part.words.as_ref().filter(|_| rows.count() > 0) else { continue };
        index.each_word(&field, deadline, |word, lines| {
            let found = lines.count_in(rows)?;
            if found > 0 {
                if counts.len() >= WORDS_HELD_MAX && !counts.contains_key(word) {
                    counts.retain(|_, count| *count > 1);
                }
                *counts.entry(word.to_vec()).or_default() += found;
            }
            Ok(())
        })?;
    }
    let scores = if request.significant {
        significance(snapshot, &field, &counts, total, deadline)?
    } else {
        counts.iter().map(|(word, count)| (word.clone(), *count as f64 / total.max(1) as f64)).collect()
    };
    let mut best: Vec<(Vec<u8>, f64)> = scores;
    let by_score = |a: &(Vec<u8>, f64), b: &(Vec<u8>, f64)| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0));
    best.sort_unstable_by(by_score);
    best.truncate(request.size);
    let mut speller = Speller { snapshot, field, hits: &hits, stems: Analyser::new(field.view) };
    let words = best.into_iter().map(|(word, score)| {
        deadline.check()?;
        let total = counts.get(&word).copied().unwrap_or(0);
        Ok(WordCount { word: speller.form_of(&String::from_utf8_lossy(&word))?, total, score })
    });
    Ok(Words { total, words: words.collect::<SearchResult<_>>()? })
}

/// The view of the column whose words are counted: stems if there are some.
fn field_of(snapshot: &Snapshot, name: &str) -> SearchResult<WordField> {
    let fields = word_fields(&snapshot.spec);
    let of_view = |view| {
        let column = snapshot.field(name);
        fields.iter().find(|field| column == Some(Field::Column(field.column)) && field.view == view)
    };
    of_view(View::Stemmed).or_else(|| of_view(View::Standard)).copied().ok_or_else(|| {
        SearchError::BadRequest(format!(
            "Le champ {name} n'a pas de mots : sa recherche textuelle est désactivée."
        ))
    })
}

/// Words that are more frequent among the matches than among all lines, by the measure of Elasticsearch (JLH): how many
/// more lines have it, times how many times more.
fn significance(
    snapshot: &Snapshot,
    field: &WordField,
    counts: &HashMap<Vec<u8>, u64>,
    total: u64,
    deadline: &Deadline,
) -> SearchResult<Vec<(Vec<u8>, f64)>> {
    let mut everywhere: HashMap<&[u8], u64> = HashMap::new();
    for live in &snapshot.parts {
        let Some(index) = &live.part.words else { continue };
        let alive = live.deleted.as_ref().map(|_| live.alive());
        index.each_word(field, deadline, |word, lines| {
            if let Some((word, _)) = counts.get_key_value(word) {
                let found = alive.as_ref().map_or_else(|| lines.count(), |alive| lines.count_in(alive))?;
                *everywhere.entry(word).or_default() += found;
            }
            Ok(())
        })?;
    }
    let (total, all) = (total.max(1) as f64, snapshot.rows().max(1) as f64);
    let lines_min = SIGNIFICANT_LINES_MIN.min(total as u64);
    let score = |(word, count): (&Vec<u8>, &u64)| {
        // Words that were let go while counting may be known less than they are.
        let known = everywhere.get(word.as_slice()).copied().unwrap_or(0).max(*count);
        let (here, there) = (*count as f64 / total, (known as f64 / all).min(1.0));
        (*count >= lines_min && here > there).then(|| (word.clone(), (here - there) * (here / there)))
    };
    Ok(counts.iter().filter_map(score).collect())
}

/// Finds how a word is written.
struct Speller<'a> {
    snapshot: &'a Snapshot,
    field: WordField,
    hits: &'a [Bits],
    stems: Analyser,
}

impl Speller<'_> {
    /// The most frequent form of the word in the first lines that match and have it; the word itself if there is none.
    fn form_of(&mut self, word: &str) -> SearchResult<String> {
        let mut forms: HashMap<String, u32> = HashMap::new();
        for (live, rows) in self.snapshot.parts.iter().zip(self.hits) {
            let Some(index) = &live.part.words else { continue };
            let texts = live.part.columns[self.field.column].texts();
            let Some(texts) = texts else { continue };
            for row in index.first_rows(&self.field, word, rows, FORMS_LINES_MAX)? {
                let Some(text) = texts.value(row) else { continue };
                let mut stream = self.stems.token_stream(text);
                while stream.advance() {
                    let token = stream.token();
                    if token.text == word {
                        let form = text[token.offset_from..token.offset_to].to_lowercase();
                        *forms.entry(form).or_default() += 1;
                    }
                }
            }
            if !forms.is_empty() {
                break;
            }
        }
        // Of forms that are as frequent, the first of the alphabet: the answer is the same each time.
        let best = forms.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
        Ok(best.map_or_else(|| word.to_owned(), |(form, _)| form))
    }
}
