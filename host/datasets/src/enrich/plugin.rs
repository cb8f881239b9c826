//! Enrichments by plugins: extensions of `type: "enricher"`.

use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_base::AccountRef;
use halle_base::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX};
use halle_extensions::config::ConfigSchema;
use halle_extensions::host::{Call, Enriched, Enricher};
use halle_extensions::installed::InstalledPlugins;
use halle_extensions::manifest::{Manifest, PluginKind};
use halle_extensions::metering::{InstanceKind, Subject};
use halle_extensions::services::Services;
use halle_extensions::types::RowProblem;
use halle_extensions::uses::{self, PluginUsers};
use halle_extensions::{Field, PluginError, PluginHost};
use halle_ingest::rows::arrow_schema;
use halle_model::{Column, Dataset, Extension};
use halle_store::UnitOfWork;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::output::output_key;
use super::{
    EnrichContext, EnrichError, Enrichment, Enrichments, Grouping, OutputColumn, error_column,
    output_columns, with_errors,
};

/// Datasets that a plugin extends: who asks before it is removed.
pub fn plugin_users() -> Arc<dyn PluginUsers> {
    uses::by_key::<Dataset>("dataset")
}

/// Enrichments by the plugins that are installed.
#[derive(Clone)]
pub struct PluginEnrichments {
    host: Arc<dyn PluginHost>,
    plugins: Arc<dyn InstalledPlugins>,
}

impl PluginEnrichments {
    /// Enrichments by `plugins`, run in `host`.
    pub fn new(host: Arc<dyn PluginHost>, plugins: Arc<dyn InstalledPlugins>) -> Self {
        Self { host, plugins }
    }

    async fn enricher(
        &self,
        context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
        cancel: CancellationToken,
    ) -> Result<(Box<dyn Enricher>, Vec<OutputColumn>), EnrichError> {
        let id = extension.plugin.as_deref().unwrap_or_default();
        let invalid = |reason: &str| EnrichError::Invalid(format!("Le plugin \"{id}\" {reason}."));
        let plugin =
            self.plugins.installed(id).await.map_err(|error| EnrichError::Temporary(error.to_string()))?;
        let plugin = plugin.ok_or_else(|| invalid("n'est pas installé"))?;
        if plugin.manifest.plugin.kind != PluginKind::Enricher {
            return Err(invalid("n'est pas un enrichisseur"));
        }
        let temporary = |error: PluginError| EnrichError::Temporary(error.to_string());
        if plugin.grants.is_none() && self.plugins.is_disabled(id).await.map_err(temporary)? {
            return Err(invalid("est désactivé par un administrateur"));
        }
        if plugin.grants.is_none() {
            return Err(invalid("attend l'accord d'un administrateur"));
        }
        let config = extension.config.clone().unwrap_or_else(|| json!({}));
        check_config(&plugin.manifest, &config).map_err(|reason| invalid(&reason))?;
        let services = Services { datasets: Some(Arc::clone(&context.tables)), ..Services::none() };
        let subject = Subject::new(&plugin, &context.owner, InstanceKind::Dataset, &context.dataset);
        let call = Call { plugin, subject, config, secrets: Arc::new(Vec::new()), services, cancel };
        let input: Vec<Field> = columns.iter().map(field_of).collect();
        let enricher = self.host.enricher(call, &input).await?;
        let outputs = output_columns(extension, id, enricher.outputs(), columns)?;
        Ok((enricher, outputs))
    }
}

#[async_trait]
impl Enrichments for PluginEnrichments {
    fn knows(&self, kind: &str) -> bool {
        kind == "enricher"
    }

    async fn grouping(&self, extension: &Extension) -> Result<Option<Grouping>, EnrichError> {
        let plugin = self.plugins.installed(extension.plugin.as_deref().unwrap_or_default()).await?;
        let Some(plugin) = plugin else { return Ok(None) };
        let Some(groups) = &plugin.manifest.groups else { return Ok(None) };
        let config = extension.config.as_ref().unwrap_or(&Value::Null);
        let lines_min = groups.rows_min(plugin.manifest.config.as_ref(), config);
        let column = output_key(extension, &groups.output);
        Ok(column.zip(lines_min).map(|(column, lines_min)| Grouping { column, lines_min }))
    }

    async fn hold(&self, unit: &mut dyn UnitOfWork, extension: &Extension) -> Result<(), EnrichError> {
        let id = extension.plugin.as_deref().unwrap_or_default();
        let held = self.plugins.hold(unit, id).await;
        held.map_err(|_| EnrichError::Invalid(format!("Le plugin \"{id}\" n'est pas installé.")))
    }

    async fn may_choose(&self, extension: &Extension, owner: &AccountRef) -> Result<bool, EnrichError> {
        let id = extension.plugin.as_deref().unwrap_or_default();
        let visible = self.plugins.is_visible_to(id, owner).await;
        visible.map_err(|error| EnrichError::Temporary(error.to_string()))
    }

    async fn plan(
        &self,
        context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
    ) -> Result<Vec<Column>, EnrichError> {
        let (_, outputs) = self.enricher(context, extension, columns, CancellationToken::new()).await?;
        Ok(added(extension, outputs.into_iter().map(|output| output.column)))
    }

    async fn open(
        &self,
        context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
        cancel: CancellationToken,
    ) -> Result<Box<dyn Enrichment>, EnrichError> {
        let (enricher, outputs) = self.enricher(context, extension, columns, cancel).await?;
        let positions = outputs.iter().map(|output| output.index).collect();
        let columns = added(extension, outputs.into_iter().map(|output| output.column));
        Ok(Box::new(PluginEnrichment { enricher, positions, columns }))
    }
}

/// The columns that are added: the selected outputs, then the one that says why a row has none.
fn added(extension: &Extension, outputs: impl Iterator<Item = Column>) -> Vec<Column> {
    let error = error_column(extension, extension.plugin.as_deref().unwrap_or_default());
    outputs.chain([error]).collect()
}

struct PluginEnrichment {
    enricher: Box<dyn Enricher>,
    /// Positions of the columns, but for the last, among the plugin's outputs.
    positions: Vec<usize>,
    /// The columns, the one of errors last.
    columns: Vec<Column>,
}

#[async_trait]
impl Enrichment for PluginEnrichment {
    fn outputs(&self) -> &[Column] {
        &self.columns
    }

    async fn run(&mut self, rows: RecordBatch) -> Result<Enriched, EnrichError> {
        let mut answers = self.run_all(vec![rows]).await?;
        answers.pop().ok_or_else(|| EnrichError::Temporary("no answer to a batch".to_owned()))
    }

    fn treats_side_by_side(&self) -> bool {
        true
    }

    async fn run_all(&mut self, batches: Vec<RecordBatch>) -> Result<Vec<Enriched>, EnrichError> {
        let (mut parts, mut counts) = (Vec::new(), Vec::with_capacity(batches.len()));
        for rows in &batches {
            let before = parts.len();
            parts.extend(self.parts(rows)?);
            counts.push(parts.len() - before);
        }
        let mut answers = self.enricher.run_all(parts).await?.into_iter();
        counts.into_iter().map(|count| self.whole(answers.by_ref().take(count))).collect()
    }
}

impl PluginEnrichment {
    /// The columns that the plugin needs of a batch, in parts that may cross.
    fn parts(&self, rows: &RecordBatch) -> Result<Vec<RecordBatch>, EnrichError> {
        let wanted = self.enricher.inputs().iter().map(|input| rows.schema().index_of(&input.key));
        let wanted = wanted.collect::<Result<Vec<_>, _>>().map_err(|error| {
            EnrichError::Invalid(format!("Le plugin demande une colonne qui n'existe pas : {error}."))
        })?;
        let input = rows.project(&wanted).map_err(unexpected)?;
        let (count, step) = (input.num_rows(), rows_per_call(&input));
        Ok((0..count).step_by(step).map(|first| input.slice(first, step.min(count - first))).collect())
    }

    /// The answer to a batch, of those to its parts.
    fn whole(&self, answers: impl Iterator<Item = Enriched>) -> Result<Enriched, EnrichError> {
        let schema = arrow_schema(&self.columns[..self.positions.len()]);
        let (mut parts, mut problems, mut first) = (Vec::new(), Vec::<RowProblem>::new(), 0_u32);
        for Enriched { columns, problems: about } in answers {
            let rows = columns.num_rows() as u32;
            let columns = columns.project(&self.positions).map_err(unexpected)?;
            parts.push(
                RecordBatch::try_new(Arc::clone(&schema), columns.columns().to_vec()).map_err(unexpected)?,
            );
            problems.extend(about.into_iter().map(|(row, problem)| (row + first, problem)));
            first += rows;
        }
        let columns = concat_batches(&schema, &parts).map_err(unexpected)?;
        Ok(Enriched { columns: with_errors(&columns, &problems)?, problems })
    }
}

/// Checks a configuration against the schema of the manifest. The error goes on after the plugin's name.
fn check_config(manifest: &Manifest, config: &Value) -> Result<(), String> {
    let Some(schema) = &manifest.config else { return Ok(()) };
    let schema =
        ConfigSchema::new(schema).map_err(|error| format!("a un schéma de configuration qui {error}"))?;
    schema.validate(config).map_err(|problems| {
        let texts: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        format!("refuse sa configuration : {}", texts.join(" ; "))
    })
}

/// Rows that fit one crossing, by the mean size of a row of this batch.
fn rows_per_call(batch: &RecordBatch) -> usize {
    let bytes = batch.get_array_memory_size().max(1);
    (batch.num_rows() * BATCH_BYTES_MAX / bytes).clamp(1, BATCH_ROWS_MAX)
}

/// A column as plugins see it.
pub(crate) fn field_of(column: &Column) -> Field {
    Field {
        key: column.key.clone(),
        kind: column.kind(),
        nullable: true,
        title: Some(column.label().to_owned()),
        concept: column.refers_to.clone(),
    }
}

fn unexpected(error: arrow::error::ArrowError) -> EnrichError {
    EnrichError::Invalid(format!("Le plugin a répondu avec des colonnes inattendues : {error}."))
}

impl From<PluginError> for EnrichError {
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::Cancelled => Self::Cancelled,
            PluginError::OverQuota { message, until } => Self::OverQuota { message, until },
            PluginError::Temporary(text) => Self::Temporary(text),
            PluginError::Reported(problem) if problem.retry_after_ms.is_some() => {
                Self::Temporary(problem.message)
            }
            error => Self::Invalid(error.to_string()),
        }
    }
}
