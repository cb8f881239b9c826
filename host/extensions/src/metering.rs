//! Metering: what each call of a plugin used, told to whoever keeps account.
//!
//! A call names its [`Subject`]: the plugin and its version, the account that pays, the configured thing that called. The
//! sandbox asks [`Metering::allow`] before a call starts and tells [`Metering::record`] what it used however it ended, also
//! when whoever waited for it went away. [`Ledger`] keeps the sums: in memory, and every [`FLUSH_EVERY`] in SQL.
//!
//! **Invariant:** a call that began is recorded once.
//!
//! **Invariant:** what is in memory is bounded: [`ROWS_MAX`], [`ACCOUNTS_MAX`], [`PLUGINS_MAX`].

mod ledger;
mod quota;
mod sums;

use std::sync::Arc;

use async_trait::async_trait;
use halle_base::AccountRef;

use crate::registry::Installed;
use crate::types::PluginResult;

pub use ledger::{FLUSH_EVERY, Ledger, ROWS_MAX, USAGE_DAYS_MAX};
pub use quota::ACCOUNTS_MAX;
pub use sums::{PLUGINS_MAX, PluginTotals, Sums};

/// What called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InstanceKind {
    /// A processing, its runs and the checks of its configuration.
    Processing,
    /// A catalogue.
    Catalog,
    /// An application.
    Application,
    /// A dataset: its extensions, and the chart of its public page.
    Dataset,
    /// A remote service.
    RemoteService,
    /// The admission of a version: its check and its compilation when it is installed, for nobody's account.
    Admission,
    /// A tool of plugin authors, and nobody's account.
    Tool,
}

impl InstanceKind {
    /// Its name in answers, the same as in lists of uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Catalog => "catalog",
            Self::Application => "application",
            Self::Dataset => "dataset",
            Self::RemoteService => "remote-service",
            Self::Admission => "admission",
            Self::Tool => "tool",
        }
    }
}

/// Who answers for a call, and for what it was made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Identifier of the plugin.
    pub plugin: String,
    /// Version of the plugin.
    pub version: String,
    /// The account that pays, `type:id`: departments count with their organisation. Empty where nobody pays.
    pub account: String,
    /// What called.
    pub kind: InstanceKind,
    /// Its identifier. Empty for what is not stored.
    pub instance: String,
}

impl Subject {
    /// A thing of an account that calls a plugin.
    pub fn new(plugin: &Installed, owner: &AccountRef, kind: InstanceKind, instance: &str) -> Arc<Self> {
        let root = AccountRef { department: None, ..owner.clone() };
        Self::of(plugin, root.key(), kind, instance)
    }

    /// A tool that calls a plugin for nobody's account.
    pub fn tool(plugin: &Installed) -> Arc<Self> {
        Self::of(plugin, String::new(), InstanceKind::Tool, "")
    }

    /// The admission of a plugin that is being installed.
    pub fn admission(plugin: &Installed) -> Arc<Self> {
        Self::of(plugin, String::new(), InstanceKind::Admission, "")
    }

    fn of(plugin: &Installed, account: String, kind: InstanceKind, instance: &str) -> Arc<Self> {
        Arc::new(Self {
            plugin: plugin.id.clone(),
            version: plugin.manifest.plugin.version.clone(),
            account,
            kind,
            instance: instance.to_owned(),
        })
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ended {
    /// With an answer.
    Answered,
    /// With a problem that the plugin reported.
    Reported,
    /// With a crash, or an answer that the contract does not allow.
    Trapped,
    /// At a limit.
    Stopped,
    /// Because somebody asked, or went away.
    #[default]
    Cancelled,
}

/// What one call used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measure {
    /// How it ended.
    pub ended: Ended,
    /// Nanoseconds from instantiation to the end; what it waited for its place is not counted.
    pub wall_ns: u64,
    /// Nanoseconds of these in the guest, with the copying in and out; waiting in host calls is not counted.
    pub guest_ns: u64,
    /// Bytes of all linear memories of the instance at the end, which is their peak: they never shrink.
    pub memory_peak_bytes: u64,
    /// Calls of host functions.
    pub host_calls: u64,
    /// Bytes of texts, byte strings and columns that were given to the guest, as arguments and as answers.
    pub bytes_in: u64,
    /// Bytes of the same that were taken from the guest.
    pub bytes_out: u64,
    /// Bytes of bodies that requests of the guest received.
    pub http_bytes_in: u64,
    /// Bytes of bodies that they sent.
    pub http_bytes_out: u64,
}

/// Who keeps account of calls.
#[async_trait]
pub trait Metering: Send + Sync {
    /// Refuses a call when the account has used up what it may:
    /// [`PluginError::OverQuota`](crate::PluginError::OverQuota). Asked before a call waits for its place among the guests, and
    /// again when it has it: it must be cheap. A call is counted when it ends, so what runs already goes on to its end: an
    /// account overruns its share by the CPU limits of the calls that run at once, as many as the sandbox has places, and by
    /// what it does on other servers of the site between two of their flushes.
    async fn allow(&self, subject: &Subject) -> PluginResult<()>;

    /// Takes down what a call used. Called on the threads of guests: it must not wait.
    fn record(&self, subject: &Arc<Subject>, measure: &Measure);
}

/// Keeps no account: for tools, where nobody pays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unmetered;

#[async_trait]
impl Metering for Unmetered {
    async fn allow(&self, _subject: &Subject) -> PluginResult<()> {
        Ok(())
    }

    fn record(&self, _subject: &Arc<Subject>, _measure: &Measure) {}
}
