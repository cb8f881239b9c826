//! Removing the values of secrets from what a guest, a log or a page would see.
//!
//! What people read (logs, problems, summaries, remarks) is searched for every [form](forms) that reads as the secret. Data
//! and identifiers are searched for what servers and clients write without meaning to, so that little is changed by chance.
//! A guest that wants to can still write a secret in a way of its own, or a part of it in each of two records.

mod forms;

use std::collections::HashSet;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use halle_extensions::Problem;
use serde_json::{Map, Value};

/// What stands in place of a secret.
const STARS: &str = "***";

/// Secrets shorter than this are not searched for: they would be found everywhere.
const SECRET_BYTES_MIN: usize = 4;

/// What is this long and still found in an identifier is no chance: shorter ones are years, names of places, words.
const UNMISTAKABLE_BYTES_MIN: usize = 8;

/// Knows the secrets of one call.
#[derive(Default)]
pub struct Redactor {
    /// Values and their usual encodings, longest first, so that no rest of one stays behind.
    needles: Vec<String>,
    /// All forms of short enough values, for one search.
    forms: Vec<String>,
    /// The search for them, made when it is first needed; none when there is nothing to find.
    search: OnceLock<Option<AhoCorasick>>,
}

/// Longer secrets are searched for in their usual encodings and by their lines only: a search for every form takes memory for
/// each of their characters.
const FORMS_OF_BYTES_MAX: usize = 2 << 10;

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
        for needle in [secret.to_owned(), in_url, base64] {
            // The same credential is placed in request after request.
            if self.needles.contains(&needle) {
                continue;
            }
            if needle == secret {
                self.forms.extend(forms::of(secret, FORMS_OF_BYTES_MAX));
                self.search = OnceLock::new();
            }
            self.needles.push(needle);
        }
        self.needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    }

    /// The text without secrets, in whatever form they stand in it.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for needle in &self.needles {
            if text.contains(needle) {
                text = text.replace(needle, STARS);
            }
        }
        match self.search() {
            Some(search) if search.is_match(&text) => {
                search.replace_all(&text, &vec![STARS; self.forms.len()])
            }
            _ => text,
        }
    }

    fn search(&self) -> Option<&AhoCorasick> {
        let made = self.search.get_or_init(|| {
            let longest_first = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).clone();
            // It fails for patterns of gigabytes, of which there are none: the usual encodings are searched for all the same.
            (!self.forms.is_empty()).then(|| longest_first.build(&self.forms).ok()).flatten()
        });
        made.as_ref()
    }

    /// Whether a text holds a secret in any form.
    fn holds(&self, text: &str) -> bool {
        self.needles.iter().any(|needle| text.contains(needle.as_str()))
            || self.search().is_some_and(|search| search.is_match(text))
    }

    /// The bytes without secrets.
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.needles.iter().fold(bytes, |bytes, needle| replace(bytes, needle.as_bytes()))
    }

    /// Removes secrets from every text of a JSON value, keys included.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(map) => {
                for key in map.keys().filter(|key| self.holds(key)).cloned().collect::<Vec<_>>() {
                    let item = map.remove(&key).unwrap_or_default();
                    map.insert(self.text(&key), item);
                }
                map.values_mut().for_each(|item| self.json(item));
            }
            _ => {}
        }
    }

    /// Removes the secrets that a plugin put into a JSON value it was given as `before`. What stood there before stays: it was
    /// no secret then, and a user `admin` whose password is `admin` would be stored as somebody else. No key is renamed; a
    /// member that the plugin named after a secret is left out.
    pub fn added(&self, value: &mut Value, before: &Value) {
        match value {
            Value::String(text) => *text = self.added_text(text, before.as_str().unwrap_or_default()),
            Value::Array(items) => {
                let before = before.as_array().map(Vec::as_slice).unwrap_or_default();
                // Items may have moved: a text that was among them stays wherever it is now.
                let known: HashSet<&str> = before.iter().filter_map(Value::as_str).collect();
                for (at, item) in items.iter_mut().enumerate() {
                    if item.as_str().is_none_or(|text| !known.contains(text)) {
                        self.added(item, before.get(at).unwrap_or(&Value::Null));
                    }
                }
            }
            Value::Object(map) => {
                let before = before.as_object();
                let old = |key: &String| before.and_then(|before: &Map<String, Value>| before.get(key));
                map.retain(|key, _| old(key).is_some() || self.text(key) == *key);
                for (key, item) in map {
                    self.added(item, old(key).unwrap_or(&Value::Null));
                }
            }
            _ => {}
        }
    }

    /// A text without the secrets that `before` does not have as often.
    fn added_text(&self, text: &str, before: &str) -> String {
        let mut text = text.to_owned();
        for needle in &self.needles {
            if text.matches(needle).count() > before.matches(needle).count() {
                text = text.replace(needle, STARS);
            }
        }
        text
    }

    /// Whether an identifier holds a secret that is not there by chance.
    pub fn betrayed_by(&self, id: &str) -> bool {
        let mut long = self.needles.iter().filter(|needle| needle.len() >= UNMISTAKABLE_BYTES_MIN);
        long.any(|needle| id.contains(needle.as_str()))
    }

    /// Whether a text is a secret, or holds one that is not there by chance.
    pub fn told_by(&self, text: &str) -> bool {
        self.needles.iter().any(|needle| needle == text) || self.betrayed_by(text)
    }

    /// Removes from a JSON value that only the plugin reads what is no chance: whole texts that are a secret, and long secrets
    /// wherever they stand, keys included.
    pub fn unmistakable(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.needles.contains(text) => STARS.clone_into(text),
            Value::String(text) => *text = self.without_long(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.unmistakable(item)),
            Value::Object(map) => {
                for key in map.keys().filter(|key| self.betrayed_by(key)).cloned().collect::<Vec<_>>() {
                    let item = map.remove(&key).unwrap_or_default();
                    map.insert(self.without_long(&key), item);
                }
                map.values_mut().for_each(|item| self.unmistakable(item));
            }
            _ => {}
        }
    }

    /// The text without long secrets.
    fn without_long(&self, text: &str) -> String {
        let long = self.needles.iter().filter(|needle| needle.len() >= UNMISTAKABLE_BYTES_MIN);
        long.fold(text.to_owned(), |text, needle| text.replace(needle, STARS))
    }

    /// A problem without secrets, wherever in it they stood.
    pub fn problem(&self, mut problem: Problem) -> Problem {
        problem.code = self.text(&problem.code);
        problem.message = self.text(&problem.message);
        problem.field = problem.field.map(|field| self.text(&field));
        if let Some(details) = &mut problem.details {
            self.json(details);
        }
        problem
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
    use serde_json::json;

    use super::*;

    #[test]
    fn values_and_their_encodings_disappear() {
        let redactor = Redactor::new(["s3cret value", "abc"].into_iter());
        let echo = "a s3cret value, s3cret+value, czNjcmV0IHZhbHVl, abc";
        assert_eq!(redactor.text(echo), "a ***, ***, ***, abc");
        assert_eq!(redactor.bytes(echo.as_bytes().to_vec()), b"a ***, ***, ***, abc");
        let mut json = serde_json::json!({"headers": ["x s3cret value"], "a s3cret value": 1});
        redactor.json(&mut json);
        assert_eq!(json, serde_json::json!({"headers": ["x ***"], "a ***": 1}));
    }

    /// What is left of a value that a plugin made of `before`.
    fn after(secrets: &[&str], before: Value, mut value: Value) -> Value {
        Redactor::new(secrets.iter().copied()).added(&mut value, &before);
        value
    }

    #[test]
    fn what_was_there_before_stays() {
        let config = json!({
            "user": "admin",
            "url": "https://data.ville.fr",
            "token": "token",
            "tags": ["data", { "token": "admin" }],
        });
        assert_eq!(after(&["admin", "data", "token"], config.clone(), config.clone()), config);
        // A plugin may tidy up what it was given.
        let tidy = json!({ "url": "https://data.ville.fr/", "tags": [{ "n": 1 }, "data"] });
        assert_eq!(after(&["data"], config, tidy.clone()), tidy);
    }

    #[test]
    fn what_a_plugin_added_goes() {
        let before = json!({ "url": "https://a.example", "tags": ["a"] });
        let value = json!({
            "url": "https://a.example?key=s3cret",
            "tags": ["a", "s3cret", ["s3cret"]],
            "header": { "value": "Bearer s3cret" },
            "of s3cret": 1,
        });
        let left = json!({
            "url": "https://a.example?key=***",
            "tags": ["a", "***", ["***"]],
            "header": { "value": "Bearer ***" },
        });
        assert_eq!(after(&["s3cret"], before, value), left);
        let once_more = after(&["data"], json!("data.fr"), json!("data.fr?key=data"));
        assert_eq!(once_more, "***.fr?key=***");
    }

    #[test]
    fn a_year_in_an_identifier_betrays_nothing() {
        let redactor = Redactor::new(["2024", "hunter2-secret"].into_iter());
        assert!(!redactor.betrayed_by("budget-2024"));
        assert!(redactor.betrayed_by("https://a.example/file?key=hunter2-secret"));
    }

    #[test]
    fn every_form_that_reads_as_a_secret_disappears_from_what_people_read() {
        let secret = "S3cr/t <k\u{e9}y> & 'q'";
        let redactor = Redactor::new([secret].into_iter());
        let base64 = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
        let url_safe = |text: String| base64::engine::general_purpose::URL_SAFE.encode(text);
        let digits: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for written in [
            secret.to_owned(),
            "S3cr%2Ft+%3Ck%C3%A9y%3E+%26+%27q%27".to_owned(),
            "S3cr%2ft%20%3ck%c3%a9y%3e%20%26%20%27q%27".to_owned(),
            digits,
            base64(secret.to_owned()),
            base64(format!("user:{secret}")),
            url_safe(format!("{secret}\n")),
            hex::encode(secret),
            hex::encode_upper(secret),
            serde_json::json!(secret).to_string(),
            "S3cr/t &lt;k\u{e9}y&gt; &amp; &#39;q&#39;".to_owned(),
            secret.chars().rev().collect(),
        ] {
            let left = redactor.text(&format!("it is {written}."));
            assert!(left.starts_with("it is ") && left.contains(STARS), "{written}: {left}");
            assert!(!left.contains("3cr") && left.len() < written.len(), "{written}: {left}");
        }
        let mut json = json!({ hex::encode(secret): 1 });
        redactor.json(&mut json);
        assert_eq!(json, json!({ "***": 1 }));
    }

    #[test]
    fn a_key_of_several_lines_is_known_by_each_of_them() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----\n";
        let long = format!("{key}{}", "QmFzZTY0IG9mIG1vcmUgbGluZXM5\n".repeat(200));
        for secret in [key, long.as_str()] {
            let redactor = Redactor::new([secret].into_iter());
            assert_eq!(redactor.text("line 2: AQEFAASCBKcwggSjAgEAAoIB"), "line 2: ***");
            assert_eq!(redactor.text("-----BEGIN PRIVATE KEY-----"), "-----BEGIN PRIVATE KEY-----");
        }
    }

    #[test]
    fn data_keep_what_only_looks_like_a_secret() {
        let redactor = Redactor::new(["drawer77"].into_iter());
        assert_eq!(redactor.text("77reward"), "***");
        assert_eq!(redactor.bytes(b"77reward".to_vec()), b"77reward");
        assert!(!redactor.told_by("77reward"));
    }

    #[test]
    fn the_same_credential_is_learnt_once() {
        let mut redactor = Redactor::new(["s3cret value", "other secret"].into_iter());
        let known = (redactor.needles.len(), redactor.forms.len());
        for _ in 0..100 {
            redactor.learn("s3cret value");
            redactor.learn("other secret");
        }
        assert_eq!((redactor.needles.len(), redactor.forms.len()), known);
    }
}
