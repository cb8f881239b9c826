//! The pipeline, a file per stage, and what cleans up behind it.

use std::sync::Arc;

use halle_store::runner::JobHandler;

use crate::state::Datasets;

/// The jobs of the feature, for the runner.
pub fn handlers(_datasets: &Datasets) -> Vec<Arc<dyn JobHandler>> {
    Vec::new()
}
