//! The first lines of a dataset as a table: units, numbers in line, bars within cells.
//!
//! As a picture it can be captured and printed; the table beside it is what screen readers read and copy.
//!
//! **Invariant:** the same data, configuration and context give the same bytes.

mod draw;

use drawing::config::{Dataset, Query, given, only};
use drawing::{Frame, Locale, label};
use halle_plugin::serde_json::{Value, json};
use halle_plugin::visualisation::{Context, Data, DataRequest, Described, Output, Rendered, Visualisation};
use halle_plugin::{Cell, Problem, Result, Rows};
use serde::Deserialize;

/// Name of the one data request.
const LINES: &str = "lines";
/// Lines of one table.
const LINES_MAX: u32 = 200;
/// Columns of one table.
const COLUMNS_MAX: usize = 12;

/// What to show.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// The one dataset.
    datasets: Vec<Dataset>,
    /// Title above the table.
    #[serde(default)]
    title: Option<String>,
    /// Columns, in their order.
    columns: Vec<Column>,
    /// Number of lines.
    #[serde(default = "twenty")]
    size: u32,
    /// Order of the lines.
    #[serde(default)]
    sort: Option<String>,
    /// Filter.
    #[serde(default)]
    qs: Option<String>,
}

/// A column.
#[derive(Debug, Clone, Deserialize)]
struct Column {
    key: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    bar: bool,
}

fn twenty() -> u32 {
    20
}

/// A column, ready to be drawn.
struct Shown {
    title: String,
    /// Cells as they are written; numbers stand to the right.
    cells: Vec<String>,
    is_number: bool,
    /// Lengths of bars, 0 to 1.
    bars: Option<Vec<f64>>,
}

/// The visualisation.
pub struct TablePlugin;

impl Visualisation for TablePlugin {
    type Config = Config;

    fn describe() -> Described {
        Described { title: "Tableau".to_owned(), needs: Vec::new(), sizes: Vec::new() }
    }

    fn query(config: &Config) -> Result<Vec<DataRequest>> {
        if config.columns.is_empty() || config.columns.len() > COLUMNS_MAX {
            return Err(Problem::config("/columns", format!("Choisissez 1 à {COLUMNS_MAX} colonnes.")));
        }
        let select: Vec<&str> = config.columns.iter().map(|column| column.key.as_str()).collect();
        let query = Query::new(LINES, only(&config.datasets)?, "lines", config.size.clamp(1, LINES_MAX))
            .with("select", Some(&select.join(",")))
            .with("sort", given(config.sort.as_ref()))
            .with("qs", given(config.qs.as_ref()));
        Ok(vec![query.finish()])
    }

    fn render(data: &[Data], config: &Config, context: &Context) -> Result<Rendered> {
        let lines = data.iter().find(|data| data.name == LINES);
        let rows =
            lines.ok_or_else(|| Problem::new("input/missing", "Les lignes du tableau manquent."))?.rows()?;
        let frame = Frame::new(context);
        let dataset = config.datasets.first().and_then(|dataset| given(dataset.title.as_ref()));
        let own = given(config.title.as_ref()).or(given(context.title.as_ref())).or(dataset);
        let title = own.unwrap_or(frame.locale.pick("Tableau", "Table")).to_owned();
        let frame = frame.titled(title, String::new());
        let shown: Vec<Shown> =
            config.columns.iter().map(|column| show(column, &rows, frame.locale)).collect();
        let alt = alt(&frame, rows.len(), &shown);
        let picture =
            if rows.is_empty() { frame.empty(&alt) } else { draw::draw(&frame, rows.len(), &shown, &alt) };
        let table = Some(table(config, &rows, &shown));
        Ok(Rendered { output: Output::Svg(picture), alt, table })
    }
}

fn show(column: &Column, rows: &Rows<'_>, locale: Locale) -> Shown {
    let unit = given(column.unit.as_ref()).map(|unit| format!(" ({unit})")).unwrap_or_default();
    let title = format!("{}{unit}", given(column.title.as_ref()).unwrap_or(&column.key));
    // A column without any value is not in the answer.
    let reader = rows.column(&column.key).ok();
    let cell = |row: usize| reader.map_or(Cell::Null, |reader| reader.cell(row));
    let numbers: Vec<Option<f64>> = (0..rows.len()).map(|row| cell(row).number()).collect();
    let is_number = numbers.iter().any(Option::is_some);
    let written = |row: usize| match cell(row) {
        missing if missing.is_missing() => String::new(),
        // With a unit, a number is a quantity, and cut into thousands; without, it may be a code or a year.
        value => match value.number().filter(|_| !unit.is_empty() || column.bar) {
            Some(number) => locale.number(number),
            None => label::of(value, locale),
        },
    };
    let most = numbers.iter().flatten().copied().fold(0.0, f64::max);
    let has_bars =
        column.bar && is_number && most > 0.0 && numbers.iter().flatten().all(|number| *number >= 0.0);
    let bars = has_bars.then(|| numbers.iter().map(|number| number.unwrap_or_default() / most).collect());
    Shown { title, cells: (0..rows.len()).map(written).collect(), is_number, bars }
}

fn alt(frame: &Frame, lines: usize, columns: &[Shown]) -> String {
    if lines == 0 {
        return format!("{}. {}.", frame.title, frame.no_data());
    }
    let names: Vec<&str> = columns.iter().map(|column| column.title.as_str()).collect();
    let (title, names) = (&frame.title, names.join(", "));
    match frame.locale {
        Locale::Fr => format!("{title}. Tableau de {lines} lignes : {names}."),
        Locale::En => format!("{title}. Table of {lines} lines: {names}."),
    }
}

/// The values themselves, as JSON.
fn table(config: &Config, rows: &Rows<'_>, shown: &[Shown]) -> Value {
    let titles: Vec<&str> = shown.iter().map(|column| column.title.as_str()).collect();
    let readers: Vec<_> = config.columns.iter().map(|column| rows.column(&column.key).ok()).collect();
    let value = |row: usize| {
        let cells =
            readers.iter().map(|reader| reader.map_or(Value::Null, |reader| reader.cell(row).to_json()));
        Value::Array(cells.collect())
    };
    json!({ "columns": titles, "rows": (0..rows.len()).map(value).collect::<Vec<_>>() })
}

halle_plugin::export_visualisation!(TablePlugin);
