//! What the configurations of visualisations have in common.

use halle_plugin::serde_json::{Map, Value};
use halle_plugin::visualisation::DataRequest;
use halle_plugin::{Problem, Result};
use serde::Deserialize;

use crate::locale::Locale;

/// A dataset, as applications name theirs.
#[derive(Debug, Clone, Deserialize)]
pub struct Dataset {
    /// Its identifier.
    pub id: String,
    /// Its address in the API.
    #[serde(default)]
    pub href: Option<String>,
    /// Its title.
    #[serde(default)]
    pub title: Option<String>,
}

/// The one dataset of a configuration.
pub fn only(datasets: &[Dataset]) -> Result<&Dataset> {
    datasets.first().ok_or_else(|| Problem::config("/datasets", "Choisissez un jeu de données."))
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

    /// Whether the measures of parts add up to that of the whole.
    pub fn adds_up(self) -> bool {
        matches!(self, Self::Count | Self::Sum)
    }

    /// What is measured, for people.
    pub fn title(self, column: &str, locale: Locale) -> String {
        let of = |fr: &str, en: &str| format!("{} {column}", locale.pick(fr, en));
        match self {
            Self::Count => locale.pick("Nombre de lignes", "Number of rows").to_owned(),
            Self::Sum => of("Somme de", "Sum of"),
            Self::Avg => of("Moyenne de", "Average of"),
            Self::Min => of("Minimum de", "Minimum of"),
            Self::Max => of("Maximum de", "Maximum of"),
        }
    }
}

/// A text that says something.
pub fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// A column that must be chosen.
pub fn column<'a>(key: Option<&'a String>, field: &str, what: &str) -> Result<&'a str> {
    given(key).ok_or_else(|| Problem::config(field, format!("Choisissez {what}.")))
}

/// A request of data in the making.
#[derive(Debug)]
pub struct Query {
    request: DataRequest,
    params: Map<String, Value>,
}

impl Query {
    /// A request under a name: `lines`, `values_agg` or `metric_agg` of a dataset.
    pub fn new(name: &str, dataset: &Dataset, operation: &str, max_rows: u32) -> Self {
        let request = DataRequest {
            name: name.to_owned(),
            dataset: dataset.id.clone(),
            operation: operation.to_owned(),
            params: Value::Null,
            max_rows,
        };
        Self { request, params: Map::new() }
    }

    /// The same, with a parameter, unless it says nothing.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.params.insert(name.to_owned(), value.into());
        }
        self
    }

    /// The same, measuring.
    pub fn measuring(self, metric: Metric, column: Option<&String>) -> Result<Self> {
        let Some(name) = metric.api_name() else { return Ok(self) };
        let column = self::column(column, "/metricField", "la colonne mesurée")?;
        Ok(self.with("metric", Some(name)).with("metric_field", Some(column)))
    }

    /// The request.
    pub fn finish(mut self) -> DataRequest {
        self.request.params = Value::Object(self.params);
        self.request
    }
}
