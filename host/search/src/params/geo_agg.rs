//! Parameters of `geo_agg`: groups by cell of the geohash grid.

use super::aggs::{GROUPS_DEFAULT, GROUPS_MAX, group_metrics};
use super::fields::Fields;
use super::lines::{select, sort_key};
use super::raw::Params;
use super::{bad, filters, geo};
use crate::ast::{GroupBy, GroupOrder, Interval, SortBy, SortKey};
use crate::engine::{SearchResult, ValuesAggRequest};
use crate::geohash;

/// Sample lines of one cell at most.
const CELL_LINES_MAX: usize = 100;

/// Sample lines of one cell when the client does not say.
const CELL_LINES_DEFAULT: usize = 1;

/// What `/geo_agg` was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct GeoAggParams {
    /// The question: one level, of cells.
    pub request: ValuesAggRequest,
}

impl GeoAggParams {
    /// Reads and checks the parameters. `extent` is the box of all points of the dataset: it tells how fine the grid is when
    /// the question has no box of its own.
    pub fn parse(params: &Params, fields: &Fields<'_>, extent: Option<[f64; 4]>) -> SearchResult<Self> {
        if !fields.is_geolocated() {
            return Err(bad("geo aggregation cannot be used on this dataset. It is not geolocalized."));
        }
        let groups = params.number("agg_size", GROUPS_DEFAULT, GROUPS_MAX)?;
        let size = params.number("size", CELL_LINES_DEFAULT, CELL_LINES_MAX)?;
        let area = geo::area(params, fields)?.or(extent).unwrap_or([-180.0, -90.0, 180.0, 90.0]);
        let level = GroupBy {
            column: "_geopoint".to_owned(),
            interval: Interval::Geohash(geohash::characters_for(area, groups)),
            size: groups,
            order: vec![(GroupOrder::Count, true), (GroupOrder::Key, false)],
            missing: None,
        };
        let mut sort = params
            .list("sort")
            .into_iter()
            .map(|item| sort_key(item, fields))
            .collect::<SearchResult<Vec<_>>>()?;
        if sort.is_empty() {
            sort.push(SortKey { by: SortBy::Line, descending: false });
        }
        let metrics = group_metrics(params, fields)?;
        let query = filters::query(params, fields)?;
        let (selected, plain, _) = select(params, fields)?;
        let select = selected.unwrap_or(plain);
        Ok(Self {
            request: ValuesAggRequest {
                query,
                levels: vec![level],
                metrics,
                size,
                select,
                sort,
                places: true,
            },
        })
    }
}
