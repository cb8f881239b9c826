//! Grants: what an administrator allows, at most what the manifest asks.

use serde::{Deserialize, Serialize};

use crate::manifest::{LimitsTable, Manifest, PluginKind};

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

/// Everything a manifest asks for.
pub fn asked(manifest: &Manifest) -> Grants {
    let mut asked = Grants::default();
    for table in manifest.http.values() {
        asked.origins.extend(table.origins.iter().cloned());
        asked.origins.extend(table.from_config.iter().map(|pointer| format!("{FROM_CONFIG}{pointer}")));
        if table.methods.is_empty() {
            asked.methods.push("GET".to_owned());
        }
        asked.methods.extend(table.methods.iter().cloned());
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
