//! Text to words, the same way for rows and for questions.
//!
//! Words are runs of letters and digits. An elided article before an apostrophe (`l'`, `d'`, `qu'`...) is not a word.
//! The standard view folds case and accents; the stemmed view also drops French stop words and takes stems; the whole
//! view is the whole value, folded, as one word.
//!
//! A column with both of the first views keeps its words once. What is kept of a word tells both: it is the word folded, and
//! where accents gave it another stem than the folded word has, that stem behind [`BETWEEN`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RawTokenizer, Stemmer, StopWordFilter, TextAnalyzer, Token,
    TokenStream, Tokenizer, TokenizerManager,
};

/// Longest value that is searchable as a whole, in bytes.
const WHOLE_BYTES_MAX: usize = 800;

/// Words remembered by one analyser, so that frequent ones are stemmed once.
const CACHE_WORDS_MAX: usize = 50_000;

/// What is between a folded word and a stem of its own. No word has these characters, and they are more than a word that is
/// asked may differ by: what is behind them never makes another word look near.
pub(crate) const BETWEEN: &str = "\0\0\0";

/// How text becomes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// French stems.
    Stemmed,
    /// Words, folded.
    Standard,
    /// Words, folded, each with its stem where the folded word has another one: what both views above are asked of.
    Both,
    /// The value, folded, as one word.
    Whole,
}

impl View {
    /// Name of the tokenizer in the index.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stemmed => "stemmed",
            Self::Standard => "standard",
            Self::Both => "both",
            Self::Whole => "whole",
        }
    }
}

/// The tokenizers of every view, for an index.
pub(crate) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    for view in [View::Stemmed, View::Standard, View::Both, View::Whole] {
        manager.register(view.name(), Analyser::new(view));
    }
    manager
}

/// A word and its place among the words of the text.
pub(crate) type Placed = (usize, String);

/// The words of `text`.
pub(crate) fn words(view: View, text: &str) -> Vec<Placed> {
    let mut analyser = Analyser::new(view);
    let mut stream = analyser.token_stream(text);
    let mut words = Vec::new();
    while stream.advance() {
        words.push((stream.token().position, stream.token().text.clone()));
    }
    words
}

/// `text` without case and accents: what texts are sorted by.
pub(crate) fn fold(folder: &mut Analyser, text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    folder.through_filters(text).unwrap_or_default()
}

/// The stem of one word, `None` for a stop word.
pub(crate) fn stem_of(word: &str) -> Option<String> {
    thread_local! {
        static STEMS: RefCell<Analyser> = RefCell::new(Analyser::new(View::Stemmed));
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(word.to_owned());
    }
    STEMS.with_borrow_mut(|stems| stems.through_filters(word)).filter(|stem| !stem.is_empty())
}

/// What happens to one word: case and accents are folded; stop words and endings go if stems are wanted.
fn filters(stems: bool) -> TextAnalyzer {
    let lower = TextAnalyzer::builder(RawTokenizer::default()).filter(LowerCaser);
    match StopWordFilter::new(Language::French) {
        Some(stop_words) if stems => {
            lower.filter(stop_words).filter(Stemmer::new(Language::French)).filter(AsciiFoldingFilter).build()
        }
        _ => lower.filter(AsciiFoldingFilter).build(),
    }
}

/// Turns text into words; remembers what frequent words become.
#[derive(Clone)]
pub(crate) struct Analyser {
    view: View,
    filters: TextAnalyzer,
    cache: HashMap<String, Option<String>>,
    token: Token,
}

impl Analyser {
    /// An analyser of this view. Cheap: the filters are built once for all.
    pub(crate) fn new(view: View) -> Self {
        static STEMMED: LazyLock<TextAnalyzer> = LazyLock::new(|| filters(true));
        static FOLDED: LazyLock<TextAnalyzer> = LazyLock::new(|| filters(false));
        let filters = if view == View::Stemmed { STEMMED.clone() } else { FOLDED.clone() };
        Self { view, filters, cache: HashMap::new(), token: Token::default() }
    }

    fn through_filters(&mut self, text: &str) -> Option<String> {
        let mut stream = self.filters.token_stream(text);
        let mut folded = stream.advance().then(|| stream.token().text.clone())?;
        if !folded.is_ascii() {
            folded.retain(|c| !is_mark(c));
        }
        Some(folded)
    }

    /// Puts what the word becomes into the token; false for a stop word.
    fn normalise(&mut self, word: &str) -> bool {
        // Without accents, the folded word has the stem of the word.
        if matches!(self.view, View::Standard | View::Both) && word.is_ascii() {
            self.token.text.clear();
            self.token.text.push_str(word);
            self.token.text.make_ascii_lowercase();
            return true;
        }
        if !self.cache.contains_key(word) {
            if self.cache.len() >= CACHE_WORDS_MAX {
                self.cache.clear();
            }
            let mut normal = self.through_filters(word).filter(|text| !text.is_empty());
            if self.view == View::Both {
                normal = normal.map(|folded| with_stem(folded, word));
            }
            self.cache.insert(word.to_owned(), normal);
        }
        match self.cache.get(word) {
            Some(Some(normal)) => {
                self.token.text.clear();
                self.token.text.push_str(normal);
                true
            }
            _ => false,
        }
    }
}

/// What is kept of a word in [`View::Both`].
fn with_stem(mut folded: String, word: &str) -> String {
    let stem = stem_of(word);
    if stem != stem_of(&folded) {
        folded.push_str(BETWEEN);
        folded.push_str(stem.as_deref().unwrap_or_default());
    }
    folded
}

impl Tokenizer for Analyser {
    type TokenStream<'a> = Words<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Words<'a> {
        self.token.reset();
        self.token.position_length = 1;
        Words { analyser: self, text, at: 0 }
    }
}

/// The words of one text, one after the other.
pub(crate) struct Words<'a> {
    analyser: &'a mut Analyser,
    text: &'a str,
    at: usize,
}

impl Words<'_> {
    fn whole(&mut self) -> bool {
        let text = self.text.trim();
        let first = self.at == 0;
        self.at = 1;
        if !first || text.is_empty() || text.len() > WHOLE_BYTES_MAX {
            return false;
        }
        self.analyser.token.position = 0;
        self.analyser.token.text = fold(self.analyser, text);
        true
    }

    /// The next word and where it begins and ends.
    fn next_word(&mut self) -> Option<(usize, usize)> {
        loop {
            let rest = &self.text[self.at..];
            let start = self.at + rest.find(is_word_char)?;
            let rest = &self.text[start..];
            let end = rest.find(|c| !is_word_char(c)).map_or(self.text.len(), |length| start + length);
            self.at = end;
            let elided = self.text[end..].chars().next().filter(|c| matches!(c, '\'' | '’' | 'ʼ'));
            match elided {
                Some(apostrophe) if is_elided(&self.text[start..end]) => {
                    self.at = end + apostrophe.len_utf8();
                }
                _ => return Some((start, end)),
            }
        }
    }
}

impl TokenStream for Words<'_> {
    fn advance(&mut self) -> bool {
        if self.analyser.view == View::Whole {
            return self.whole();
        }
        while let Some((start, end)) = self.next_word() {
            // Stop words keep their place, so that a phrase with one between its words still fits.
            self.analyser.token.position = self.analyser.token.position.wrapping_add(1);
            let word = &self.text[start..end];
            if self.analyser.normalise(word) {
                self.analyser.token.offset_from = start;
                self.analyser.token.offset_to = end;
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        &self.analyser.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.analyser.token
    }
}

/// An accent written as a character of its own, as in decomposed Unicode.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || is_mark(c)
}

fn is_elided(word: &str) -> bool {
    const ELIDED: [&str; 14] =
        ["l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "presqu"];
    ELIDED.iter().any(|elided| word.eq_ignore_ascii_case(elided))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(view: View, text: &str, expected: &[&str]) {
        let found: Vec<String> = words(view, text).into_iter().map(|(_, word)| word).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn french_text_becomes_stems() {
        check(View::Stemmed, "L'Hôtel de ville, qu’on dit d'État", &["hotel", "vill", "dit", "etat"]);
        check(View::Stemmed, "le la les", &[]);
        assert_eq!(words(View::Stemmed, "lactée"), words(View::Stemmed, "lacté"));
        assert_eq!(words(View::Stemmed, "Bibliothèques"), words(View::Stemmed, "bibliothèque"));
    }

    #[test]
    fn standard_words_keep_their_endings() {
        check(View::Standard, "Saint-Étienne (42)", &["saint", "etienne", "42"]);
        check(View::Standard, "e\u{301}cole", &["ecole"]);
        check(View::Whole, " Code-42 É ", &["code-42 e"]);
    }

    #[test]
    fn what_is_kept_of_a_word_tells_both_views() {
        check(View::Both, "L'ÉTAT, maire 42", &["etat", "maire", "42"]);
        check(View::Both, "lactée même meme", &["lactee\0\0\0lact", "meme\0\0\0", "meme"]);
        for text in
            ["lactée", "pêche", "péché", "côté", "Noël", "cœur", "même", "À", "e\u{301}cole", "ſ", "İ"]
        {
            let [(_, kept)] = &words(View::Both, text)[..] else { panic!("one word: {text}") };
            let (word, stem) = match kept.split_once(BETWEEN) {
                Some((word, stem)) => (word, Some(stem.to_owned()).filter(|stem| !stem.is_empty())),
                None => (kept.as_str(), stem_of(kept)),
            };
            assert_eq!(words(View::Standard, text), [(0, word.to_owned())], "{text}");
            let stems: Vec<Placed> = stem.map(|stem| (0, stem)).into_iter().collect();
            assert_eq!(words(View::Stemmed, text), stems, "{text}");
        }
    }

    #[test]
    fn stop_words_keep_their_place() {
        assert_eq!(words(View::Stemmed, "maire de Lyon"), [(0, "mair".into()), (2, "lyon".into())]);
    }
}
