//! Writes that must be alone: `lock=true`, and those that replace every line.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::sync::shared;
use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// How long a write waits for one that must be alone (Data Fair: 20 times 500 ms).
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Writes of one dataset in this process: many side by side, or one alone.
pub(super) type Turns = Arc<RwLock<()>>;

/// A turn to write; it ends when dropped.
pub(super) enum Turn {
    /// Side by side with others.
    Shared { _held: OwnedRwLockReadGuard<()> },
    /// Alone.
    Alone { _held: OwnedRwLockWriteGuard<()> },
}

impl Datasets {
    /// Waits for a turn to write lines of the dataset with this identifier; 409 when another write keeps it too long.
    pub(super) async fn turn(&self, dataset: &str, alone: bool) -> DatasetsResult<Turn> {
        let turns = shared(&self.line_locks().turns, &dataset.to_owned());
        let turn = async move {
            if alone {
                Turn::Alone { _held: turns.write_owned().await }
            } else {
                Turn::Shared { _held: turns.read_owned().await }
            }
        };
        tokio::time::timeout(WAIT_MAX, turn).await.map_err(|_elapsed| {
            let message = "Le jeu de données est verrouillé par une autre écriture, réessayez plus tard.";
            DatasetsError::Conflict(message.to_owned())
        })
    }
}
