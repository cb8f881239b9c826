//! What the feature works with.

use std::path::PathBuf;
use std::sync::Arc;

use halle_base::{Clock, Dice, limits};
use halle_search::SearchEngine;
use halle_store::{Blobs, Store};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::enrich::Enrichments;

/// Events kept for slow readers of the hub; those that lag further miss some, and read the journal instead.
const HUB_EVENTS_MAX: usize = 1_024;

/// Limits and places.
#[derive(Debug, Clone)]
pub struct DatasetsConfig {
    /// Bytes of one uploaded file.
    pub upload_bytes_max: u64,
    /// Folder for files on their way; on the same file system as the blobs, so that moving them is cheap.
    pub temp_dir: PathBuf,
}

impl DatasetsConfig {
    /// Default limits, files on their way in `temp_dir`.
    pub fn new(temp_dir: impl Into<PathBuf>) -> Self {
        Self { upload_bytes_max: limits::UPLOAD_BYTES_MAX, temp_dir: temp_dir.into() }
    }
}

/// Something that just happened, for those who listen: `channel` is Data Fair's WebSocket channel, such as
/// `datasets/{id}/journal` or `datasets/{id}/task-progress`.
#[derive(Debug, Clone, PartialEq)]
pub struct HubEvent {
    /// Channel.
    pub channel: String,
    /// Message, as WebSocket clients get it.
    pub data: Value,
}

/// What [`Datasets`] is made of; `app` and tests choose the adapters.
pub struct DatasetsParts {
    /// Metadata, journals, edited lines, jobs.
    pub store: Arc<dyn Store>,
    /// Files and canonical rows.
    pub blobs: Arc<dyn Blobs>,
    /// Indexes.
    pub engine: Arc<dyn SearchEngine>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub dice: Arc<dyn Dice>,
    /// Enrichments by plugins and remote services.
    pub enrichments: Arc<dyn Enrichments>,
    /// Limits and places.
    pub config: DatasetsConfig,
}

/// The feature: cheap to clone, shared by routes, jobs and other features.
#[derive(Clone)]
pub struct Datasets(Arc<Inner>);

struct Inner {
    parts: DatasetsParts,
    hub: broadcast::Sender<HubEvent>,
}

impl Datasets {
    /// The feature over the given adapters.
    pub fn new(parts: DatasetsParts) -> Self {
        let (hub, _) = broadcast::channel(HUB_EVENTS_MAX);
        Self(Arc::new(Inner { parts, hub }))
    }

    /// Events of all datasets, from now on. Whoever passes them on checks permissions by channel.
    pub fn subscribe(&self) -> broadcast::Receiver<HubEvent> {
        self.0.hub.subscribe()
    }

    /// Tells whoever listens. Nobody listening is fine.
    pub(crate) fn publish(&self, event: HubEvent) {
        // The only error is that nobody listens.
        let _ = self.0.hub.send(event);
    }
}

impl std::ops::Deref for Datasets {
    type Target = DatasetsParts;

    fn deref(&self) -> &DatasetsParts {
        &self.0.parts
    }
}

impl std::fmt::Debug for Datasets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Datasets").field("config", &self.config).finish_non_exhaustive()
    }
}
