//! What the feature works with.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use halle_base::{Clock, Dice, Secret, limits};
use halle_extensions::services::Egress;
use halle_http::Hub;
use halle_model::limits::LimitValues;
use halle_search::SearchEngine;
use halle_store::{Blobs, Store};

use crate::enrich::expressions::ExpressionEnrichments;
use crate::enrich::{AllEnrichments, Enrichments};
use crate::pictures::Pictures;
use crate::service::load::RecentDatasets;
use crate::service::read::TileCache;
use crate::service::remote_files::RemoteFiles;
use crate::service::thumbnail::Cache;
use crate::service::write::LineLocks;

/// Limits and places.
#[derive(Debug, Clone)]
pub struct DatasetsConfig {
    /// Bytes of one uploaded file.
    pub upload_bytes_max: u64,
    /// Folder for files on their way; on the same file system as the blobs, so that moving them is cheap.
    pub temp_dir: PathBuf,
    /// What accounts may keep for which nothing else was set.
    pub limits: LimitValues,
    /// Secret of trusted services (`?key=` of limits and identities); without one nobody but superadmins may.
    pub services_key: Option<Secret<String>>,
}

impl DatasetsConfig {
    /// Default limits, files on their way in `temp_dir`.
    pub fn new(temp_dir: impl Into<PathBuf>) -> Self {
        Self {
            upload_bytes_max: limits::UPLOAD_BYTES_MAX,
            temp_dir: temp_dir.into(),
            limits: LimitValues::default(),
            services_key: None,
        }
    }
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
    /// Enrichments by plugins and remote services; expressions are the feature's own.
    pub enrichments: Arc<dyn Enrichments>,
    /// Where `datasets/{id}/journal` and `datasets/{id}/task-progress` are published.
    pub hub: Hub,
    /// Limits and places.
    pub config: DatasetsConfig,
}

/// The feature: cheap to clone, shared by routes, jobs and other features.
#[derive(Clone)]
pub struct Datasets(Arc<DatasetsParts>, Arc<Shared>, Sight);

/// Which state of a dataset reads look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Sight {
    /// The published one.
    #[default]
    Published,
    /// The draft, where there is one and the caller may see it.
    Draft,
}

/// What the feature keeps beside its parts while the process lives.
#[derive(Default)]
struct Shared {
    line_locks: LineLocks,
    recent: RecentDatasets,
    tiles: TileCache,
    pictures: OnceLock<Arc<dyn Pictures>>,
    thumbnails: Cache,
    egress: OnceLock<Arc<dyn Egress>>,
    remote_files: RemoteFiles,
}

impl Datasets {
    /// The feature over the given adapters.
    pub fn new(mut parts: DatasetsParts) -> Self {
        let expressions = Arc::new(ExpressionEnrichments::new(Arc::clone(&parts.dice)));
        parts.enrichments = Arc::new(AllEnrichments::new(vec![expressions, parts.enrichments]));
        Self(Arc::new(parts), Arc::default(), Sight::Published)
    }

    /// The same feature, whose reads look at drafts where there are some and the caller may see them.
    #[must_use]
    pub fn seeing_drafts(&self) -> Self {
        Self(Arc::clone(&self.0), Arc::clone(&self.1), Sight::Draft)
    }

    /// The same feature, whose reads look at what is published only.
    pub(crate) fn seeing_published(&self) -> Self {
        Self(Arc::clone(&self.0), Arc::clone(&self.1), Sight::Published)
    }

    /// Whether reads look at drafts.
    pub(crate) fn sees_drafts(&self) -> bool {
        self.2 == Sight::Draft
    }

    /// The feature with small pictures. Without, they are refused with 501.
    #[must_use]
    pub fn with_pictures(self, pictures: Arc<dyn Pictures>) -> Self {
        // The first ones stay: features that were given this one before share them.
        let _ = self.1.pictures.set(pictures);
        self
    }

    /// The feature with a way out to other servers, for files of descriptions that are there. Without, they are refused with
    /// 501.
    #[must_use]
    pub fn with_egress(self, egress: Arc<dyn Egress>) -> Self {
        // As for pictures.
        let _ = self.1.egress.set(egress);
        self
    }

    /// The way out to other servers.
    pub(crate) fn egress(&self) -> Option<&Arc<dyn Egress>> {
        self.1.egress.get()
    }

    /// What is known of files on other servers.
    pub(crate) fn remote_files(&self) -> &RemoteFiles {
        &self.1.remote_files
    }

    /// What makes pictures small.
    pub(crate) fn pictures(&self) -> Option<&Arc<dyn Pictures>> {
        self.1.pictures.get()
    }

    /// Small pictures made lately.
    pub(crate) fn thumbnails(&self) -> &Cache {
        &self.1.thumbnails
    }

    /// What orders the changes of editable datasets' indexes.
    pub(crate) fn line_locks(&self) -> &LineLocks {
        &self.1.line_locks
    }

    /// Datasets that were read lately.
    pub(crate) fn recent(&self) -> &RecentDatasets {
        &self.1.recent
    }

    /// Map tiles already drawn.
    pub(crate) fn tiles(&self) -> &TileCache {
        &self.1.tiles
    }
}

impl std::ops::Deref for Datasets {
    type Target = DatasetsParts;

    fn deref(&self) -> &DatasetsParts {
        &self.0
    }
}

impl std::fmt::Debug for Datasets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Datasets").field("config", &self.config).finish_non_exhaustive()
    }
}
