//! A square per day, darker when more happens: weeks side by side, Monday on top, a block per year.
//!
//! **Invariant:** the same data, configuration and context give the same bytes.

mod draw;

use std::collections::BTreeMap;

use drawing::config::{Dataset, Metric, Query, given, only};
use drawing::{Frame, Locale};
use halle_plugin::serde_json::json;
use halle_plugin::visualisation::{Context, Data, DataRequest, Described, Output, Rendered, Visualisation};
use halle_plugin::{Cell, Problem, Result, dates};
use serde::Deserialize;

/// Name of the one data request.
const DAYS: &str = "days";
/// Days that are asked: the most groups the API gives.
const DAYS_MAX: u32 = 1_000;
/// Years that are shown, the latest.
const YEARS_MAX: usize = 3;

/// What to draw.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The one dataset.
    datasets: Vec<Dataset>,
    /// Title above the picture.
    #[serde(default)]
    title: Option<String>,
    /// Column of dates.
    field: String,
    /// What is measured each day.
    #[serde(default)]
    metric: Metric,
    /// Column that is measured.
    #[serde(default)]
    metric_field: Option<String>,
    /// What the measure is, for people.
    #[serde(default)]
    metric_title: Option<String>,
    /// Unit of the measure.
    #[serde(default)]
    unit: Option<String>,
    /// Filter.
    #[serde(default)]
    qs: Option<String>,
}

/// The visualisation.
pub struct Calendar;

impl Visualisation for Calendar {
    type Config = Config;

    fn describe() -> Described {
        Described { title: "Calendrier".to_owned(), needs: Vec::new(), sizes: Vec::new() }
    }

    fn query(config: &Config) -> Result<Vec<DataRequest>> {
        let query = Query::new(DAYS, only(&config.datasets)?, "values_agg", DAYS_MAX)
            .with("field", Some(&config.field))
            .with("interval", Some("day"))
            .with("agg_size", Some(&DAYS_MAX.to_string()))
            .with("sort", Some("-key"))
            .measuring(config.metric, config.metric_field.as_ref())?
            .with("qs", given(config.qs.as_ref()));
        Ok(vec![query.finish()])
    }

    fn render(data: &[Data], config: &Config, context: &Context) -> Result<Rendered> {
        let frame = Frame::new(context);
        let measure = given(config.metric_title.as_ref()).map_or_else(
            || config.metric.title(config.metric_field.as_deref().unwrap_or_default(), frame.locale),
            str::to_owned,
        );
        let by_day = frame.locale.pick("par jour", "by day");
        let own = given(config.title.as_ref()).or(given(context.title.as_ref()));
        let title = own.map_or_else(|| format!("{measure} {by_day}"), str::to_owned);
        let unit = given(config.unit.as_ref()).map(|unit| format!(" ({unit})")).unwrap_or_default();
        let measure = format!("{measure}{unit}");
        let frame = frame.titled(title, format!("{measure} {by_day}"));
        let days = days(data, config)?;
        let alt = alt(&frame, &days, config);
        let picture = if days.is_empty() {
            frame.empty(&alt)
        } else {
            draw::draw(&frame, &days, config.unit.as_deref(), &alt)
        };
        let rows: Vec<_> = days.iter().map(|(day, value)| json!([dates::format_day(*day), value])).collect();
        let table = json!({ "columns": [frame.locale.pick("Jour", "Day"), measure], "rows": rows });
        Ok(Rendered { output: Output::Svg(picture), alt, table: Some(table) })
    }
}

/// Measures by day number, of the latest years; days on which nothing happened are left out.
fn days(data: &[Data], config: &Config) -> Result<BTreeMap<i32, f64>> {
    let days = data.iter().find(|data| data.name == DAYS);
    let rows = days.ok_or_else(|| Problem::new("input/missing", "Les jours manquent."))?.rows()?;
    if rows.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (groups, totals) = (rows.column("value")?, rows.column("total")?);
    let measures = if config.metric == Metric::Count { Some(totals) } else { rows.column("metric").ok() };
    let mut days = BTreeMap::new();
    for row in 0..rows.len() {
        if totals.number(row).unwrap_or_default() <= 0.0 {
            continue;
        }
        let day = match groups.cell(row) {
            Cell::Date(day) => Some(day),
            // Instants begin with the day in the zone of their column.
            Cell::Text(text) => text.get(..10).and_then(dates::parse_day),
            _ => None,
        };
        let day = day.ok_or_else(|| {
            Problem::config(
                "/field",
                format!("La colonne « {} » n'est pas une colonne de dates.", config.field),
            )
        })?;
        if let Some(value) =
            measures.and_then(|measures| measures.number(row)).filter(|value| value.is_finite())
        {
            days.insert(day, value);
        }
    }
    let mut years: Vec<i32> = days.keys().map(|day| dates::civil(*day).0).collect();
    years.dedup();
    let first = years.iter().rev().take(YEARS_MAX).min().copied();
    days.retain(|day, _| first.is_none_or(|first| dates::civil(*day).0 >= first));
    Ok(days)
}

fn alt(frame: &Frame, days: &BTreeMap<i32, f64>, config: &Config) -> String {
    let by_value = |a: &(&i32, &f64), b: &(&i32, &f64)| a.1.total_cmp(b.1).then(b.0.cmp(a.0));
    let (Some((first, _)), Some((last, _)), Some((day, most))) =
        (days.first_key_value(), days.last_key_value(), days.iter().max_by(by_value))
    else {
        return format!("{}. {}.", frame.title, frame.no_data());
    };
    let [first, last, day] = [first, last, day].map(|day| draw::written(*day, frame.locale));
    let most = frame.locale.with_unit(*most, config.unit.as_deref());
    let (title, count) = (&frame.title, days.len());
    match frame.locale {
        Locale::Fr => {
            format!("{title}. {count} jours entre le {first} et le {last}, le plus le {day} ({most}).")
        }
        Locale::En => format!("{title}. {count} days between {first} and {last}, most on {day} ({most})."),
    }
}

halle_plugin::export_visualisation!(Calendar);
