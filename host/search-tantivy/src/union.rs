//! Several indexes read as one: the parts of all of them, each seen in the columns of the union, without the rows that a
//! filter leaves out. Nothing that reads a snapshot can tell, so that counts, orders and groups are exact.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use halle_search::engine::{SearchResult, UnionMember};
use halle_search::{IndexId, IndexSpec, SearchError};

use crate::Shared;
use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::geo::{self, PointSource};
use crate::part::Part;
use crate::part::column::{Column, Values};
use crate::part::fields::{WordField, word_fields};
use crate::select::Selection;
use crate::snapshot::{Live, Naming, Snapshot};

/// Unions kept ready. Each holds what columns lack and which rows are left out: some bytes a row.
const KEPT_MAX: usize = 32;

/// Unions that were asked lately, the last one first.
#[derive(Debug, Default)]
pub(crate) struct Unions(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    spec: Arc<IndexSpec>,
    members: Vec<UnionMember>,
    /// Versions of the members that it was made of.
    versions: Vec<Weak<Snapshot>>,
    snapshot: Arc<Snapshot>,
}

impl Unions {
    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of the unions in which this index is, whose files may have to go.
    pub(crate) fn forget(&self, index: &IndexId) {
        self.lock().retain(|kept| kept.members.iter().all(|member| member.index != *index));
    }

    fn find(
        &self,
        spec: &IndexSpec,
        members: &[UnionMember],
        versions: &[Arc<Snapshot>],
    ) -> Option<Arc<Snapshot>> {
        let mut all = self.lock();
        let place = all.iter().position(|kept| *kept.spec == *spec && kept.members == members)?;
        let kept = all.remove(place);
        let current = kept
            .versions
            .iter()
            .zip(versions)
            .all(|(kept, now)| std::ptr::eq(kept.as_ptr(), Arc::as_ptr(now)));
        let found = current.then(|| Arc::clone(&kept.snapshot));
        if current {
            all.insert(0, kept);
        }
        found
    }

    fn keep(&self, kept: Kept) {
        let mut all = self.lock();
        all.insert(0, kept);
        all.truncate(KEPT_MAX);
    }
}

/// The union of the members as they are now. Blocks.
///
/// # Errors
///
/// `NoIndex` when a member is gone; `Engine` when columns do not fit.
pub(crate) fn open(
    shared: &Shared,
    spec: Arc<IndexSpec>,
    members: Vec<UnionMember>,
    deadline: &Deadline,
) -> SearchResult<Arc<Snapshot>> {
    if spec.columns.iter().any(|column| matches!(column.key.as_str(), "_id" | "_i" | "_rand")) {
        return Err(SearchError::engine("`_id`, `_i` and `_rand` of a union are derived, not columns"));
    }
    let version = |member: &UnionMember| Ok(shared.opened(&member.index)?.current());
    let versions = members.iter().map(version).collect::<SearchResult<Vec<_>>>()?;
    if let Some(found) = shared.unions.find(&spec, &members, &versions) {
        return Ok(found);
    }
    let mut parts = Vec::new();
    for (place, (member, version)) in members.iter().zip(&versions).enumerate() {
        let place = u16::try_from(place).map_err(SearchError::engine)?;
        parts.extend(Seen::new(&spec, member, version)?.parts(place, deadline)?);
    }
    let snapshot = Arc::new(Snapshot::union(Arc::clone(&spec), parts));
    let versions = versions.iter().map(Arc::downgrade).collect();
    shared.unions.keep(Kept { spec, members, versions, snapshot: Arc::clone(&snapshot) });
    Ok(snapshot)
}

/// A member, seen through the columns of the union.
struct Seen<'a> {
    spec: &'a IndexSpec,
    member: &'a UnionMember,
    version: &'a Snapshot,
    /// For each column of the union, the member's own.
    columns: Vec<Option<usize>>,
}

impl<'a> Seen<'a> {
    fn new(spec: &'a IndexSpec, member: &'a UnionMember, version: &'a Snapshot) -> SearchResult<Self> {
        let own = |key: &str| version.spec.columns.iter().position(|column| column.key == key);
        let mut columns = Vec::with_capacity(spec.columns.len());
        for wanted in &spec.columns {
            let found = if member.columns.contains(&wanted.key) { own(&wanted.key) } else { None };
            if found.is_some_and(|index| version.spec.columns[index].kind() != wanted.kind()) {
                let (key, index) = (&wanted.key, &member.index.0);
                let text =
                    format!("column `{key}` of index `{index}` is not of the kind that the union wants");
                return Err(SearchError::Engine(text));
            }
            columns.push(found);
        }
        Ok(Self { spec, member, version, columns })
    }

    fn parts(&self, place: u16, deadline: &Deadline) -> SearchResult<Vec<(Live, Naming)>> {
        let selection = Selection::new(self.version, &self.member.filter, deadline)?;
        let is_edited = self.version.spec.columns.iter().any(|column| column.key == "_id");
        let name = if is_edited { &self.member.name } else { &self.member.index.0 };
        let naming = Naming::new(name, place);
        let views = self.views();
        let mut parts = Vec::with_capacity(self.version.parts.len());
        for (at, live) in self.version.parts.iter().enumerate() {
            let hits = selection.hits(at, false)?.rows;
            if hits.count() == 0 {
                continue;
            }
            let deleted = (hits.count() < live.part.rows).then(|| {
                let mut left_out = Bits::all(live.part.rows);
                left_out.and_not(&hits);
                Arc::new(left_out)
            });
            let part = Arc::new(self.view(&live.part, &views)?);
            parts.push((Live { part, deleted }, naming.clone()));
        }
        Ok(parts)
    }

    fn view(&self, part: &Arc<Part>, views: &[Option<usize>]) -> SearchResult<Part> {
        let column = |(wanted, own): (&halle_model::Column, &Option<usize>)| match own {
            Some(own) => Ok(part.columns[*own].clone()),
            None => Column::absent(wanted, part.rows),
        };
        let columns = self.spec.columns.iter().zip(&self.columns).map(column);
        let columns = columns.collect::<SearchResult<Vec<_>>>()?;
        let words = part.words.as_ref().map(|words| words.under(views));
        let ids = self.version.spec.columns.iter().position(|column| column.key == "_id");
        let ids = ids.and_then(|index| match &part.columns[index].values {
            Values::Text(texts) => Some(texts.clone()),
            _ => None,
        });
        let points = part.points.clone().filter(|_| self.shows_points());
        let shapes = part.shapes.clone().filter(|_| self.shows_shapes());
        Ok(Part::view(part, columns, (points, shapes), words, ids))
    }

    /// Whether the columns from which the member has its points are among those it gives.
    fn shows_points(&self) -> bool {
        let Some(source) = PointSource::of(&self.version.spec) else { return false };
        source.columns().iter().all(|own| self.columns.contains(&Some(*own)))
    }

    /// Whether the column of the member's shapes is among those it gives.
    fn shows_shapes(&self) -> bool {
        geo::shape_column(&self.version.spec).is_some_and(|own| self.columns.contains(&Some(own)))
    }

    /// For each view of words of the union, the place of the member's own.
    fn views(&self) -> Vec<Option<usize>> {
        let own = word_fields(&self.version.spec);
        let same = |wanted: &WordField| {
            let column = self.columns[wanted.column]?;
            own.iter().find(|field| field.column == column && field.view == wanted.view).map(|field| field.at)
        };
        word_fields(self.spec).iter().map(same).collect()
    }
}
