//! What integration tests share: real adapters in a temporary folder, an HTTP client that says who it is, and guests
//! written by hand.
//!
//! **Invariant:** only tests depend on this crate.
//!
//! Start with [`Stack`], then [`Api`].

mod api;
mod callers;
mod plugins;

use std::path::Path;
use std::sync::Arc;

use halle_base::{Clock, Dice, ManualClock, SystemDice};
use halle_search::SearchEngine;
use halle_search_tantivy::TantivyEngine;
use halle_store::runner::{JobHandler, Runner};
use halle_store::{Blobs, Store};
use halle_store_sql::{FolderBlobs, SqlStore};
use tempfile::TempDir;

pub use api::{Answer, Api};
pub use callers::{TestCallers, caller};
pub use halle_guests as guests;
pub use plugins::{DATASETS, FakePlugins, Outside, Tools, World};

/// Real adapters over a temporary folder that goes with them.
pub struct Stack {
    folder: TempDir,
    /// SQLite.
    pub store: Arc<dyn Store>,
    /// A folder.
    pub blobs: Arc<dyn Blobs>,
    /// tantivy.
    pub engine: Arc<dyn SearchEngine>,
    /// A clock that the test moves; it stands at 2026-01-15T12:00:00Z.
    pub clock: Arc<ManualClock>,
    /// Chance.
    pub dice: Arc<dyn Dice>,
}

impl Stack {
    /// Fresh adapters.
    pub async fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        Self::over(folder).await
    }

    async fn over(folder: TempDir) -> Self {
        let start = "2026-01-15T12:00:00Z".parse().expect("this is a date");
        let clock = Arc::new(ManualClock::at(start));
        let store = SqlStore::sqlite(&folder.path().join("halle.db")).await.expect("SQLite opens");
        let blobs = FolderBlobs::new(&folder.path().join("blobs")).expect("the folder can be made");
        let config = halle_search_tantivy::Config::default();
        let engine =
            TantivyEngine::open(&folder.path().join("indexes"), config).expect("the folder can be made");
        Self {
            store: Arc::new(store.with_clock(Arc::clone(&clock) as Arc<dyn Clock>)),
            blobs: Arc::new(blobs),
            engine: Arc::new(engine),
            dice: Arc::new(SystemDice),
            clock,
            folder,
        }
    }

    /// The same data seen by a process that has just started.
    pub async fn restart(self) -> Self {
        let Self { folder, .. } = self;
        Self::over(folder).await
    }

    /// The temporary folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A folder below it, made if need be.
    pub fn subfolder(&self, name: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).expect("a folder can be made in a temporary folder");
        path
    }

    /// A runner of these handlers, for [`Runner::run_ready`].
    pub fn runner(&self, handlers: Vec<Arc<dyn JobHandler>>) -> Runner {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let store = Arc::clone(&self.store);
        Runner { store, clock, handlers, worker: "test".to_owned(), concurrency: 1 }
    }
}
