//! The chart of a dataset's page: chosen by the visitor, else by what the columns hold.

use halle_model::{Column, ColumnKind, Dataset};
use serde::Serialize;
use serde_json::json;

use crate::visit::Visit;
use crate::{ChartRequest, Picture, Portals, table};

/// Distinct values that still make a legible chart.
const GROUPS: std::ops::RangeInclusive<u64> = 2..=30;

/// Columns that the form offers to group by, and to measure.
const CHOICES_SHOWN: usize = 30;

/// Groups of a chart when the values are many.
const GROUPS_SHOWN: u32 = 20;

const WIDTH_PX: u32 = 800;
const HEIGHT_PX: u32 = 420;

const FORMS: [&str; 3] = ["bar", "line", "pie"];
const METRICS: [&str; 5] = ["count", "sum", "avg", "min", "max"];

/// A chart and the form that changes it.
#[derive(Debug, Serialize)]
pub struct Chart {
    /// The drawing, or nothing when it failed.
    picture: Option<Picture>,
    forms: Vec<Choice>,
    fields: Vec<Choice>,
    metrics: Vec<Choice>,
    metric_fields: Vec<Choice>,
    carried: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Choice {
    value: String,
    text: String,
    active: bool,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plan<'a> {
    form: &'static str,
    field: &'a Column,
    metric: &'static str,
    measured: Option<&'a Column>,
}

/// Whether a parameter is one of the chart's.
fn is_own(name: &str) -> bool {
    matches!(name, "chart" | "field" | "metric" | "metric_field")
}

/// The chart of a dataset; `None` when its columns make none, or when the one that was made for them failed.
pub async fn of(portals: &Portals, visit: &Visit, dataset: &Dataset) -> Option<Chart> {
    dataset.served.as_ref()?;
    let chosen = visit.params.get("field").is_some();
    let plan = plan(visit, dataset)?;
    let request = ChartRequest {
        plugin: "chart",
        configuration: configuration(visit, dataset, plan),
        dataset: dataset.id.clone(),
        owner: dataset.owner.clone(),
        locale: visit.lang.code(),
        width_px: WIDTH_PX,
        height_px: HEIGHT_PX,
    };
    let picture = match portals.charts.draw(&visit.caller, &request).await {
        Ok(picture) => Some(picture),
        Err(error) => {
            tracing::debug!(dataset.id = %dataset.id, %error, "no chart");
            None
        }
    };
    // The visitor who chose is told that it failed, and can choose again.
    (picture.is_some() || chosen).then(|| view(visit, dataset, plan, picture))
}

/// What to draw: what the address says, else what suits the columns.
fn plan<'a>(visit: &Visit, dataset: &'a Dataset) -> Option<Plan<'a>> {
    let automatic = automatic(dataset);
    let asked = |name: &str, known: &[&'static str]| {
        let value = visit.params.get(name)?;
        known.iter().find(|one| **one == value).copied()
    };
    let field = visit.params.get("field").and_then(|key| dataset.column(key));
    let plan = match (field, automatic) {
        (None, automatic) => automatic?,
        (Some(field), _) => Plan { form: "bar", field, metric: "count", measured: None },
    };
    let measured = visit.params.get("metric_field").and_then(|key| dataset.column(key)).or(plan.measured);
    let metric = match (asked("metric", &METRICS), measured) {
        (_, None) => "count",
        (Some(metric), Some(_)) => metric,
        (None, Some(column)) if visit.params.get("metric_field").is_some() => usual_metric(column),
        (None, Some(_)) => plan.metric,
    };
    let measured = measured.filter(|_| metric != "count");
    Some(Plan { form: asked("chart", &FORMS).unwrap_or(plan.form), metric, measured, ..plan })
}

/// Groups by the first column of few texts as bars, names before codes, else by a date as a line; measures the first
/// quantity.
fn automatic(dataset: &Dataset) -> Option<Plan<'_>> {
    let columns = groupable(dataset);
    let few = |column: &&&Column| column.cardinality.is_some_and(|distinct| GROUPS.contains(&distinct));
    let texts = || columns.iter().filter(few).filter(|column| column.kind() == ColumnKind::Text);
    let text = texts().find(|column| !column.key.starts_with("code")).or_else(|| texts().next());
    let date = || columns.iter().find(|column| column.kind() == ColumnKind::Date);
    let (form, field) = match text {
        Some(text) => ("bar", *text),
        None => ("line", *date()?),
    };
    let measured = measurable(dataset).into_iter().find(|column| is_quantity(column));
    Some(Plan { form, field, metric: measured.map_or("count", usual_metric), measured })
}

fn groupable(dataset: &Dataset) -> Vec<&Column> {
    let columns = table::columns(dataset).into_iter();
    columns.filter(|column| column.capabilities.values() && column.cardinality != Some(1)).collect()
}

fn measurable(dataset: &Dataset) -> Vec<&Column> {
    let numeric = |column: &&Column| matches!(column.kind(), ColumnKind::Integer | ColumnKind::Number);
    groupable(dataset).into_iter().filter(numeric).collect()
}

/// Places, codes and years are numbers that nobody adds up.
fn is_quantity(column: &Column) -> bool {
    const NAMES: [&str; 12] = [
        "id",
        "lat",
        "lon",
        "lng",
        "latitude",
        "longitude",
        "code",
        "annee",
        "year",
        "insee",
        "siret",
        "numero",
    ];
    column.refers_to.is_none()
        && !column.key.split('_').any(|word| NAMES.contains(&word.to_lowercase().as_str()))
}

/// Whole numbers count things, which add up; other numbers measure, and are averaged.
fn usual_metric(column: &Column) -> &'static str {
    if column.kind() == ColumnKind::Integer { "sum" } else { "avg" }
}

/// In the shape of the `chart` plugin's manifest.
fn configuration(visit: &Visit, dataset: &Dataset, plan: Plan<'_>) -> serde_json::Value {
    let mut configuration = json!({
        "datasets": [{ "id": dataset.id, "title": dataset.title }],
        "type": plan.form,
        "field": plan.field.key,
        "fieldTitle": short(plan.field),
        "metric": plan.metric,
        "size": GROUPS_SHOWN,
    });
    if let Some(measured) = plan.measured {
        configuration["metricField"] = json!(measured.key);
        configuration["metricTitle"] = json!(metric_title(visit, plan.metric, measured));
    }
    let dated = matches!(plan.field.kind(), ColumnKind::Date | ColumnKind::DateTime);
    if dated {
        configuration["interval"] = json!("month");
    }
    if plan.form != "line" && !dated {
        configuration["sort"] = json!(if plan.measured.is_some() { "-metric" } else { "-count" });
    }
    configuration
}

/// Titles of axes; the plugin takes 100 characters.
fn short(column: &Column) -> String {
    crate::catalogue::shorten(column.label(), 60)
}

fn metric_title(visit: &Visit, metric: &str, column: &Column) -> String {
    let name = match metric {
        "sum" => visit.lang.pick("somme", "sum"),
        "avg" => visit.lang.pick("moyenne", "mean"),
        "min" => "minimum",
        _ => "maximum",
    };
    format!("{} ({name})", short(column))
}

fn view(visit: &Visit, dataset: &Dataset, plan: Plan<'_>, picture: Option<Picture>) -> Chart {
    let word = |key: &&'static str, active: &str| Choice {
        value: (*key).to_owned(),
        text: crate::texts::text(visit.lang, &format!("chart_{key}")).to_owned(),
        active: *key == active,
    };
    let column = |column: &Column, active: Option<&Column>| Choice {
        value: column.key.clone(),
        text: column.label().to_owned(),
        active: active.is_some_and(|active| active.key == column.key),
    };
    let fields = groupable(dataset).into_iter().take(CHOICES_SHOWN);
    let measures = measurable(dataset).into_iter().take(CHOICES_SHOWN);
    Chart {
        picture,
        forms: FORMS.iter().map(|form| word(form, plan.form)).collect(),
        fields: fields.map(|one| column(one, Some(plan.field))).collect(),
        metrics: METRICS.iter().map(|metric| word(metric, plan.metric)).collect(),
        metric_fields: measures.map(|one| column(one, plan.measured)).collect(),
        carried: visit.carried(is_own),
    }
}
