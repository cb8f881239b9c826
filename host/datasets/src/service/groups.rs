//! How large the groups are that extensions make of the lines: the report of k-anonymity.
//!
//! An enricher sees batches, several of them at a time, and edited lines come alone: only the index can count a whole dataset.
//! The report is counted when it is asked for, so that it is true of the lines as they are served; the journal has it of each
//! version, and of edited lines each time it changes.
//!
//! **Invariant:** a report tells sizes, never the value that a group has in common.

use halle_model::journal::JournalEvent;
use halle_model::{Caller, Dataset, Extension};
use halle_search::ast::{GroupBy, GroupOrder, Interval};
use halle_search::engine::{Groups, ValuesAggRequest};
use halle_search::{Index, Query};
use halle_store::EntityExt;
use serde::Serialize;

use crate::enrich::{Grouping, source_name};
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::state::Datasets;

/// Type of the journal's events that have a report.
pub(crate) const GROUP_SIZES: &str = "group-sizes";

/// Groups that are looked at, the smallest first: as many as the index answers at once.
const GROUPS_MAX: usize = 10_000;

/// Sizes that are told, the smallest first.
const SIZES_MAX: usize = 5;

/// Events of the journal among which the last report is looked for before the same is written again.
const EVENTS_BACK: u32 = 50;

/// The groups of the lines of a dataset by one of its extensions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupSizes {
    /// Plugin of the extension.
    pub plugin: String,
    /// Column that names the group of a line.
    pub column: String,
    /// Lines that a group should have at least.
    pub k: u64,
    /// Lines of the dataset.
    pub lines: u64,
    /// Lines that are in no group: the extension could not treat them, or has not yet.
    pub lines_without_group: u64,
    /// Groups.
    pub groups: u64,
    /// Lines of the smallest group.
    pub smallest: Option<u64>,
    /// Groups of fewer than `k` lines.
    pub groups_below: u64,
    /// Lines in these groups.
    pub lines_below: u64,
    /// Whether `groups_below` and `lines_below` are what there is at least: there are more small groups than are looked at.
    pub is_lower_bound: bool,
    /// The smallest sizes, each with the number of groups that have it.
    pub sizes: Vec<GroupSize>,
    /// Whether lines still wait for what the extension gives them.
    pub is_waiting: bool,
}

/// A size, and how many groups have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct GroupSize {
    /// Lines of each of these groups.
    pub lines: u64,
    /// Groups.
    pub groups: u64,
}

impl GroupSizes {
    fn new(extension: &Extension, grouping: Grouping, lines: u64, found: &Groups) -> Self {
        let (k, counted) = (grouping.lines_min, found.groups.len() as u64);
        let mut sizes: Vec<GroupSize> = Vec::new();
        let mut below = GroupSize { lines: 0, groups: 0 };
        for group in &found.groups {
            match sizes.last_mut().filter(|size| size.lines == group.total) {
                Some(size) => size.groups += 1,
                None => sizes.push(GroupSize { lines: group.total, groups: 1 }),
            }
            if group.total < k {
                below.groups += 1;
                below.lines += group.total;
            }
        }
        let is_cut = counted < found.total_values;
        if is_cut {
            // Others of the last size may be among those that were not looked at.
            sizes.pop();
        }
        let smallest = found.groups.first().map(|group| group.total);
        sizes.truncate(SIZES_MAX);
        Self {
            plugin: source_name(extension).to_owned(),
            column: grouping.column,
            k,
            lines,
            lines_without_group: lines.saturating_sub(found.total),
            groups: found.total_values,
            smallest,
            groups_below: below.groups,
            lines_below: below.lines,
            is_lower_bound: is_cut && below.groups == counted,
            sizes,
            is_waiting: false,
        }
    }

    /// The report in a sentence, for the journal.
    fn told(&self) -> String {
        let at_least = if self.is_lower_bound { "au moins " } else { "" };
        let mut text = format!(
            "Groupes de l'extension \"{}\", k = {} : lignes : {} ; groupes : {} ; lignes dans un groupe de moins de k lignes : \
             {at_least}{} (groupes : {at_least}{})",
            self.plugin, self.k, self.lines, self.groups, self.lines_below, self.groups_below
        );
        if let Some(smallest) = self.smallest {
            text.push_str(&format!(" ; plus petit groupe : {smallest}"));
        }
        if !self.sizes.is_empty() {
            let sizes = self.sizes.iter().map(|size| format!("{} × {}", size.groups, size.lines));
            text.push_str(&format!(
                " ; plus petits effectifs (groupes × lignes) : {}",
                sizes.collect::<Vec<_>>().join(", ")
            ));
        }
        if self.lines_without_group > 0 {
            text.push_str(&format!(" ; lignes sans groupe : {}", self.lines_without_group));
        }
        text.push('.');
        text
    }
}

impl Datasets {
    /// The groups that extensions make of the lines as they are now, for who may read the journal.
    pub(crate) async fn group_sizes(&self, caller: &Caller, id: &str) -> DatasetsResult<Vec<GroupSizes>> {
        let dataset = self.load_shared(caller, id, "readJournal").await?;
        let Some(served) = &dataset.served else { return Ok(Vec::new()) };
        let index = self.engine.open(&names::index(&dataset.id, &served.id)).await?;
        let mut found = self.count_groups(&dataset, &*index).await?;
        let is_waiting = dataset.extending.is_some() || dataset.building.is_some();
        found.iter_mut().for_each(|sizes| sizes.is_waiting = is_waiting);
        Ok(found)
    }

    /// What the journal says of the groups of an index of the dataset. That they cannot be counted stops nothing.
    pub(crate) async fn told_groups(&self, dataset: &Dataset, index: &dyn Index) -> Vec<String> {
        match self.count_groups(dataset, index).await {
            Ok(found) => found.iter().map(GroupSizes::told).collect(),
            Err(error) => {
                tracing::warn!(dataset = dataset.id, %error, "the groups of extensions could not be counted");
                vec!["Les groupes des extensions n'ont pas pu être comptés.".to_owned()]
            }
        }
    }

    /// Writes into the journal of an editable dataset how large the groups of its lines are, if that is news.
    pub(crate) async fn tell_groups(&self, id: &str) -> DatasetsResult<()> {
        let dataset = self.store.read().await?.load::<Dataset>(id).await?;
        // Those that wait are told of when they no longer do.
        let Some(dataset) = dataset.filter(|dataset| dataset.extending.is_none()) else { return Ok(()) };
        let Some(served) = &dataset.served else { return Ok(()) };
        let index = self.engine.open(&names::index(&dataset.id, &served.id)).await?;
        let told = self.told_groups(&dataset, &*index).await;
        if told.is_empty() {
            return Ok(());
        }
        let mut unit = self.store.begin().await?;
        let latest = unit.logs().latest(&names::journal(id), EVENTS_BACK).await?;
        let before: Vec<JournalEvent> =
            latest.into_iter().filter_map(|record| serde_json::from_value(record.body).ok()).collect();
        let before =
            before.iter().filter(|event| event.kind == GROUP_SIZES).filter_map(|event| event.data.as_deref());
        // Newest first, as many as there are extensions that have groups.
        let before: Vec<&str> = before.take(told.len()).collect();
        if told.iter().all(|text| before.contains(&text.as_str())) {
            return Ok(());
        }
        let mut events = Vec::new();
        for text in told {
            events.push(self.record(unit.as_mut(), id, GROUP_SIZES, Some(text)).await?);
        }
        unit.commit().await?;
        events.iter().for_each(|event| self.announce(id, event));
        Ok(())
    }

    async fn count_groups(&self, dataset: &Dataset, index: &dyn Index) -> DatasetsResult<Vec<GroupSizes>> {
        let mut all = Vec::new();
        for extension in dataset.extensions.iter().filter(|extension| extension.active) {
            let grouping = self.enrichments.grouping(extension).await.map_err(DatasetsError::internal)?;
            let is_there =
                |grouping: &Grouping| index.spec().columns.iter().any(|column| column.key == grouping.column);
            let Some(grouping) = grouping.filter(is_there) else { continue };
            let found = index.values_agg(smallest_first(&grouping.column)).await?;
            all.push(GroupSizes::new(extension, grouping, index.rows(), &found));
        }
        Ok(all)
    }
}

/// Asks for the groups of a column, the smallest first, and for nothing else of them.
fn smallest_first(column: &str) -> ValuesAggRequest {
    let level = GroupBy {
        column: column.to_owned(),
        interval: Interval::Value,
        size: GROUPS_MAX,
        order: vec![(GroupOrder::Count, false)],
        missing: None,
    };
    ValuesAggRequest {
        query: Query::Exists { column: column.to_owned() },
        levels: vec![level],
        metrics: Vec::new(),
        size: 0,
        select: Vec::new(),
        sort: Vec::new(),
        places: false,
    }
}
