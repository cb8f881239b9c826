//! The pipeline, a file per stage, and what cleans up behind it.
//!
//! One job takes a dataset from the stage it is in to the end ([`pipeline`]). Each stage reads what the one before left,
//! writes what the next one needs under the version's own names, and then moves the status in one transaction with the
//! journal. So a stage may run twice, and a crash between two stages loses the work of one stage only.

pub mod analyze;
mod attachments;
pub(crate) mod diagnostic;
mod drafts;
pub mod expire;
pub mod extend;
pub mod finalize;
pub(crate) mod follow;
pub mod index;
pub mod pipeline;
pub(crate) mod read_key;
pub(crate) mod rows;
pub mod store;
pub mod sweep;
pub mod union;
pub mod validate;

use std::sync::Arc;

use halle_store::runner::JobHandler;

use crate::service::write::{ExtendLines, SyncLines};
use crate::state::Datasets;

/// Kind of the job that takes a dataset through the stages it needs.
pub(crate) const ADVANCE: &str = "dataset-advance";

/// Kind of the job that brings the description of a virtual dataset up to date with its children.
pub(crate) const UNION: &str = "dataset-union";

/// Kind of the job that removes versions nobody reads any more.
pub(crate) const SWEEP: &str = "dataset-sweep";

/// The jobs of the feature, for the runner.
pub fn handlers(datasets: &Datasets) -> Vec<Arc<dyn JobHandler>> {
    vec![
        Arc::new(pipeline::Advance(datasets.clone())),
        Arc::new(sweep::Sweep(datasets.clone())),
        Arc::new(SyncLines(datasets.clone())),
        Arc::new(expire::Expire(datasets.clone())),
        Arc::new(union::Unite(datasets.clone())),
        Arc::new(ExtendLines(datasets.clone())),
        Arc::new(follow::Follow(datasets.clone())),
        Arc::new(read_key::RenewKey(datasets.clone())),
    ]
}
