//! An enricher.

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_extensions::host::{Enriched, Enricher};
use halle_extensions::{Field, PluginResult};

use super::host::{field, texts};

/// The enricher `capitals`: its column `maj` has the texts of the first column in capitals.
pub(super) struct Capitals {
    inputs: Vec<Field>,
    outputs: Vec<Field>,
}

impl Capitals {
    pub(super) fn over(columns: &[Field]) -> Self {
        Self { inputs: columns[..1].to_vec(), outputs: vec![field("maj", None)] }
    }
}

#[async_trait]
impl Enricher for Capitals {
    fn inputs(&self) -> &[Field] {
        &self.inputs
    }

    fn outputs(&self) -> &[Field] {
        &self.outputs
    }

    async fn run(&mut self, rows: RecordBatch) -> PluginResult<Enriched> {
        let values = rows.column(0).as_string::<i32>().iter();
        let capitals = values.map(|value| value.map(str::to_uppercase)).collect();
        Ok(Enriched { columns: texts("maj", capitals)?, problems: Vec::new() })
    }
}
