//! The configuration, and the data it asks for.

use drawing::config::{Dataset, Query, column, given, only};
use halle_plugin::Result;
use halle_plugin::visualisation::DataRequest;
use serde::Deserialize;

/// Name of the one data request.
pub const PLACES: &str = "places";
/// Key under which the API gives the point of a line: `latitude,longitude`.
pub const POINT: &str = "_geopoint";
/// Lines that become points: each is an item that is read out and pointed at.
pub const POINTS_MAX: u32 = 2_000;
/// Lines that are gathered.
pub const GATHERED_MAX: u32 = 10_000;
/// Areas that are drawn.
pub const AREAS_MAX: u32 = 1_000;

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
    /// Column that names places.
    #[serde(default)]
    pub label_field: Option<String>,
    /// Column that colours: the category of points, the number of areas.
    #[serde(default)]
    pub field: Option<String>,
    /// What the colour says, for people.
    #[serde(default)]
    pub field_title: Option<String>,
    /// Column that makes points larger.
    #[serde(default)]
    pub size_field: Option<String>,
    /// Unit of the number.
    #[serde(default)]
    pub unit: Option<String>,
    /// Column of geometries (GeoJSON).
    #[serde(default)]
    pub geometry_field: Option<String>,
    /// Classes of colour.
    #[serde(default = "five")]
    pub classes: usize,
    /// Filter.
    #[serde(default)]
    pub qs: Option<String>,
}

fn five() -> usize {
    5
}

/// Form of the map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A disc per line.
    #[default]
    Points,
    /// A disc for lines that are near each other, as large as they are many.
    Clusters,
    /// Areas coloured by a number.
    Choropleth,
}

impl Config {
    /// What the colour says.
    pub fn colour_title(&self) -> Option<&str> {
        given(self.field_title.as_ref()).or(given(self.field.as_ref()))
    }
}

/// The data that a configuration asks for.
pub fn request(config: &Config) -> Result<DataRequest> {
    let dataset = only(&config.datasets)?;
    let optional = |key: &Option<String>| given(key.as_ref()).map(str::to_owned);
    let (mut select, max_rows) = match config.form {
        Form::Points => (vec![POINT.to_owned()], POINTS_MAX),
        Form::Clusters => (vec![POINT.to_owned()], GATHERED_MAX),
        Form::Choropleth => {
            let geometry =
                column(config.geometry_field.as_ref(), "/geometryField", "la colonne des géométries")?;
            column(config.field.as_ref(), "/field", "la colonne numérique qui colore les zones")?;
            (vec![geometry.to_owned()], AREAS_MAX)
        }
    };
    if config.form != Form::Clusters {
        select.extend([&config.label_field, &config.field].into_iter().filter_map(optional));
    }
    if config.form == Form::Points {
        select.extend(optional(&config.size_field));
    }
    select.dedup();
    let query = Query::new(PLACES, dataset, "lines", max_rows)
        .with("select", Some(&select.join(",")))
        .with("qs", given(config.qs.as_ref()));
    Ok(query.finish())
}
