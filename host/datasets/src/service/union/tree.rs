//! From a virtual dataset to the datasets that have the lines, along every way.

use std::collections::BTreeSet;
use std::sync::Arc;

use halle_model::dataset::{DatasetKind, Version};
use halle_model::union::{UnionFilter, shown_keys};
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;

use super::UnionError;
use crate::error::DatasetsError;
use crate::state::Datasets;

/// Virtual datasets above each other at most.
pub(crate) const LEVELS_MAX: usize = 8;

/// Ways from a virtual dataset to datasets below it at most.
pub(crate) const WAYS_MAX: usize = 1_000;

/// A dataset with lines, below a virtual one.
pub(crate) struct Leaf {
    pub(crate) dataset: Arc<Stored<Dataset>>,
    pub(crate) served: Version,
    /// The ways that lead to it; at least one.
    pub(crate) ways: Vec<Way>,
}

/// One way to a dataset, through virtual ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Way {
    /// Columns that all the virtual datasets on the way show.
    pub(crate) shown: BTreeSet<String>,
    /// The filters on the way.
    pub(crate) filters: Vec<Seen>,
}

/// A filter on the way to a dataset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) filter: UnionFilter,
    /// Whether a virtual dataset below hides its column: then no line has a value.
    pub(crate) is_blind: bool,
}

/// A virtual dataset on the way.
struct Step<'a> {
    dataset: Node<'a>,
    above: Vec<String>,
    way: Way,
}

/// The dataset where the ways begin, or one that was loaded.
enum Node<'a> {
    Root(&'a Dataset),
    Below(Arc<Stored<Dataset>>),
}

impl Node<'_> {
    fn dataset(&self) -> &Dataset {
        match self {
            Self::Root(dataset) => dataset,
            Self::Below(dataset) => dataset,
        }
    }
}

impl Datasets {
    /// The child with this identifier, as the owner of `parent` reads it; `None` when it is gone.
    pub(crate) async fn child(
        &self,
        parent: &Dataset,
        id: &str,
    ) -> Result<Option<Arc<Stored<Dataset>>>, UnionError> {
        let owner = Caller::account_itself(parent.owner.clone());
        // Who reads a virtual dataset need not be one who may see the drafts of its children.
        match self.seeing_published().load_shared(&owner, id, "readLines").await {
            // A slug is no identifier.
            Ok(child) => Ok(Some(child).filter(|child| child.id == id)),
            Err(DatasetsError::NotFound(_)) => Ok(None),
            Err(DatasetsError::Api(_)) => Err(UnionError::Unreadable(id.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// The datasets below `dataset` that have lines, in the order of the children. A dataset that is reached in several
    /// ways is there once. Children that are gone, or have no lines yet, are left out.
    pub(crate) async fn leaves(&self, dataset: &Dataset) -> Result<Vec<Leaf>, UnionError> {
        let mut leaves: Vec<Leaf> = Vec::new();
        let mut ways = 0;
        let mut open = vec![first(dataset)];
        while let Some(step) = open.pop() {
            let mut next = Vec::new();
            let parent = step.dataset.dataset();
            for id in parent.union.iter().flat_map(|union| &union.children) {
                ways += 1;
                if ways > WAYS_MAX {
                    return Err(UnionError::TooLarge(format!("{WAYS_MAX} jeux de données")));
                }
                if step.above.contains(id) {
                    return Err(UnionError::Cycle(id.clone()));
                }
                let Some(child) = self.child(parent, id).await? else { continue };
                if child.kind() == DatasetKind::Virtual {
                    next.push(step.down(child)?);
                } else if let Some(served) = child.served.clone() {
                    match leaves.iter_mut().find(|leaf| leaf.dataset.id == child.id) {
                        Some(leaf) => leaf.ways.push(step.way.clone()),
                        None => {
                            leaves.push(Leaf { dataset: child, served, ways: vec![step.way.clone()] });
                        }
                    }
                }
            }
            open.extend(next.into_iter().rev());
        }
        if leaves.is_empty() { Err(UnionError::Nothing) } else { Ok(leaves) }
    }
}

fn first(dataset: &Dataset) -> Step<'_> {
    let way = Way { shown: shown_keys(&dataset.schema), filters: own_filters(dataset) };
    Step { dataset: Node::Root(dataset), above: vec![dataset.id.clone()], way }
}

fn own_filters(dataset: &Dataset) -> Vec<Seen> {
    let filters = dataset.union.iter().flat_map(|union| &union.filters);
    filters.map(|filter| Seen { filter: filter.clone(), is_blind: false }).collect()
}

impl<'a> Step<'a> {
    /// The step to a virtual child.
    fn down(&self, child: Arc<Stored<Dataset>>) -> Result<Step<'a>, UnionError> {
        if child.union.as_ref().is_some_and(|union| union.filter_active_account) {
            return Err(UnionError::FiltersAccounts(child.id.clone()));
        }
        if self.above.len() >= LEVELS_MAX {
            return Err(UnionError::TooLarge(format!("{LEVELS_MAX} niveaux")));
        }
        let shown = shown_keys(&child.schema);
        let mut way = self.way.clone();
        for seen in &mut way.filters {
            seen.is_blind |= !shown.contains(&seen.filter.key);
        }
        way.shown.retain(|key| shown.contains(key));
        way.filters.extend(own_filters(&child));
        let mut above = self.above.clone();
        above.push(child.id.clone());
        Ok(Step { dataset: Node::Below(child), above, way })
    }
}
