//! What extensions give edited lines, after the write that brought these.
//!
//! The write notes with the lines from where on they wait (`Dataset::extending`) and enqueues the job, in one transaction:
//! whatever stops the process, no line is forgotten. The job takes batches of them through the extensions ([`fill`]), outside
//! of any transaction, and writes what they gave under the numbers that the lines have: a line that changed meanwhile keeps
//! what it was given, and waits again. A batch counts as done once the index has it.
//!
//! Where an extension is mandatory, the write itself waits for what they give ([`within`]).
//!
//! When the extensions themselves change, every line is treated, and readers see it when the index is built again.

mod fill;
mod job;
mod within;

use halle_base::{Timestamp, new_id};
use halle_model::Dataset;
use halle_model::dataset::Extending;
use halle_store::{NewJob, UnitOfWork};
use serde_json::json;

use crate::enrich::expressions::LineExpressions;
use crate::error::DatasetsResult;
use crate::service::names;
use crate::state::Datasets;
pub use job::ExtendLines;
pub(super) use within::{Given, LINES_MAX, REQUEST_BYTES_MAX};

/// Kind of the job that gives lines what their extensions give.
pub const EXTEND_LINES: &str = "dataset-extend-lines";

/// The job that gives lines what their extensions give.
pub(crate) fn extend_job(dataset: &str, now: Timestamp) -> NewJob {
    NewJob::now(EXTEND_LINES, names::job_key(dataset), json!({ "dataset": dataset }), now)
}

impl Datasets {
    /// Notes that the extensions of an editable dataset changed: every line waits for them.
    pub(crate) fn extend_all(&self, dataset: &mut Dataset) {
        dataset.extending = Some(Extending { after: 0, whole: true, change: new_id(&*self.dice) });
    }

    /// Notes that the lines numbered above `after` wait for their extensions, if these give anything after the write, and
    /// enqueues what gives it. For the transaction that writes the lines.
    pub(super) async fn extend_later(
        &self,
        unit: &mut dyn UnitOfWork,
        dataset: &mut Dataset,
        (expressions, given): (&LineExpressions, Option<&Given>),
        after: i64,
        now: Timestamp,
    ) -> DatasetsResult<()> {
        if !expressions.has_later() || given.is_some_and(|given| !given.is_partial()) {
            return Ok(());
        }
        if dataset.extending.is_none() {
            let change = new_id(&*self.dice);
            dataset.extending = Some(Extending { after, whole: false, change });
        }
        unit.jobs().enqueue(&extend_job(&dataset.id, now)).await?;
        Ok(())
    }
}
