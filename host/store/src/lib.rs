//! What Halle remembers, as ports: documents, logs, edited lines, sums of usage, jobs, blobs.
//!
//! Metadata is document-shaped, so one [`DocumentRepository`] serves every feature: a document has a collection, an
//! identifier, an owner, a JSON body, a revision, and *keys*, the extracted attributes that lists filter on. Features
//! use it through [`Entity`], typed.
//!
//! **Invariant:** everything a use case changes goes through one [`UnitOfWork`]; dropping it changes nothing. Jobs are
//! enqueued in it too, so a change and the work it asks for are one.
//!
//! **Invariant:** absence is `None`, never an error.
//!
//! Each adapter must pass the suite in `conformance`.

pub mod blobs;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dataset;
pub mod documents;
pub mod jobs;
pub mod limits;
pub mod lines;
mod lists;
pub mod logs;
pub mod notifications;
mod recent;
mod rekey;
pub mod revisions;
pub mod runner;
pub mod settings;
pub mod usage;

use async_trait::async_trait;

pub use blobs::{BlobInfo, BlobKey, Blobs, ByteStream};
pub use dataset::{OFFERED_TO_ALL, REFERENCE_USES};
pub use documents::{ABSENT, Document, DocumentRepository, Entity, EntityExt, Filter, Key, Order, Page};
pub use jobs::{Job, JobRepository, JobState, NewJob};
pub use lines::{LineRecord, LineRepository};
pub use logs::{LogRecord, LogRepository};
pub use recent::Recent;
pub use rekey::rekey;
pub use revisions::{RevisionRecord, RevisionRepository, RevisionsOf};
pub use usage::UsageRepository;

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique key is taken, such as a slug of the same owner.
    #[error("`{value}` is already used as {key} in {collection}")]
    Duplicate {
        /// Collection of the document.
        collection: &'static str,
        /// Name of the key.
        key: String,
        /// The value that is taken.
        value: String,
    },
    /// The document changed since it was read.
    #[error("{collection} `{id}` was changed by someone else meanwhile")]
    Stale {
        /// Collection of the document.
        collection: &'static str,
        /// Its identifier.
        id: String,
    },
    /// A stored body cannot be read by this version.
    #[error("{collection} `{id}` cannot be read: {source}")]
    Unreadable {
        /// Collection of the document.
        collection: String,
        /// Its identifier.
        id: String,
        /// What the decoder said.
        source: serde_json::Error,
    },
    /// The engine failed. The text is for the log, never for a client.
    #[error("storage failed: {0}")]
    Engine(String),
}

impl StoreError {
    /// Wraps an error of the engine.
    pub fn engine(error: impl std::fmt::Display) -> Self {
        Self::Engine(error.to_string())
    }
}

/// Result of a storage call.
pub type StoreResult<T> = Result<T, StoreError>;

/// Time after which [`Store::version`] tells what another process committed.
pub const FOREIGN_COMMITS_MILLIS_MAX: u64 = 100;

/// Opens units of work. Implemented once per engine.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Opens a unit of work that may write. On SQLite writers queue up: keep it short, and never across a slow call.
    async fn begin(&self) -> StoreResult<Box<dyn UnitOfWork>>;

    /// Opens a unit of work that only reads, from one consistent snapshot.
    async fn read(&self) -> StoreResult<Box<dyn UnitOfWork>>;

    /// A number that changes when something was committed since: what was read after asking for it may be kept, and used
    /// again for as long as it stays the same. Commits of this process count as soon as they are acknowledged, those of
    /// another (the command line beside a server) within [`FOREIGN_COMMITS_MILLIS_MAX`]. `None` when the engine cannot
    /// tell without as much work as reading again: then nothing may be kept.
    async fn version(&self) -> StoreResult<Option<u64>>;

    /// Woken when a job may have become ready in this process. Other processes are noticed by polling.
    fn jobs_changed(&self) -> &tokio::sync::Notify;

    /// Checks that the engine answers and its schema is current.
    async fn check(&self) -> StoreResult<()>;
}

/// One transaction. Dropping it without [`commit`](Self::commit) rolls it back.
#[async_trait]
pub trait UnitOfWork: Send {
    /// Metadata.
    fn documents(&mut self) -> &mut dyn DocumentRepository;

    /// Journals and run logs.
    fn logs(&mut self) -> &mut dyn LogRepository;

    /// Lines of editable datasets.
    fn lines(&mut self) -> &mut dyn LineRepository;

    /// What these lines were.
    fn revisions(&mut self) -> &mut dyn RevisionRepository;

    /// What plugins used.
    fn usage(&mut self) -> &mut dyn UsageRepository;

    /// The queue.
    fn jobs(&mut self) -> &mut dyn JobRepository;

    /// Makes everything visible at once, and wakes workers if a job was enqueued.
    async fn commit(self: Box<Self>) -> StoreResult<()>;
}
