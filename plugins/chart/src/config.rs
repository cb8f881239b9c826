//! The configuration, and the data it asks for.

use drawing::config::{Dataset, Metric, Query, column, given, only};
use halle_plugin::visualisation::DataRequest;
use halle_plugin::{Problem, Result};
use serde::Deserialize;

/// Name of the data request that every form makes.
pub const GROUPS: &str = "groups";
/// Name of the one that divides groups.
pub const PARTS: &str = "parts";

/// Groups that a form can show legibly.
const GROUPS_MAX: u32 = 100;
/// Parts of one group that a form can show legibly.
const PARTS_MAX: u32 = 20;
/// Lines that become points: each is an item that is read out and pointed at.
pub const POINTS_MAX: u32 = 2_000;
/// Lines whose values a histogram counts by itself.
pub const VALUES_MAX: u32 = 10_000;
/// Bars of a histogram whose width is configured.
const BINS_MAX: u32 = 500;

/// What to draw.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The one dataset.
    pub datasets: Vec<Dataset>,
    /// Form.
    #[serde(default, rename = "type")]
    pub form: Form,
    /// Title above the picture.
    #[serde(default)]
    pub title: Option<String>,
    /// Column whose values are the groups; across, for a cloud of points.
    pub field: String,
    /// What the groups are, for people.
    #[serde(default)]
    pub field_title: Option<String>,
    /// Column by which groups are divided, for treemaps and sunbursts.
    #[serde(default)]
    pub field2: Option<String>,
    /// What is measured in each group.
    #[serde(default)]
    pub metric: Metric,
    /// Column that is measured; upwards, for a cloud of points.
    #[serde(default)]
    pub metric_field: Option<String>,
    /// What the measure is, for people.
    #[serde(default)]
    pub metric_title: Option<String>,
    /// Column that names the points of a cloud.
    #[serde(default)]
    pub label_field: Option<String>,
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

/// Form of the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Horizontal bars: labels stay legible however long they are.
    #[default]
    Bar,
    /// A line over ordered groups.
    Line,
    /// A line over ordered groups, filled down to zero.
    Area,
    /// Shares of a whole.
    Pie,
    /// Shares of a whole as surfaces, divided or not.
    Treemap,
    /// Shares of a whole as rings, the outer one dividing the inner one.
    Sunburst,
    /// A point per line, two quantities against each other.
    Scatter,
    /// How often values of a quantity occur.
    Histogram,
}

impl Form {
    /// Whether groups come in their own order, from left to right.
    fn is_ordered(self) -> bool {
        matches!(self, Self::Line | Self::Area)
    }

    /// Whether the form shows parts of a whole, so that measures must add up.
    pub fn divides(self) -> bool {
        matches!(self, Self::Treemap | Self::Sunburst)
    }
}

impl Config {
    /// Column that divides groups, where the form shows it.
    pub fn parts(&self) -> Option<&str> {
        given(self.field2.as_ref()).filter(|_| self.form.divides())
    }
}

/// The data that a configuration asks for.
pub fn requests(config: &Config) -> Result<Vec<DataRequest>> {
    let mut requests = vec![request(config)?];
    if let Some(parts) = config.parts() {
        // Groups are asked by themselves too: their parts are cut, and do not add up to them.
        let size = config.size.clamp(1, GROUPS_MAX);
        let query = Query::new(PARTS, only(&config.datasets)?, "values_agg", size * PARTS_MAX)
            .with("field", Some(&format!("{};{parts}", config.field)))
            .with("agg_size", Some(&format!("{size};{PARTS_MAX}")))
            .measuring(config.metric, config.metric_field.as_ref())?
            .with("sort", given(config.sort.as_ref()))
            .with("qs", given(config.qs.as_ref()));
        requests.push(query.finish());
    }
    Ok(requests)
}

fn request(config: &Config) -> Result<DataRequest> {
    let dataset = only(&config.datasets)?;
    let lines = |max: u32| Query::new(GROUPS, dataset, "lines", max).with("qs", given(config.qs.as_ref()));
    match config.form {
        Form::Scatter => {
            let up = column(
                config.metric_field.as_ref(),
                "/metricField",
                "la colonne numérique de l'axe vertical",
            )?;
            let names = [config.field.as_str(), up].into_iter().chain(given(config.label_field.as_ref()));
            let select: Vec<&str> = names.collect();
            let lines = lines(POINTS_MAX).with("sort", given(config.sort.as_ref()));
            Ok(lines.with("select", Some(&select.join(","))).finish())
        }
        Form::Histogram if given(config.interval.as_ref()).is_none() => {
            Ok(lines(VALUES_MAX).with("select", Some(&config.field)).finish())
        }
        Form::Histogram => {
            let bins = Query::new(GROUPS, dataset, "values_agg", BINS_MAX)
                .with("field", Some(&config.field))
                .with("agg_size", Some(&BINS_MAX.to_string()))
                .with("interval", given(config.interval.as_ref()))
                .with("sort", Some("key"))
                .with("qs", given(config.qs.as_ref()));
            Ok(bins.finish())
        }
        form => groups(config, dataset, form),
    }
}

fn groups(config: &Config, dataset: &Dataset, form: Form) -> Result<DataRequest> {
    if form.divides() && !config.metric.adds_up() {
        let message = "Cette forme montre les parts d'un tout : choisissez un nombre de lignes ou une somme.";
        return Err(Problem::config("/metric", message));
    }
    let size = config.size.clamp(1, GROUPS_MAX);
    // What is read from left to right comes in its own order.
    let ordered = form.is_ordered().then_some("key");
    let query = Query::new(GROUPS, dataset, "values_agg", size)
        .with("field", Some(&config.field))
        .with("agg_size", Some(&size.to_string()))
        .measuring(config.metric, config.metric_field.as_ref())?
        .with("interval", given(config.interval.as_ref()).filter(|_| config.parts().is_none()))
        .with("sort", given(config.sort.as_ref()).or(ordered))
        .with("qs", given(config.qs.as_ref()));
    Ok(query.finish())
}
