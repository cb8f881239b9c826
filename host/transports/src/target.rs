//! Where a request goes, once its URL is read strictly.

use std::net::IpAddr;

use halle_extensions::types::Problem;
use url::{Host, Url};

use crate::problem;

/// A URL that passed: `http` or `https`, no user, host in lower case or punycode, addresses in their usual notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
}

impl Target {
    /// Reads an absolute URL. Fails with `denied/http` when it is no such URL, with `denied/address` when it writes an
    /// address in a way that hides it (`http://2130706433/`, `http://0x7f.1/`).
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(problem::bad_url("elle contient une espace ou un caractère interdit"));
        }
        let url = Url::parse(text).map_err(|_| problem::bad_url("elle n'est pas une URL absolue"))?;
        let target = Self::of(url)?;
        if matches!(target.url.host(), Some(Host::Ipv4(_))) && written_host(text) != target.host() {
            return Err(problem::odd_address());
        }
        Ok(target)
    }

    /// Where a `Location` header points from here.
    pub(crate) fn join(&self, location: &str) -> Result<Self, Problem> {
        if location.contains("://") {
            return Self::parse(location);
        }
        Self::of(self.url.join(location).map_err(|_| problem::bad_url("la redirection est illisible"))?)
    }

    fn of(mut url: Url) -> Result<Self, Problem> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(problem::bad_url("seuls http et https sont possibles"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(problem::bad_url("elle contient un nom d'utilisateur ou un mot de passe"));
        }
        if url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
            return Err(problem::bad_url("elle n'a pas d'hôte ou de port valable"));
        }
        url.set_fragment(None);
        Ok(Self { url })
    }

    /// The URL to request.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Host without port, for messages and logs.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or("")
    }

    /// `https://host` or `https://host:port` when it is not the usual one.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The address, if the host is one: names are looked up when they are dialled.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(v4) => Some(v4.into()),
            Host::Ipv6(v6) => Some(v6.into()),
            Host::Domain(_) => None,
        }
    }
}

/// The host as it was written.
fn written_host(text: &str) -> &str {
    let after = text.split_once("://").map_or(text, |(_, after)| after);
    let authority = after.split(['/', '?', '#']).next().unwrap_or("");
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Target::parse(text).map_or_else(|problem| problem.code, |target| target.origin())
    }

    #[test]
    fn origins_are_normalised() {
        for (text, origin) in [
            ("https://Example.ORG/a?b", "https://example.org"),
            ("https://example.org:443/", "https://example.org"),
            ("http://example.org:8080/", "http://example.org:8080"),
            ("https://évry.fr/", "https://xn--vry-9la.fr"),
            ("http://127.0.0.1:81/", "http://127.0.0.1:81"),
            ("http://[::1]/", "http://[::1]"),
        ] {
            assert_eq!(code(text), origin, "{text}");
        }
    }

    #[test]
    fn odd_notations_of_addresses_are_refused() {
        for text in [
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://127.0.1/",
            "http://0/",
            "http://0x0/",
            "http://127.0.0.1./",
            "http://127.0.0.01/",
            "http://%31%32%37.0.0.1/",
            "http://１２７.0.0.1/",
            "http://127。0。0。1/",
            "http://0251.0376.0251.0376/",
            "http://2852039166/",
            "http://①②⑦.0.0.1/",
        ] {
            assert_eq!(code(text), "denied/address", "{text}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for text in [
            "",
            "/path",
            "//host/",
            "ftp://example.org/",
            "file:///etc/passwd",
            "gopher://x/",
            "https://user@example.org/",
            "https://user:pass@example.org/",
            "https://:p@example.org/",
            "http://exa mple.org/",
            "http://example.org\\@evil/",
            "http://example.org/\r\nHost: evil",
            "http://",
            "javascript:alert(1)",
            "http://example.org:0/",
            "http://256.1.1.1/",
            "http://a:99999/",
        ] {
            assert_eq!(code(text), "denied/http", "{text}");
        }
    }
}
