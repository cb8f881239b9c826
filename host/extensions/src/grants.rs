//! Grants: what an administrator allows, at most what the manifest asks.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::manifest::{HttpTable, LimitsTable, Manifest, PluginKind};

/// How an origin is written that comes from the configuration: this, then the JSON pointer of the field.
pub const FROM_CONFIG: &str = "config:";

/// What an administrator granted to one installation. Also what a manifest asks: see [`asked`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Grants {
    /// Origins it may call; `config:/pointer` is the origin of the URL in that field of the configuration.
    pub origins: Vec<String>,
    /// Methods it may use there.
    pub methods: Vec<String>,
    /// Slots it may read.
    pub read_slots: Vec<String>,
    /// Slots it may write.
    pub write_slots: Vec<String>,
    /// Bytes of state; 0 is none.
    pub state_bytes_max: u64,
    /// Secrets it may have placed in its requests.
    pub secrets: Vec<String>,
}

/// Limits on one call or run: the smallest of what the host allows, the account has, and the manifest asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Linear memory over all memories, in bytes.
    pub memory_bytes_max: u64,
    /// Time spent in the guest, in milliseconds.
    pub cpu_ms_max: u64,
    /// Time from start to end, host calls included, in milliseconds.
    pub wall_ms_max: u64,
    /// Calls of host functions.
    pub host_calls_max: u64,
    /// Bytes that one crossing may carry.
    pub crossing_bytes_max: u64,
    /// Handles of resources alive at once.
    pub handles_max: u32,
    /// Log records.
    pub log_records_max: u32,
    /// Time to stop by itself after a cancellation, in milliseconds.
    pub grace_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 256 << 20,
            cpu_ms_max: 10_000,
            wall_ms_max: 30_000,
            host_calls_max: 1_000_000,
            crossing_bytes_max: 64 << 20,
            handles_max: 1_000,
            log_records_max: 10_000,
            grace_ms: 5_000,
        }
    }
}

impl Limits {
    /// Which of these limits are higher than `other`, one entry each, in words: `cpuMsMax: 20000`.
    pub fn beyond(&self, other: &Self) -> Vec<String> {
        let limits = [
            ("memoryBytesMax", self.memory_bytes_max, other.memory_bytes_max),
            ("cpuMsMax", self.cpu_ms_max, other.cpu_ms_max),
            ("wallMsMax", self.wall_ms_max, other.wall_ms_max),
            ("hostCallsMax", self.host_calls_max, other.host_calls_max),
            ("crossingBytesMax", self.crossing_bytes_max, other.crossing_bytes_max),
            ("handlesMax", u64::from(self.handles_max), u64::from(other.handles_max)),
            ("logRecordsMax", u64::from(self.log_records_max), u64::from(other.log_records_max)),
            ("graceMs", self.grace_ms, other.grace_ms),
        ];
        let higher = limits.into_iter().filter(|(_, mine, theirs)| mine > theirs);
        higher.map(|(name, mine, _)| format!("{name}: {mine}")).collect()
    }
}

/// One thing that a plugin reaches, with what it goes together: the lists of [`Grants`] do not say which method, or which
/// secret, goes to which origin, and the tables of the manifest do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// It is used where plugins of this kind are.
    Kind(String),
    /// It sends requests of this method to this origin.
    Http {
        /// The method.
        method: String,
        /// The origin, or [`FROM_CONFIG`] and a pointer.
        origin: String,
    },
    /// The host places this secret in requests to this origin.
    Secret {
        /// Name of the secret.
        name: String,
        /// Where it is placed, as the manifest says.
        place: String,
        /// The origin, or [`FROM_CONFIG`] and a pointer.
        origin: String,
    },
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "kind: {kind}"),
            Self::Http { method, origin } => write!(f, "http: {method} {origin}"),
            // The manifest may name them as it likes: what is shown in a terminal has no control characters.
            Self::Secret { name, place, origin } => {
                write!(f, "secret: {} ({}) -> {origin}", name.escape_debug(), place.escape_debug())
            }
        }
    }
}

/// All that a plugin of this manifest reaches under these grants, table by table, as the sandbox enforces it.
pub fn reach(manifest: &Manifest, grants: &Grants) -> BTreeSet<Reach> {
    let kind = serde_json::to_value(manifest.plugin.kind).unwrap_or_default();
    let mut reach = BTreeSet::from([Reach::Kind(kind.as_str().unwrap_or_default().to_owned())]);
    for table in manifest.http.values() {
        let typed = table.from_config.iter().map(|pointer| format!("{FROM_CONFIG}{pointer}"));
        for origin in table.origins.iter().cloned().chain(typed) {
            if !grants.origins.contains(&origin) {
                continue;
            }
            let methods = asked_methods(table).into_iter().filter(|method| grants.methods.contains(method));
            reach.extend(methods.map(|method| Reach::Http { method, origin: origin.clone() }));
            let secret = table.credential.iter().filter(|one| grants.secrets.contains(&one.secret));
            reach.extend(secret.map(|credential| Reach::Secret {
                name: credential.secret.clone(),
                place: credential.place.clone(),
                origin: origin.clone(),
            }));
        }
    }
    reach
}

/// Methods that a table asks for: `GET` when it names none.
fn asked_methods(table: &HttpTable) -> Vec<String> {
    if table.methods.is_empty() { vec!["GET".to_owned()] } else { table.methods.clone() }
}

/// Everything a manifest asks for.
pub fn asked(manifest: &Manifest) -> Grants {
    let mut asked = Grants::default();
    for table in manifest.http.values() {
        asked.origins.extend(table.origins.iter().cloned());
        asked.origins.extend(table.from_config.iter().map(|pointer| format!("{FROM_CONFIG}{pointer}")));
        asked.methods.extend(asked_methods(table));
        asked.secrets.extend(table.credential.iter().map(|credential| credential.secret.clone()));
    }
    for (name, slot) in &manifest.slots {
        let slots = if slot.direction == "write" { &mut asked.write_slots } else { &mut asked.read_slots };
        slots.push(name.clone());
    }
    asked.state_bytes_max = manifest.state.as_ref().map_or(0, |state| state.max_bytes);
    for list in [&mut asked.origins, &mut asked.methods, &mut asked.secrets] {
        list.sort_unstable();
        list.dedup();
    }
    asked
}

impl Grants {
    /// What of `self` goes beyond `other`, one entry each, in words: `origins: https://a.example`.
    pub fn beyond(&self, other: &Self) -> Vec<String> {
        let lists = [
            ("origins", &self.origins, &other.origins),
            ("methods", &self.methods, &other.methods),
            ("readSlots", &self.read_slots, &other.read_slots),
            ("writeSlots", &self.write_slots, &other.write_slots),
            ("secrets", &self.secrets, &other.secrets),
        ];
        let mut more: Vec<String> = lists
            .iter()
            .flat_map(|(name, mine, theirs)| {
                mine.iter()
                    .filter(|entry| !theirs.contains(entry))
                    .map(move |entry| format!("{name}: {entry}"))
            })
            .collect();
        if self.state_bytes_max > other.state_bytes_max {
            more.push(format!("stateBytesMax: {}", self.state_bytes_max));
        }
        more
    }

    /// What both allow.
    #[must_use]
    pub fn narrowed_to(&self, other: &Self) -> Self {
        let both = |mine: &[String], theirs: &[String]| {
            mine.iter().filter(|entry| theirs.contains(entry)).cloned().collect()
        };
        Self {
            origins: both(&self.origins, &other.origins),
            methods: both(&self.methods, &other.methods),
            read_slots: both(&self.read_slots, &other.read_slots),
            write_slots: both(&self.write_slots, &other.write_slots),
            state_bytes_max: self.state_bytes_max.min(other.state_bytes_max),
            secrets: both(&self.secrets, &other.secrets),
        }
    }
}

/// What the host allows, kind by kind. Part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HostLimits {
    /// One run of a processing, from its start to its end.
    pub processing: Limits,
    /// One call of a connector; a fetch may bring a large file.
    pub catalog_connector: Limits,
    /// One batch of an enricher.
    pub enricher: Limits,
    /// One call of a visualisation: somebody waits for the page.
    pub visualisation: Limits,
    /// One call of an adapter.
    pub remote_service: Limits,
}

impl Default for HostLimits {
    fn default() -> Self {
        let call = Limits::default();
        Self {
            processing: Limits { cpu_ms_max: 600_000, wall_ms_max: 6 * 3_600_000, ..call },
            catalog_connector: Limits { cpu_ms_max: 60_000, wall_ms_max: 3_600_000, ..call },
            enricher: call,
            visualisation: Limits { cpu_ms_max: 5_000, wall_ms_max: 10_000, ..call },
            remote_service: call,
        }
    }
}

impl HostLimits {
    /// Limits of a kind.
    pub fn of(&self, kind: PluginKind) -> Limits {
        match kind {
            PluginKind::Processing => self.processing,
            PluginKind::CatalogConnector => self.catalog_connector,
            PluginKind::Enricher => self.enricher,
            PluginKind::Visualisation => self.visualisation,
            PluginKind::RemoteService => self.remote_service,
        }
    }

    /// Limits of a plugin: the host's, or what its manifest asks where that is smaller.
    pub fn effective(&self, kind: PluginKind, ask: Option<&LimitsTable>) -> Limits {
        let host = self.of(kind);
        let Some(ask) = ask else { return host };
        let smaller = |host: u64, ask: Option<u64>, unit: u64| {
            ask.map_or(host, |value| host.min(value.saturating_mul(unit)))
        };
        Limits {
            memory_bytes_max: smaller(host.memory_bytes_max, ask.memory_mib, 1 << 20),
            cpu_ms_max: smaller(host.cpu_ms_max, ask.cpu_ms, 1),
            wall_ms_max: smaller(host.wall_ms_max, ask.wall_s, 1_000),
            ..host
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_limit_applies() {
        let ask = LimitsTable { memory_mib: Some(64), cpu_ms: Some(u64::MAX), wall_s: Some(1) };
        let limits = HostLimits::default().effective(PluginKind::Enricher, Some(&ask));
        assert_eq!(
            (limits.memory_bytes_max, limits.cpu_ms_max, limits.wall_ms_max),
            (64 << 20, 10_000, 1_000)
        );
    }

    #[test]
    fn what_goes_beyond_is_told_and_cut() {
        let one = Grants { origins: vec!["https://a.example".to_owned()], ..Grants::default() };
        let two =
            Grants { origins: vec!["https://b.example".to_owned()], state_bytes_max: 5, ..Grants::default() };
        assert_eq!(two.beyond(&one), ["origins: https://b.example", "stateBytesMax: 5"]);
        assert_eq!(two.narrowed_to(&one), Grants::default());
        assert!(one.beyond(&one).is_empty());
    }
}
