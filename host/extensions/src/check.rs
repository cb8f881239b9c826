//! Whether a manifest makes sense: every error names the key, and all of them are told at once.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::config::ConfigSchema;
use crate::manifest::{HttpTable, Manifest, PluginKind};

/// Bytes of a manifest.
pub const MANIFEST_BYTES_MAX: usize = 256 * 1024;

/// Entries of any table of a manifest.
const TABLE_ENTRIES_MAX: usize = 32;

/// Bytes of state that may be asked.
const STATE_BYTES_MAX: u64 = 64 << 20;

/// Methods a plugin may ask for.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// A key of a manifest, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Path of the key: `plugin.id`, `http.api.origins`.
    pub key: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is no TOML, or has unknown or missing keys. The text has line and column.
    #[error("plugin.toml cannot be read: {0}")]
    Syntax(String),
    /// It asks for what does not exist, or contradicts itself.
    #[error("plugin.toml is refused: {}", list(.0))]
    Findings(Vec<Finding>),
}

fn list(findings: &[Finding]) -> String {
    let lines: Vec<String> =
        findings.iter().map(|finding| format!("`{}` {}", finding.key, finding.message)).collect();
    lines.join("; ")
}

/// What each kind may ask for.
struct Abilities {
    contract: &'static str,
    http: bool,
    state: bool,
    /// Directions of slots.
    slots: &'static [&'static str],
}

fn abilities(kind: PluginKind) -> Abilities {
    let (contract, http, state, slots): (_, _, _, &[&str]) = match kind {
        PluginKind::CatalogConnector => ("halle:catalog", true, true, &["read"]),
        PluginKind::Processing => ("halle:processing", true, true, &["read", "write"]),
        PluginKind::Enricher => ("halle:enricher", false, false, &["read"]),
        PluginKind::Visualisation => ("halle:visualisation", false, false, &[]),
        PluginKind::RemoteService => ("halle:remote-service", false, false, &[]),
    };
    Abilities { contract, http, state, slots }
}

/// Reads and checks `plugin.toml`.
pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
    if text.len() > MANIFEST_BYTES_MAX {
        return Err(ManifestError::Syntax(format!("longer than {} KiB", MANIFEST_BYTES_MAX / 1024)));
    }
    let manifest: Manifest =
        toml::from_str(text).map_err(|error| ManifestError::Syntax(error.to_string().trim().to_owned()))?;
    check(&manifest)?;
    Ok(manifest)
}

/// Checks a manifest.
pub fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    let mut checker = Checker { findings: Vec::new() };
    let may = abilities(manifest.plugin.kind);
    if manifest.schema != 1 {
        checker.add("schema", "must be 1, the only version of this format");
    }
    checker.plugin(manifest, &may);
    let schema = checker.config(manifest.config.as_ref());
    checker.secrets(manifest.plugin.kind, schema.as_ref());
    checker.http(&manifest.http, &may, schema.as_ref());
    checker.slots(manifest, &may);
    checker.state_and_limits(manifest, &may);
    checker.groups(manifest);
    if checker.findings.is_empty() { Ok(()) } else { Err(ManifestError::Findings(checker.findings)) }
}

struct Checker {
    findings: Vec<Finding>,
}

impl Checker {
    fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.findings.push(Finding { key: key.into(), message: message.into() });
    }

    fn plugin(&mut self, manifest: &Manifest, may: &Abilities) {
        let plugin = &manifest.plugin;
        if !is_plugin_id(&plugin.id) {
            self.add(
                "plugin.id",
                "must be `name` or `organisation/name`: lower-case letters, digits and `-`, at most 64 characters each",
            );
        }
        if !is_version(&plugin.version) {
            self.add("plugin.version", "must be a semantic version such as `1.2.0`");
        }
        let majors = [format!("{}@1", may.contract), format!("{}@1.0", may.contract)];
        if !majors.contains(&plugin.contract) {
            self.add(
                "plugin.contract",
                format!("`{}` is not served here: this kind has `{}`", plugin.contract, majors[0]),
            );
        }
        self.texts("plugin.title", &plugin.title, 200);
        if plugin.title.is_empty() {
            self.add("plugin.title", "must have at least one language, `fr` and `en` if you can");
        }
        self.texts("plugin.description", &plugin.description, 4_000);
        if plugin.licence.trim().is_empty() {
            self.add("plugin.licence", "must be an SPDX expression such as `MIT`");
        }
        if plugin.homepage.as_deref().is_some_and(|page| !page.starts_with("https://")) {
            self.add("plugin.homepage", "must be an address that starts with https://");
        }
    }

    fn texts(&mut self, key: &str, texts: &BTreeMap<String, String>, chars_max: usize) {
        for (language, text) in texts {
            let is_code =
                (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_lowercase());
            if !is_code {
                self.add(format!("{key}.{language}"), "is no language code: use `fr`, `en`...");
            }
            if text.trim().is_empty() || text.chars().count() > chars_max {
                self.add(format!("{key}.{language}"), format!("must have 1 to {chars_max} characters"));
            }
        }
    }

    fn config(&mut self, config: Option<&Value>) -> Option<ConfigSchema> {
        match ConfigSchema::new(config?) {
            Ok(schema) => Some(schema),
            Err(message) => {
                self.add("config", message);
                None
            }
        }
    }

    fn secrets(&mut self, kind: PluginKind, schema: Option<&ConfigSchema>) {
        let has_none = matches!(kind, PluginKind::Enricher | PluginKind::Visualisation);
        if has_none && schema.is_some_and(|schema| !schema.secret_names().is_empty()) {
            self.add(
                "config",
                "says x-secret, but this kind is configured where readers see it: take what must stay secret from a slot",
            );
        }
    }

    fn http(&mut self, tables: &BTreeMap<String, HttpTable>, may: &Abilities, schema: Option<&ConfigSchema>) {
        if !may.http && !tables.is_empty() {
            self.add("http", "this kind makes no requests: remove the table");
            return;
        }
        if tables.len() > TABLE_ENTRIES_MAX {
            self.add("http", format!("has more than {TABLE_ENTRIES_MAX} entries"));
        }
        for (name, table) in tables {
            let key = format!("http.{name}");
            if table.origins.is_empty() && table.from_config.is_none() {
                self.add(&key, "names nowhere to go: give `origins` or `from-config`");
            }
            for origin in &table.origins {
                if let Err(message) = check_origin(origin) {
                    self.add(format!("{key}.origins"), format!("`{origin}` {message}"));
                }
            }
            if let Some(pointer) = &table.from_config
                && !schema.is_some_and(|schema| schema.egress_pointers().contains(pointer))
            {
                self.add(
                    format!("{key}.from-config"),
                    format!("`{pointer}` must point to a text of [config] that says `x-egress = true`"),
                );
            }
            for method in &table.methods {
                if !METHODS.contains(&method.as_str()) {
                    self.add(
                        format!("{key}.methods"),
                        format!("`{method}` is none of {}", METHODS.join(", ")),
                    );
                }
            }
            self.credential(&key, table, schema);
        }
    }

    fn credential(&mut self, key: &str, table: &HttpTable, schema: Option<&ConfigSchema>) {
        let Some(credential) = &table.credential else { return };
        if !schema.is_some_and(|schema| schema.secret_names().contains(&credential.secret)) {
            self.add(
                format!("{key}.credential.secret"),
                format!("`{}` must name a text of [config] that says `x-secret = true`", credential.secret),
            );
        }
        if let Err(error) = crate::credential::Place::parse(&credential.place) {
            self.add(format!("{key}.credential.place"), error);
        }
    }

    fn slots(&mut self, manifest: &Manifest, may: &Abilities) {
        if manifest.slots.len() > TABLE_ENTRIES_MAX {
            self.add("slots", format!("has more than {TABLE_ENTRIES_MAX} entries"));
        }
        for (name, slot) in &manifest.slots {
            let key = format!("slots.{name}");
            if !is_name(name) {
                self.add(&key, "must be lower-case letters, digits and `-`");
            }
            if may.slots.is_empty() {
                self.add(&key, "this kind has no slots: remove the table");
            } else if !may.slots.contains(&slot.direction.as_str()) {
                self.add(
                    format!("{key}.direction"),
                    format!("`{}` is not for this kind: use {}", slot.direction, may.slots.join(" or ")),
                );
            }
            if manifest.plugin.kind == PluginKind::CatalogConnector && name != "source" {
                self.add(&key, "a connector has no other slot than `source`, the dataset being published");
            }
            self.texts(&format!("{key}.title"), &slot.title, 200);
        }
    }

    fn state_and_limits(&mut self, manifest: &Manifest, may: &Abilities) {
        if let Some(state) = &manifest.state {
            if !may.state {
                self.add("state", "this kind keeps no state: remove the table");
            } else if state.max_bytes == 0 || state.max_bytes > STATE_BYTES_MAX {
                self.add("state.max-bytes", format!("must be 1 to {STATE_BYTES_MAX}"));
            }
        }
        if let Some(limits) = &manifest.limits {
            let asks =
                [("memory-mib", limits.memory_mib), ("cpu-ms", limits.cpu_ms), ("wall-s", limits.wall_s)];
            for (name, _) in asks.iter().filter(|(_, ask)| *ask == Some(0)) {
                self.add(format!("limits.{name}"), "must be at least 1");
            }
        }
    }
}

impl Checker {
    fn groups(&mut self, manifest: &Manifest) {
        let Some(groups) = &manifest.groups else { return };
        if manifest.plugin.kind != PluginKind::Enricher {
            self.add("groups", "only an enricher adds columns to rows: remove the table");
        }
        if groups.output.trim().is_empty() {
            self.add("groups.output", "must be the key of an output");
        }
        let property = manifest.config.as_ref().and_then(|schema| groups.property(schema));
        let default = property.filter(|property| property["type"] == "integer");
        if default.and_then(|property| property["default"].as_u64()).is_none_or(|rows| rows == 0) {
            let message = format!(
                "`{}` must point to an integer of [config] that has a default of at least 1",
                groups.k
            );
            self.add("groups.k", message);
        }
    }
}

/// Whether a text is an origin that may be asked: `https://host[:port]`, `http://host[:port]`, `https://*.host`.
pub(crate) fn check_origin(origin: &str) -> Result<(), &'static str> {
    let plain = origin.replacen("://*.", "://", 1);
    let url = Url::parse(&plain).map_err(|_| "is no origin: write `https://data.example.org`")?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err("must start with https:// (or http://)");
    }
    let bare =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && !plain.ends_with('/');
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err("must stop after the host and port");
    }
    if plain.contains('*') || (origin.contains('*') && !url.host_str().unwrap_or_default().contains('.')) {
        return Err("may have one `*`, as the first label of a name with at least two more");
    }
    Ok(())
}

/// Whether a text is `name` or `organisation/name`.
pub fn is_plugin_id(id: &str) -> bool {
    let parts: Vec<&str> = id.split('/').collect();
    parts.len() <= 2 && parts.iter().all(|part| is_name(part))
}

fn is_name(text: &str) -> bool {
    let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&text.len())
        && text.bytes().all(sound)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_version(text: &str) -> bool {
    let (core, extra) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |part: &&str| {
        !part.is_empty()
            && part.len() <= 9
            && part.bytes().all(|b| b.is_ascii_digit())
            && (*part == "0" || !part.starts_with('0'))
    };
    let extra_is_sound = extra.is_empty()
        || (extra.len() > 1
            && extra.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+')));
    numbers.len() == 3 && numbers.iter().all(is_number) && extra_is_sound && text.len() <= 64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SOUND: &str = r#"
schema = 1
[plugin]
id = "import-api"
version = "1.0.0"
kind = "processing"
contract = "halle:processing@1"
title = { fr = "Import d'API", en = "API import" }
licence = "AGPL-3.0-or-later"
[config]
type = "object"
[config.properties.url]
type = "string"
x-egress = true
[config.properties.token]
type = "string"
x-secret = true
[http.api]
from-config = "/url"
methods = ["GET", "POST"]
credential = { secret = "token", place = "bearer" }
[slots.output]
direction = "write"
[state]
max-bytes = 1000
"#;

    /// Keys that are refused once `from` is replaced by `to` in a sound manifest.
    fn refused(from: &str, to: &str) -> Vec<String> {
        assert!(SOUND.contains(from), "{from} is not in the manifest");
        match parse(&SOUND.replace(from, to)) {
            Ok(_) => Vec::new(),
            Err(ManifestError::Syntax(text)) => vec![text],
            Err(ManifestError::Findings(findings)) => findings.into_iter().map(|f| f.key).collect(),
        }
    }

    #[test]
    fn a_sound_manifest_is_accepted() {
        assert_eq!(parse(SOUND).unwrap().plugin.id, "import-api");
    }

    #[test]
    fn kinds_that_are_configured_in_the_open_ask_for_no_secret() {
        let enricher = SOUND
            .replace("kind = \"processing\"", "kind = \"enricher\"")
            .replace("halle:processing", "halle:enricher")
            .split("[http.api]")
            .next()
            .unwrap()
            .to_owned();
        let Err(ManifestError::Findings(findings)) = parse(&enricher) else { panic!("accepted") };
        assert_eq!(findings.iter().map(|finding| &*finding.key).collect::<Vec<_>>(), ["config"]);
        assert!(parse(&enricher.replace("x-secret = true", "")).is_ok());
    }

    #[test]
    fn groups_are_of_an_enricher_and_have_a_size() {
        let enricher = SOUND.split("[config.properties.url]").next().unwrap();
        let enricher =
            enricher.replace("\"processing\"", "\"enricher\"").replace("halle:processing", "halle:enricher");
        let groups = "[config.properties.k]\ntype = \"integer\"\ndefault = 5\n[groups]\noutput = \"groupe\"\nk = \"/k\"\n";
        let sound = format!("{enricher}{groups}");
        let manifest = parse(&sound).unwrap();
        let table = manifest.groups.as_ref().unwrap();
        let rows_min = |config| table.rows_min(manifest.config.as_ref(), &config);
        assert_eq!((rows_min(json!({ "k": 3 })), rows_min(json!({}))), (Some(3), Some(5)));
        let refused = |from: &str, to: &str| match parse(&sound.replace(from, to)) {
            Err(ManifestError::Findings(findings)) => {
                findings.into_iter().map(|finding| finding.key).collect()
            }
            other => vec![format!("{other:?}")],
        };
        assert_eq!(refused("default = 5", "default = 0"), ["groups.k"]);
        assert_eq!(refused("default = 5", ""), ["groups.k"]);
        assert_eq!(refused("\"/k\"", "\"/l\""), ["groups.k"]);
        assert_eq!(refused("\"integer\"", "\"number\""), ["groups.k"]);
        assert_eq!(refused("\"groupe\"", "\" \""), ["groups.output"]);
        assert_eq!(refused("enricher", "processing"), ["groups"]);
    }

    #[test]
    fn what_does_not_exist_is_refused_by_its_key() {
        assert_eq!(refused("halle:processing@1", "halle:processing@2"), ["plugin.contract"]);
        assert_eq!(refused(r#"direction = "write""#, r#"direction = "erase""#), ["slots.output.direction"]);
        assert_eq!(refused(r#"from-config = "/url""#, r#"from-config = "/nope""#), ["http.api.from-config"]);
        assert_eq!(refused(r#"secret = "token""#, r#"secret = "url""#), ["http.api.credential.secret"]);
        assert_eq!(refused(r#"place = "bearer""#, r#"place = "cookie""#), ["http.api.credential.place"]);
        assert_eq!(refused(r#""POST""#, r#""CONNECT""#), ["http.api.methods"]);
        assert_eq!(refused(r#"id = "import-api""#, r#"id = "../x""#), ["plugin.id"]);
        assert_eq!(refused(r#"version = "1.0.0""#, r#"version = "1.0""#), ["plugin.version"]);
        assert_eq!(
            refused(r#"type = "object""#, r#"type = "thing""#),
            ["config", "http.api.from-config", "http.api.credential.secret"]
        );
    }

    #[test]
    fn unknown_keys_and_kinds_are_refused_with_their_place() {
        let unknown = refused("max-bytes = 1000", "max-bites = 1000").remove(0);
        assert!(unknown.contains("max-bites") && unknown.contains("line"), "{unknown}");
        let kind = refused(r#"kind = "processing""#, r#"kind = "miner""#).remove(0);
        assert!(kind.contains("miner"), "{kind}");
    }

    #[test]
    fn a_pure_kind_cannot_ask_for_the_network_or_state() {
        let enricher = SOUND
            .replace("halle:processing@1", "halle:enricher@1")
            .replace(r#""processing""#, r#""enricher""#);
        let Err(ManifestError::Findings(findings)) = parse(&enricher) else { panic!("accepted") };
        let keys: Vec<&str> = findings.iter().map(|f| f.key.as_str()).collect();
        assert_eq!(keys, ["config", "http", "slots.output.direction", "state"]);
    }

    #[test]
    fn origins_stop_after_host_and_port() {
        for good in ["https://a.example", "http://127.0.0.1:8080", "https://*.example.org"] {
            assert_eq!(check_origin(good), Ok(()), "{good}");
        }
        for bad in [
            "a.example",
            "https://a.example/",
            "https://a.example/x",
            "ftp://a.example",
            "https://u@a.example",
            "https://*.org",
            "https://a.*.org",
            "*",
        ] {
            assert!(check_origin(bad).is_err(), "{bad} was accepted");
        }
    }
}
