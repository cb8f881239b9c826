//! Enrichments: what fills the columns that a dataset's extensions add.

mod circle;
pub(crate) mod expressions;
mod output;
mod plugin;
mod reference;
mod tables;
mod values;

use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_base::{AccountRef, Timestamp};
use halle_extensions::host::Enriched;
use halle_extensions::services::DatasetSlots;
use halle_model::{Column, Extension};
use halle_store::UnitOfWork;
use tokio_util::sync::CancellationToken;

pub use output::{OutputColumn, error_column, output_columns, with_errors};
pub(crate) use plugin::field_of;
pub use plugin::{PluginEnrichments, plugin_users};
pub use values::{row_values, rows_of};

/// Why an enrichment could not be planned or run. The text is for the dataset's journal.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EnrichError {
    /// The configuration or the columns do not fit; a person must change something.
    #[error("{0}")]
    Invalid(String),
    /// The source did not answer; later it may.
    #[error("{0}")]
    Temporary(String),
    /// The owner has used up what it may.
    #[error("{message}")]
    OverQuota {
        /// Which limit, and until when, in words for a person.
        message: String,
        /// When there is more.
        until: Timestamp,
    },
    /// It was asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// For whom an enrichment works, and what it may read beside the lines.
#[derive(Clone)]
pub struct EnrichContext {
    /// Owner of the extended dataset: an enrichment has the rights of this account, and no others.
    pub owner: AccountRef,
    /// Identifier of the extended dataset: what plugins use is counted for it.
    pub dataset: String,
    /// The datasets that stand in the slots of the extension.
    pub tables: Arc<dyn DatasetSlots>,
    /// How long a source that wants to be asked later is waited for, for each batch: none where a client waits.
    pub patience: Duration,
}

/// Patience of jobs. Then they are tried again later, and other work has its turn.
pub(crate) const PATIENCE_OF_JOBS: Duration = Duration::from_secs(600);

/// Finds and opens enrichments, whatever does them.
#[async_trait]
pub trait Enrichments: Send + Sync {
    /// Whether this knows extensions of that `type`.
    fn knows(&self, kind: &str) -> bool;

    /// The columns that the extension adds to a dataset with `columns`, in order. Their keys are
    /// `{prefix}.{output}`, and they name the extension in `x-extension`.
    async fn plan(
        &self,
        context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
    ) -> Result<Vec<Column>, EnrichError>;

    /// Opens the enrichment for the batches of one job; batches hold `columns`, in order.
    async fn open(
        &self,
        context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
        cancel: CancellationToken,
    ) -> Result<Box<dyn Enrichment>, EnrichError>;

    /// The groups that the extension makes of the lines, if it makes any.
    async fn grouping(&self, _extension: &Extension) -> Result<Option<Grouping>, EnrichError> {
        Ok(None)
    }

    /// Keeps what the extension is done by until `unit` ends; an error when it was removed meanwhile. Asked by the work that
    /// stores the extension.
    async fn hold(&self, _unit: &mut dyn UnitOfWork, _extension: &Extension) -> Result<(), EnrichError> {
        Ok(())
    }

    /// Whether `owner` may take the plugin that an extension names for something new.
    async fn may_choose(&self, _extension: &Extension, _owner: &AccountRef) -> Result<bool, EnrichError> {
        Ok(true)
    }
}

/// Groups that an extension makes of lines, by a column that it adds: those of the same value belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// Key of the column.
    pub column: String,
    /// Lines that a group should have at least: the k of k-anonymity.
    pub lines_min: u64,
}

/// An enrichment in progress.
#[async_trait]
pub trait Enrichment: Send {
    /// The columns it adds, in order, as [`Enrichments::plan`] told them.
    fn outputs(&self) -> &[Column];

    /// The added columns for a batch of rows, and the rows that could not be treated.
    async fn run(&mut self, rows: RecordBatch) -> Result<Enriched, EnrichError>;

    /// Whether several batches at once are treated sooner than one after the other.
    fn treats_side_by_side(&self) -> bool {
        false
    }

    /// The same for batches that may be treated side by side; the answers in their order.
    async fn run_all(&mut self, batches: Vec<RecordBatch>) -> Result<Vec<Enriched>, EnrichError> {
        let mut answers = Vec::with_capacity(batches.len());
        for rows in batches {
            answers.push(self.run(rows).await?);
        }
        Ok(answers)
    }
}

/// Several sources of enrichments as one: the first that knows the extension does it.
#[derive(Clone, Default)]
pub struct AllEnrichments(Vec<Arc<dyn Enrichments>>);

impl AllEnrichments {
    /// Enrichments of each source.
    pub fn new(sources: Vec<Arc<dyn Enrichments>>) -> Self {
        Self(sources)
    }

    fn source(&self, extension: &Extension) -> Result<&Arc<dyn Enrichments>, EnrichError> {
        let known = self.0.iter().find(|source| source.knows(&extension.kind));
        known.ok_or_else(|| {
            let kind = &extension.kind;
            EnrichError::Invalid(format!("Les extensions de type \"{kind}\" ne sont pas prises en charge."))
        })
    }
}

#[async_trait]
impl Enrichments for AllEnrichments {
    fn knows(&self, kind: &str) -> bool {
        self.0.iter().any(|source| source.knows(kind))
    }

    async fn plan(
        &self,
        context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
    ) -> Result<Vec<Column>, EnrichError> {
        self.source(extension)?.plan(context, extension, columns).await
    }

    async fn open(
        &self,
        context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
        cancel: CancellationToken,
    ) -> Result<Box<dyn Enrichment>, EnrichError> {
        self.source(extension)?.open(context, extension, columns, cancel).await
    }

    async fn grouping(&self, extension: &Extension) -> Result<Option<Grouping>, EnrichError> {
        match self.0.iter().find(|source| source.knows(&extension.kind)) {
            Some(source) => source.grouping(extension).await,
            None => Ok(None),
        }
    }

    async fn hold(&self, unit: &mut dyn UnitOfWork, extension: &Extension) -> Result<(), EnrichError> {
        self.source(extension)?.hold(unit, extension).await
    }

    async fn may_choose(&self, extension: &Extension, owner: &AccountRef) -> Result<bool, EnrichError> {
        self.source(extension)?.may_choose(extension, owner).await
    }
}

/// What a person is told an extension is: its action, its plugin, or its expression.
pub(crate) fn source_name(extension: &Extension) -> &str {
    let source = extension.action.as_deref().or(extension.plugin.as_deref()).or(extension.expr.as_deref());
    source.unwrap_or(&extension.kind)
}
