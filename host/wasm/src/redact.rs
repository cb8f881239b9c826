//! Removing the values of secrets from what a guest, a log or a page would see.

use base64::Engine as _;
use serde_json::Value;

/// What stands in place of a secret.
const STARS: &str = "***";

/// Secrets shorter than this are not searched for: they would be found everywhere.
const SECRET_BYTES_MIN: usize = 4;

/// Knows the secrets of one call.
#[derive(Default)]
pub struct Redactor {
    /// Values and their usual encodings, longest first, so that no rest of one stays behind.
    needles: Vec<String>,
}

impl Redactor {
    /// Knows these values.
    pub fn new<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let mut redactor = Self::default();
        for secret in secrets {
            redactor.learn(secret);
        }
        redactor
    }

    /// Learns a value, in clear, in base64 and as it stands in a URL.
    pub fn learn(&mut self, secret: &str) {
        if secret.len() < SECRET_BYTES_MIN {
            return;
        }
        let in_url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret);
        self.needles.extend([secret.to_owned(), in_url, base64]);
        self.needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        self.needles.dedup();
    }

    /// The text without secrets.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for needle in &self.needles {
            if text.contains(needle) {
                text = text.replace(needle, STARS);
            }
        }
        text
    }

    /// The bytes without secrets.
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.needles.iter().fold(bytes, |bytes, needle| replace(bytes, needle.as_bytes()))
    }

    /// Removes secrets from every text of a JSON value.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.json(item)),
            _ => {}
        }
    }
}

fn replace(bytes: Vec<u8>, needle: &[u8]) -> Vec<u8> {
    let find = |from: usize| {
        let first = needle[0];
        let rest = &bytes[from..];
        let mut at = 0;
        while let Some(step) = rest[at..].iter().position(|byte| *byte == first) {
            at += step;
            if rest[at..].starts_with(needle) {
                return Some(from + at);
            }
            at += 1;
        }
        None
    };
    let Some(mut found) = find(0) else { return bytes };
    let mut kept = Vec::with_capacity(bytes.len());
    let mut done = 0;
    loop {
        kept.extend_from_slice(&bytes[done..found]);
        kept.extend_from_slice(STARS.as_bytes());
        done = found + needle.len();
        match find(done) {
            Some(next) => found = next,
            None => break,
        }
    }
    kept.extend_from_slice(&bytes[done..]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_their_encodings_disappear() {
        let redactor = Redactor::new(["s3cret value", "abc"].into_iter());
        let echo = "a s3cret value, s3cret+value, czNjcmV0IHZhbHVl, abc";
        assert_eq!(redactor.text(echo), "a ***, ***, ***, abc");
        assert_eq!(redactor.bytes(echo.as_bytes().to_vec()), b"a ***, ***, ***, abc");
        let mut json = serde_json::json!({"headers": ["x s3cret value"]});
        redactor.json(&mut json);
        assert_eq!(json, serde_json::json!({"headers": ["x ***"]}));
    }
}
