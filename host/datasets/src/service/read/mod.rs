//! Reads: lines, values, aggregations, exports. Each works on one consistent version, opened by [`Datasets::open`].

mod adapt;
mod addressed;
mod agg_places;
mod aggs;
mod batches;
mod cells;
mod checked;
mod export;
mod geojson;
mod hints;
mod lines;
mod ods;
mod rewrite;
mod shapefile;
mod tiles;
pub(crate) mod union;
mod whole_file;
mod wkt;
mod workbook;

use std::sync::Arc;
use std::time::Duration;

use halle_base::{Clock, Timestamp};
use halle_model::concept;
use halle_model::dataset::{Dataset, DatasetKind, Status};
use halle_model::permission::{dataset_operation, is_public};
use halle_model::{Caller, Column};
use halle_search::Index;
use halle_search::params::Fields;
use halle_store::documents::Stored;

pub use aggs::ValuesAggAnswer;
pub use batches::{Batches, refused};
pub use export::{Export, ExportBody, ExportFormat};
pub(crate) use geojson::GEOMETRY;
pub use lines::LinesAnswer;
pub use tiles::TileAnswer;
pub(crate) use tiles::cache::TileCache;
pub use whole_file::WholeFormat;

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::state::Datasets;

/// Times a dataset that is being built is looked at again before a read is refused (Data Fair: 20).
const READY_POLLS_MAX: u32 = 20;

/// Time between two looks.
const READY_POLL: Duration = Duration::from_millis(500);

/// A dataset opened for reading, by a caller who may. What it answers belongs to one version, whatever is written
/// meanwhile.
pub struct Reading {
    dataset: Arc<Stored<Dataset>>,
    /// Columns that the version has, when these are not those of the schema: after a change of it, it takes a moment until
    /// the index has the new ones.
    narrowed: Option<Vec<Column>>,
    /// Concepts of the owner's own: short identifier, and key of the column.
    own_concepts: Vec<(String, String)>,
    index: Arc<dyn Index>,
    /// The same as the engine gave it, which knows no addresses of files.
    raw: Arc<dyn Index>,
    operation: &'static str,
    /// What links begin with; empty for links without a host.
    base: String,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("dataset", &self.dataset.id).finish_non_exhaustive()
    }
}

impl Datasets {
    /// Opens a dataset for `operation` (a literal of `DATASET_OPERATIONS`, such as `readLines`). Waits a little for a
    /// first version that is in the making; 409 when none comes, 501 for a dataset that will never have lines.
    pub async fn open(&self, caller: &Caller, id: &str, operation: &'static str) -> DatasetsResult<Reading> {
        let mut polls = 0;
        loop {
            let dataset = self.load_shared(caller, id, operation).await?;
            if dataset.kind() == DatasetKind::MetadataOnly {
                let message = "Ce jeu de données n'a que des métadonnées, il ne contient pas de lignes.";
                return Err(DatasetsError::NotImplemented(message.to_owned()));
            }
            if dataset.is_virtual
                && let Some(reading) = self.open_union(caller, &dataset, operation).await?
            {
                return Ok(reading);
            }
            if let Some(served) = &dataset.served {
                let index = self.engine.open(&names::index(&dataset.id, &served.id)).await?;
                let narrowed = narrowed(&dataset.schema, &*index);
                let raw = index;
                let index = addressed::over(&raw, &dataset, "");
                let own_concepts =
                    self.own_concepts(&dataset.owner, narrowed.as_deref().unwrap_or(&dataset.schema)).await?;
                return Ok(Reading {
                    dataset,
                    narrowed,
                    own_concepts,
                    index,
                    raw,
                    operation,
                    base: String::new(),
                    clock: Arc::clone(&self.clock),
                });
            }
            let hopeless = matches!(dataset.status, Status::Created | Status::Error | Status::Draft);
            if hopeless || polls == READY_POLLS_MAX {
                return Err(not_ready(&dataset));
            }
            polls += 1;
            tokio::time::sleep(READY_POLL).await;
        }
    }
}

/// The refusal of an operation that the state of the dataset forbids.
pub(crate) fn not_ready(dataset: &Dataset) -> DatasetsError {
    DatasetsError::Conflict(format!(
        "Le jeu de données n'est pas dans un état permettant l'opération demandée. État courant : {}.",
        dataset.status.as_str()
    ))
}

impl Reading {
    /// The dataset as it was when opened.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Whether everybody may do what it was opened for: then shared caches may keep the answer.
    pub fn is_public(&self) -> bool {
        !self.is_personal()
            && self.dataset.draft_reason.is_none()
            && is_public(dataset_operation(self.operation), &self.dataset.permissions)
    }

    /// When what it answers last changed.
    pub fn changed_at(&self) -> Timestamp {
        self.dataset.finalized_at.unwrap_or(self.dataset.updated_at)
    }

    /// The operation it was opened for.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The columns that it answers.
    pub(crate) fn columns(&self) -> &[Column] {
        self.narrowed.as_deref().unwrap_or(&self.dataset.schema)
    }

    /// The version that it reads.
    pub(crate) fn index(&self) -> &dyn Index {
        &*self.index
    }

    /// The same, answering with links that begin with `base`, the client's address of this server.
    #[must_use]
    pub fn at(mut self, base: &str) -> Self {
        base.clone_into(&mut self.base);
        self.index = addressed::over(&self.raw, &self.dataset, base);
        self
    }

    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields::new(self.columns(), is_geolocated(&self.dataset)).with_own_concepts(&self.own_concepts)
    }
}

/// The columns of the schema that the index can answer; `None` when it can answer all.
fn narrowed(schema: &[Column], index: &dyn Index) -> Option<Vec<Column>> {
    const DERIVED: [&str; 4] = ["_id", "_i", "_rand", "_geopoint"];
    let known = |column: &&Column| {
        DERIVED.contains(&column.key.as_str()) || index.spec().columns.iter().any(|own| own.key == column.key)
    };
    let is_whole = schema.iter().all(|column| known(&column));
    (!is_whole).then(|| schema.iter().filter(known).cloned().collect())
}

/// Whether lines have places: a box was found, or, for edited and virtual lines, columns say so.
pub(crate) fn is_geolocated(dataset: &Dataset) -> bool {
    let has = |id: &str| concept::by_id(id).is_some_and(|concept| dataset.concept_column(concept).is_some());
    dataset.bbox.is_some()
        || (dataset.is_rest || dataset.is_virtual)
            && (has("latLon") || has("latitude") && has("longitude") || has("geometry"))
}

/// The column of a concept, by its short identifier.
fn concept_column<'a>(columns: &'a [Column], id: &str) -> Option<&'a Column> {
    let concept = concept::by_id(id)?;
    let refers =
        |column: &&Column| column.refers_to.as_deref().is_some_and(|uri| concept.identifiers.contains(&uri));
    columns.iter().find(refers)
}
