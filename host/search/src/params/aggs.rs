//! Parameters of the aggregations: `values_agg`, `metric_agg`, `simple_metrics_agg`, `values/{col}`.

use halle_model::{Column, ColumnKind};

use super::fields::{Fields, cannot_group};
use super::lines::{select, sort_key};
use super::raw::{Params, number};
use super::simple::{self, Words};
use super::{bad, filters};
use crate::ast::{GroupBy, GroupOrder, Interval, Metric, Operand, Query, SortBy, SortKey, TextView};
use crate::engine::{SearchResult, ValuesAggRequest};

/// Groups of one level.
pub(super) const GROUPS_MAX: usize = 1_000;

/// Groups of one level when the client does not say.
pub(super) const GROUPS_DEFAULT: usize = 20;

/// Sample lines of one group that need no further check.
const GROUP_LINES_FREE: usize = 100;

/// Sample lines of all groups together.
const SAMPLE_LINES_MAX: usize = 100_000;

/// Levels of nested groups.
const LEVELS_MAX: usize = 5;

/// Values of `values/{col}` when the client does not say.
const VALUES_DEFAULT: usize = 12;

/// Percentiles when the client does not say.
const PERCENTS: [f64; 7] = [1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0];

/// Percentiles of one question.
const PERCENTS_MAX: usize = 100;

/// Every metric, in the order in which they are listed.
const METRICS: [Metric; 8] = [
    Metric::Avg,
    Metric::Sum,
    Metric::Min,
    Metric::Max,
    Metric::Stats,
    Metric::ValueCount,
    Metric::Percentiles,
    Metric::Cardinality,
];

/// What `/values_agg` was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuesAggParams {
    /// The question.
    pub request: ValuesAggRequest,
    /// If the outermost groups come in the order of their values: whether they are descending. Then one can go on
    /// after the last one.
    pub by_key: Option<bool>,
}

impl ValuesAggParams {
    /// Reads and checks the parameters.
    pub fn parse(params: &Params, fields: &Fields<'_>) -> SearchResult<Self> {
        let names = params.get("field").ok_or_else(|| bad("Le paramètre \"field\" est obligatoire"))?;
        let columns = items(names).map(|name| groupable(name, fields)).collect::<SearchResult<Vec<_>>>()?;
        if columns.is_empty() || columns.len() > LEVELS_MAX {
            return Err(bad(format!("\"field\" must name 1 to {LEVELS_MAX} columns")));
        }
        let metrics = group_metrics(params, fields)?;
        let with_metric = metrics.iter().any(|(_, _, name)| name == "metric");
        let sorts: Vec<&str> = items(params.get("sort").unwrap_or("")).collect();
        let at = |name: &'static str, level: usize| {
            items(params.get(name).unwrap_or("")).nth(level).filter(|item| !item.is_empty())
        };
        let mut levels = Vec::new();
        for (level, &column) in columns.iter().enumerate() {
            let interval = interval(column, at("interval", level).unwrap_or("value"))?;
            let size = at("agg_size", level)
                .map_or(Ok(GROUPS_DEFAULT), |text| number("agg_size", text, GROUPS_MAX))?;
            let sort = sorts.get(level).copied().filter(|item| !item.is_empty());
            let order = order(column, &interval, sort, with_metric)?;
            let missing = at("missing", level).map(|text| missing(column, text)).transpose()?;
            levels.push(GroupBy { column: column.key.clone(), interval, size, order, missing });
        }
        let size = params.number("size", 0, halle_base::limits::PAGE_LINES_MAX)?;
        let groups: usize = levels.iter().map(|level| level.size.max(1)).product();
        if size > GROUP_LINES_FREE && size.saturating_mul(groups) > SAMPLE_LINES_MAX {
            return Err(bad(format!("\"size\" x \"agg_size\" cannot be more than {SAMPLE_LINES_MAX}")));
        }
        let mut sort = Vec::new();
        for item in sorts.iter().skip(columns.len()) {
            sort.push(sort_key(item, fields)?);
        }
        if sort.is_empty() {
            sort.push(SortKey { by: SortBy::Line, descending: false });
        }
        let by_key = match levels[0].order.first() {
            Some((GroupOrder::Key, descending)) => Some(*descending),
            _ => None,
        };
        let query = filters::query(params, fields)?;
        let (selected, plain, _) = select(params, fields)?;
        let select = selected.unwrap_or(plain);
        Ok(Self {
            request: ValuesAggRequest { query, levels, metrics, size, select, sort, places: false },
            by_key,
        })
    }
}

/// Items of a list separated by `;` or `,`; empty ones keep their place.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split([';', ',']).map(str::trim)
}

fn groupable<'a>(name: &str, fields: &Fields<'a>) -> SearchResult<&'a Column> {
    let column = fields
        .get(name)
        .ok_or_else(|| bad(format!("Le paramètre \"field\" référence un champ inconnu {name}")))?;
    if !column.capabilities.values() {
        return Err(cannot_group(column));
    }
    Ok(column)
}

fn interval(column: &Column, text: &str) -> SearchResult<Interval> {
    const UNITS: [&str; 7] = ["minute", "hour", "day", "week", "month", "quarter", "year"];
    let wrong =
        || bad(format!("Impossible de grouper le champ {} par intervalle de \"{text}\".", column.key));
    if text == "value" {
        return Ok(Interval::Value);
    }
    match column.kind() {
        ColumnKind::Integer | ColumnKind::Number => {
            let width = text.parse().ok().filter(|width: &f64| width.is_finite() && *width > 0.0);
            width.map(Interval::Number).ok_or_else(wrong)
        }
        ColumnKind::Date | ColumnKind::DateTime => {
            if let Some(&unit) = UNITS.iter().find(|&&unit| unit == text) {
                return Ok(Interval::Calendar(unit));
            }
            fixed_milliseconds(text).map(Interval::Fixed).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

/// `30m`, `12h`, `7d`, `10s`, `500ms` in milliseconds.
fn fixed_milliseconds(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit).filter(|duration| *duration > 0)
}

fn order(
    column: &Column,
    interval: &Interval,
    sort: Option<&str>,
    with_metric: bool,
) -> SearchResult<Vec<(GroupOrder, bool)>> {
    let mut orders = Vec::new();
    if let Some(item) = sort {
        let (name, descending) = item.strip_prefix('-').map_or((item, false), |name| (name, true));
        let order = match name {
            "count" | "_count" => GroupOrder::Count,
            "key" | "_key" | "_time" => GroupOrder::Key,
            "metric" if with_metric => GroupOrder::Metric,
            name if name == column.key => GroupOrder::Key,
            name => {
                let message =
                    format!("Impossible de trier les groupes de la colonne {} par {name}", column.key);
                return Err(bad(message));
            }
        };
        orders.push((order, descending));
    }
    let dated = matches!(interval, Interval::Calendar(_) | Interval::Fixed(_));
    let mut defaults = Vec::new();
    if with_metric {
        defaults.push((GroupOrder::Metric, true));
    }
    defaults.extend([(GroupOrder::Count, true), (GroupOrder::Key, false)]);
    if dated && sort.is_none() {
        defaults = vec![(GroupOrder::Key, false)];
    }
    for default in defaults {
        if !orders.iter().any(|(order, _)| *order == default.0) {
            orders.push(default);
        }
    }
    Ok(orders)
}

fn missing(column: &Column, text: &str) -> SearchResult<Operand> {
    match column.kind() {
        ColumnKind::Integer => {
            text.parse().map(Operand::Integer).map_err(|_| bad("missing should be a number"))
        }
        ColumnKind::Number => {
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            number.map(Operand::Number).ok_or_else(|| bad("missing should be a number"))
        }
        ColumnKind::Boolean => {
            text.parse().map(Operand::Boolean).map_err(|_| bad("missing should be a boolean"))
        }
        ColumnKind::Date | ColumnKind::DateTime => Ok(super::operand::extent(column, text, "missing")?.first),
        ColumnKind::Text | ColumnKind::Object => Ok(Operand::Text(text.to_owned())),
    }
}

type NamedMetric = (String, Metric, String);

/// `metric` with `metric_field`, and `extra_metrics`.
pub(super) fn group_metrics(params: &Params, fields: &Fields<'_>) -> SearchResult<Vec<NamedMetric>> {
    let mut metrics = Vec::new();
    if let Some(name) = params.get("metric") {
        let key = params
            .get("metric_field")
            .ok_or_else(|| bad("Le paramètre \"metric_field\" est obligatoire quand \"metric\" est donné"))?;
        let (column, metric) = checked_metric(key, name, "metric_field", fields)?;
        metrics.push((column.key.clone(), metric, "metric".to_owned()));
    }
    for item in params.list("extra_metrics") {
        let (key, name) = item.rsplit_once(':').ok_or_else(|| {
            bad(format!("\"extra_metrics\" parameter is malformed, \"{item}\" must be column:metric"))
        })?;
        let (column, metric) = checked_metric(key, name, "extra_metrics", fields)?;
        metrics.push((column.key.clone(), metric, format!("{key}_{name}")));
    }
    Ok(metrics)
}

/// Name of a metric in requests and answers.
fn metric_name(metric: Metric) -> &'static str {
    match metric {
        Metric::Avg => "avg",
        Metric::Sum => "sum",
        Metric::Min => "min",
        Metric::Max => "max",
        Metric::Stats => "stats",
        Metric::ValueCount => "value_count",
        Metric::Percentiles => "percentiles",
        Metric::Cardinality => "cardinality",
    }
}

/// Metrics that make sense on the column, with their names.
pub fn metrics_of(column: &Column) -> Vec<(&'static str, Metric)> {
    let text = [Metric::Min, Metric::Max, Metric::Cardinality, Metric::ValueCount];
    let metrics: &[Metric] = if !column.capabilities.values() {
        &[]
    } else {
        match column.kind() {
            ColumnKind::Integer | ColumnKind::Number | ColumnKind::Date | ColumnKind::DateTime => &METRICS,
            ColumnKind::Text => &text,
            ColumnKind::Boolean | ColumnKind::Object => &[Metric::ValueCount],
        }
    };
    metrics.iter().map(|&metric| (metric_name(metric), metric)).collect()
}

fn checked_metric<'a>(
    key: &str,
    name: &str,
    parameter: &str,
    fields: &Fields<'a>,
) -> SearchResult<(&'a Column, Metric)> {
    let column = fields
        .get(key)
        .ok_or_else(|| bad(format!("Le paramètre \"{parameter}\" référence un champ inconnu {key}")))?;
    let found = metrics_of(column).into_iter().find(|(known, _)| *known == name);
    let (_, metric) = found.ok_or_else(|| {
        bad(format!(
            "Impossible de calculer une métrique sur le champ {key}. La métrique \"{name}\", n'est pas supportée pour ce type de champ."
        ))
    })?;
    Ok((column, metric))
}

/// What `/metric_agg` was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricAggParams {
    /// Which lines.
    pub query: Query,
    /// Column.
    pub column: String,
    /// Metric.
    pub metric: Metric,
    /// Percentiles, from 0 to 100.
    pub percents: Vec<f64>,
}

impl MetricAggParams {
    /// Reads and checks the parameters.
    pub fn parse(params: &Params, fields: &Fields<'_>) -> SearchResult<Self> {
        let name = params.get("metric").ok_or_else(|| bad("Le paramètre \"metric\" est obligatoire"))?;
        let parameter = if params.get("field").is_some() { "field" } else { "metric_field" };
        let key = params.get(parameter).ok_or_else(|| bad("Le paramètre \"field\" est obligatoire"))?;
        let (column, metric) = checked_metric(key, name, parameter, fields)?;
        let mut percents = Vec::new();
        for item in params.list("percents") {
            let percent = item.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
            percents.push(
                percent.ok_or_else(|| {
                    bad(format!("\"percents\" must be numbers from 0 to 100, not \"{item}\""))
                })?,
            );
        }
        if percents.len() > PERCENTS_MAX {
            return Err(bad(format!("\"percents\" cannot have more than {PERCENTS_MAX} values")));
        }
        if percents.is_empty() {
            percents.extend(PERCENTS);
        }
        let query = filters::query(params, fields)?;
        Ok(Self { query, column: column.key.clone(), metric, percents })
    }
}

/// What `/simple_metrics_agg` was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct SimpleMetricsParams {
    /// Which lines.
    pub query: Query,
    /// Column, metric and its name, in the order of the answer.
    pub metrics: Vec<(String, Metric, &'static str)>,
}

impl SimpleMetricsParams {
    /// Reads and checks the parameters.
    pub fn parse(params: &Params, fields: &Fields<'_>) -> SearchResult<Self> {
        let asked = params.list("fields");
        let columns: Vec<&Column> = if asked.is_empty() {
            let columns = fields.columns().iter();
            columns.filter(|column| !column.calculated && column.capabilities.values()).collect()
        } else {
            let known = |key: &&str| {
                let unknown = || bad(format!("Le paramètre \"fields\" référence un champ inconnu {key}"));
                fields.get(key).ok_or_else(unknown)
            };
            asked.iter().map(known).collect::<SearchResult<_>>()?
        };
        let names = params.list("metrics");
        let all = METRICS.map(metric_name);
        if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
            let among = all.join(", ");
            return Err(bad(format!(
                "Le paramètre \"metrics\" ne connaît pas \"{unknown}\". Au choix : {among}."
            )));
        }
        let mut metrics = Vec::new();
        for column in columns {
            if names.is_empty() {
                let defaults = metrics_of(column).into_iter().filter(|(name, _)| match column.kind() {
                    ColumnKind::Text => *name == "cardinality",
                    _ => matches!(*name, "min" | "max"),
                });
                metrics.extend(defaults.map(|(name, metric)| (column.key.clone(), metric, name)));
                continue;
            }
            for name in &names {
                // Of columns that nobody named, those that the metric fits are meant.
                if asked.is_empty() && !metrics_of(column).iter().any(|(known, _)| known == name) {
                    continue;
                }
                let (_, metric) = checked_metric(&column.key, name, "fields", fields)?;
                metrics.push((column.key.clone(), metric, metric_name(metric)));
            }
        }
        Ok(Self { query: filters::query(params, fields)?, metrics })
    }
}

/// What `/values/{col}` was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuesParams {
    /// The question: one level.
    pub request: ValuesAggRequest,
    /// Whether values are answered as text.
    pub stringify: bool,
    /// Text that the values are ordered by their likeness to, before how frequent they are.
    pub relevant_to: Option<String>,
    /// Values wanted; the question asks for more where they are to be ordered by likeness.
    pub size: usize,
}

impl ValuesParams {
    /// Reads and checks the parameters. `q` searches the column itself.
    pub fn parse(params: &Params, key: &str, fields: &Fields<'_>) -> SearchResult<Self> {
        let column = fields.get(key).ok_or_else(|| bad(format!("field \"{key}\" is unknown")))?;
        if !column.capabilities.values() {
            return Err(cannot_group(column));
        }
        let size = params.number("size", VALUES_DEFAULT, GROUPS_MAX)?;
        let order = match params.get("sort") {
            None => vec![(GroupOrder::Count, true), (GroupOrder::Key, false)],
            Some("asc") => vec![(GroupOrder::Key, false)],
            Some("desc") => vec![(GroupOrder::Key, true)],
            Some(other) => return Err(bad(format!("\"sort\" must be asc or desc, not \"{other}\""))),
        };
        let others = params.clone().with("q", "").with("_c_q", "").with("sort", "");
        let mut query = filters::query(&others, fields)?;
        if let Some(text) = params.get("q").filter(|text| !text.trim().is_empty()) {
            let completes = params.get("q_mode") == Some("complete");
            query = Query::And(vec![matches(column, text, completes)?, query]);
        }
        let typed = params.get("q").filter(|text| !text.trim().is_empty());
        let relevant_to = typed.filter(|_| params.get("sort").is_none() && size > 0).map(str::to_owned);
        let asked = if relevant_to.is_some() { GROUPS_MAX } else { size };
        let interval = Interval::Value;
        let level = GroupBy { column: key.to_owned(), interval, size: asked, order, missing: None };
        let request = ValuesAggRequest {
            query,
            levels: vec![level],
            metrics: Vec::new(),
            size: 0,
            select: Vec::new(),
            sort: Vec::new(),
            places: false,
        };
        Ok(Self { request, stringify: params.flag("stringify"), relevant_to, size })
    }
}

/// The column's words match the text; its last word may be the beginning of one.
fn matches(column: &Column, text: &str, completes: bool) -> SearchResult<Query> {
    let columns = [column.key.clone()];
    let words = Words { columns: &columns, view: TextView::Standard, all: completes };
    let ends_openly = text.ends_with(|c: char| c.is_alphanumeric());
    let text = if completes && ends_openly { format!("{text}*") } else { text.to_owned() };
    simple::parse(&text, words, "q")
}
