//! Virtual datasets: what the description says of the lines, computed again when a child changed.

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_model::dataset::Status;
use halle_model::union::merged;
use halle_model::{Column, Dataset};
use halle_search::engine::IndexSummary;
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job, StoreError};
use serde_json::Value;

use crate::error::DatasetsError;
use crate::jobs::UNION;
use crate::jobs::follow::tell_followers;
use crate::jobs::pipeline::dataset_of;
use crate::service::journal::set_error;
use crate::service::union::index::Whose;
use crate::service::union::{UnionError, tell_parents};
use crate::service::{columns, period};
use crate::state::Datasets;

/// Times that the job begins again because somebody changed the dataset meanwhile.
const RACES_MAX: usize = 5;

/// Handler of `dataset-union`.
pub struct Unite(pub(crate) Datasets);

/// What the children say now.
struct Found {
    schema: Vec<Column>,
    /// None when lines depend on who reads them: what is common to all would tell of others' lines.
    summary: Option<IndexSummary>,
    period: Option<Value>,
    data_updated_at: Option<Timestamp>,
    attachments_as_image: bool,
}

impl Unite {
    async fn look(&self, dataset: &Dataset) -> Result<Found, UnionError> {
        let leaves = self.0.leaves(dataset).await?;
        let mut children = Vec::new();
        for id in dataset.union.iter().flat_map(|union| &union.children) {
            children.extend(self.0.child(dataset, id).await?);
        }
        let schemas: Vec<&[Column]> = children.iter().map(|child| child.schema.as_slice()).collect();
        let schema = merged(&columns::indexed(&dataset.schema), &schemas)?;
        let is_personal = dataset.union.as_ref().is_some_and(|union| union.filter_active_account);
        let (mut summary, mut period) = (None, None);
        if !is_personal {
            // In the columns that readers are going to have.
            let next = Dataset { schema: schema.clone(), ..dataset.clone() };
            let index = self.0.union_index(&next, Whose::All, None).await?;
            summary = Some(index.summary().await.map_err(DatasetsError::from)?);
            period = period::of(&schema, &*index).await?;
        }
        let as_image = |child: &Dataset| {
            child.description.get("attachmentsAsImage").and_then(Value::as_bool) == Some(true)
        };
        Ok(Found {
            schema,
            summary,
            period,
            data_updated_at: leaves.iter().filter_map(|leaf| leaf.dataset.data_updated_at).max(),
            attachments_as_image: leaves.iter().all(|leaf| as_image(&leaf.dataset)),
        })
    }

    async fn unite(&self, id: &str) -> Result<(), DatasetsError> {
        let stored = {
            let mut unit = self.0.store.read().await?;
            unit.load::<Dataset>(id).await?
        };
        let Some(mut stored) = stored.filter(|dataset| dataset.is_virtual) else { return Ok(()) };
        let found = match self.look(&stored).await {
            Err(UnionError::Other(error)) => return Err(error),
            found => found,
        };
        let now = self.0.clock.now();
        let (kind, text, is_cycle) = match found {
            Ok(found) => {
                settle(&mut stored, found, now);
                ("finalize-end", None, false)
            }
            Err(refusal) => {
                let was_so = stored.status == Status::Error;
                set_error(&mut stored);
                let is_cycle = matches!(refusal, UnionError::Cycle(_));
                if was_so && is_cycle {
                    return Ok(());
                }
                ("error", Some(refusal.to_string()), is_cycle)
            }
        };
        let mut unit = self.0.store.begin().await?;
        unit.save(&mut stored, now).await?;
        let event = self.0.record(unit.as_mut(), id, kind, text).await?;
        if !is_cycle {
            // In a circle, each would tell the next for ever.
            tell_parents(unit.as_mut(), id, now).await?;
        }
        if stored.status == Status::Finalized {
            tell_followers(unit.as_mut(), &stored, now).await?;
        }
        unit.commit().await?;
        self.0.announce(id, &event);
        Ok(())
    }
}

/// Writes what the children say into the description.
fn settle(dataset: &mut Dataset, found: Found, now: Timestamp) {
    let bbox = found.summary.as_ref().and_then(|summary| summary.bbox);
    let schema = match &found.summary {
        Some(summary) => columns::with_statistics(found.schema, summary),
        None => found.schema,
    };
    dataset.schema = columns::with_calculated(schema, bbox.is_some(), false);
    dataset.count = found.summary.as_ref().map(|summary| summary.rows);
    dataset.bbox = bbox;
    period::set(dataset, found.period);
    dataset.data_updated_at = found.data_updated_at;
    if found.attachments_as_image {
        dataset.description.insert("attachmentsAsImage".to_owned(), true.into());
    } else {
        dataset.description.shift_remove("attachmentsAsImage");
    }
    dataset.status = Status::Finalized;
    dataset.error_status = None;
    dataset.finalized_at = Some(now);
}

#[async_trait]
impl JobHandler for Unite {
    fn kinds(&self) -> &'static [&'static str] {
        &[UNION]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let id = dataset_of(&context.job)?;
        for attempt in 1.. {
            match self.unite(&id).await {
                Err(DatasetsError::Store(StoreError::Stale { .. })) if attempt < RACES_MAX => {}
                result => return result.map_err(JobError::retry),
            }
        }
        Ok(())
    }

    async fn given_up(&self, job: &Job, error: &str) {
        tracing::error!(job = %job.payload, %error, "a virtual dataset could not be brought up to date");
    }
}
