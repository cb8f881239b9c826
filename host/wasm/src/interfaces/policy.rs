//! Whether a request of a guest may be made, where to, and with which credential.

use base64::Engine as _;
use halle_base::Secret;
use halle_extensions::credential::Place;
use halle_extensions::grants::{FROM_CONFIG, Grants};
use halle_extensions::host::Call;
use halle_extensions::manifest::{CredentialTable, HttpTable};
use halle_extensions::services::{EgressPolicy, HttpRequest, Requester};
use halle_extensions::{Problem, credential};
use url::Url;

/// Requests per minute of one plugin for one account.
const REQUESTS_PER_MINUTE_MAX: u32 = 600;

/// Headers that the host sets itself.
const OWN_HEADERS: [&str; 8] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"];

/// A request that may be made, with the secret that was placed in it, in the form it was placed.
pub struct Authorised {
    /// What the egress enforces, on redirects too.
    pub policy: EgressPolicy,
    /// The request.
    pub request: HttpRequest,
    /// What must not come back to the guest, besides the secret itself: an encoding of it.
    pub placed: Option<Secret<String>>,
}

/// Checks a request against the grants, and places the credential: `auth` names a secret, or none was named.
pub fn authorise(
    call: &Call,
    grants: &Grants,
    mut request: HttpRequest,
    auth: Option<&str>,
    response_bytes_max: u64,
) -> Result<Authorised, Problem> {
    let url = check_url(&request.url)?;
    check_headers(&request)?;
    let origin = url.origin().ascii_serialization();
    let mut methods: Vec<String> = Vec::new();
    let mut origins: Vec<String> = Vec::new();
    let mut tables: Vec<&HttpTable> = Vec::new();
    for table in call.plugin.manifest.http.values() {
        let granted = granted_origins(call, grants, table);
        if granted.iter().any(|pattern| origin_matches(pattern, &url)) {
            methods.extend(granted_methods(grants, table));
            tables.push(table);
        }
        origins.extend(granted);
    }
    origins.sort_unstable();
    origins.dedup();
    if tables.is_empty() {
        return Err(Problem::denied("http", format!("calling {origin} is not granted to this plugin")));
    }
    let may_head = request.method == "HEAD" && methods.iter().any(|method| method == "GET");
    if !may_head && !methods.contains(&request.method) {
        let message = format!("{} {origin} is not granted to this plugin", one_word(&request.method));
        return Err(Problem::denied("http", message));
    }
    if may_head {
        methods.push("HEAD".to_owned());
    }
    let placed = match choose(call, grants, &tables, auth)? {
        Some((credential, value)) => place(call, credential, value, &mut request, url)?,
        None => None,
    };
    let subject = &call.subject;
    let requester =
        Requester { name: format!("plugin:{}", subject.plugin), account: subject.account.clone() };
    let policy = EgressPolicy {
        origins,
        methods,
        requester: Some(requester),
        requests_per_minute_max: REQUESTS_PER_MINUTE_MAX,
        response_bytes_max,
    };
    Ok(Authorised { policy, request, placed })
}

fn malformed(message: impl Into<String>) -> Problem {
    Problem::new("http/request", message)
}

fn one_word(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(16).collect()
}

/// Reads a URL as strictly as the way out does: neither may take a text for another address than the other.
fn check_url(text: &str) -> Result<Url, Problem> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(malformed(
            "the URL must not hold spaces, control characters or backslashes: percent-encode them",
        ));
    }
    let url = Url::parse(text).map_err(|error| malformed(format!("the URL is malformed: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(malformed("the URL must be absolute and start with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(malformed(
            "the URL must not hold a user or a password: declare a credential in plugin.toml",
        ));
    }
    Ok(url)
}

fn check_headers(request: &HttpRequest) -> Result<(), Problem> {
    for (name, value) in &request.headers {
        let lower = name.to_ascii_lowercase();
        if !credential::is_token(name) || value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return Err(malformed("a header has a name or a value that HTTP does not allow"));
        }
        if OWN_HEADERS.contains(&lower.as_str()) || lower.starts_with("proxy-") {
            return Err(malformed(format!("the header `{lower}` is set by the host: leave it out")));
        }
    }
    Ok(())
}

/// Granted origins of a table, with those that come from the configuration resolved.
fn granted_origins(call: &Call, grants: &Grants, table: &HttpTable) -> Vec<String> {
    let fixed = table.origins.iter().filter(|origin| grants.origins.contains(origin)).cloned();
    let typed = table.from_config.iter().filter_map(|pointer| {
        if !grants.origins.contains(&format!("{FROM_CONFIG}{pointer}")) {
            return None;
        }
        let url = Url::parse(call.config.pointer(pointer)?.as_str()?).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
    });
    fixed.chain(typed).collect()
}

fn granted_methods(grants: &Grants, table: &HttpTable) -> Vec<String> {
    let asked = if table.methods.is_empty() { vec!["GET".to_owned()] } else { table.methods.clone() };
    asked.into_iter().filter(|method| grants.methods.contains(method)).collect()
}

/// Whether an origin, which may be `https://*.example.org`, covers a URL.
fn origin_matches(pattern: &str, url: &Url) -> bool {
    let Some((scheme, rest)) = pattern.split_once("://*.") else {
        return Url::parse(pattern).is_ok_and(|origin| origin.origin() == url.origin());
    };
    let Ok(base) = Url::parse(&format!("{scheme}://{rest}")) else { return false };
    let below = match (url.host_str(), base.host_str()) {
        (Some(host), Some(suffix)) => {
            host.strip_suffix(suffix).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }
        _ => false,
    };
    below && base.scheme() == url.scheme() && base.port_or_known_default() == url.port_or_known_default()
}

/// The credential of a request and its value: the one that was named, or the only one that is set at this origin.
fn choose<'a>(
    call: &'a Call,
    grants: &Grants,
    tables: &[&'a HttpTable],
    auth: Option<&str>,
) -> Result<Option<(&'a CredentialTable, &'a str)>, Problem> {
    let value_of = |name: &str| {
        let is_granted = grants.secrets.iter().any(|granted| granted == name);
        let secret = call.secrets.iter().find(|(known, _)| is_granted && known == name);
        secret.map(|(_, secret)| secret.reveal().as_str())
    };
    let mut set = tables.iter().filter_map(|table| {
        let credential = table.credential.as_ref()?;
        value_of(&credential.secret).map(|value| (credential, value))
    });
    let Some(name) = auth else {
        return Ok(match (set.next(), set.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        });
    };
    let named = set.find(|(credential, _)| credential.secret == name);
    named.map(Some).ok_or_else(|| {
        let name = crate::convert::one_line(name, 100);
        Problem::denied(
            "secret",
            format!("the secret `{name}` is not granted, not set, or not placed at this origin"),
        )
    })
}

/// Places the credential in the request. What was placed, if a server could send it back in a form of its own.
fn place(
    call: &Call,
    credential: &CredentialTable,
    value: &str,
    request: &mut HttpRequest,
    mut url: Url,
) -> Result<Option<Secret<String>>, Problem> {
    let place = Place::parse(&credential.place).map_err(malformed)?;
    let unnamed = || malformed("the configuration does not say where to place the secret");
    let (name, placed, echoed) = match &place {
        Place::Bearer => ("authorization", format!("Bearer {value}"), None),
        Place::Basic { user } => {
            let user =
                user.as_ref().map(|pointer| call.config.pointer(pointer).and_then(|user| user.as_str()));
            let pair = match user {
                None => value.to_owned(),
                Some(user) => format!("{}:{value}", user.ok_or_else(unnamed)?),
            };
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            ("authorization", format!("Basic {pair}"), Some(Secret::new(pair)))
        }
        Place::Header(name) => (name.resolve(&call.config).ok_or_else(unnamed)?, value.to_owned(), None),
        Place::Query(name) => {
            let name = name.resolve(&call.config).ok_or_else(unnamed)?;
            url.query_pairs_mut().append_pair(name, value);
            request.url = url.into();
            return Ok(None);
        }
    };
    if !credential::is_token(name) || placed.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return Err(malformed(
            "the secret, or the name of its header, holds characters that HTTP does not allow",
        ));
    }
    // A header of the guest by the same name would let it choose what the server believes.
    request.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    request.headers.push((name.to_owned(), placed));
    Ok(echoed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_readers_disagree_about_is_refused() {
        assert!(check_url("https://a.example/b?c=d%20e").is_ok());
        for url in [
            "https://a.example/b c",
            "https://a.example/b\0?c",
            "\thttps://a.example/",
            "https://a.example\\@b.example",
        ] {
            let problem = check_url(url).unwrap_err();
            assert!(problem.message.contains("percent-encode"), "{url:?}: {}", problem.message);
        }
    }

    #[test]
    fn a_star_covers_hosts_below_and_nothing_else() {
        let matches = |pattern: &str, url: &str| origin_matches(pattern, &Url::parse(url).unwrap());
        assert!(matches("https://*.example.org", "https://a.b.example.org/x"));
        assert!(!matches("https://*.example.org", "https://example.org/"));
        assert!(!matches("https://*.example.org", "https://evilexample.org/"));
        assert!(!matches("https://*.example.org", "http://a.example.org/"));
        assert!(!matches("https://*.example.org", "https://a.example.org:8443/"));
        assert!(matches("https://a.example", "https://A.example:443/x?y"));
        assert!(!matches("https://a.example", "https://a.example.evil.org/"));
    }
}
