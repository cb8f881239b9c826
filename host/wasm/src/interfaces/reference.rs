//! `halle:host/reference`: read-only tables for enrichers.

use serde_json::Value;
use wasmtime::component::Resource;

use super::datasets::ReaderHandle;
use crate::bindings::shared::halle::base::types as wit;
use crate::bindings::shared::halle::host::reference;
use crate::convert::fields_to_wit;
use crate::guest::Guest;

/// What a guest knows as `table`: the lines of a slot.
pub type TableHandle = ReaderHandle;

impl reference::Host for Guest {
    async fn open(&mut self, slot: String) -> wasmtime::Result<Result<Resource<TableHandle>, wit::Problem>> {
        self.enter()?;
        match self.open_slot(&slot, &Value::Object(serde_json::Map::new())).await {
            Ok(reader) => Ok(Ok(self.push(reader)?)),
            Err(refused) => Ok(Err(refused)),
        }
    }
}

impl reference::HostTable for Guest {
    async fn schema(&mut self, table: Resource<TableHandle>) -> wasmtime::Result<Vec<wit::Field>> {
        self.enter()?;
        Ok(fields_to_wit(self.table.get(&table)?.reader.schema()))
    }

    async fn next(
        &mut self,
        table: Resource<TableHandle>,
        max_rows: u32,
    ) -> wasmtime::Result<Result<Option<wit::Batch>, wit::Problem>> {
        self.enter()?;
        self.next_rows(&table, max_rows).await
    }

    async fn drop(&mut self, table: Resource<TableHandle>) -> wasmtime::Result<()> {
        self.table.delete(table)?;
        Ok(())
    }
}
