//! Opening a virtual dataset.

use std::sync::Arc;

use halle_model::dataset::Status;
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;

use super::{Reading, addressed, narrowed, not_ready};
use crate::error::DatasetsResult;
use crate::service::union::UnionError;
use crate::service::union::index::Whose;
use crate::state::Datasets;

impl Datasets {
    /// A virtual dataset opened for a caller who may do `operation` on it; `None` while it was never ready. 501 when the
    /// datasets below it cannot be read, with the one that is at fault.
    pub(super) async fn open_union(
        &self,
        caller: &Caller,
        dataset: &Arc<Stored<Dataset>>,
        operation: &'static str,
    ) -> DatasetsResult<Option<Reading>> {
        if dataset.finalized_at.is_none() && dataset.status != Status::Error {
            return Ok(None);
        }
        let index = self.union_index(dataset, whose(caller, dataset), None).await;
        let index = index.map_err(UnionError::at_read)?;
        if dataset.status == Status::Error {
            return Err(not_ready(dataset));
        }
        let narrowed = narrowed(&dataset.schema, &*index);
        let raw = index;
        let index = addressed::over(&raw, dataset, "");
        let own_concepts =
            self.own_concepts(&dataset.owner, narrowed.as_deref().unwrap_or(&dataset.schema)).await?;
        let (base, clock) = (String::new(), Arc::clone(&self.clock));
        let dataset = Arc::clone(dataset);
        Ok(Some(Reading { dataset, narrowed, own_concepts, index, raw, operation, base, clock }))
    }
}

/// Whose lines the caller sees of a virtual dataset.
pub(crate) fn whose<'a>(caller: &'a Caller, dataset: &Dataset) -> Whose<'a> {
    match &dataset.union {
        Some(union) if union.filter_active_account => Whose::Account(caller.account.as_ref()),
        _ => Whose::All,
    }
}

impl Reading {
    /// Whether the answer is not the same for everybody who may read.
    pub fn is_personal(&self) -> bool {
        self.dataset.union.as_ref().is_some_and(|union| union.filter_active_account)
    }
}
