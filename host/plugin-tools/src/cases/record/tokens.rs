//! Tokens that services hand out, and credentials: what no secret of a case tells of, and no file of a case may hold.

use serde_json::Value;

use super::{SECRET_BYTES_MIN, forms};

/// What stands in place of a token or a credential.
pub const STARS: &str = "***";

/// Members whose values are tokens, in small letters and without what parts their words.
const MEMBERS: [&str; 4] = ["accesstoken", "refreshtoken", "idtoken", "clientsecret"];

/// Tokens and credentials that were seen while a case was recorded.
pub struct Tokens {
    /// Texts to replace, longest first, so that no rest of one stays behind.
    seen: Vec<String>,
    /// What the file of the case holds already: hidden, a request would not be the one that the plugin makes again.
    shown: Vec<String>,
}

impl Tokens {
    /// Knows no token yet; `shown` are values that are none.
    pub fn new(shown: Vec<String>) -> Self {
        Self { seen: Vec::new(), shown }
    }

    /// Learns credentials.
    pub fn learn_all(&mut self, credentials: &[String]) {
        for credential in credentials {
            self.learn(credential);
        }
    }

    /// Learns the tokens of a body, be it JSON or a form.
    pub fn learn_from(&mut self, body: &str) {
        if let Ok(value) = serde_json::from_str::<Value>(body) {
            return self.learn_members(&value);
        }
        // Whatever is no form has no such names.
        for (name, value) in url::form_urlencoded::parse(body.as_bytes()) {
            if is_token(&name) {
                self.learn(&value);
            }
        }
    }

    fn learn_members(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn_members(item)),
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(token) if is_token(name) => self.learn(token),
                        value => self.learn_members(value),
                    }
                }
            }
            _ => {}
        }
    }

    fn learn(&mut self, token: &str) {
        let is_told = token == STARS || self.shown.iter().any(|shown| shown == token);
        if token.len() < SECRET_BYTES_MIN || is_told {
            return;
        }
        let forms = forms(token);
        // Some services write every slash of JSON with a backslash.
        let slashes = forms[2].replace('/', "\\/");
        for form in forms.into_iter().chain([slashes]) {
            if !self.seen.contains(&form) {
                self.seen.push(form);
            }
        }
        self.seen.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// A text without tokens. One that is JSON is written anew if a token would stay in it otherwise.
    pub fn hidden(&self, text: &str) -> String {
        let text = self.replaced(text);
        let Ok(mut value) = serde_json::from_str::<Value>(&text) else { return text };
        if self.mask(&mut value) { value.to_string() } else { text }
    }

    /// An exchange without tokens.
    pub fn hidden_in(&self, exchange: &Value) -> Value {
        match exchange {
            Value::String(text) => Value::String(self.hidden(text)),
            Value::Array(items) => items.iter().map(|item| self.hidden_in(item)).collect(),
            Value::Object(members) => {
                let hidden = members.iter().map(|(name, value)| (self.replaced(name), self.hidden_in(value)));
                let mut hidden = Value::Object(hidden.collect());
                self.mask(&mut hidden);
                hidden
            }
            other => other.clone(),
        }
    }

    fn replaced(&self, text: &str) -> String {
        self.seen.iter().fold(text.to_owned(), |text, token| text.replace(token, STARS))
    }

    /// Masks members that are tokens by their names; whether there were any.
    fn mask(&self, value: &mut Value) -> bool {
        let is_open = |value: &Value| match value {
            Value::String(text) => text != STARS && !text.is_empty() && !self.shown.contains(text),
            Value::Number(_) => true,
            _ => false,
        };
        match value {
            // Every item is masked, whatever the one before had.
            Value::Array(items) => {
                items.iter_mut().map(|item| self.mask(item)).filter(|masked| *masked).count() > 0
            }
            Value::Object(members) => members.iter_mut().fold(false, |any, (name, value)| {
                if is_token(name) && is_open(value) {
                    *value = STARS.into();
                    return true;
                }
                self.mask(value) || any
            }),
            _ => false,
        }
    }
}

/// Whether a member of this name is a token: `access_token`, `AccessToken`, `access-token`.
fn is_token(name: &str) -> bool {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
    let name: String = letters.flat_map(char::to_lowercase).collect();
    MEMBERS.contains(&name.as_str())
}
