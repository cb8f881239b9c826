//! Filters on texts: resolved against the sorted dictionary of a part, so that no row is compared by text.

use halle_search::ast::Bound;

use super::plan::{Test, Words};
use super::rows::{OperandExt as _, RowTest};
use crate::analysis::{self, View};
use crate::bits::Bits;
use crate::part::dictionary::Dictionary;

/// One end of a range of texts, and whether the end itself is left out.
pub(super) type TextBound = Option<(String, bool)>;

pub(super) fn text_bounds(lower: &Bound, upper: &Bound) -> (TextBound, TextBound) {
    let bound = |bound: &Bound| match bound {
        Bound::None => None,
        Bound::Included(operand) => Some((operand.text(), false)),
        Bound::Excluded(operand) => Some((operand.text(), true)),
    };
    (bound(lower), bound(upper))
}

/// The rows whose whole text, without case and accents, is one of the words or starts as they ask.
pub(super) fn of_whole_texts<'a>(texts: &'a Dictionary, words: &Words) -> RowTest<'a> {
    let passes = |text: &str| match words {
        Words::Any(words) => words.iter().any(|word| word == text),
        Words::Prefix(required, prefix) => required.is_empty() && text.starts_with(prefix),
        Words::Fuzzy(word, distance) => is_near(word, text, *distance),
        Words::Phrase(..) => false,
    };
    let whole = |code: usize| analysis::words(View::Whole, texts.text(code as u32));
    RowTest::CodeSet(texts, Bits::of(texts.len(), |code| whole(code).iter().any(|(_, text)| passes(text))))
}

/// Whether two words differ by at most `distance` letters: added, left out, replaced, or swapped with the next.
pub(crate) fn is_near(a: &str, b: &str, distance: u8) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let most = usize::from(distance);
    if a.len().abs_diff(b.len()) > most {
        return false;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last[b.len()] <= most
}

pub(super) fn of_texts<'a>(texts: &'a Dictionary, test: &Test, separator: Option<&str>) -> RowTest<'a> {
    if let Some(separator) = separator {
        let separator = if separator.trim().is_empty() { separator } else { separator.trim() };
        let matches = |text: &str| text.split(separator).any(|element| text_passes(test, element.trim()));
        return RowTest::CodeSet(texts, Bits::of(texts.len(), |code| matches(texts.text(code as u32))));
    }
    match test {
        Test::In(values) => {
            let mut codes = Vec::new();
            for value in values {
                if let (code, true) = texts.find(&value.text()) {
                    codes.push(code);
                }
            }
            match codes[..] {
                [] => RowTest::Never,
                [only] => RowTest::Codes(texts, only..only + 1),
                _ => {
                    let mut set = Bits::none(texts.len());
                    codes.iter().for_each(|code| set.set(*code as usize));
                    RowTest::CodeSet(texts, set)
                }
            }
        }
        Test::Range(lower, upper) => {
            let (lower, upper) = text_bounds(lower, upper);
            let after = |text: &str, inclusive: bool| {
                let (code, found) = texts.find(text);
                code + u32::from(found && inclusive)
            };
            let start = lower.map_or(0, |(text, open)| after(&text, open));
            let end = upper.map_or(texts.len() as u32, |(text, open)| after(&text, !open));
            RowTest::Codes(texts, start..end.max(start))
        }
        Test::Prefix(prefix) => RowTest::Codes(texts, texts.with_prefix(prefix)),
        Test::Wildcard(pattern) => {
            let literal = &pattern[..pattern.find(['*', '?']).unwrap_or(pattern.len())];
            let mut set = Bits::none(texts.len());
            for code in texts.with_prefix(literal) {
                if wildcard_matches(pattern, texts.text(code)) {
                    set.set(code as usize);
                }
            }
            RowTest::CodeSet(texts, set)
        }
        Test::Exists => RowTest::Codes(texts, 0..texts.len() as u32),
    }
}

fn text_passes(test: &Test, text: &str) -> bool {
    match test {
        Test::In(values) => values.iter().any(|value| value.text() == text),
        Test::Range(lower, upper) => {
            let (lower, upper) = text_bounds(lower, upper);
            lower.is_none_or(|(low, open)| text > low.as_str() || (text == low && !open))
                && upper.is_none_or(|(high, open)| text < high.as_str() || (text == high && !open))
        }
        Test::Prefix(prefix) => text.starts_with(prefix.as_str()),
        Test::Wildcard(pattern) => wildcard_matches(pattern, text),
        Test::Exists => true,
    }
}

/// Whether the text matches a pattern in which `*` stands for any characters and `?` for one.
pub(super) fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star, from)) = retry else { return false };
                retry = Some((star, from + 1));
                p = star + 1;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_near_that_differ_by_few_letters() {
        for (a, b, distance, expected) in [
            ("lyon", "lyon", 0, true),
            ("lyon", "lion", 1, true),
            ("lyon", "lyno", 1, true),
            ("lyon", "lyons", 1, true),
            ("lyon", "yn", 1, false),
            ("lyon", "yn", 2, true),
            ("été", "eté", 1, true),
            ("", "a", 0, false),
        ] {
            assert_eq!(is_near(a, b, distance), expected, "{a} {b} {distance}");
        }
    }

    #[test]
    fn wildcards_match_like_a_shell() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("*é?", "caféx", true),
            ("??", "a", false),
            ("*ab*ab*", "xabyabz", true),
        ] {
            assert_eq!(wildcard_matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
