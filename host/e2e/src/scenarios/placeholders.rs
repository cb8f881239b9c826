//! Values kept from answers, and their places `{name}` in later requests and expectations.

use std::collections::BTreeMap;

use serde_json::Value;

use super::format::Expected;

/// What a file has kept so far.
#[derive(Debug, Default)]
pub struct Kept(BTreeMap<String, Value>);

impl Kept {
    /// Keeps a value under a name, in place of an older one.
    pub fn insert(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// The text with each `{name}` replaced.
    pub fn in_text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), &as_text(value))
        })
    }

    /// The value with each `{name}` in its texts replaced; a text that is nothing but `{name}` becomes the kept value.
    pub fn in_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.in_string(text),
            Value::Array(items) => items.iter().map(|item| self.in_value(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, field)| (self.in_text(name), self.in_value(field)));
                Value::Object(fields.collect())
            }
            plain => plain.clone(),
        }
    }

    /// The expectation with each `{name}` replaced; in patterns they stand for themselves.
    pub fn in_expectation(&self, expected: &Expected) -> Expected {
        let headers = expected.headers.iter().map(|(name, value)| (name.clone(), self.in_value(value)));
        Expected {
            status: expected.status,
            headers: headers.collect(),
            body: expected.body.as_ref().map(|body| self.in_value(body)),
        }
    }

    fn in_string(&self, text: &str) -> Value {
        let whole = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if let Some(value) = whole.and_then(|name| self.0.get(name)) {
            return value.clone();
        }
        if !text.starts_with('~') {
            return Value::String(self.in_text(text));
        }
        let pattern = self.0.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), &regex::escape(&as_text(value)))
        });
        Value::String(pattern)
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kept_values_take_their_places() {
        let mut kept = Kept::default();
        kept.insert("n", json!(3));
        kept.insert("next", json!("http://a/b?c"));
        assert_eq!(kept.in_text("x/{n}?q={unknown}"), "x/3?q={unknown}");
        assert_eq!(kept.in_value(&json!({ "a": ["{n}", "n{n}"] })), json!({ "a": [3, "n3"] }));
        assert_eq!(kept.in_value(&json!("~^{next}$")), json!("~^http://a/b\\?c$"));
    }
}
