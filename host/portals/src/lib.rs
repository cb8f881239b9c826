//! Public pages: the catalogue and its datasets, as HTML that a server renders.
//!
//! Every page is complete without a script: search, sort, filters and pages of the table are addresses. The modules
//! beside `http` say what a page shows and know no HTTP; `templates` turns it into HTML.
//!
//! **Invariant:** a page shows what its visitor may read and nothing else: data comes from
//! [`Datasets`](halle_datasets::Datasets) and [`Charts`], with the visitor's rights.
//!
//! **Invariant:** no page carries a script; texts of producers are escaped, and Markdown is sanitised.
//!
//! Start with [`Portals`], then [`router`].

mod catalogue;
mod chart;
mod dataset;
mod http;
mod lang;
mod markdown;
mod table;
mod templates;
mod texts;
mod visit;

use std::sync::Arc;

use async_trait::async_trait;
use halle_base::AccountRef;
use halle_datasets::Datasets;
use halle_model::Caller;
use serde::Serialize;
use serde_json::Value;

pub use http::router;
pub use templates::TemplateError;

use crate::templates::Templates;

/// A chart that a page wants.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartRequest {
    /// Identifier of the visualisation plugin: `chart`.
    pub plugin: &'static str,
    /// Its configuration, in the shape of the plugin's manifest.
    pub configuration: Value,
    /// Identifier of the dataset whose page it is.
    pub dataset: String,
    /// Owner of the dataset, who answers for what the plugin uses.
    pub owner: AccountRef,
    /// `fr` or `en`.
    pub locale: &'static str,
    /// Width in CSS pixels.
    pub width_px: u32,
    /// Height in CSS pixels.
    pub height_px: u32,
}

/// A chart, safe to stand in a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Picture {
    /// Sanitised SVG.
    pub svg: String,
    /// What a person who does not see it is told.
    pub alt: String,
    /// The same data as `{columns: [..], rows: [[..]]}`.
    pub table: Option<Value>,
}

/// Draws charts with the rights of who looks.
#[async_trait]
pub trait Charts: Send + Sync {
    /// The drawing; an error in words, for the log, when there is none: the page is then shown without.
    async fn draw(&self, caller: &Caller, chart: &ChartRequest) -> Result<Picture, String>;
}

/// What the feature is made of; `app` and tests choose the adapters.
pub struct PortalsParts {
    /// Data, with the visitor's rights.
    pub datasets: Datasets,
    /// Charts.
    pub charts: Arc<dyn Charts>,
    /// Name of the site, in the header and in titles.
    pub title: String,
}

/// The feature: cheap to clone.
#[derive(Clone)]
pub struct Portals(Arc<Inner>);

struct Inner {
    parts: PortalsParts,
    templates: Templates,
}

impl Portals {
    /// The feature over the given adapters.
    pub fn new(parts: PortalsParts) -> Self {
        Self(Arc::new(Inner { parts, templates: Templates::new() }))
    }

    fn templates(&self) -> &Templates {
        &self.0.templates
    }
}

impl std::ops::Deref for Portals {
    type Target = PortalsParts;

    fn deref(&self) -> &PortalsParts {
        &self.0.parts
    }
}
