//! Grants: what an administrator allows, at most what the manifest asks.

use serde::{Deserialize, Serialize};

/// What an administrator granted to one installation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Grants {
    /// Origins it may call.
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
