//! `_highlight`: the passages of a text in which words of the question occur.

use std::ops::Range;

use halle_search::SearchError;
use halle_search::engine::SearchResult;
use tantivy::tokenizer::{TokenStream as _, Tokenizer as _};

use super::render::string;
use crate::analysis::{Analyser, View};
use crate::order::RowAt;
use crate::select::plan::{Plan, Words};
use crate::select::texts::is_near;
use crate::snapshot::{Field, Snapshot};

/// Length of a passage, in characters.
const FRAGMENT_CHARS: usize = 100;

/// Passages of one text.
const FRAGMENTS_MAX: usize = 5;

/// Length of the beginning that stands for a text in which nothing was found, in characters.
const BEGINNING_CHARS_MAX: usize = 300;

/// What stands before and after a word that was found.
const MARKS: [&str; 2] = ["<em class=\"highlighted\">", "</em>"];

/// Finds the passages of some columns.
pub(super) struct Highlighter<'a> {
    snapshot: &'a Snapshot,
    columns: Vec<Marked<'a>>,
}

struct Marked<'a> {
    name: String,
    column: usize,
    /// What is looked for in each view of the text.
    wanted: Vec<(Analyser, View, Vec<&'a Words>)>,
}

/// A word of a text: its place among the words, where it is, and what analysis makes of it.
struct Found {
    place: usize,
    at: Range<usize>,
    word: String,
}

impl<'a> Highlighter<'a> {
    /// A highlighter of these columns for the matches of `plan`; none when no column is asked.
    ///
    /// # Errors
    ///
    /// `BadRequest` in the words of Data Fair for a column that does not exist.
    pub(super) fn new(
        snapshot: &'a Snapshot,
        plan: &'a Plan,
        names: &[String],
    ) -> SearchResult<Option<Self>> {
        let mut columns = Vec::new();
        for name in names {
            let Field::Column(column) = snapshot.selected(name)? else {
                let text = format!("Impossible de mettre en valeur le champ {name}, ce n'est pas un texte.");
                return Err(SearchError::BadRequest(text));
            };
            let mut wanted: Vec<(Analyser, View, Vec<&Words>)> = Vec::new();
            collect(plan, &mut |field, words| {
                if field.column != column {
                    return;
                }
                match wanted.iter_mut().find(|(_, view, _)| *view == field.view) {
                    Some((_, _, all)) => all.push(words),
                    None => wanted.push((Analyser::new(field.view), field.view, vec![words])),
                }
            });
            columns.push(Marked { name: name.clone(), column, wanted });
        }
        Ok((!columns.is_empty()).then_some(Self { snapshot, columns }))
    }

    /// Adds `_highlight` to the object at the end of `out`.
    pub(super) fn append(&mut self, out: &mut Vec<u8>, (part, row): RowAt) {
        out.pop();
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        out.extend_from_slice(b"\"_highlight\":{");
        let part = &self.snapshot.parts[part as usize].part;
        let mut is_first = true;
        for marked in &mut self.columns {
            let texts = part.columns[marked.column].texts();
            let Some(text) = texts.and_then(|texts| texts.value(row as usize)) else { continue };
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            string(out, &marked.name);
            out.extend_from_slice(b":[");
            for (at, fragment) in fragments(text, &marked.spans(text)).iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                string(out, fragment);
            }
            out.push(b']');
        }
        out.extend_from_slice(b"}}");
    }
}

/// The words that make lines match, with the views they are looked up in.
fn collect<'p>(plan: &'p Plan, take: &mut impl FnMut(&'p crate::part::fields::WordField, &'p Words)) {
    match plan {
        Plan::And(parts) | Plan::Or(parts) => parts.iter().for_each(|part| collect(part, take)),
        Plan::Constant(part) | Plan::Unscored(part) => collect(part, take),
        Plan::Text(field, words) => take(field, words),
        // What must not occur does not occur.
        Plan::Not(_)
        | Plan::All
        | Plan::Nothing
        | Plan::Neutral
        | Plan::Column(..)
        | Plan::Box(_)
        | Plan::Near { .. } => {}
    }
}

impl Marked<'_> {
    /// Where the text has what is looked for, in order, without overlap.
    fn spans(&mut self, text: &str) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        for (analyser, view, wanted) in &mut self.wanted {
            let found = words_of(analyser, *view, text);
            wanted.iter().for_each(|words| matches(words, &found, &mut spans));
        }
        spans.sort_unstable_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        let mut end = 0;
        spans.retain(|span| {
            let is_apart = span.start >= end;
            end = end.max(span.end);
            is_apart
        });
        spans
    }
}

fn words_of(analyser: &mut Analyser, view: View, text: &str) -> Vec<Found> {
    let mut stream = analyser.token_stream(text);
    let mut found = Vec::new();
    while stream.advance() {
        let token = stream.token();
        let at = if view == View::Whole { 0..text.len() } else { token.offset_from..token.offset_to };
        found.push(Found { place: token.position, at, word: token.text.clone() });
    }
    found
}

fn matches(words: &Words, found: &[Found], spans: &mut Vec<Range<usize>>) {
    match words {
        Words::Any(any) => {
            spans
                .extend(found.iter().filter(|found| any.contains(&found.word)).map(|found| found.at.clone()));
        }
        Words::Fuzzy(word, distance) => {
            let is_wanted = |found: &&Found| is_near(word, &found.word, *distance);
            spans.extend(found.iter().filter(is_wanted).map(|found| found.at.clone()));
        }
        Words::Prefix(whole, beginning) => {
            let is_wanted =
                |found: &&Found| found.word.starts_with(beginning.as_str()) || whole.contains(&found.word);
            spans.extend(found.iter().filter(is_wanted).map(|found| found.at.clone()));
        }
        Words::Phrase(phrase, 0) => {
            let Some((origin, _)) = phrase.first() else { return };
            for start in found {
                // Words come in the order of their places.
                let at = |place: usize| {
                    let index = found.binary_search_by_key(&(start.place + place - origin), |f| f.place);
                    index.ok().map(|index| &found[index])
                };
                let all: Option<Vec<_>> = phrase
                    .iter()
                    .map(|(place, word)| at(*place).filter(|found| found.word == *word))
                    .collect();
                spans.extend(all.into_iter().flatten().map(|found| found.at.clone()));
            }
        }
        Words::Phrase(phrase, _) => {
            let is_wanted = |found: &&Found| phrase.iter().any(|(_, word)| *word == found.word);
            spans.extend(found.iter().filter(is_wanted).map(|found| found.at.clone()));
        }
    }
}

/// Passages around the spans, their words marked. The text itself is escaped: passages are shown as HTML.
fn fragments(text: &str, spans: &[Range<usize>]) -> Vec<String> {
    if spans.is_empty() {
        let end = forward(text, 0, BEGINNING_CHARS_MAX);
        return vec![marked(text, 0..cut_before(text, 0, end), &[])];
    }
    let mut fragments = Vec::new();
    let (mut next, mut done) = (0, 0);
    while next < spans.len() && fragments.len() < FRAGMENTS_MAX {
        let first = &spans[next];
        let room = FRAGMENT_CHARS.saturating_sub(text[first.clone()].chars().count()) / 2;
        let start = cut_after(text, backward(text, first.start, room).max(done), first.start);
        let end = forward(text, start, FRAGMENT_CHARS).max(first.end);
        let end = cut_before(text, first.end, end);
        let inside = spans[next..].iter().take_while(|span| span.end <= end).count();
        fragments.push(marked(text, start..end, &spans[next..next + inside]));
        // The first span always fits.
        next += inside.max(1);
        done = end;
    }
    fragments
}

fn marked(text: &str, part: Range<usize>, spans: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(part.len() + spans.len() * 40);
    let mut done = part.start;
    for span in spans {
        escape(&text[done..span.start], &mut out);
        out.push_str(MARKS[0]);
        escape(&text[span.clone()], &mut out);
        out.push_str(MARKS[1]);
        done = span.end;
    }
    escape(&text[done..part.end], &mut out);
    out.trim().to_owned()
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
}

/// The byte `chars` characters after `from`, or the end.
fn forward(text: &str, from: usize, chars: usize) -> usize {
    text[from..].char_indices().nth(chars).map_or(text.len(), |(at, _)| from + at)
}

/// The byte `chars` characters before `to`, or the beginning.
fn backward(text: &str, to: usize, chars: usize) -> usize {
    text[..to].char_indices().rev().take(chars).last().map_or(to, |(at, _)| at)
}

/// The end of the last word that ends between `low` and `high`; `high` when there is none, or it ends the text.
fn cut_before(text: &str, low: usize, high: usize) -> usize {
    if high == text.len() || text[high..].starts_with(char::is_whitespace) {
        return high;
    }
    text[low..high].rfind(char::is_whitespace).map_or(high, |at| low + at)
}

/// The beginning of the first word that begins between `low` and `high`; `low` when it begins one.
fn cut_after(text: &str, low: usize, high: usize) -> usize {
    if low == 0 || text[..low].ends_with(char::is_whitespace) {
        return low;
    }
    let blank = text[low..high].char_indices().find(|(_, c)| c.is_whitespace());
    blank.map_or(low, |(at, c)| low + at + c.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(view: View, words: Words, text: &str) -> Vec<String> {
        let mut marked = Marked {
            name: String::new(),
            column: 0,
            wanted: vec![(Analyser::new(view), view, vec![&words])],
        };
        marked.spans(text).into_iter().map(|span| text[span].to_owned()).collect()
    }

    #[test]
    fn words_are_found_whatever_their_form() {
        let any = |word: &str| Words::Any(vec![word.to_owned()]);
        assert_eq!(
            spans(View::Stemmed, any("bibliothequ"), "Bibliothèques, la bibliothèque"),
            ["Bibliothèques", "bibliothèque"]
        );
        assert_eq!(spans(View::Whole, any("code-42"), "Code-42"), ["Code-42"]);
        let prefix = Words::Prefix(vec!["rue".to_owned()], "pa".to_owned());
        assert_eq!(spans(View::Standard, prefix, "Rue de la Paix"), ["Rue", "Paix"]);
        let phrase = Words::Phrase(vec![(0, "mair".to_owned()), (2, "lyon".to_owned())], 0);
        assert_eq!(spans(View::Stemmed, phrase, "mairie de Lyon, Lyon"), ["mairie", "Lyon"]);
    }

    #[test]
    fn a_passage_is_around_what_was_found_and_cut_between_words() {
        let long = format!("{} chat {}", "avant ".repeat(60).trim(), "après ".repeat(60).trim());
        let at = long.find("chat").unwrap();
        let found = fragments(&long, std::slice::from_ref(&(at..at + 4)));
        let [found] = found.as_slice() else { panic!("{found:?}") };
        assert!(found.contains("avant <em class=\"highlighted\">chat</em> après"), "{found}");
        let plain = found.replace(MARKS[0], "").replace(MARKS[1], "");
        assert!(plain.chars().count() <= FRAGMENT_CHARS, "{plain}");
        assert!(plain.starts_with("avant ") && plain.ends_with("après"), "{plain}");
    }

    #[test]
    fn a_text_without_match_shows_its_beginning_and_markup_is_escaped() {
        let [beginning] = &fragments(&"mot ".repeat(100), &[])[..] else { panic!("one passage") };
        assert_eq!(beginning.chars().count(), 299);
        assert_eq!(fragments("<b> & é", &[]), ["&lt;b&gt; &amp; é"]);
        let marked = fragments("<b>chat</b>", std::slice::from_ref(&(3..7)));
        assert_eq!(marked, ["&lt;b&gt;<em class=\"highlighted\">chat</em>&lt;/b&gt;"]);
    }

    #[test]
    fn passages_are_counted_and_do_not_overlap() {
        let text = format!("{} ", "x".repeat(80)).repeat(30);
        let spans: Vec<Range<usize>> = (0..30).map(|word| word * 81..word * 81 + 80).collect();
        let found = fragments(&text, &spans);
        assert_eq!(found.len(), FRAGMENTS_MAX);
        assert!(found.iter().all(|fragment| fragment.matches("<em").count() == 1), "{found:?}");
    }
}
