//! The indexes below a virtual dataset, as one.

use std::collections::BTreeSet;
use std::sync::Arc;

use halle_base::AccountRef;
use halle_model::union::FilterOperator;
use halle_model::{Column, Dataset};
use halle_search::engine::{IndexSpec, UnionMember};
use halle_search::params::{account_column, column_equals};
use halle_search::{Index, Query};

use super::UnionError;
use super::tree::{Leaf, Seen, Way};
use crate::documents;
use crate::error::DatasetsError;
use crate::service::names;
use crate::state::Datasets;

/// Whose lines are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'a> {
    /// Everybody's.
    All,
    /// Those of an account; nobody has none.
    Account(Option<&'a AccountRef>),
}

impl Datasets {
    /// The lines of a virtual dataset. `only` is the child to be restricted to.
    pub(crate) async fn union_index(
        &self,
        dataset: &Dataset,
        whose: Whose<'_>,
        only: Option<&str>,
    ) -> Result<Arc<dyn Index>, UnionError> {
        let spec = IndexSpec { columns: documents::in_index(&dataset.schema), editable: false };
        let mut members = Vec::new();
        for leaf in self.leaves(dataset).await? {
            if only.is_none_or(|only| only == leaf.dataset.id) {
                members.extend(self.members(&spec, &leaf, whose).await?);
            }
        }
        Ok(self.engine.open_union(spec, members).await.map_err(DatasetsError::from)?)
    }

    /// What the union takes from one dataset. A line that several ways admit belongs to the first, so that it is there
    /// once, with the columns that this way shows.
    async fn members(
        &self,
        spec: &IndexSpec,
        leaf: &Leaf,
        whose: Whose<'_>,
    ) -> Result<Vec<UnionMember>, UnionError> {
        let id = names::index(&leaf.dataset.id, &leaf.served.id);
        let index = self.engine.open(&id).await.map_err(DatasetsError::from)?;
        let own = &index.spec().columns;
        let mut views: Vec<(BTreeSet<String>, Vec<Query>)> = Vec::new();
        for way in &leaf.ways {
            let query = query_of(way, own);
            match views.iter_mut().find(|(shown, _)| *shown == way.shown) {
                Some((_, queries)) => queries.push(query),
                None => views.push((way.shown.clone(), vec![query])),
            }
        }
        let mut earlier: Vec<Query> = Vec::new();
        let mut members = Vec::with_capacity(views.len());
        for (shown, queries) in views {
            let admitted = if queries.contains(&Query::All) { Query::All } else { Query::Or(queries) };
            let mut filter = vec![admitted.clone()];
            if !earlier.is_empty() {
                filter.push(Query::Not(Box::new(Query::Or(earlier.clone()))));
            }
            if let Whose::Account(account) = whose {
                filter.push(lines_of(account, own));
            }
            let gives = |column: &&Column| {
                let found = own.iter().find(|other| other.key == column.key);
                let is_shown = if documents::is_of_files(&column.key) {
                    documents::attachment_column(own).is_some_and(|files| shown.contains(&files.key))
                } else {
                    shown.contains(&column.key)
                };
                is_shown
                    && found.is_some_and(|o| o.kind() == column.kind() && o.separator == column.separator)
            };
            members.push(UnionMember {
                index: id.clone(),
                name: leaf.dataset.id.clone(),
                columns: spec.columns.iter().filter(gives).map(|column| column.key.clone()).collect(),
                filter: Query::And(filter),
            });
            earlier.push(admitted);
        }
        Ok(members)
    }
}

/// The lines that a way admits.
fn query_of(way: &Way, columns: &[Column]) -> Query {
    let parts: Vec<Query> = way.filters.iter().map(|seen| filter_query(seen, columns)).collect();
    if parts.iter().all(|part| *part == Query::All) { Query::All } else { Query::And(parts) }
}

/// The lines that pass a filter. A line without value has none of the values.
fn filter_query(seen: &Seen, columns: &[Column]) -> Query {
    let column = columns.iter().find(|column| column.key == seen.filter.key).filter(|_| !seen.is_blind);
    // Values are checked when they are written; of a column that changed since, nothing equals them.
    let equal = column.and_then(|column| column_equals(column, &seen.filter.texts(), &seen.filter.key).ok());
    let equal = equal.unwrap_or(Query::Nothing);
    match (seen.filter.operator, equal) {
        (FilterOperator::In, equal) => equal,
        (FilterOperator::Nin, Query::Nothing) => Query::All,
        (FilterOperator::Nin, equal) => Query::Not(Box::new(equal)),
    }
}

fn lines_of(account: Option<&AccountRef>, columns: &[Column]) -> Query {
    let Some((account, column)) = account.zip(account_column(columns)) else { return Query::Nothing };
    column_equals(column, &[account.key()], "account").unwrap_or(Query::Nothing)
}
