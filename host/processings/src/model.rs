//! Processings and runs, as they are stored and as clients see them (names are Data Fair's).

use std::collections::BTreeMap;

use halle_base::{AccountRef, Timestamp};
use halle_extensions::instance::Configured;
use halle_http::shapes;
use halle_model::permission::{PermissionEntry, Protected};
use halle_store::{Entity, Key};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use halle_model::schedule::Rule;

/// Runs kept per processing (Data Fair: 500).
pub const RUNS_KEPT_MAX: u32 = 500;

/// Log records kept per run.
pub const RUN_LOG_RECORDS_MAX: u32 = 10_000;

/// A plugin, configured, with a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Processing {
    /// Identifier.
    #[serde(rename = "_id")]
    pub id: String,
    /// Title.
    pub title: String,
    /// Account that owns it, and for which it acts.
    pub owner: AccountRef,
    /// Identifier of the plugin.
    pub plugin: String,
    /// Configuration and sealed secrets.
    pub configured: Configured,
    /// Which datasets stand in the plugin's slots.
    #[serde(default)]
    pub slots: BTreeMap<String, Slot>,
    /// When it runs by itself.
    #[serde(default)]
    pub scheduling: Vec<Rule>,
    /// Whether it may run.
    #[serde(default)]
    pub active: bool,
    /// Explicit grants.
    #[serde(default)]
    pub permissions: Vec<PermissionEntry>,
    /// Creation.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
}

/// A dataset in a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// Identifier of the dataset; for a slot to be written, absent until the first run has created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Title of the dataset to create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl Processing {
    /// What [`can`](halle_model::permission::can) needs to know.
    pub fn protected(&self) -> Protected<'_> {
        Protected { id: &self.id, owner: &self.owner, grants: &self.permissions, scope: "processings" }
    }

    /// Key of its jobs, and what its secrets are for.
    pub fn key(&self) -> String {
        key(&self.id)
    }
}

/// Key of the jobs of a processing.
pub fn key(id: &str) -> String {
    format!("processings/{id}")
}

impl Entity for Processing {
    const COLLECTION: &'static str = "processings";

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.owner)
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys = vec![Key::new("owner", self.owner.key()), Key::new("plugin", &self.plugin)];
        keys.extend(Key::readers(&self.owner, &self.permissions));
        keys
    }
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Waits for its time.
    Scheduled,
    /// Asked for by a person; waits for a worker.
    Triggered,
    /// In progress.
    Running,
    /// Asked to stop.
    Kill,
    /// Ended well.
    Finished,
    /// Ended badly; the log says why.
    Error,
    /// Stopped on demand.
    Killed,
}

impl RunStatus {
    /// Whether nothing more will happen.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Finished | Self::Error | Self::Killed)
    }

    /// Whether it has not begun.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Scheduled | Self::Triggered)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Triggered => "triggered",
            Self::Running => "running",
            Self::Kill => "kill",
            Self::Finished => "finished",
            Self::Error => "error",
            Self::Killed => "killed",
        }
    }
}

/// Why a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunReason {
    /// Its time has come.
    Schedule,
    /// Somebody asked for it.
    Manual,
}

/// One execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Identifier.
    #[serde(rename = "_id")]
    pub id: String,
    /// The processing.
    pub processing: ProcessingRef,
    /// Owner, copied from the processing.
    #[schema(value_type = shapes::Account)]
    pub owner: AccountRef,
    /// How it stands.
    pub status: RunStatus,
    /// Why it begins; absent in runs of before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RunReason>,
    /// Creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it should begin, if it is scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub scheduled_at: Option<Timestamp>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// Why it waits for longer than was planned, in French and English. Either its account has used up its plugin seconds: it
    /// begins at `scheduledAt`, or when the limit of the account is raised. Or it failed for the moment, and is tried again at
    /// `scheduledAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_off: Option<String>,
    /// How often it was tried again so far, at most three times.
    #[serde(default)]
    pub retries: u32,
    /// What the plugin, or the host in its place, said at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// A processing, as runs refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProcessingRef {
    /// Identifier.
    #[serde(rename = "_id")]
    pub id: String,
    /// Title at the time of the run.
    pub title: String,
}

impl Run {
    /// Stream of its log.
    pub fn log_stream(&self) -> String {
        format!("run/{}", self.id)
    }
}

impl Entity for Run {
    const COLLECTION: &'static str = "runs";

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.owner)
    }

    fn title(&self) -> &str {
        &self.processing.title
    }

    fn keys(&self) -> Vec<Key> {
        vec![Key::new("processing", &self.processing.id), Key::new("status", self.status.as_str())]
    }
}
