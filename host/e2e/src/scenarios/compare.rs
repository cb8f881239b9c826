//! Whether an answer is the expected one, and where it differs.

use anyhow::{Result, bail, ensure};
use regex::RegexBuilder;
use serde_json::Value;

use super::format::{Answer, Expected};

/// Fails with the first difference.
pub fn answer(expected: &Expected, answer: &Answer) -> Result<()> {
    ensure!(answer.status == expected.status, "expected {}, got {}", expected.status, answer.excerpt());
    for (name, value) in &expected.headers {
        let found = answer.headers.get(&name.to_lowercase()).map(|text| Value::String(text.clone()));
        part(value, found.as_ref(), &format!("header {name}"))?;
    }
    match &expected.body {
        None => Ok(()),
        Some(Value::String(text)) => {
            part(&Value::String(text.clone()), Some(&Value::String(answer.text.clone())), "body")
        }
        Some(body) => match &answer.json {
            Some(json) => part(body, Some(json), ""),
            None => bail!("the body is not JSON: {}", answer.excerpt()),
        },
    }
}

/// Fails with the first difference of a JSON value that is no answer.
pub fn json(expected: &Value, found: &Value) -> Result<()> {
    part(expected, Some(found), "")
}

/// Whether `found` has everything that `expected` asks for.
fn part(expected: &Value, found: Option<&Value>, at: &str) -> Result<()> {
    if expected == "!" {
        ensure!(found.is_none(), "{at}: expected nothing, got {}", shown(found));
        return Ok(());
    }
    let Some(found) = found else { bail!("{at}: expected {expected}, got nothing") };
    match (expected, found) {
        (Value::String(text), found) if text == "?" => {
            ensure!(!found.is_null(), "{at}: expected something, got null");
        }
        (Value::String(pattern), found) if pattern.starts_with('~') => matches(&pattern[1..], found, at)?,
        (Value::Object(fields), Value::Object(found)) => {
            for (name, value) in fields {
                part(value, found.get(name), &format!("{at}/{name}"))?;
            }
        }
        (Value::Object(rules), Value::Array(items)) => list(rules, items, at)?,
        (Value::Array(items), Value::Array(found)) => {
            ensure!(
                items.len() == found.len(),
                "{at}: expected {} items, got {}: {}",
                items.len(),
                found.len(),
                shown(Some(&Value::Array(found.clone())))
            );
            for (place, (item, found)) in items.iter().zip(found).enumerate() {
                part(item, Some(found), &format!("{at}/{place}"))?;
            }
        }
        (Value::Number(number), Value::Number(found)) => {
            // 2 and 2.0 are the same number.
            ensure!(number.as_f64() == found.as_f64(), "{at}: expected {number}, got {found}");
        }
        (expected, found) => {
            ensure!(expected == found, "{at}: expected {expected}, got {}", shown(Some(found)));
        }
    }
    Ok(())
}

/// Rules about a list: `#` its length, a number an item at that place, `*` some item.
fn list(rules: &serde_json::Map<String, Value>, items: &[Value], at: &str) -> Result<()> {
    for (rule, expected) in rules {
        let here = format!("{at}/{rule}");
        match rule.as_str() {
            "#" => part(expected, Some(&Value::from(items.len())), &here)?,
            some if some.starts_with('*') => {
                let any = items.iter().any(|item| part(expected, Some(item), &here).is_ok());
                ensure!(
                    any,
                    "{here}: no item is {expected} in {}",
                    shown(Some(&Value::Array(items.to_vec())))
                );
            }
            place => match place.parse::<usize>() {
                Ok(place) => part(expected, items.get(place), &here)?,
                Err(_) => bail!("{here}: expected an object, got a list"),
            },
        }
    }
    Ok(())
}

fn matches(pattern: &str, found: &Value, at: &str) -> Result<()> {
    let text = match found {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let pattern = RegexBuilder::new(pattern).dot_matches_new_line(true).build()?;
    ensure!(pattern.is_match(&text), "{at}: expected {pattern}, got {}", shown(Some(found)));
    Ok(())
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| value.to_string().chars().take(600).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn same(expected: Value, found: Value) -> bool {
        part(&expected, Some(&found), "").is_ok()
    }

    #[test]
    fn expected_parts_are_found_and_missing_ones_told() {
        assert!(same(json!({ "a": 1 }), json!({ "a": 1.0, "b": 2 })));
        assert!(!same(json!({ "a": 1 }), json!({ "a": "1" })));
        assert!(!same(json!({ "a": 1 }), json!({})));
        assert!(same(json!({ "a": "!" }), json!({ "b": null })));
        assert!(!same(json!({ "a": "!" }), json!({ "a": null })), "null is not absent");
        assert!(same(json!({ "a": null }), json!({ "a": null })));
        assert!(!same(json!("?"), json!(null)));
        assert!(same(json!("~^a.c$"), json!("a\nc")));
        assert!(!same(json!("~^b"), json!("abc")));
    }

    #[test]
    fn lists_are_compared_whole_or_by_rules() {
        assert!(!same(json!([1]), json!([1, 2])), "a list is compared whole");
        assert!(same(json!({ "#": 2, "1": 2, "*": 1 }), json!([1, 2])));
        assert!(!same(json!({ "*": 3 }), json!([1, 2])));
        assert!(!same(json!({ "2": 3 }), json!([1, 2])));
        assert!(!same(json!({ "a": 3 }), json!([1, 2])));
    }
}
