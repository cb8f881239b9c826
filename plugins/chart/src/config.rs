//! The configuration, and the data it asks for.

use halle_plugin::serde_json::{Map, Value};
use halle_plugin::visualisation::DataRequest;
use halle_plugin::{Problem, Result};
use serde::Deserialize;

/// Name of the one data request.
pub const GROUPS: &str = "groups";

/// Groups that a form can show legibly.
const GROUPS_MAX: u32 = 100;

/// What to draw.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The one dataset, as applications name theirs.
    pub datasets: Vec<Dataset>,
    /// Form.
    #[serde(default, rename = "type")]
    pub form: Form,
    /// Title above the picture.
    #[serde(default)]
    pub title: Option<String>,
    /// Column whose values are the groups.
    pub field: String,
    /// What the groups are, for people.
    #[serde(default)]
    pub field_title: Option<String>,
    /// What is measured in each group.
    #[serde(default)]
    pub metric: Metric,
    /// Column that is measured.
    #[serde(default)]
    pub metric_field: Option<String>,
    /// What the measure is, for people.
    #[serde(default)]
    pub metric_title: Option<String>,
    /// Unit of the measure.
    #[serde(default)]
    pub unit: Option<String>,
    /// Number of groups.
    #[serde(default = "twenty")]
    pub size: u32,
    /// Width of groups of numbers or dates.
    #[serde(default)]
    pub interval: Option<String>,
    /// Order of the groups.
    #[serde(default)]
    pub sort: Option<String>,
    /// Filter.
    #[serde(default)]
    pub qs: Option<String>,
}

fn twenty() -> u32 {
    20
}

/// A dataset.
#[derive(Debug, Clone, Deserialize)]
pub struct Dataset {
    /// Its identifier.
    pub id: String,
    /// Its title.
    #[serde(default)]
    pub title: Option<String>,
}

/// Form of the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Horizontal bars: labels stay legible however long they are.
    #[default]
    Bar,
    /// A line over ordered groups.
    Line,
    /// Shares of a whole.
    Pie,
}

/// What is measured in each group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Number of lines.
    #[default]
    Count,
    /// Sum of a column.
    Sum,
    /// Its mean.
    Avg,
    /// Its smallest value.
    Min,
    /// Its largest value.
    Max,
}

impl Metric {
    /// Name in the API; none for the number of lines.
    pub fn api_name(self) -> Option<&'static str> {
        match self {
            Self::Count => None,
            Self::Sum => Some("sum"),
            Self::Avg => Some("avg"),
            Self::Min => Some("min"),
            Self::Max => Some("max"),
        }
    }
}

/// The aggregation that a configuration asks for.
pub fn request(config: &Config) -> Result<DataRequest> {
    let dataset = config
        .datasets
        .first()
        .ok_or_else(|| Problem::config("/datasets", "Choisissez un jeu de données."))?;
    let mut params = Map::new();
    params.insert("field".to_owned(), config.field.clone().into());
    params.insert("agg_size".to_owned(), config.size.clamp(1, GROUPS_MAX).to_string().into());
    if let Some(metric) = config.metric.api_name() {
        let column = config.metric_field.clone().filter(|key| !key.is_empty());
        let column =
            column.ok_or_else(|| Problem::config("/metricField", "Choisissez la colonne mesurée."))?;
        params.insert("metric".to_owned(), metric.into());
        params.insert("metric_field".to_owned(), column.into());
    }
    // A line is read from left to right, so its groups come in their own order.
    let ordered = (config.form == Form::Line).then(|| "key".to_owned());
    for (name, value) in
        [("interval", &config.interval), ("sort", &config.sort.clone().or(ordered)), ("qs", &config.qs)]
    {
        if let Some(value) = value.clone().filter(|value| !value.is_empty()) {
            params.insert(name.to_owned(), value.into());
        }
    }
    Ok(DataRequest {
        name: GROUPS.to_owned(),
        dataset: dataset.id.clone(),
        operation: "values_agg".to_owned(),
        params: Value::Object(params),
        max_rows: config.size.clamp(1, GROUPS_MAX),
    })
}
