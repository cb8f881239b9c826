//! The lines of a dataset as a table that is searched, sorted, filtered and turned by addresses.

use halle_datasets::DatasetsError;
use halle_http::error::StatusCode;
use halle_http::{ApiError, ApiResult};
use halle_model::{Column, ColumnKind, Dataset};
use halle_search::params::Params;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Portals;
use crate::catalogue::{Pager, page_number, shorten};
use crate::texts::{self, LINES};
use crate::visit::{Visit, is_web};

/// Lines of one page.
const PAGE_LINES: usize = 20;

/// Pages that can be reached: the API answers the first 10,000 lines by page number.
const PAGES_MAX: usize = 500;

/// Columns that are shown; the others are in the downloads.
const COLUMNS_SHOWN: usize = 30;

/// Columns that the form of filters offers.
const FILTERS_SHOWN: usize = 12;

/// Values that a filter offers as a list.
const FILTER_VALUES_MAX: usize = 50;

/// Characters of a cell.
const CELL_CHARS_MAX: usize = 300;

/// Filters of the API that an address of the table may use.
const SUFFIXES: [&str; 8] = ["_eq", "_in", "_search", "_starts", "_gt", "_gte", "_lt", "_lte"];

/// A table.
#[derive(Debug, Default, Serialize)]
pub struct Table {
    columns: Vec<Heading>,
    rows: Vec<Vec<Cell>>,
    total: String,
    none: bool,
    q: String,
    sort: String,
    filters: Vec<Filter>,
    carried: Vec<(String, String)>,
    pager: Option<Pager>,
    filtered: bool,
    reset: String,
    more_columns: usize,
    error: Option<String>,
    action: String,
}

#[derive(Debug, Serialize)]
struct Heading {
    label: String,
    /// Address that sorts by the column, where it can be sorted.
    href: Option<String>,
    /// `ascending` or `descending`, as `aria-sort` says it.
    sorted: Option<&'static str>,
    numeric: bool,
}

#[derive(Debug, Serialize)]
struct Cell {
    text: String,
    href: Option<String>,
    numeric: bool,
}

#[derive(Debug, Serialize)]
struct Filter {
    label: String,
    inputs: Vec<Input>,
}

#[derive(Debug, Serialize)]
struct Input {
    name: String,
    value: String,
    /// `number`, `date`, `search`, or `select`.
    kind: &'static str,
    /// Key of what the input means, among the texts; empty when the column says it all.
    hint: &'static str,
    /// Values to choose from, with their labels.
    options: Vec<(String, String)>,
}

/// Whether a parameter is one of the table's: the others belong to the chart.
pub fn is_own(dataset: &Dataset, name: &str) -> bool {
    matches!(name, "q" | "sort" | "page") || is_filter(dataset, name)
}

fn is_filter(dataset: &Dataset, name: &str) -> bool {
    SUFFIXES.iter().any(|suffix| name.strip_suffix(suffix).is_some_and(|key| dataset.column(key).is_some()))
}

/// Columns that people are shown.
pub fn columns(dataset: &Dataset) -> Vec<&Column> {
    dataset.schema.iter().filter(|column| !column.calculated && column.kind() != ColumnKind::Object).collect()
}

/// Search and filters of the address, as the API takes them.
pub fn filters(visit: &Visit, dataset: &Dataset) -> Vec<(String, String)> {
    let kept = visit
        .params
        .iter()
        .filter(|(name, value)| !value.is_empty() && (*name == "q" || is_filter(dataset, name)));
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The table of a dataset; `None` when it has no lines to show, or none that the visitor may read.
pub async fn of(portals: &Portals, visit: &Visit, dataset: &Dataset) -> ApiResult<Option<Table>> {
    let shown = columns(dataset);
    if dataset.served.is_none() || shown.is_empty() {
        return Ok(None);
    }
    let more_columns = shown.len().saturating_sub(COLUMNS_SHOWN);
    let shown = &shown[..shown.len().min(COLUMNS_SHOWN)];
    let page = page_number(visit, PAGES_MAX)?;
    let mut table = frame(visit, dataset, shown);
    table.more_columns = more_columns;
    match lines(portals, visit, dataset, shown, page).await {
        Ok((total, lines)) => {
            table.total = texts::counted(visit.lang, total, LINES);
            table.none = total == 0;
            table.rows = lines.iter().map(|line| row(visit, shown, line)).collect();
            table.pager = Some(Pager::of(visit, page, total, PAGE_LINES, PAGES_MAX));
            Ok(Some(table))
        }
        Err(error) => {
            let error = ApiError::from(error);
            match error.status {
                StatusCode::BAD_REQUEST => Ok(Some(Table { error: Some(error.message), ..table })),
                StatusCode::FORBIDDEN | StatusCode::CONFLICT => Ok(None),
                _ => Err(error),
            }
        }
    }
}

async fn lines(
    portals: &Portals,
    visit: &Visit,
    dataset: &Dataset,
    shown: &[&Column],
    page: usize,
) -> Result<(u64, Vec<Map<String, Value>>), DatasetsError> {
    let select: Vec<&str> = shown.iter().map(|column| column.key.as_str()).collect();
    let mut params = Params::new(filters(visit, dataset))?
        .with("size", &PAGE_LINES.to_string())
        .with("page", &page.to_string())
        .with("select", &select.join(","));
    if let Some(sort) = visit.params.get("sort") {
        params = params.with("sort", sort);
    }
    let answer = portals.datasets.lines(&visit.caller, &dataset.id, &params).await?;
    Ok((answer.total.unwrap_or(0), answer.values()?))
}

/// The table without its lines.
fn frame(visit: &Visit, dataset: &Dataset, shown: &[&Column]) -> Table {
    let text = |name: &str| visit.params.get(name).unwrap_or_default().to_owned();
    Table {
        columns: shown.iter().map(|column| heading(visit, column)).collect(),
        q: text("q"),
        sort: text("sort"),
        filters: shown.iter().filter_map(|column| filter(visit, column)).take(FILTERS_SHOWN).collect(),
        carried: visit.carried(|name| is_own(dataset, name)),
        filtered: !filters(visit, dataset).is_empty(),
        reset: format!("{}{}", visit.root, visit.path),
        action: format!("{}{}", visit.root, visit.path),
        ..Table::default()
    }
}

/// The first click sorts upwards, the second downwards.
fn heading(visit: &Visit, column: &Column) -> Heading {
    let sort = visit.params.get("sort").unwrap_or_default();
    let sorted = match sort.strip_prefix('-') {
        Some(key) if key == column.key => Some("descending"),
        None if sort == column.key => Some("ascending"),
        _ => None,
    };
    let target = if sorted == Some("ascending") { format!("-{}", column.key) } else { column.key.clone() };
    Heading {
        label: column.label().to_owned(),
        href: column.capabilities.values().then(|| visit.with(&[("sort", &target), ("page", "")])),
        sorted,
        numeric: is_numeric(column),
    }
}

fn is_numeric(column: &Column) -> bool {
    matches!(column.kind(), ColumnKind::Integer | ColumnKind::Number)
}

fn filter(visit: &Visit, column: &Column) -> Option<Filter> {
    let input = |suffix: &str, kind, hint| {
        let name = format!("{}{suffix}", column.key);
        let value = visit.params.get(&name).unwrap_or_default().to_owned();
        Input { name, value, kind, hint, options: Vec::new() }
    };
    let capable = &column.capabilities;
    let values = column.values.as_deref().unwrap_or_default();
    let few = (1..=FILTER_VALUES_MAX).contains(&values.len());
    let inputs = match column.kind() {
        ColumnKind::Integer | ColumnKind::Number if capable.index() => {
            vec![input("_gte", "number", "from"), input("_lte", "number", "to")]
        }
        ColumnKind::Date | ColumnKind::DateTime if capable.index() => {
            vec![input("_gte", "date", "from"), input("_lte", "date", "to")]
        }
        ColumnKind::Boolean if capable.index() => {
            let options = ["true", "false"].map(|value| (value.to_owned(), truth(visit, value == "true")));
            vec![Input { options: options.into(), ..input("_eq", "select", "") }]
        }
        ColumnKind::Text if few && capable.index() => {
            let options = values.iter().filter_map(Value::as_str);
            let options = options.map(|value| (value.to_owned(), labelled(column, value)));
            vec![Input { options: options.collect(), ..input("_eq", "select", "") }]
        }
        ColumnKind::Text if capable.text_standard() => vec![input("_search", "search", "")],
        _ => return None,
    };
    Some(Filter { label: column.label().to_owned(), inputs })
}

fn row(visit: &Visit, shown: &[&Column], line: &Map<String, Value>) -> Vec<Cell> {
    let cell = |column: &&Column| {
        let text = line.get(&column.key).map(|value| display(visit, column, value)).unwrap_or_default();
        let href = is_web(&text).then(|| text.clone());
        Cell { text: shorten(&text, CELL_CHARS_MAX), href, numeric: is_numeric(column) }
    };
    shown.iter().map(cell).collect()
}

/// A value as people read it. Numbers keep their digits: years and codes are numbers too.
fn display(visit: &Visit, column: &Column, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => truth(visit, *value),
        Value::Number(number) => {
            let text = number.to_string();
            visit.lang.pick(text.replace('.', ","), text.clone())
        }
        Value::String(text) => match column.kind() {
            ColumnKind::Date => visit.lang.day(text),
            _ => labelled(column, text),
        },
        Value::Array(values) => {
            let texts: Vec<String> = values.iter().map(|value| display(visit, column, value)).collect();
            texts.join(", ")
        }
        Value::Object(_) => value.to_string(),
    }
}

fn truth(visit: &Visit, value: bool) -> String {
    let (yes, no) = visit.lang.pick(("oui", "non"), ("yes", "no"));
    if value { yes } else { no }.to_owned()
}

fn labelled(column: &Column, value: &str) -> String {
    let label = column.labels.as_ref().and_then(|labels| labels.get(value));
    label.filter(|label| !label.is_empty()).map_or(value, String::as_str).to_owned()
}
