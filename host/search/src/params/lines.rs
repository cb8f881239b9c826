//! Parameters of `/lines`: paging, columns, order, count.

use halle_base::limits::{PAGE_LINES_DEFAULT, PAGE_LINES_MAX};

use super::fields::{Fields, cannot_sort, is_sortable};
use super::raw::{Params, number};
use super::{bad, filters, fulltext, geo, output};
use crate::ast::{Cursor, Query, SortBy, SortKey};
use crate::engine::{FILE_TEXT, LineFields, LinesRequest, ScanRequest, SearchResult};

/// Last line that `page` reaches; further on, follow `next`.
pub const PAGE_WINDOW_LINES_MAX: usize = 10_000;

/// Columns left out unless they are selected: shapes and the texts of files are heavy.
const HEAVY: &[&str] = &["_geoshape", "_geocorners", FILE_TEXT];

/// Fields that are no columns of the canonical rows.
const SYSTEM: &[&str] = &["_id", "_i", "_rand"];

/// How many lines are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// One page.
    Lines(usize),
    /// `size=all`: every line that matches, for formats that stream.
    All,
}

/// What `/lines` was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct LinesParams {
    /// Which lines.
    pub query: Query,
    /// Order, to the last tie.
    pub sort: Vec<SortKey>,
    /// Columns, in order; `None` for the default ones.
    pub selected: Option<Vec<String>>,
    /// Columns of a JSON line, in order, without `_id`, `_i`, `_rand`.
    pub select: Vec<String>,
    /// Fields beside the columns.
    pub fields: LineFields,
    /// How many lines.
    pub size: Size,
    /// Page, from 1.
    pub page: usize,
    /// Where to go on.
    pub after: Option<Cursor>,
    /// Whether to count all lines that match.
    pub count: bool,
    /// Column by which lines are collapsed: only the first of each value is kept.
    pub collapse: Option<String>,
    /// Columns whose passages that match are answered too.
    pub highlight: Vec<String>,
}

impl LinesParams {
    /// Parameters that `/lines` reads, besides filters; what is neither is ignored and reported in `meta.hints`.
    pub const KNOWN: &'static [&'static str] = &[
        "size",
        "page",
        "after",
        "count",
        "select",
        "sort",
        "q",
        "_c_q",
        "q_mode",
        "q_fields",
        "q_ignored",
        "qs",
        "bbox",
        "_c_bbox",
        "xyz",
        "_c_xyz",
        "geo_distance",
        "_c_geo_distance",
        "date_match",
        "_c_date_match",
        "account",
        "format",
        "truncate",
        "html",
        "thumbnail",
        "highlight",
        "collapse",
        "hint",
        "sep",
        "header",
        "arrays",
        "finalizedAt",
        "updatedAt",
        "indexedAt",
        "draft",
        "sampling",
        "wkt",
    ];

    /// Reads and checks the parameters. `size_default` is in lines.
    pub fn parse(params: &Params, fields: &Fields<'_>) -> SearchResult<Self> {
        let size = size(params)?;
        let page = number("page", params.get("page").unwrap_or("1"), usize::MAX)?.max(1);
        let after = after(params)?;
        if let (None, Size::Lines(size)) = (&after, size)
            && (page - 1).saturating_mul(size).saturating_add(size) > PAGE_WINDOW_LINES_MAX
        {
            return Err(bad(format!("\"size * page\" cannot be more than {PAGE_WINDOW_LINES_MAX}")));
        }
        let (selected, select, mut line_fields) = select(params, fields)?;
        line_fields.score = true;
        let sort = sort(params, fields)?;
        line_fields.distance = geo::place(params, fields)?.is_some()
            || sort.iter().any(|key| matches!(key.by, SortBy::Distance { .. }));
        let count = match params.get("count").unwrap_or("exact") {
            "false" => false,
            // An exact count is a correct estimate.
            "true" | "exact" | "estimate" => after.is_none(),
            other => {
                return Err(bad(format!(
                    "\"count\" must be one of true, exact, estimate, false, not \"{other}\""
                )));
            }
        };
        let query = filters::query(params, fields)?;
        let collapse = output::collapse(params, fields)?;
        if collapse.is_some() && size == Size::All {
            return Err(bad("\"collapse\" cannot be combined with \"size=all\", follow \"next\" instead"));
        }
        Ok(Self {
            query,
            sort,
            selected,
            select,
            fields: line_fields,
            size,
            page,
            after,
            count,
            collapse,
            highlight: output::highlight(params, fields)?,
        })
    }

    /// The question for one page; `lines` stands for `size=all`.
    pub fn request(&self, lines: usize) -> LinesRequest {
        let size = match self.size {
            Size::Lines(size) => size,
            Size::All => lines,
        };
        LinesRequest {
            query: self.query.clone(),
            sort: self.sort.clone(),
            select: self.select.clone(),
            fields: self.fields,
            skip: if self.after.is_some() { 0 } else { (self.page - 1).saturating_mul(size) },
            size,
            after: self.after.clone(),
            count: self.count,
            collapse: self.collapse.clone(),
            highlight: self.highlight.clone(),
        }
    }

    /// The question for every line that matches, with `columns` in their order.
    pub fn scan(&self, columns: Vec<String>) -> ScanRequest {
        // The order of the file is the cheapest one, and the default: ask for it by asking for none.
        let natural = matches!(self.sort.as_slice(), [SortKey { by: SortBy::Line, descending: false }]);
        let sort = if natural { Vec::new() } else { self.sort.clone() };
        ScanRequest { query: self.query.clone(), sort, select: columns, limit: None }
    }
}

fn size(params: &Params) -> SearchResult<Size> {
    if params.get("size") == Some("all") {
        return Ok(Size::All);
    }
    params.number("size", PAGE_LINES_DEFAULT, PAGE_LINES_MAX).map(Size::Lines)
}

/// The cursor: the items of a JSON array.
fn after(params: &Params) -> SearchResult<Option<Cursor>> {
    let Some(text) = params.get("after") else { return Ok(None) };
    let cursor: Cursor =
        serde_json::from_str(&format!("[{text}]")).map_err(|_| bad("\"after\" parameter is malformed"))?;
    let scalar = cursor.iter().all(|value| !value.is_object() && !value.is_array());
    if cursor.is_empty() || !scalar {
        return Err(bad("\"after\" parameter is malformed"));
    }
    Ok(Some(cursor))
}

type Selection = (Option<Vec<String>>, Vec<String>, LineFields);

/// Columns asked for, columns of a JSON line, and the fields beside them.
pub(super) fn select(params: &Params, fields: &Fields<'_>) -> SearchResult<Selection> {
    let asked = params.list("select");
    if asked.is_empty() || asked == ["*"] {
        let keys = fields.columns().iter().map(|column| column.key.as_str());
        let plain = keys.filter(|key| !SYSTEM.contains(key) && !HEAVY.contains(key));
        let all = LineFields { id: true, line: true, random: true, ..LineFields::default() };
        return Ok((None, plain.map(str::to_owned).collect(), all));
    }
    let (mut selected, mut select) = (Vec::new(), Vec::new());
    let mut line_fields = LineFields::default();
    for key in asked {
        match key {
            "_id" => line_fields.id = true,
            "_i" => line_fields.line = true,
            "_rand" => line_fields.random = true,
            key if fields.get(key).is_some() => {
                if !select.iter().any(|known| known == key) {
                    select.push(key.to_owned());
                }
            }
            key => {
                let message = format!(
                    "Impossible de sélectionner le champ {key}, il n'existe pas dans le jeu de données."
                );
                return Err(bad(message));
            }
        }
        if !selected.iter().any(|known| known == key) {
            selected.push(key.to_owned());
        }
    }
    Ok((Some(selected), select, line_fields))
}

/// The order: what is asked, then relevance, distance, and the number of the line.
fn sort(params: &Params, fields: &Fields<'_>) -> SearchResult<Vec<SortKey>> {
    let mut keys = Vec::new();
    for item in params.list("sort") {
        keys.push(sort_key(item, fields)?);
    }
    let push = |keys: &mut Vec<SortKey>, by: SortBy, descending| {
        if !keys.iter().any(|key: &SortKey| key.by == by) {
            keys.push(SortKey { by, descending });
        }
    };
    if fulltext::text(params).is_some() {
        push(&mut keys, SortBy::Score, true);
    }
    if let Some((lon, lat, _)) = geo::place(params, fields)? {
        push(&mut keys, SortBy::Distance { lon, lat }, false);
    }
    // Edited lines: last change first.
    let edited = fields.get("_updatedAt").is_some();
    if edited {
        push(&mut keys, SortBy::Column("_updatedAt".to_owned()), true);
    }
    push(&mut keys, SortBy::Line, edited);
    Ok(keys)
}

/// One item of `sort`; 400 for a column that is unknown or cannot sort.
pub(super) fn sort_key(item: &str, fields: &Fields<'_>) -> SearchResult<SortKey> {
    let (name, descending) = item.strip_prefix('-').map_or((item, false), |name| (name, true));
    if let Some(place) = name.strip_prefix("_geo_distance:") {
        let degrees = place
            .split_once(':')
            .and_then(|(lon, lat)| Some((geo::degrees(lon, 180.0)?, geo::degrees(lat, 90.0)?)));
        let (lon, lat) = degrees.ok_or_else(|| {
            bad("\"sort\" parameter is malformed, _geo_distance must be _geo_distance:lon:lat")
        })?;
        if !fields.is_geolocated() {
            return Err(bad(
                "\"_geo_distance\" sort cannot be used on this dataset. It is not geolocalized.",
            ));
        }
        return Ok(SortKey { by: SortBy::Distance { lon, lat }, descending });
    }
    let by = match name {
        "_score" => SortBy::Score,
        "_i" => SortBy::Line,
        "_rand" => SortBy::Random,
        name => {
            let column = fields.get(name).ok_or_else(|| {
                bad(format!(
                    "Impossible de trier sur le champ {name}, il n'existe pas dans le jeu de données."
                ))
            })?;
            if !is_sortable(column) {
                return Err(cannot_sort(column));
            }
            SortBy::Column(column.key.clone())
        }
    };
    Ok(SortKey { by, descending })
}
