//! The history of lines: a revision per change that had an effect, kept after the line is gone.

use halle_base::{AccountRef, Timestamp};
use halle_model::{Caller, Dataset};
use halle_store::{RevisionRecord, RevisionsOf, UnitOfWork};
use serde_json::{Map, Value};

use super::change::Action;
use super::decide::owner_value;
use super::transaction::{require_editable, require_ownership, revision};
use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// Revisions of one page.
pub(crate) const REVISIONS_PER_PAGE_MAX: u32 = 10_000;

/// Lines that are given their first revision at a time.
const LINES_PER_STEP: u32 = 1_000;

/// A page of revisions, newest first.
#[derive(Debug, Clone)]
pub struct RevisionsPage {
    /// The dataset.
    pub dataset: Dataset,
    /// All revisions that there are, over all pages.
    pub total: u64,
    /// Each revision: the values of the line from then on, with `_id`, `_i` and `_action`.
    pub results: Vec<Map<String, Value>>,
    /// `before` of the next page; `None` on a page that is not full.
    pub next: Option<i64>,
}

/// Which revisions are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Operation that permits it.
    pub operation: &'static str,
    /// Of this line only.
    pub line: Option<&'a str>,
    /// Of lines of this owner only.
    pub owner: Option<&'a AccountRef>,
    /// Those numbered below.
    pub before: Option<i64>,
    /// Revisions of the page.
    pub size: u32,
}

impl Datasets {
    /// Revisions of an editable dataset, newest first; 400 when it keeps none.
    pub(crate) async fn revisions(
        &self,
        caller: &Caller,
        id: &str,
        asked: Asked<'_>,
    ) -> DatasetsResult<RevisionsPage> {
        let dataset = self.load(caller, id, asked.operation).await?.entity;
        require_editable(&dataset)?;
        if asked.owner.is_some() {
            require_ownership(&dataset)?;
        }
        if !dataset.rest.history {
            let message = "L'historisation des lignes n'est pas activée sur ce jeu de données.";
            return Err(DatasetsError::bad_request(message));
        }
        let owner = asked.owner.map(owner_value);
        let which = RevisionsOf { line: asked.line, owner: owner.as_deref() };
        let mut unit = self.store.read().await?;
        let total = unit.revisions().count(&dataset.id, which).await?;
        let found = unit.revisions().latest(&dataset.id, which, asked.before, asked.size).await?;
        let is_full = found.len() as u64 == u64::from(asked.size);
        let next = found.last().map(|revision| revision.i).filter(|_| is_full);
        Ok(RevisionsPage { dataset, total, results: found.into_iter().map(shown).collect(), next })
    }
}

/// Starts the history of a dataset, with the lines as they are, or forgets it.
pub(crate) async fn switch(
    unit: &mut dyn UnitOfWork,
    dataset: &str,
    on: bool,
    now: Timestamp,
) -> DatasetsResult<()> {
    unit.revisions().clear(dataset).await?;
    if !on {
        return Ok(());
    }
    let mut from = 0;
    loop {
        let lines = unit.lines().after(dataset, from, LINES_PER_STEP).await?;
        let Some(last) = lines.last() else { return Ok(()) };
        from = last.i;
        let alive = lines.iter().filter(|line| !line.deleted);
        let revisions: Vec<RevisionRecord> =
            alive.map(|line| revision(Action::CreateOrUpdate, line, now)).collect();
        unit.revisions().add(dataset, &revisions).await?;
    }
}

/// A revision as readers see it.
fn shown(revision: RevisionRecord) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("_id".to_owned(), revision.line.into());
    shown.insert("_action".to_owned(), revision.action.into());
    shown.insert("_i".to_owned(), revision.i.into());
    shown.extend(revision.body);
    shown
}
