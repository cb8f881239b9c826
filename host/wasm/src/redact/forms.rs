//! The forms in which a guest can write a secret without anybody having to work to read it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A secret of several lines, such as a private key, is known line by line from this length: a log has a record a line.
const LINE_BYTES_MIN: usize = 16;

/// Shorter secrets are not looked for backwards: what is found would be a word.
const REVERSED_BYTES_MIN: usize = 8;

/// Characters of a piece of base64 that are looked for.
const BASE64_CHARS_MIN: usize = 6;

/// All forms of a secret of at most `bytes_max` bytes; the lines of a longer one.
pub fn of(secret: &str, bytes_max: usize) -> Vec<String> {
    if secret.len() <= bytes_max { all(secret) } else { lines(secret).map(str::to_owned).collect() }
}

/// The secret itself, and what encoders of URLs, of base64, of hexadecimal digits, of JSON and of HTML make of it; its lines;
/// and its characters backwards. In no order, and without two that are the same.
fn all(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    forms.extend(lines(secret).map(str::to_owned));
    in_urls(secret, &mut forms);
    in_base64(secret.as_bytes(), &mut forms);
    let hex = hex::encode(secret);
    forms.extend([hex.to_uppercase(), hex]);
    escaped(secret, &mut forms);
    if secret.len() >= REVERSED_BYTES_MIN {
        forms.push(secret.chars().rev().collect());
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn lines(secret: &str) -> impl Iterator<Item = &str> {
    let lines = secret.lines().map(str::trim);
    // Of every key the same.
    lines.filter(|line| line.len() >= LINE_BYTES_MIN && !line.starts_with("-----"))
}

/// As forms send it, with `+` or `%20` for a space; with every byte written in digits; digits in both cases.
fn in_urls(secret: &str, forms: &mut Vec<String>) {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let component = form.replace('+', "%20");
    let digits: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for form in [form, component, digits] {
        forms.extend([lower_digits(&form), form]);
    }
}

/// `%2F` as `%2f`; the rest stays.
fn lower_digits(text: &str) -> String {
    let mut parts = text.split('%');
    let mut lowered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        lowered.push('%');
        lowered.push_str(&digits.to_ascii_lowercase());
        lowered.push_str(rest);
    }
    lowered
}

/// Both alphabets, whole, and what of it does not depend on its neighbours where it stands inside something longer: after a
/// multiple of three bytes, or one or two more.
fn in_base64(secret: &[u8], forms: &mut Vec<String>) {
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        forms.push(engine.encode(secret));
        for before in 0..3_usize {
            let longer = engine.encode([&vec![0; before], secret].concat());
            // Six bits a character: the first ones that have bits of what stands before, and a last one that is not full.
            let (from, to) = ((before * 8).div_ceil(6), (before + secret.len()) * 8 / 6);
            if to - from >= BASE64_CHARS_MIN {
                forms.push(longer[from..to].to_owned());
            }
        }
    }
}

/// As it stands in a text of JSON, and in HTML.
fn escaped(secret: &str, forms: &mut Vec<String>) {
    let json = serde_json::Value::from(secret).to_string();
    forms.push(json[1..json.len() - 1].to_owned());
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let quoted = html.replace('"', "&quot;");
    forms.extend(["&#39;", "&#x27;", "&apos;"].map(|apostrophe| quoted.replace('\'', apostrophe)));
    forms.extend([html, quoted]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_known_wherever_it_stands_in_something_longer() {
        for secret in ["hunter2-secret", "hunter2-secret!", "hunter2-secre", "~~~???>>>~~~???"] {
            let forms = all(secret);
            for before in ["", "a", "ab", "abc", "user:"] {
                for after in ["", "z", "yz", " and more"] {
                    let text = format!("{before}{secret}{after}");
                    for written in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                        assert!(
                            forms.iter().any(|form| written.contains(form.as_str())),
                            "{text} as {written} among {forms:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn no_form_is_empty_or_shorter_than_it_should_be() {
        for secret in
            ["2024", "é\"&'", "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQ==\n-----END KEY-----\n"]
        {
            for form in all(secret) {
                assert!(form.len() >= 4, "{form:?} of {secret:?}");
                assert!(!form.starts_with("-----") || form.contains("MIIE"), "{form:?}");
            }
        }
    }
}
