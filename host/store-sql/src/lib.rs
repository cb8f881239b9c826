//! The store on SQL: SQLite for one machine, PostgreSQL for several; and blobs in a folder.
//!
//! Both engines run the same statements, with numbered parameters and only text, 64-bit integers and doubles. What
//! differs is in `dialect.rs` (connections, transactions, locking) and in the two folders of migrations.
//!
//! **Invariant:** no SQL is made from input. Statements are literals, or are put together in `shape.rs` from literals and
//! numbers of placeholders.
//!
//! **Invariant:** what a committed unit of work wrote survives the death of the process and of the machine.
//!
//! Start with [`SqlStore`], then `documents.rs` for what a repository looks like.

mod blobs;
mod dialect;
mod documents;
mod jobs;
mod lines;
mod logs;
mod migrations;
mod names;
mod revisions;
mod shape;
mod usage;
mod version;
mod work;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use halle_base::{Clock, Secret, SystemClock};
use halle_store::{Store, StoreError, StoreResult, UnitOfWork};
use tokio::sync::Notify;

pub use blobs::FolderBlobs;
use dialect::{Engine, Mode};
use version::Versions;
use work::SqlWork;

/// The store on one SQL engine.
#[derive(Debug)]
pub struct SqlStore {
    engine: Engine,
    clock: Arc<dyn Clock>,
    jobs_changed: Arc<Notify>,
    versions: Arc<Versions>,
    /// Keeps the folder of a temporary store.
    _folder: Option<tempfile::TempDir>,
}

impl SqlStore {
    /// Opens the SQLite database at `path`, creating it and its folder if they are missing, and migrates it.
    pub async fn sqlite(path: &Path) -> StoreResult<Self> {
        Self::migrated(Engine::sqlite(path, dialect::Durability::Full).await?, None).await
    }

    /// Opens an empty SQLite database that is removed with the store, for tests. It behaves as one that stays, without
    /// waiting for the disk.
    pub async fn sqlite_temporary() -> StoreResult<Self> {
        let folder = tempfile::tempdir().map_err(StoreError::engine)?;
        let engine = Engine::sqlite(&folder.path().join("halle.sqlite"), dialect::Durability::None).await?;
        Self::migrated(engine, Some(folder)).await
    }

    /// Connects to the PostgreSQL database at `url` (`postgres://user:password@host:port/database`) and migrates it.
    /// Several processes may do so at once.
    pub async fn postgres(url: &Secret<String>) -> StoreResult<Self> {
        Self::migrated(Engine::postgres(url).await?, None).await
    }

    /// The same store with another clock, by which lines are numbered.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Waits for open units of work, then closes every connection. On SQLite, the write-ahead log is folded into the
    /// database file.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    async fn migrated(engine: Engine, folder: Option<tempfile::TempDir>) -> StoreResult<Self> {
        migrations::run(&engine).await?;
        let jobs_changed = Arc::new(Notify::new());
        let versions = Arc::default();
        Ok(Self { engine, clock: Arc::new(SystemClock), jobs_changed, versions, _folder: folder })
    }

    async fn open(&self, mode: Mode) -> StoreResult<SqlWork> {
        let connection = self.engine.open(mode).await?;
        let versions = (mode == Mode::Write).then(|| Arc::clone(&self.versions));
        Ok(SqlWork::new(connection, Arc::clone(&self.clock), Arc::clone(&self.jobs_changed), versions))
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn begin(&self) -> StoreResult<Box<dyn UnitOfWork>> {
        Ok(Box::new(self.open(Mode::Write).await?))
    }

    async fn read(&self) -> StoreResult<Box<dyn UnitOfWork>> {
        Ok(Box::new(self.open(Mode::Read).await?))
    }

    async fn version(&self) -> StoreResult<Option<u64>> {
        self.versions.current(&self.engine).await
    }

    fn jobs_changed(&self) -> &Notify {
        &self.jobs_changed
    }

    async fn check(&self) -> StoreResult<()> {
        migrations::check(&mut self.engine.open(Mode::Read).await?).await
    }
}
