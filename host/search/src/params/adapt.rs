//! `q_mode=adapt`, the default: on a large dataset, the most frequent words of a question stop choosing lines, and go on
//! ranking them (reference §2.3).

use super::fulltext::text;
use super::is_stop_word;
use super::raw::Params;

/// Lines of a dataset from which questions are adapted.
pub const ADAPT_DATASET_LINES_MIN: u64 = 100_000;

/// Lines that the words which go on choosing must match together.
pub const ADAPT_MATCHES_MIN: u64 = 12_000;

/// Words of one question that are looked at.
const ADAPT_WORDS_MAX: usize = 8;

/// The words of `q` of which some may be ignored: two at least. None for a question that is not adapted: one that has an
/// order or a page of its own, wants an exact count, says itself how words combine, or uses the language of queries.
pub fn adaptable_words(params: &Params) -> Vec<&str> {
    let is_default =
        |name: &str, default: &[&str]| params.get(name).is_none_or(|text| default.contains(&text));
    let is_adapted = is_default("q_mode", &["adapt"])
        && is_default("count", &["estimate"])
        && is_default("page", &["1"])
        && ["q_ignored", "sort", "collapse", "after"].iter().all(|name| params.get(name).is_none());
    let Some(text) = text(params).filter(|_| is_adapted) else { return Vec::new() };
    let is_syntax = |word: &str| word.starts_with('-') || word.contains(SYNTAX);
    if text.split_whitespace().any(is_syntax) {
        return Vec::new();
    }
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace().filter(|word| !is_stop_word(word)) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.len() < 2 || words.len() > ADAPT_WORDS_MAX { Vec::new() } else { words }
}

/// What makes a word more than a word; a comma would be lost in the list of what is ignored.
const SYNTAX: [char; 10] = ['+', '|', '"', '*', '(', ')', '~', '\\', ':', ','];

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pairs: &[(&str, &str)]) -> String {
        let params = Params::new(pairs.iter().copied()).unwrap();
        adaptable_words(&params).join(" ")
    }

    #[test]
    fn only_plain_questions_of_the_first_page_are_adapted() {
        let q = ("q", "école de la rue école saint-jean");
        assert_eq!(words(&[q]), "école rue saint-jean");
        assert_eq!(
            words(&[q, ("q_mode", "adapt"), ("count", "estimate"), ("page", "1")]),
            "école rue saint-jean"
        );
        for other in [
            ("q_mode", "simple"),
            ("q_mode", "and"),
            ("count", "exact"),
            ("count", "false"),
            ("page", "2"),
            ("sort", "nom"),
            ("collapse", "nom"),
            ("after", "1"),
            ("q_ignored", "rue"),
        ] {
            assert_eq!(words(&[q, other]), "", "{other:?}");
        }
        for q in [
            "rue",
            "rue rue",
            "la rue",
            "+école rue",
            "éco* rue",
            "école -rue",
            "a b, c",
            "bon cap fil gel huit jus kilo lac opus",
        ] {
            assert_eq!(words(&[("q", q)]), "", "{q}");
        }
    }
}
