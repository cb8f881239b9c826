//! Patterns of columns: written for JavaScript, run by an engine whose time grows with the text only.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

/// Longest pattern, in characters.
const PATTERN_CHARS_MAX: usize = 1_000;

/// Bytes of one pattern once compiled.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Nested groups of one pattern.
const NESTING_MAX: u32 = 50;

/// Patterns that are kept compiled: edited lines ask for the same ones over and over.
const KEPT_MAX: usize = 32;

/// A memory of what was compiled last: it changes how fast the answer comes, never the answer.
static KEPT: LazyLock<Mutex<HashMap<String, Arc<Regex>>>> = LazyLock::new(Mutex::default);

/// The pattern, ready to be asked, or what is wrong with it, for the producer.
pub(super) fn compiled(pattern: &str) -> Result<Arc<Regex>, String> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).get(pattern).cloned();
    if let Some(regex) = kept {
        return Ok(regex);
    }
    if pattern.chars().count() > PATTERN_CHARS_MAX {
        return Err(format!("\"pattern\" dépasse {PATTERN_CHARS_MAX} caractères"));
    }
    let regex = RegexBuilder::new(&translated(pattern))
        .size_limit(COMPILED_BYTES_MAX)
        .nest_limit(NESTING_MAX)
        .build()
        .map_err(|error| explained(pattern, &error))?;
    let regex = Arc::new(regex);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= KEPT_MAX {
        kept.clear();
    }
    kept.insert(pattern.to_owned(), Arc::clone(&regex));
    Ok(regex)
}

fn explained(pattern: &str, error: &regex::Error) -> String {
    let reason = match error {
        regex::Error::CompiledTooBig(_) => "elle est trop grande : réduisez ses répétitions".to_owned(),
        other => {
            // The engine draws the pattern over several lines; the last one says why.
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error:").trim().to_owned()
        }
    };
    format!("\"pattern\" n'est pas une expression régulière utilisable (« {pattern} ») : {reason}")
}

/// The pattern in the words of the engine: `\d`, `\w` are those of ASCII, and `[` within a class is only a character.
fn translated(pattern: &str) -> String {
    let mut written = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => written.push_str("[0-9]"),
                Some('D') => written.push_str("[^0-9]"),
                Some('w') => written.push_str("[A-Za-z0-9_]"),
                Some('W') => written.push_str("[^A-Za-z0-9_]"),
                Some(escaped) => written.extend(['\\', escaped]),
                None => written.push('\\'),
            },
            '[' if in_class => written.push_str("\\["),
            '[' => {
                in_class = true;
                written.push('[');
            }
            ']' if in_class => {
                in_class = false;
                written.push(']');
            }
            // `&&`, `--` and `~~` are set operations to the engine, characters to JavaScript.
            '&' | '~' if in_class => written.extend(['\\', c]),
            '-' if in_class && chars.peek() == Some(&'-') => written.push_str("\\-"),
            _ => written.push(c),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expect: bool) {
        assert_eq!(compiled(pattern).unwrap().is_match(text), expect, "{pattern} on {text}");
    }

    #[test]
    fn patterns_mean_what_they_mean_in_javascript() {
        check("b", "abc", true);
        check("^b$", "abc", false);
        check("^\\d+$", "12", true);
        check("^\\d+$", "١٢", false);
        check("^\\w+$", "é", false);
        check("^[\\w\\-.]+@[\\w.]+$", "a-b.c@d.fr", true);
        check("^[[a]+$", "[a", true);
        check("^[a&&b~]+$", "a&b~", true);
        check("^\\/a\\/$", "/a/", true);
        check("^\\u0041$", "A", true);
        check("^(?:[A-Z]{2}|\\d{3})$", "AB", true);
    }

    #[test]
    fn what_cannot_be_run_in_linear_time_is_refused_with_its_reason() {
        let refused = |pattern: &str| compiled(pattern).unwrap_err();
        assert!(
            refused("(").contains("« ( »") && refused("(").contains("unclosed group"),
            "{}",
            refused("(")
        );
        assert!(refused("(?=a)").contains("look-around"), "{}", refused("(?=a)"));
        assert!(refused("(a)\\1").contains("backreferences"), "{}", refused("(a)\\1"));
        assert!(refused("(a{1000}){1000}").contains("trop grande"), "{}", refused("(a{1000}){1000}"));
        assert!(refused(&"a".repeat(1_001)).contains("dépasse 1000 caractères"));
    }
}
