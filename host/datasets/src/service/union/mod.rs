//! Virtual datasets: the lines of other datasets, read as one (reference §3.4).
//!
//! [`tree`] finds the datasets that have the lines, through virtual ones, and refuses those that the owner of a virtual
//! dataset may not read; [`index`] has their indexes read as one, without the lines and columns that filters and schemas
//! hide; [`edit`] checks what a producer writes; [`crate::jobs::union`] keeps the description up to date.
//!
//! **Invariant:** permissions on children are those of the account that owns the virtual dataset, asked at each read.
//!
//! **Invariant:** a column is only read through virtual datasets that all show it. A filter sees what the dataset it is
//! about shows, and no more: else it would tell what is hidden.

mod attachments;
pub(crate) mod edit;
pub(crate) mod index;
pub(crate) mod tree;

use halle_base::Timestamp;
use halle_model::Dataset;
use halle_model::union::Contradiction;
use halle_store::{EntityExt, Filter, NewJob, UnitOfWork};
use serde_json::json;

use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::UNION;
use crate::service::names;

/// Virtual datasets above one dataset that are looked at when it changes.
const PARENTS_MAX: u32 = 1_000;

/// Why a virtual dataset cannot be read. Texts are for the client, in Data Fair's words where clients match on them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnionError {
    /// The owner may not read a child.
    #[error(
        "Le jeu de données enfant \"{0}\" n'est pas accessible en lecture par le compte propriétaire du jeu de données virtuel."
    )]
    Unreadable(String),
    /// A child depends on who reads it.
    #[error(
        "Le jeu de données enfant \"{0}\" filtre ses lignes selon le compte actif, il ne peut pas faire partie d'un autre jeu de données virtuel."
    )]
    FiltersAccounts(String),
    /// A child is the dataset itself, or leads to it.
    #[error("Le jeu de données enfant \"{0}\" mène au jeu de données virtuel lui-même.")]
    Cycle(String),
    /// Too many levels or too many ways.
    #[error("Le jeu de données virtuel compte plus de {0}.")]
    TooLarge(String),
    /// Nothing below has lines.
    #[error(
        "Le jeu de données virtuel ne peut pas être requêté, il n'utilise aucun jeu de données requêtable."
    )]
    Nothing,
    /// Children say different things of a column.
    #[error("{0}")]
    Contradiction(#[from] Contradiction),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] DatasetsError),
}

impl UnionError {
    /// The refusal of a read.
    pub(crate) fn at_read(self) -> DatasetsError {
        match self {
            Self::Other(error) => error,
            refusal => DatasetsError::NotImplemented(refusal.to_string()),
        }
    }

    /// The refusal of a creation or a change.
    pub(crate) fn at_write(self) -> DatasetsError {
        match self {
            Self::Other(error) => error,
            refusal => DatasetsError::BadRequest(refusal.to_string()),
        }
    }
}

/// The job that computes again what the description of a virtual dataset says of its lines.
pub(crate) fn union_job(dataset: &str, now: Timestamp) -> NewJob {
    NewJob::now(UNION, names::job_key(dataset), json!({ "dataset": dataset }), now)
}

/// Has the virtual datasets above `dataset` look again, once this unit of work is committed.
pub(crate) async fn tell_parents(
    unit: &mut dyn UnitOfWork,
    dataset: &str,
    now: Timestamp,
) -> DatasetsResult<()> {
    let parents = unit.list::<Dataset>(&Filter::all(PARENTS_MAX).with("children", dataset)).await?;
    for parent in &parents.results {
        unit.jobs().enqueue(&union_job(&parent.id, now)).await?;
    }
    Ok(())
}
