//! The versions of an index: the one that readers get, and the one on disk.
//!
//! A change makes a new version, which readers get at once. Few lines stay in memory, as parts like any other; what is on
//! disk is brought up to date when the caller asks for it ([`Opened::persist`]), aside from readers and writers, and
//! replaced by an atomic rename. Until then a crash loses the changes since: the caller knows them and makes them again.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arrow::array::{Array, AsArray};
use arrow::record_batch::RecordBatch;
use halle_search::ast::Operand;
use halle_search::engine::SearchResult;
use halle_search::{IndexId, IndexSpec, Query, SearchError};

use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::lines::gather;
use crate::part::Part;
use crate::select::Selection;
use crate::snapshot::{Field, Live, Snapshot};
use crate::{Shared, builder, folder};

/// Small parts at the end of an editable index before they are made one.
const TAIL_PARTS_MAX: usize = 8;

/// Rows that are made one with the parts after them, however few those have.
const TAIL_ROWS: usize = 64;

/// Rows of a part in memory at most; more are written to disk.
const MEMORY_PART_ROWS_MAX: usize = 4_096;

/// Bytes of the values of a part in memory at most.
const MEMORY_PART_BYTES_MAX: usize = 1 << 20;

/// Bytes that the parts in memory of one index may have before they are written to disk as one.
const MEMORY_BYTES_MAX: u64 = 8 << 20;

/// An index that is in use: its versions, and who may change it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) id: IndexId,
    dir: PathBuf,
    current: RwLock<Arc<Snapshot>>,
    /// Held while a new version is made; true once the index is removed.
    writer: Mutex<bool>,
    /// Held while a version is written to disk. Taken after `writer`, if both are.
    on_disk: Mutex<OnDisk>,
}

/// What the manifest says.
#[derive(Debug)]
struct OnDisk {
    /// The version that readers had.
    version: Arc<Snapshot>,
    /// The parts as they are on disk.
    parts: Vec<Live>,
    removed: bool,
}

impl Opened {
    /// An index as its manifest has it.
    pub(crate) fn new(id: IndexId, dir: PathBuf, snapshot: Arc<Snapshot>) -> Self {
        let parts = snapshot.parts.clone();
        let on_disk = OnDisk { version: Arc::clone(&snapshot), parts, removed: false };
        Self {
            id,
            dir,
            current: RwLock::new(snapshot),
            writer: Mutex::new(false),
            on_disk: Mutex::new(on_disk),
        }
    }

    pub(crate) fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn show(&self, next: Arc<Snapshot>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    fn on_disk(&self) -> MutexGuard<'_, OnDisk> {
        self.on_disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one writer at a time go on; tells whether the index was removed.
    pub(crate) fn lock(&self) -> MutexGuard<'_, bool> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `next`, whose parts are all on disk, the version that readers get and that a restart finds. The caller holds
    /// the lock of writers.
    pub(crate) fn publish(&self, next: Arc<Snapshot>, number: u64) -> SearchResult<()> {
        let mut on_disk = self.on_disk();
        self.replace(&mut on_disk, &next, next.parts.clone(), number)?;
        self.show(next);
        Ok(())
    }

    fn replace(
        &self,
        on_disk: &mut OnDisk,
        version: &Arc<Snapshot>,
        parts: Vec<Live>,
        number: u64,
    ) -> SearchResult<()> {
        // Before they are named: an error may come after the rename. What is kept for nothing goes with the next start.
        parts.iter().for_each(|live| live.part.keep());
        folder::publish(&self.dir, &self.id, &version.spec, &parts, number)?;
        let kept = |live: &Live| parts.iter().any(|next| Arc::ptr_eq(&next.part, &live.part));
        on_disk.parts.iter().filter(|live| !kept(live)).for_each(|live| live.part.doom());
        (on_disk.version, on_disk.parts) = (Arc::clone(version), parts);
        Ok(())
    }

    /// Writes the version that readers get to disk. Changes may go on meanwhile.
    pub(crate) fn persist(&self, shared: &Shared) -> SearchResult<()> {
        let mut on_disk = self.on_disk();
        let version = self.current();
        if on_disk.removed || Arc::ptr_eq(&on_disk.version, &version) {
            return Ok(());
        }
        let parts = self.settled(shared, &version, version.parts.clone())?;
        self.replace(&mut on_disk, &version, parts, shared.next_number())?;
        // Nobody writes: readers get the parts on disk too, and memory is free.
        if let Ok(removed) = self.writer.try_lock()
            && !*removed
            && Arc::ptr_eq(&self.current(), &version)
        {
            let spec = Arc::clone(&version.spec);
            let settled = Arc::new(Snapshot::new(&self.id, spec, on_disk.parts.clone()));
            on_disk.version = Arc::clone(&settled);
            self.show(settled);
            shared.unions.forget(&self.id);
        }
        Ok(())
    }

    /// Marks the index as removed, and has its files go with their last readers. The caller holds the lock of writers.
    pub(crate) fn remove(&self) -> SearchResult<()> {
        let mut on_disk = self.on_disk();
        on_disk.removed = true;
        folder::unpublish(&self.dir)?;
        self.current().parts.iter().chain(&on_disk.parts).for_each(|live| live.part.doom());
        Ok(())
    }

    /// Removes lines and adds others; readers get the new version at once.
    pub(crate) fn apply(
        &self,
        shared: &Shared,
        removed: &[String],
        added: Option<RecordBatch>,
    ) -> SearchResult<()> {
        let removed_meanwhile = self.lock();
        if *removed_meanwhile {
            return Err(SearchError::NoIndex(self.id.0.clone()));
        }
        let before = self.current();
        let (deadline, _waiting) = Deadline::start(None);
        let mut parts = without(&before, removed, &deadline)?;
        if let Some(batch) = added.filter(|batch| batch.num_rows() > 0) {
            check_ids(&batch)?;
            parts.push(self.write(shared, &before.spec, &[batch])?);
        }
        parts.retain(|live| live.rows() > 0);
        let mut parts = self.merge_tail(shared, &before.spec, parts)?;
        if memory_bytes(&parts) > MEMORY_BYTES_MAX {
            parts = self.settled(shared, &before, parts)?;
        }
        self.show(Arc::new(Snapshot::new(&self.id, Arc::clone(&before.spec), parts)));
        shared.unions.forget(&self.id);
        Ok(())
    }

    /// A new part: in memory if it is small.
    fn write(&self, shared: &Shared, spec: &IndexSpec, batches: &[RecordBatch]) -> SearchResult<Live> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let bytes: usize = batches.iter().map(builder::bytes_of).sum();
        let part = if rows <= MEMORY_PART_ROWS_MAX && bytes <= MEMORY_PART_BYTES_MAX {
            Part::in_memory(spec, batches)?
        } else {
            self.write_to_disk(shared, spec, batches)?
        };
        Ok(Live { part: Arc::new(part), deleted: None })
    }

    fn write_to_disk(
        &self,
        shared: &Shared,
        spec: &IndexSpec,
        batches: &[RecordBatch],
    ) -> SearchResult<Part> {
        builder::write(self.dir.join(folder::part_name(shared.next_number())), spec, batches, 1)
    }

    /// The parts with those in memory written to disk as one.
    fn settled(&self, shared: &Shared, version: &Snapshot, parts: Vec<Live>) -> SearchResult<Vec<Live>> {
        let (mut settled, in_memory): (Vec<Live>, Vec<Live>) =
            parts.into_iter().partition(|live| live.part.dir().is_some());
        if !in_memory.is_empty() {
            let batches = self.rows_of(&version.spec, in_memory)?;
            let part = self.write_to_disk(shared, &version.spec, &batches)?;
            settled.push(Live { part: Arc::new(part), deleted: None });
        }
        Ok(settled)
    }

    /// Makes one part of the last ones when they are many, so that their number grows with the logarithm of the rows.
    fn merge_tail(
        &self,
        shared: &Shared,
        spec: &Arc<IndexSpec>,
        mut parts: Vec<Live>,
    ) -> SearchResult<Vec<Live>> {
        let (mut first, mut rows) = (parts.len(), 0);
        while first > 0 {
            let next = parts[first - 1].rows();
            let fits = rows + next <= shared.config.part_rows_max;
            if !fits || next > rows.saturating_mul(4).max(TAIL_ROWS) {
                break;
            }
            rows += next;
            first -= 1;
        }
        if parts.len() - first < TAIL_PARTS_MAX {
            return Ok(parts);
        }
        let tail = parts.split_off(first);
        let batches = self.rows_of(spec, tail)?;
        parts.push(self.write(shared, spec, &batches)?);
        Ok(parts)
    }

    /// The rows of the parts that are left.
    fn rows_of(&self, spec: &Arc<IndexSpec>, parts: Vec<Live>) -> SearchResult<Vec<RecordBatch>> {
        let version = Snapshot::new(&self.id, Arc::clone(spec), parts);
        let fields: Vec<(String, Field)> = spec
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| (column.key.clone(), Field::Column(index)))
            .collect();
        let mut batches = Vec::new();
        for (at, live) in version.parts.iter().enumerate() {
            let rows: Vec<(u32, u32)> = live.alive().iter().map(|row| (at as u32, row as u32)).collect();
            for chunk in rows.chunks(halle_base::limits::BATCH_ROWS_MAX) {
                batches.push(gather::batch(&version, &fields, chunk)?);
            }
        }
        Ok(batches)
    }
}

fn memory_bytes(parts: &[Live]) -> u64 {
    parts.iter().filter(|live| live.part.dir().is_none()).map(|live| live.part.bytes()).sum()
}

/// The parts, less the lines of these identifiers.
fn without(before: &Snapshot, removed: &[String], deadline: &Deadline) -> SearchResult<Vec<Live>> {
    let mut parts = before.parts.clone();
    if removed.is_empty() {
        return Ok(parts);
    }
    // In the order of the identifiers of a part, so that those near to one another are looked up one after the other.
    let mut removed: Vec<&String> = removed.iter().collect();
    removed.sort_unstable();
    let values = removed.into_iter().map(|id| Operand::Text(id.clone())).collect();
    let query = Query::In { column: "_id".to_owned(), values };
    let selection = Selection::new(before, &query, deadline)?;
    for (at, live) in parts.iter_mut().enumerate() {
        let hits = selection.hits(at, false)?.rows;
        if hits.count() > 0 {
            let mut deleted = live.deleted.as_ref().map_or_else(|| Bits::none(hits.len()), |d| (**d).clone());
            deleted.or(&hits);
            live.deleted = Some(Arc::new(deleted));
        }
    }
    Ok(parts)
}

fn check_ids(batch: &RecordBatch) -> SearchResult<()> {
    let ids = batch.column_by_name("_id").and_then(|ids| ids.as_string_opt::<i32>());
    let ids = ids.ok_or_else(|| SearchError::engine("lines to add need a text column `_id`"))?;
    let distinct: HashSet<&str> = ids.iter().flatten().collect();
    if ids.null_count() > 0 || distinct.len() < ids.len() {
        return Err(SearchError::engine("lines to add need an `_id` each, all different"));
    }
    Ok(())
}
