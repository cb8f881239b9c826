//! The embedded search engine: words in tantivy, everything else in columns read through the page cache.
//!
//! An index is a list of immutable *parts* ([`part`]). A part has one tantivy segment, used only for analysed words,
//! whose documents are the rows of the part in their order; and the values of the rows, column by column. A query
//! becomes a set of rows of each part ([`select`]); pages ([`lines`]), groups and metrics ([`agg`]) read the columns of
//! these rows. Nothing is ever read from a document store.
//!
//! **Invariant:** files of a part never change; a new version of an index is a new manifest, put in place by a rename
//! ([`folder`]). Readers keep the version they opened, and the last one to leave removes what nobody needs. Few edited
//! lines are in parts in memory, until the version that has them is written to disk ([`changes`]).
//!
//! **Invariant:** work is bounded: rows of one part in memory while building, `skip + size` candidates while sorting,
//! the row numbers of one part while scanning, and a deadline for every question.
//!
//! **Invariant:** one process uses a folder at a time; a lock file says so.
//!
//! Start with [`TantivyEngine`], then [`snapshot`], then [`select`].

mod agg;
mod analysis;
mod bits;
mod builder;
mod changes;
mod deadline;
mod explain;
mod folder;
mod geo;
mod hash;
mod index;
mod lines;
mod order;
mod part;
mod quick;
mod select;
mod snapshot;
mod summary;
mod time;
mod union;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use halle_search::engine::{SearchEngine, SearchResult, UnionMember};
use halle_search::{Index, IndexBuilder, IndexId, IndexSpec, SearchError};
use tokio::sync::Semaphore;

use crate::builder::Builder;
use crate::changes::Opened;
use crate::deadline::Deadline;
use crate::index::Reader;
use crate::snapshot::Snapshot;
use crate::union::Unions;

/// What an operator may choose.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Longest time one question may take, in milliseconds (Data Fair: 45 000). Exports are not questions.
    pub question_ms_max: u64,
    /// Questions that are computed at the same time; others wait.
    pub questions_max: usize,
    /// Rows of one part at most.
    pub part_rows_max: usize,
    /// Bytes of the values of one part, after which the next part begins. Building holds two parts.
    pub part_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            question_ms_max: 45_000,
            questions_max: processors * 2,
            part_rows_max: 1 << 18,
            part_bytes_max: 64 << 20,
        }
    }
}

/// The engine: a folder of indexes.
#[derive(Debug, Clone)]
pub struct TantivyEngine(Arc<Shared>);

/// What every index of an engine shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) root: PathBuf,
    pub(crate) config: Config,
    opened: Mutex<HashMap<IndexId, Arc<Opened>>>,
    pub(crate) unions: Unions,
    numbers: AtomicU64,
    permits: Arc<Semaphore>,
    /// Held open: the lock ends with the process.
    _lock: File,
}

impl TantivyEngine {
    /// Opens the engine of a folder, created if need be, and removes what a crash left there. Blocks for as long as it
    /// takes to read the manifests.
    ///
    /// # Errors
    ///
    /// When another process uses the folder, or it cannot be written.
    pub fn open(dir: &Path, config: Config) -> SearchResult<Self> {
        std::fs::create_dir_all(dir).map_err(SearchError::engine)?;
        let lock = File::create(dir.join("lock")).map_err(SearchError::engine)?;
        lock.try_lock().map_err(|error| {
            let dir = dir.display();
            SearchError::Engine(format!(
                "the search folder `{dir}` is used by another process ({error}); stop it first"
            ))
        })?;
        let mut highest = 0;
        for entry in std::fs::read_dir(dir).map_err(SearchError::engine)?.flatten() {
            if entry.path().is_dir() {
                highest = highest.max(folder::clean(&entry.path())?);
            }
        }
        Ok(Self(Arc::new(Shared {
            root: dir.to_owned(),
            config,
            opened: Mutex::default(),
            unions: Unions::default(),
            numbers: AtomicU64::new(highest + 1),
            permits: Arc::new(Semaphore::new(config.questions_max.max(1))),
            _lock: lock,
        })))
    }
}

impl Shared {
    /// A number that no file of this engine has yet.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    fn table(&self) -> MutexGuard<'_, HashMap<IndexId, Arc<Opened>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a question that takes no longer than a change of thread would.
    pub(crate) fn at_once<T>(&self, compute: impl FnOnce(&Deadline) -> SearchResult<T>) -> SearchResult<T> {
        let (deadline, _waiting) = Deadline::start(Some(Duration::from_millis(self.config.question_ms_max)));
        compute(&deadline)
    }

    /// Runs a computation beside the asynchronous threads; it is told to stop when nobody waits for it any more, and
    /// when it takes longer than a question may.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        is_question: bool,
        compute: impl FnOnce(&Deadline) -> SearchResult<T> + Send + 'static,
    ) -> SearchResult<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(SearchError::engine)?;
        let limit = is_question.then(|| Duration::from_millis(self.config.question_ms_max));
        let (deadline, _waiting) = Deadline::start(limit);
        let work = move || {
            let _permit = permit;
            compute(&deadline)
        };
        tokio::task::spawn_blocking(work).await.map_err(SearchError::engine)?
    }

    /// The index in use, opened if need be. Blocks.
    pub(crate) fn opened(&self, id: &IndexId) -> SearchResult<Arc<Opened>> {
        if let Some(opened) = self.table().get(id) {
            return Ok(Arc::clone(opened));
        }
        let dir = folder::dir_of(&self.root, id);
        let manifest = folder::read_manifest(&dir)?;
        let manifest = manifest.ok_or_else(|| SearchError::NoIndex(id.0.clone()))?;
        let snapshot = Arc::new(folder::open(&dir, &manifest)?);
        let opened = Arc::new(Opened::new(id.clone(), dir, snapshot));
        // Whoever was faster wins: two writers must not hold two locks.
        Ok(Arc::clone(self.table().entry(id.clone()).or_insert(opened)))
    }

    /// Puts a newly built version in the place of the index, if there was one.
    pub(crate) fn replace(&self, id: &IndexId, dir: &Path, next: Arc<Snapshot>) -> SearchResult<()> {
        loop {
            let opened = match self.opened(id) {
                Ok(opened) => opened,
                // Absent, or no longer readable: the new version is the first.
                Err(_) => {
                    let empty = Snapshot::new(id, Arc::clone(&next.spec), Vec::new());
                    let opened = Arc::new(Opened::new(id.clone(), dir.to_owned(), Arc::new(empty)));
                    Arc::clone(self.table().entry(id.clone()).or_insert(opened))
                }
            };
            let removed_meanwhile = opened.lock();
            if !*removed_meanwhile {
                opened.publish(next, self.next_number())?;
                self.unions.forget(id);
                return Ok(());
            }
        }
    }

    fn remove(&self, id: &IndexId) -> SearchResult<()> {
        let opened = match self.opened(id) {
            Ok(opened) => opened,
            Err(SearchError::NoIndex(_)) => return Ok(()),
            Err(error) => {
                tracing::warn!(%error, index = id.0, "removing an index that cannot be read");
                let dir = folder::dir_of(&self.root, id);
                return std::fs::remove_dir_all(dir).map_err(SearchError::engine);
            }
        };
        let mut removed = opened.lock();
        if std::mem::replace(&mut *removed, true) {
            return Ok(());
        }
        self.table().remove(id);
        self.unions.forget(id);
        opened.remove()
    }
}

#[async_trait]
impl SearchEngine for TantivyEngine {
    async fn create(&self, id: &IndexId, spec: IndexSpec) -> SearchResult<Box<dyn IndexBuilder>> {
        if spec.editable && !["_id", "_i"].iter().all(|key| spec.columns.iter().any(|c| c.key == *key)) {
            let text = format!("index `{}` is to be edited, but has no columns `_id` and `_i`", id.0);
            return Err(SearchError::Engine(text));
        }
        Ok(Box::new(Builder::new(Arc::clone(&self.0), id.clone(), spec)))
    }

    async fn open(&self, id: &IndexId) -> SearchResult<Arc<dyn Index>> {
        let known = self.0.table().get(id).cloned();
        let opened = match known {
            // Most reads: nothing to wait for, so no other thread is asked.
            Some(opened) => opened,
            None => {
                let (shared, id) = (Arc::clone(&self.0), id.clone());
                self.0.run(true, move |_| shared.opened(&id)).await?
            }
        };
        let snapshot = opened.current();
        Ok(Arc::new(Reader { shared: Arc::clone(&self.0), opened: Some(opened), snapshot }))
    }

    async fn open_union(&self, spec: IndexSpec, members: Vec<UnionMember>) -> SearchResult<Arc<dyn Index>> {
        let shared = Arc::clone(&self.0);
        let open = move |deadline: &Deadline| union::open(&shared, Arc::new(spec), members, deadline);
        let snapshot = self.0.run(true, open).await?;
        Ok(Arc::new(Reader { shared: Arc::clone(&self.0), opened: None, snapshot }))
    }

    async fn remove(&self, id: &IndexId) -> SearchResult<()> {
        let (shared, id) = (Arc::clone(&self.0), id.clone());
        tokio::task::spawn_blocking(move || shared.remove(&id)).await.map_err(SearchError::engine)?
    }

    async fn list(&self) -> SearchResult<Vec<IndexId>> {
        let shared = Arc::clone(&self.0);
        self.0.run(true, move |_| folder::list(&shared.root)).await
    }
}
