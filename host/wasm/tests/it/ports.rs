//! What stands behind the host interfaces in these tests: datasets in memory that remember what was done to them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_extensions::services::{DatasetSlots, RowsReader, RowsWriter};
use halle_extensions::types::RowProblem;
use halle_extensions::{Field, Problem};
use halle_model::ColumnKind;
use serde_json::Value;

/// A column of texts, as a plugin sees it.
pub fn text(key: &str) -> Field {
    Field { key: key.to_owned(), kind: ColumnKind::Text, nullable: true, title: None, concept: None }
}

/// What was done, in order and in words.
pub type Told = Arc<Mutex<Vec<String>>>;

/// Datasets of one text column `name`, by slot.
#[derive(Default)]
pub struct Tables {
    rows: BTreeMap<&'static str, Vec<String>>,
    told: Told,
}

impl Tables {
    /// One dataset, in this slot.
    pub fn with(slot: &'static str, rows: impl IntoIterator<Item = String>) -> Self {
        let rows = [(slot, rows.into_iter().collect())].into_iter().collect();
        Self { rows, told: Told::default() }
    }

    /// What was done so far.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    fn tell(&self, what: String) {
        self.told.lock().unwrap().push(what);
    }
}

#[async_trait]
impl DatasetSlots for Tables {
    async fn open_read(&self, slot: &str, query: &Value) -> Result<Box<dyn RowsReader>, Problem> {
        self.tell(format!("read {slot} {query}"));
        let rows =
            self.rows.get(slot).ok_or_else(|| Problem::new("dataset/unbound", "nothing stands there"))?;
        let schema = Arc::new(Schema::new(vec![ArrowField::new("name", DataType::Utf8, true)]));
        let names = Arc::new(StringArray::from_iter_values(rows));
        let batch = RecordBatch::try_new(schema, vec![names]).unwrap();
        Ok(Box::new(Reader { schema: vec![text("name")], batch }))
    }

    async fn open_write(
        &self,
        slot: &str,
        mode: &str,
        schema: &[Field],
    ) -> Result<Box<dyn RowsWriter>, Problem> {
        let keys: Vec<&str> = schema.iter().map(|field| field.key.as_str()).collect();
        self.tell(format!("{mode} {slot} {}", keys.join(",")));
        Ok(Box::new(Writer { told: Arc::clone(&self.told), is_open: true }))
    }
}

struct Reader {
    schema: Vec<Field>,
    batch: RecordBatch,
}

#[async_trait]
impl RowsReader for Reader {
    fn schema(&self) -> &[Field] {
        &self.schema
    }

    async fn next(&mut self, max_rows: u32) -> Result<Option<RecordBatch>, Problem> {
        let count = self.batch.num_rows().min(max_rows as usize);
        let next = self.batch.slice(0, count);
        self.batch = self.batch.slice(count, self.batch.num_rows() - count);
        Ok((count > 0).then_some(next))
    }
}

struct Writer {
    told: Told,
    is_open: bool,
}

#[async_trait]
impl RowsWriter for Writer {
    async fn write(&mut self, batch: RecordBatch) -> Result<(u64, Vec<RowProblem>), Problem> {
        let cells = batch.columns().iter().flat_map(|column| column.as_string::<i32>().iter().flatten());
        let cells: Vec<&str> = cells.collect();
        self.told.lock().unwrap().push(format!("rows {}", cells.join("|")));
        Ok((batch.num_rows() as u64, Vec::new()))
    }

    async fn replace_file(&mut self, name: &str, file: &Path) -> Result<(), Problem> {
        let content = std::fs::read_to_string(file).unwrap();
        self.told.lock().unwrap().push(format!("file {name}: {content}"));
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<u64, Problem> {
        self.is_open = false;
        self.told.lock().unwrap().push("commit".to_owned());
        Ok(1)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.is_open {
            self.told.lock().unwrap().push("forgotten".to_owned());
        }
    }
}
