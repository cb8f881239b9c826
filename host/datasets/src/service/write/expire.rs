//! Lines that are too old: `rest.ttl`.

use halle_model::{Caller, Column, ColumnKind, Dataset};
use halle_search::ast::{Bound, Operand, Query};
use halle_search::engine::{LineFields, LinesRequest};
use halle_store::EntityExt;
use serde_json::{Map, Value};

use super::change::{Action, Change, Outcome, Write};
use super::transaction::Seen;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::state::Datasets;

/// Lines removed by one transaction.
const LINES_PER_STEP: usize = 1_000;

impl Datasets {
    /// Removes the lines whose date is older than the rule of the dataset allows. They are looked for in the index, which
    /// is first made equal to SQL; nobody writes meanwhile.
    pub(crate) async fn expire_lines(&self, id: &str) -> DatasetsResult<()> {
        let Some(dataset) = self.store.read().await?.load::<Dataset>(id).await? else { return Ok(()) };
        let dataset = dataset.entity;
        let (Some(ttl), Some(served)) = (dataset.rest.active_ttl(), &dataset.served) else { return Ok(()) };
        let Some(column) = dataset.column(&ttl.prop) else { return Ok(()) };
        let before = ttl.delay.before(self.clock.now());
        let Some(query) = older_than(column, before) else { return Ok(()) };
        let caller = Caller::platform_for(dataset.owner.clone());
        loop {
            let _turn = self.turn(&dataset.id, true).await?;
            self.sync_lines(&dataset, i64::MAX).await?;
            let index = self.engine.open(&names::index(&dataset.id, &served.id)).await?;
            let page = index.lines(request(query.clone())).await?;
            let is_last = page.lines.len() < LINES_PER_STEP;
            let changes = page.lines.iter().map(|line| removal(line)).collect::<DatasetsResult<Vec<_>>>()?;
            if changes.is_empty() {
                return Ok(());
            }
            let write = Write { caller: caller.clone(), operation: "deleteLine", owner: None, changes };
            let outcomes = self.write_alone(&dataset.id, &write, &Seen::AtOnce).await?;
            let removed = outcomes.contains(&Outcome::Deleted);
            if is_last || !removed {
                return Ok(());
            }
        }
    }
}

/// Lines whose date is before an instant; `None` for a column that holds no dates.
fn older_than(column: &Column, before: halle_base::Timestamp) -> Option<Query> {
    let upper = match column.kind() {
        ColumnKind::DateTime => Operand::Instant(before.as_millisecond()),
        ColumnKind::Date => {
            let days = before.as_second().div_euclid(24 * 3_600);
            Operand::Day(i32::try_from(days).ok()?)
        }
        _ => return None,
    };
    Some(Query::Range { column: column.key.clone(), lower: Bound::None, upper: Bound::Excluded(upper) })
}

fn request(query: Query) -> LinesRequest {
    LinesRequest {
        query,
        sort: Vec::new(),
        select: Vec::new(),
        fields: LineFields { id: true, ..LineFields::default() },
        skip: 0,
        size: LINES_PER_STEP,
        after: None,
        count: false,
        collapse: None,
        highlight: Vec::new(),
    }
}

fn removal(line: &[u8]) -> DatasetsResult<Change> {
    let line: Map<String, Value> = serde_json::from_slice(line).map_err(DatasetsError::internal)?;
    let id = line.get("_id").and_then(Value::as_str).map(str::to_owned);
    Ok(Change { action: Action::Delete, id, body: Map::new() })
}
