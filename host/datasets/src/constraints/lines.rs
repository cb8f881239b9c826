//! Values of edited lines that must be unique, kept beside the lines: a record per line and constraint, under a digest of
//! the values, in the same transaction.

use std::collections::HashSet;

use halle_model::Dataset;
use halle_store::{LineRecord, UnitOfWork};
use indexmap::IndexMap;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Unique;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;

/// Lines that a new constraint can be checked on.
const CONSTRAINED_LINES_MAX: usize = 2_000_000;

/// Lines read at a time.
const LINES_PER_STEP: u32 = 1_000;

/// Bytes of a digest that tell lines apart in memory.
const DIGEST_BYTES: usize = 16;

/// Who has which values, with the changes of one transaction.
#[derive(Debug)]
pub(crate) struct LineKeys {
    dataset: String,
    constraints: Vec<Unique>,
    /// Name under which the records are kept.
    keeper: String,
    /// Digests that change hands: the line that has them now, if one has.
    changed: IndexMap<String, Option<String>>,
}

impl LineKeys {
    /// The constraints of an editable dataset.
    pub(crate) fn of(dataset: &Dataset) -> Self {
        let keeper = names::unique_values(&dataset.id);
        let constraints = super::of(dataset);
        Self { dataset: dataset.id.clone(), constraints, keeper, changed: IndexMap::new() }
    }

    /// Whether lines may have any values.
    pub(crate) fn is_free(&self) -> bool {
        self.constraints.is_empty()
    }

    /// Notes that a line takes the place of what it was before. Changes nothing and tells why when another line has its
    /// values.
    pub(crate) async fn replace(
        &mut self,
        unit: &mut dyn UnitOfWork,
        before: Option<&LineRecord>,
        line: &LineRecord,
    ) -> DatasetsResult<Result<(), String>> {
        let digests = |line: &LineRecord| -> Vec<Option<String>> {
            let body = (!line.deleted).then_some(&line.body);
            self.constraints.iter().map(|unique| body.and_then(|body| digest(unique, body))).collect()
        };
        let taken = digests(line);
        let left = before.map(&digests).unwrap_or_default();
        for (unique, key) in self.constraints.iter().zip(&taken) {
            let Some(key) = key else { continue };
            let holder = match self.changed.get(key) {
                Some(holder) => holder.clone(),
                None => self.holder(unit, unique, key).await?,
            };
            if holder.is_some_and(|holder| holder != line.id) {
                return Ok(Err(refusal(unique, &line.body)));
            }
        }
        for key in left.into_iter().flatten() {
            self.changed.insert(key, None);
        }
        for key in taken.into_iter().flatten() {
            self.changed.insert(key, Some(line.id.clone()));
        }
        Ok(Ok(()))
    }

    /// The line that has values, as the store knows it.
    async fn holder(
        &self,
        unit: &mut dyn UnitOfWork,
        unique: &Unique,
        key: &str,
    ) -> DatasetsResult<Option<String>> {
        let record = unit.lines().get(&self.keeper, key).await?;
        let Some(holder) = record.as_ref().and_then(holder_of) else { return Ok(None) };
        // A line that went without a word leaves its record behind.
        let line = unit.lines().get(&self.dataset, &holder).await?;
        let has_it = line.is_some_and(|line| digest(unique, &line.body).as_deref() == Some(key));
        Ok(has_it.then_some(holder))
    }

    /// Writes what changed.
    pub(crate) async fn write(&mut self, unit: &mut dyn UnitOfWork) -> DatasetsResult<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let record = |(id, holder): (String, Option<String>)| record(id, holder);
        let records: Vec<LineRecord> = std::mem::take(&mut self.changed).into_iter().map(record).collect();
        let highest = unit.lines().put(&self.keeper, &records).await?;
        Ok(unit.lines().purge(&self.keeper, highest).await?)
    }
}

/// Checks every line of a dataset against its constraints, which are new, and keeps who has which values. 409 when two
/// lines share values.
pub(crate) async fn refill(unit: &mut dyn UnitOfWork, dataset: &Dataset) -> DatasetsResult<()> {
    let keeper = names::unique_values(&dataset.id);
    unit.lines().clear(&keeper).await?;
    let constraints = super::of(dataset);
    if constraints.is_empty() {
        return Ok(());
    }
    let mut seen: HashSet<[u8; DIGEST_BYTES]> = HashSet::new();
    let mut from = 0;
    loop {
        let lines = unit.lines().after(&dataset.id, from, LINES_PER_STEP).await?;
        let Some(last) = lines.last() else { return Ok(()) };
        from = last.i;
        let mut records = Vec::new();
        for line in lines.iter().filter(|line| !line.deleted) {
            for unique in &constraints {
                let Some(key) = digest(unique, &line.body) else { continue };
                let mut short = [0; DIGEST_BYTES];
                short.copy_from_slice(&key.as_bytes()[..DIGEST_BYTES]);
                if !seen.insert(short) {
                    return Err(DatasetsError::Conflict(violated(unique, &line.body)));
                }
                records.push(record(key, Some(line.id.clone())));
            }
        }
        if seen.len() > CONSTRAINED_LINES_MAX {
            return Err(DatasetsError::bad_request(format!(
                "Une contrainte d'unicité ne peut être ajoutée qu'à au plus {CONSTRAINED_LINES_MAX} lignes."
            )));
        }
        unit.lines().put(&keeper, &records).await?;
    }
}

fn record(id: String, holder: Option<String>) -> LineRecord {
    let deleted = holder.is_none();
    let body = holder.into_iter().map(|holder| ("line".to_owned(), Value::from(holder))).collect();
    LineRecord { id, i: 0, body, deleted }
}

fn holder_of(record: &LineRecord) -> Option<String> {
    record.body.get("line").and_then(Value::as_str).map(str::to_owned)
}

/// The digest of a line's values; `None` when it has none of them.
fn digest(unique: &Unique, body: &Map<String, Value>) -> Option<String> {
    let values: Vec<Value> = unique.properties.iter().map(|key| plain(body.get(key))).collect();
    if values.iter().all(Value::is_null) {
        return None;
    }
    let text = serde_json::to_string(&(&unique.properties, values)).ok()?;
    Some(hex::encode(Sha256::digest(text.as_bytes())))
}

/// A value such that equal ones are written equally: 1.0 is 1.
fn plain(value: Option<&Value>) -> Value {
    match value.and_then(Value::as_f64) {
        Some(number) => number.into(),
        None => value.cloned().unwrap_or_default(),
    }
}

fn shown(unique: &Unique, body: &Map<String, Value>) -> String {
    let text = |key: &String| match body.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    unique.properties.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Which line has the values is not told: it may not be the caller's to read.
fn refusal(unique: &Unique, body: &Map<String, Value>) -> String {
    let (name, values) = (unique.name(), shown(unique, body));
    format!("contrainte d'unicité \"{name}\" : une autre ligne a déjà la valeur « {values} »")
}

fn violated(unique: &Unique, body: &Map<String, Value>) -> String {
    let (name, values) = (unique.name(), shown(unique, body));
    format!("contrainte d'unicité \"{name}\" : plusieurs lignes ont la valeur « {values} »")
}
