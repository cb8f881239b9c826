//! Cookies of a session: how they are written. Reading is `axum_extra`'s `CookieJar`.

use axum::http::{HeaderMap, HeaderValue, header};
use halle_base::Timestamp;
use url::Url;

/// Cookies that make a session; a broken token clears them all (reference §0.2 of the services).
pub const SESSION_COOKIES: [&str; 5] =
    ["id_token", "id_token_sign", "id_token_org", "id_token_dep", "id_token_role"];

/// The attributes that all cookies of a site share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieScope {
    /// Path of the site, ends with `/`.
    pub path: String,
    /// Whether the site is served over https.
    pub secure: bool,
}

impl CookieScope {
    /// The scope of the site at `public_url`: its path, and `Secure` exactly when it is https.
    pub fn of(public_url: &str) -> Self {
        let url = Url::parse(public_url).ok();
        let path = url.as_ref().map_or("", Url::path).trim_end_matches('/');
        Self { path: format!("{path}/"), secure: url.is_some_and(|url| url.scheme() == "https") }
    }

    /// The same scope, narrowed to a path below the site, such as `simple-directory/`.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        Self { path: format!("{}{path}", self.path), ..self.clone() }
    }

    /// Appends a cookie to the headers of an answer.
    pub fn set(&self, headers: &mut HeaderMap, cookie: &SetCookie<'_>) {
        if let Ok(value) = HeaderValue::from_str(&self.format(cookie)) {
            headers.append(header::SET_COOKIE, value);
        }
    }

    /// Appends the removal of cookie `name`.
    pub fn clear(&self, headers: &mut HeaderMap, name: &str) {
        self.set(headers, &SetCookie { expires: Some(Timestamp::UNIX_EPOCH), ..SetCookie::new(name, "") });
    }

    fn format(&self, cookie: &SetCookie<'_>) -> String {
        let mut text =
            format!("{}={}; Path={}; SameSite=Lax", cookie.name, percent_encode(cookie.value), self.path);
        if let Some(date) = cookie.expires.and_then(http_date) {
            text.push_str("; Expires=");
            text.push_str(&date);
        }
        if cookie.http_only {
            text.push_str("; HttpOnly");
        }
        if self.secure {
            text.push_str("; Secure");
        }
        text
    }
}

/// One cookie to set.
#[derive(Debug, Clone, Copy)]
pub struct SetCookie<'a> {
    /// Name.
    pub name: &'a str,
    /// Value, percent-encoded when written.
    pub value: &'a str,
    /// Expiry; without one the cookie ends with the browser session.
    pub expires: Option<Timestamp>,
    /// Whether scripts cannot read it.
    pub http_only: bool,
}

impl<'a> SetCookie<'a> {
    /// A cookie of the browser session that scripts may read.
    pub fn new(name: &'a str, value: &'a str) -> Self {
        Self { name, value, expires: None, http_only: false }
    }
}

/// An instant as `Wed, 21 Oct 2015 07:28:00 GMT`; `None` outside the years of that format.
pub fn http_date(instant: Timestamp) -> Option<String> {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&instant).ok()
}

fn percent_encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_has_the_flags_of_its_site() {
        let scope = CookieScope::of("https://example.org/portal");
        let cookie = SetCookie { http_only: true, ..SetCookie::new("id_token_role", "é;x") };
        let text = scope.format(&cookie);
        assert_eq!(text, "id_token_role=%C3%A9%3Bx; Path=/portal/; SameSite=Lax; HttpOnly; Secure");
        let plain = CookieScope::of("http://127.0.0.1:8080");
        assert_eq!(plain.format(&SetCookie::new("a", "b")), "a=b; Path=/; SameSite=Lax");
    }

    #[test]
    fn clearing_expires_at_the_epoch() {
        let mut headers = HeaderMap::new();
        CookieScope::of("http://x").clear(&mut headers, "id_token");
        let text = headers[header::SET_COOKIE].to_str().unwrap().to_owned();
        assert!(text.contains("Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "{text}");
    }
}
