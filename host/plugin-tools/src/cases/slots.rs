//! The datasets of a case: what its plugin reads by slot, and what becomes of what it writes.

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_extensions::services::{DatasetSlots, RowsReader, RowsWriter};
use halle_extensions::types::RowProblem;
use halle_extensions::{Field, Problem};
use serde_json::{Value, json};

use super::fakes::World;
use super::tables;

/// The dataset that a case has in a slot.
#[derive(Debug, Clone)]
pub struct SlotTable {
    /// Its columns.
    pub fields: Vec<Field>,
    /// Its lines.
    pub batch: RecordBatch,
    /// Keys of the columns of its primary key; `None` when it is not editable.
    pub primary_key: Option<Vec<String>>,
}

#[async_trait]
impl DatasetSlots for World {
    async fn open_read(&self, slot: &str, _query: &Value) -> Result<Box<dyn RowsReader>, Problem> {
        let unbound = || Problem::new("dataset/unbound", format!("the case has no `slots.{slot}`"));
        let SlotTable { fields, batch, .. } = self.table(slot).ok_or_else(unbound)?;
        Ok(Box::new(TableReader { fields, batch, read: 0 }))
    }

    async fn open_write(
        &self,
        slot: &str,
        mode: &str,
        schema: &[Field],
    ) -> Result<Box<dyn RowsWriter>, Problem> {
        let table = self.table(slot);
        if let Some(table) = &table {
            check(table, mode, schema)?;
        }
        let editable = table.and_then(|table| {
            let lines = if mode == "replace" { Vec::new() } else { tables::rows(&table.batch) };
            table.primary_key.map(|key| Editable { key, lines })
        });
        let (rows, file) = (Vec::new(), None);
        let (slot, mode) = (slot.to_owned(), mode.to_owned());
        Ok(Box::new(SlotWriter { world: self.clone(), slot, mode, rows, seen: 0, file, editable }))
    }
}

/// Refuses what the platform would, of a dataset that the case describes.
fn check(table: &SlotTable, mode: &str, schema: &[Field]) -> Result<(), Problem> {
    let Some(key) = &table.primary_key else {
        if mode == "replace" {
            return Ok(());
        }
        let message = "the case has no `primaryKey` in this slot: the dataset is not editable, `replace` is its only mode";
        return Err(Problem::new("dataset/not-editable", message));
    };
    if mode == "upsert" && key.is_empty() {
        return Err(Problem::new(
            "dataset/no-primary-key",
            "the `primaryKey` of this slot is empty: use `append`",
        ));
    }
    let is_known = |field: &&Field| table.fields.iter().any(|column| column.key == field.key);
    if let Some(unknown) = schema.iter().find(|field| !is_known(field)) {
        let message = format!("the dataset has no column `{}`", unknown.key);
        return Err(Problem::new("dataset/unknown-column", message));
    }
    let brings_file = mode == "replace" && schema.is_empty();
    let is_written = |key: &&String| brings_file || schema.iter().any(|field| field.key == **key);
    match key.iter().find(|key| !is_written(key)) {
        None => Ok(()),
        Some(key) => {
            let message =
                format!("the column `{key}` of the primary key is missing from those that are written");
            Err(Problem::new("dataset/primary-key", message))
        }
    }
}

/// The lines of an editable dataset, as a transaction leaves them.
struct Editable {
    key: Vec<String>,
    lines: Vec<Value>,
}

impl Editable {
    /// Adds a row, or puts it in the place of the line with its key; the reason when `mode` does not allow that.
    fn take(&mut self, mode: &str, row: &Value) -> Result<(), String> {
        let same = |line: &&mut Value| self.key.iter().all(|key| line.get(key) == row.get(key));
        let known = self.lines.iter_mut().find(same).filter(|_| !self.key.is_empty());
        match known {
            Some(_) if mode == "append" => {
                return Err("a line with this primary key is there already".to_owned());
            }
            Some(line) => line.clone_from(row),
            None => self.lines.push(row.clone()),
        }
        Ok(())
    }
}

struct TableReader {
    fields: Vec<Field>,
    batch: RecordBatch,
    read: usize,
}

#[async_trait]
impl RowsReader for TableReader {
    fn schema(&self) -> &[Field] {
        &self.fields
    }

    async fn next(&mut self, max_rows: u32) -> Result<Option<RecordBatch>, Problem> {
        let left = self.batch.num_rows() - self.read;
        let taken = left.min(max_rows.max(1) as usize);
        let slice = self.batch.slice(self.read, taken);
        self.read += taken;
        Ok((taken > 0).then_some(slice))
    }
}

struct SlotWriter {
    world: World,
    slot: String,
    mode: String,
    rows: Vec<Value>,
    /// Rows that came, refused ones included.
    seen: usize,
    file: Option<(String, String)>,
    editable: Option<Editable>,
}

#[async_trait]
impl RowsWriter for SlotWriter {
    async fn write(&mut self, batch: RecordBatch) -> Result<(u64, Vec<RowProblem>), Problem> {
        let (mut accepted, mut problems) = (0, Vec::new());
        for (at, row) in (0..).zip(tables::rows(&batch)) {
            self.seen += 1;
            match self.editable.as_mut().map_or(Ok(()), |editable| editable.take(&self.mode, &row)) {
                Ok(()) => {
                    accepted += 1;
                    self.rows.push(row);
                }
                Err(text) => {
                    problems.push((at, Problem::new("dataset/line", format!("line {}: {text}", self.seen))));
                }
            }
        }
        Ok((accepted, problems))
    }

    async fn replace_file(&mut self, name: &str, file: &std::path::Path) -> Result<(), Problem> {
        if self.mode != "replace" {
            let message = "a file becomes the whole content: open the transaction in the mode `replace`";
            return Err(Problem::new("dataset/mode", message));
        }
        let bytes =
            tokio::fs::read(file).await.map_err(|error| Problem::new("test/file", error.to_string()))?;
        self.file = Some((name.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<u64, Problem> {
        let (rows, mut written) = (self.rows.len() as u64, json!({ "mode": self.mode, "rows": self.rows }));
        if let Some(editable) = self.editable {
            written["lines"] = editable.lines.into();
        }
        if let Some((name, body)) = self.file {
            written = json!({ "mode": self.mode, "file": name, "body": body });
        }
        self.world.commit(self.slot, written);
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use halle_model::ColumnKind;

    use super::super::file::Case;
    use super::*;

    fn field(key: &str) -> Field {
        Field { key: key.to_owned(), kind: ColumnKind::Text, nullable: true, title: None, concept: None }
    }

    fn world(key: &Value) -> World {
        let fields = json!([{ "key": "code", "kind": "text" }, { "key": "n", "kind": "text" }]);
        let mut table = json!({ "fields": fields, "rows": [{ "code": "a", "n": "1" }] });
        if !key.is_null() {
            table["primaryKey"] = key.clone();
        }
        let case: Case = serde_json::from_value(json!({ "slots": { "output": table } })).unwrap();
        World::new(&case, None).unwrap()
    }

    async fn write(world: &World, mode: &str) -> Result<(u64, Vec<RowProblem>), Problem> {
        let fields = [field("code"), field("n")];
        let mut writer = world.open_write("output", mode, &fields).await?;
        let rows = [json!({ "code": "a", "n": "2" }), json!({ "code": "b" })];
        let written = writer.write(tables::batch(&fields, &rows).unwrap()).await?;
        writer.commit().await?;
        Ok(written)
    }

    #[tokio::test]
    async fn modes_are_served_as_the_platform_does() {
        let keyed = world(&json!(["code"]));
        let (accepted, problems) = write(&keyed, "append").await.unwrap();
        assert_eq!((accepted, problems.len(), problems[0].0), (1, 1, 0));
        assert_eq!(keyed.written()["output"]["lines"], json!([{ "code": "a", "n": "1" }, { "code": "b" }]));
        assert_eq!(write(&keyed, "upsert").await.unwrap().0, 2);
        assert_eq!(keyed.written()["output"]["lines"], json!([{ "code": "a", "n": "2" }, { "code": "b" }]));
        let code = |refused: Result<(u64, Vec<RowProblem>), Problem>| refused.unwrap_err().code;
        assert_eq!(code(write(&world(&json!([])), "upsert").await), "dataset/no-primary-key");
        assert_eq!(code(write(&world(&Value::Null), "append").await), "dataset/not-editable");
        let unknown = keyed.open_write("output", "append", &[field("autre")]).await.err().unwrap();
        assert_eq!(unknown.code, "dataset/unknown-column");
    }
}
