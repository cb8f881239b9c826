//! How much an account may keep (reference §1.9), and how long plugins may compute for it.

use halle_base::{AccountRef, Timestamp};
use serde::{Deserialize, Serialize};

/// Means that there is no limit.
pub const UNLIMITED: i64 = -1;

/// What may be limited; [`UNLIMITED`] where it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitValues {
    /// Bytes of everything that the account's datasets take on disk.
    pub store_bytes: i64,
    /// Bytes of the indexes of the account's datasets.
    pub indexed_bytes: i64,
    /// Datasets of the account.
    pub nb_datasets: i64,
    /// Seconds that plugins compute for the account, each day in UTC.
    pub plugin_seconds: i64,
}

impl Default for LimitValues {
    fn default() -> Self {
        Self {
            store_bytes: UNLIMITED,
            indexed_bytes: UNLIMITED,
            nb_datasets: UNLIMITED,
            plugin_seconds: UNLIMITED,
        }
    }
}

/// What was set for one account, its departments included. What is absent is as everybody has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// [`AccountRef::key`] of the account.
    pub key: String,
    /// Whose.
    pub account: AccountRef,
    /// When they were set.
    pub last_update: Timestamp,
    /// Bytes of everything that the account's datasets take on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_bytes: Option<i64>,
    /// Bytes of the indexes of the account's datasets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed_bytes: Option<i64>,
    /// Datasets of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nb_datasets: Option<i64>,
    /// Seconds that plugins compute for the account, each day in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin_seconds: Option<i64>,
    /// Whether pages of the account do without the platform's name.
    #[serde(default)]
    pub hide_brand: bool,
}

impl Limits {
    /// What counts, given what everybody has.
    pub fn over(&self, defaults: LimitValues) -> LimitValues {
        LimitValues {
            store_bytes: self.store_bytes.unwrap_or(defaults.store_bytes),
            indexed_bytes: self.indexed_bytes.unwrap_or(defaults.indexed_bytes),
            nb_datasets: self.nb_datasets.unwrap_or(defaults.nb_datasets),
            plugin_seconds: self.plugin_seconds.unwrap_or(defaults.plugin_seconds),
        }
    }
}

/// Whether `more` fits beside what is there.
pub fn fits(limit: i64, consumption: i64, more: i64) -> bool {
    limit < 0 || consumption.saturating_add(more) <= limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_counts_and_the_rest_is_as_everybody_has_it() {
        let defaults = LimitValues { nb_datasets: 10, ..LimitValues::default() };
        let account = AccountRef::organization("ville", "Ville");
        let limits = Limits {
            key: account.key(),
            account,
            last_update: Timestamp::UNIX_EPOCH,
            store_bytes: Some(100),
            indexed_bytes: None,
            nb_datasets: None,
            plugin_seconds: Some(60),
            hide_brand: false,
        };
        let values = limits.over(defaults);
        assert_eq!((values.store_bytes, values.indexed_bytes, values.nb_datasets), (100, UNLIMITED, 10));
        assert_eq!(values.plugin_seconds, 60);
        assert!(fits(values.store_bytes, 60, 40) && !fits(values.store_bytes, 60, 41));
        assert!(fits(UNLIMITED, i64::MAX, 1));
    }
}
