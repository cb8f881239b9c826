//! Lines as batches of columns, for features that pass them on: processings, plugins.

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use halle_extensions::services::RowsReader;
use halle_extensions::{Field, Problem};
use halle_model::{Caller, Column};
use halle_search::params::{LinesParams, Params};

use crate::enrich::field_of;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::read::Reading;
use crate::state::Datasets;

/// Every line that matches, as columns, from one version.
pub struct Batches {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// Batches of at most 4,096 rows.
    pub batches: BoxStream<'static, DatasetsResult<RecordBatch>>,
}

impl Datasets {
    /// Every line that matches the filters of `params`, in their order; `select` and `sort` count, `size` does not.
    pub async fn batches(&self, caller: &Caller, id: &str, params: &Params) -> DatasetsResult<Batches> {
        self.open(caller, id, "readLines").await?.batches(params).await
    }
}

impl Reading {
    /// Every line that matches, as [`Datasets::batches`].
    pub(crate) async fn batches(&self, params: &Params) -> DatasetsResult<Batches> {
        let all = params.clone().with("size", "all").with("page", "").with("after", "");
        let fields = self.fields();
        let asked = LinesParams::parse(&all, &fields)?;
        let columns: Vec<Column> = match &asked.selected {
            Some(keys) => keys.iter().filter_map(|key| fields.get(key)).cloned().collect(),
            None => fields.columns().iter().filter(|column| !column.calculated).cloned().collect(),
        };
        let keys = columns.iter().map(|column| column.key.clone()).collect();
        let batches = self.index.scan(asked.scan(keys)).await?;
        Ok(Batches { columns, batches: batches.map_err(DatasetsError::from).boxed() })
    }
}

impl Batches {
    /// The lines as a plugin reads a slot.
    pub fn into_reader(self) -> Box<dyn RowsReader> {
        let schema = self.columns.iter().map(field_of).collect();
        Box::new(SlotReader { schema, batches: self.batches, rest: None })
    }
}

struct SlotReader {
    schema: Vec<Field>,
    batches: BoxStream<'static, DatasetsResult<RecordBatch>>,
    rest: Option<RecordBatch>,
}

#[async_trait]
impl RowsReader for SlotReader {
    fn schema(&self) -> &[Field] {
        &self.schema
    }

    async fn next(&mut self, max_rows: u32) -> Result<Option<RecordBatch>, Problem> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.batches.next().await.transpose().map_err(refused)? {
                Some(batch) => batch,
                None => return Ok(None),
            },
        };
        let rows = (max_rows.max(1) as usize).min(batch.num_rows());
        if rows < batch.num_rows() {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        Ok(Some(batch.slice(0, rows)))
    }
}

/// A refusal in the words of the data API, as plugins get it.
pub fn refused(error: DatasetsError) -> Problem {
    let code = match error {
        DatasetsError::PutOff { .. } => "dataset/put-off",
        _ => "dataset/refused",
    };
    Problem::new(code, error.to_string())
}
