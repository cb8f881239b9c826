//! Datasets that were read lately, so that a read of a dataset in use asks the database nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use halle_base::AccountRef;
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;

/// Datasets kept at most; the ones in use come back soon.
const DATASETS_KEPT_MAX: usize = 1_000;

/// Descriptions as they were at one version of the store ([`halle_store::Store::version`]): with the next commit of
/// anything all are dropped. What it answers was never checked for permissions.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    version: u64,
    /// By the account that asked (a slug means the account's own dataset first) and the site it asked on, then by identifier or slug.
    datasets: HashMap<(String, String), Arc<Stored<Dataset>>>,
}

impl Recent {
    /// The dataset that the caller means by `id`, if nothing was written since it was kept.
    pub(crate) fn get(&self, version: u64, caller: &Caller, id: &str) -> Option<Arc<Stored<Dataset>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.version != version {
            return None;
        }
        kept.datasets.get(&key(caller, id)).cloned()
    }

    /// Keeps a dataset that was read after the store told `version`.
    pub(crate) fn keep(&self, version: u64, caller: &Caller, id: &str, dataset: &Arc<Stored<Dataset>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if version < kept.version {
            return;
        }
        if version > kept.version || kept.datasets.len() >= DATASETS_KEPT_MAX {
            kept.datasets.clear();
        }
        kept.version = version;
        kept.datasets.insert(key(caller, id), Arc::clone(dataset));
    }
}

fn key(caller: &Caller, id: &str) -> (String, String) {
    let named = |account: &Option<AccountRef>| account.as_ref().map(AccountRef::key).unwrap_or_default();
    // Keys of accounts hold no space.
    (format!("{} {}", named(&caller.account), named(&caller.site)), id.to_owned())
}
