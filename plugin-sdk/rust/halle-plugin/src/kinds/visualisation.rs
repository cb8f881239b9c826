//! Visualisations: data in, picture out. Pure.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::columns::{Batch, Field};
use crate::problem::Result;
use crate::rows::Rows;

/// What a visualisation says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// Title for people.
    pub title: String,
    /// Columns a dataset should have; empty: any dataset.
    pub needs: Vec<Field>,
    /// Sizes it is made for, such as `1200x630`; empty: any.
    pub sizes: Vec<String>,
}

/// Data that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct DataRequest {
    /// Name by which the answer is recognised.
    pub name: String,
    /// Slot or identifier of the dataset, from the configuration.
    pub dataset: String,
    /// `lines`, `values_agg` or `metric_agg`; without `metric`, the latter gives the number of lines only.
    pub operation: String,
    /// Query parameters of that operation in the API.
    pub params: Value,
    /// Rows at most, 1 to 10,000.
    pub max_rows: u32,
}

/// Data as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Name of the request.
    pub name: String,
    /// Columns.
    pub fields: Vec<Field>,
    /// Rows.
    pub batch: Batch,
}

impl Data {
    /// The rows.
    pub fn rows(&self) -> Result<Rows<'_>> {
        Rows::new(&self.fields, &self.batch)
    }
}

/// Where the picture will be shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Context {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Language of the reader.
    pub locale: String,
    /// Colours of the page.
    pub theme: Theme,
    /// The current time, RFC 3339.
    pub now: Option<String>,
    /// Title of the visualisation as configured.
    pub title: Option<String>,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            width: 800,
            height: 500,
            locale: "fr".to_owned(),
            theme: Theme::default(),
            now: None,
            title: None,
        }
    }
}

/// Colours of the page around the picture, `#rrggbb`. On the wire also just `"light"` or `"dark"`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, from = "WireTheme")]
pub struct Theme {
    /// Main colour.
    pub primary: Option<String>,
    /// Background.
    pub background: Option<String>,
    /// Text.
    pub text: Option<String>,
    /// Whether the background is dark.
    pub dark: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireTheme {
    Name(String),
    Colours {
        primary: Option<String>,
        background: Option<String>,
        text: Option<String>,
        #[serde(default)]
        dark: bool,
    },
}

impl From<WireTheme> for Theme {
    fn from(theme: WireTheme) -> Self {
        match theme {
            WireTheme::Name(name) => Self { dark: name == "dark", ..Self::default() },
            WireTheme::Colours { primary, background, text, dark } => {
                Self { primary, background, text, dark }
            }
        }
    }
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// SVG with `viewBox`.
    Svg(String),
    /// HTML, shown in a frame without scripts.
    Html(String),
    /// A Vega-Lite document with inline data.
    VegaLite(Value),
    /// A Vega document with inline data.
    Vega(Value),
}

/// A picture with what it takes to understand it without seeing it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The picture.
    pub output: Output,
    /// One or two sentences that tell what it shows.
    pub alt: String,
    /// The same data: `{"columns": ["..."], "rows": [[...]]}`.
    pub table: Option<Value>,
}

/// Draws pictures from data.
pub trait Visualisation: 'static {
    /// The configuration.
    type Config: DeserializeOwned;

    /// Says what it is.
    fn describe() -> Described;

    /// Data wanted for a configuration.
    fn query(config: &Self::Config) -> Result<Vec<DataRequest>>;

    /// Draws. `data` are the answers, in the order of the requests.
    fn render(data: &[Data], config: &Self::Config, context: &Context) -> Result<Rendered>;
}

/// Makes a type that implements [`Visualisation`] the plugin of this crate.
#[macro_export]
macro_rules! export_visualisation {
    ($plugin:ty) => {
        $crate::__export!($plugin, Visualisation, visualisation);
    };
}
