//! Functions of texts. Positions and lengths are in UTF-16 units, as in JavaScript.

use md5::{Digest, Md5};

use crate::eval::{Evaluated, Evaluation};
use crate::functions::argument;
use crate::value::Value;

/// Length of a text.
pub(crate) fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// The character at a position.
pub(crate) fn unit(text: &str, at: usize) -> Option<Value> {
    if text.is_ascii() {
        return text.get(at..=at).map(Value::text);
    }
    let unit = text.encode_utf16().nth(at)?;
    Some(Value::text(&String::from_utf16_lossy(&[unit])))
}

/// The part of a text between two positions.
fn slice(text: &str, from: usize, to: usize) -> String {
    if text.is_ascii() {
        let to = to.min(text.len());
        return text[from.min(to)..to].to_owned();
    }
    let units: Vec<u16> = text.encode_utf16().skip(from).take(to.saturating_sub(from)).collect();
    String::from_utf16_lossy(&units)
}

/// Applies a function to a text; what is no text is returned as it is.
pub(super) fn of_text(
    evaluation: &mut Evaluation<'_>,
    arguments: &[Value],
    apply: impl FnOnce(&str) -> String,
) -> Evaluated {
    let Value::Text(text) = argument(arguments, 0) else { return Ok(argument(arguments, 0).clone()) };
    evaluation.budget.bytes(text.len())?;
    Ok(Value::text(&apply(text)))
}

/// All arguments in one text; nothing is empty.
pub(super) fn concat(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let mut text = String::new();
    for argument in arguments.iter().filter(|argument| argument.is_defined()) {
        let part = evaluation.text(argument)?;
        evaluation.budget.bytes(part.len())?;
        text.push_str(&part);
    }
    Ok(Value::text(&text))
}

/// Each word with a capital, the rest in small letters. An apostrophe is part of its word.
pub(super) fn title(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.to_lowercase().chars() {
        let is_letter = c.is_alphabetic();
        if is_letter && !in_word {
            titled.extend(c.to_uppercase());
        } else {
            titled.push(c);
        }
        in_word = is_letter || c == '\'';
    }
    titled
}

/// The first letter as a capital, the rest in small letters.
pub(super) fn phrase(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut chars = lower.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Without outer spaces; then each run of anything but ASCII letters, digits and `_` is a space. Accented letters are
/// lost: producers of Data Fair rely on the same result.
pub(super) fn trim(text: &str) -> String {
    let mut trimmed = String::with_capacity(text.len());
    let mut in_run = false;
    for c in text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').chars() {
        let is_word = c.is_ascii_alphanumeric() || c == '_';
        if is_word {
            trimmed.push(c);
        } else if !in_run {
            trimmed.push(' ');
        }
        in_run = !is_word;
    }
    trimmed
}

/// Small ASCII letters and digits, words joined by the separator.
pub(super) fn slug(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let separator = match argument(arguments, 1) {
        Value::Undefined | Value::Null => "-".into(),
        separator => evaluation.text(separator)?,
    };
    if let Value::Text(text) = argument(arguments, 0) {
        evaluation.budget.bytes(text.len().saturating_mul(separator.len() + 1))?;
    }
    of_text(evaluation, arguments, |text| slugified(text, &separator))
}

fn slugified(text: &str, separator: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        let symbol = match c {
            '>' => "greater",
            '<' => "less",
            '&' => "and",
            '%' => "percent",
            '$' => "dollar",
            '€' => "euro",
            '|' => "or",
            _ => "",
        };
        let is_separator = c.is_whitespace() || separator == c.encode_utf8(&mut [0; 4]);
        let letter = if c.is_alphanumeric() { deunicode::deunicode_char(c).unwrap_or("") } else { symbol };
        ascii.push_str(if is_separator { " " } else { letter });
    }
    let words: Vec<&str> = ascii.split_whitespace().collect();
    words.join(separator).to_lowercase()
}

/// `SUBSTRING(text, start, length)`.
pub(super) fn substring(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    // As a position: NaN and what is below zero are zero.
    let start = evaluation.number(argument(arguments, 1))?.max(0.0) as usize;
    let count = match argument(arguments, 2) {
        Value::Undefined | Value::Null => usize::MAX,
        count => evaluation.number(count)?.max(0.0) as usize,
    };
    of_text(evaluation, arguments, |text| slice(text, start, start.saturating_add(count)))
}

/// `EXTRACT(text, before, after)`: what is between two marks; nothing if one is missing.
pub(super) fn extract(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let Value::Text(text) = argument(arguments, 0) else { return Ok(argument(arguments, 0).clone()) };
    let mut marks = [const { None }; 2];
    for (index, mark) in marks.iter_mut().enumerate() {
        let given = argument(arguments, index + 1);
        *mark = if given.is_defined() { Some(evaluation.text(given)?) } else { None };
    }
    let [before, after] = marks.map(Option::unwrap_or_default);
    evaluation.budget.bytes(text.len())?;
    let Some(start) = text.find(&*before).map(|at| at + before.len()) else { return Ok(Value::Undefined) };
    let rest = &text[start..];
    let end = if after.is_empty() { Some(rest.len()) } else { rest.find(&*after) };
    Ok(end.map_or(Value::Undefined, |end| Value::text(&rest[..end])))
}

/// `REPLACE(text, search, by)`, every time.
pub(super) fn replace(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let search = evaluation.text(argument(arguments, 1))?;
    let by = evaluation.text(argument(arguments, 2))?;
    if let Value::Text(text) = argument(arguments, 0) {
        evaluation.budget.reading(text)?;
        evaluation.budget.bytes(text.matches(&*search).count().saturating_mul(by.len()))?;
    }
    of_text(evaluation, arguments, |text| text.replace(&*search, &by))
}

/// `PAD_LEFT(text, length, filling)` and `PAD_RIGHT`.
pub(super) fn pad(evaluation: &mut Evaluation<'_>, arguments: &[Value], is_left: bool) -> Evaluated {
    let Value::Text(text) = argument(arguments, 0) else { return Ok(argument(arguments, 0).clone()) };
    let wanted = evaluation.number(argument(arguments, 1))?.max(0.0) as usize;
    let filling = match argument(arguments, 2) {
        Value::Undefined => " ".into(),
        filling => evaluation.text(filling)?,
    };
    let missing = wanted.saturating_sub(length(text));
    if missing == 0 || filling.is_empty() {
        return Ok(Value::Text(text.clone()));
    }
    evaluation.budget.bytes(missing.saturating_mul(4))?;
    evaluation.budget.bytes(text.len())?;
    let units: Vec<u16> = filling.encode_utf16().cycle().take(missing).collect();
    let padding = String::from_utf16_lossy(&units);
    Ok(Value::text(&if is_left { padding + text } else { text.to_string() + &padding }))
}

/// `STRPOS(text, part)`: where the part begins; -1 when it is absent.
pub(super) fn strpos(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let Value::Text(text) = argument(arguments, 0) else { return Ok(Value::Number(-1.0)) };
    let part = evaluation.text(argument(arguments, 1))?;
    evaluation.budget.reading(text)?;
    Ok(Value::Number(text.find(&*part).map_or(-1.0, |at| length(&text[..at]) as f64)))
}

/// The digest of a text; of several arguments, or of one that is no text, that of their JSON.
pub(super) fn md5(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let text = match arguments {
        [Value::Text(text)] => text.to_string(),
        arguments => {
            let mut json = String::new();
            for (index, argument) in arguments.iter().enumerate() {
                evaluation.budget.bytes(argument.extent().bytes)?;
                let part = argument.to_json().to_string();
                json.push_str(if index > 0 { "," } else { "" });
                json.push_str(&part);
            }
            json
        }
    };
    evaluation.budget.bytes(text.len())?;
    Ok(Value::text(&hex::encode(Md5::digest(text.as_bytes()))))
}
