//! Applications: configured visualisations of datasets, drawn on the server.
//!
//! An application is a visualisation plugin and its configuration. The plugin says which data it wants; this feature
//! asks [`Datasets`](halle_datasets::Datasets) for it *with the rights of who looks*, hands it over, and serves what
//! the plugin drew: as SVG, as PNG, and as a page that also stands in a frame.
//!
//! **Invariant:** a picture never shows more than its viewer could read through the data API.
//!
//! **Invariant:** what a plugin drew is sanitised before it is served.
//!
//! Start with [`Applications::draw`](Applications), then `http`.

mod http;
mod model;
mod rows;
mod service;
mod views;

use std::sync::Arc;

use halle_base::{Clock, Dice};
use halle_datasets::Datasets;
use halle_extensions::PluginHost;
use halle_extensions::installed::InstalledPlugins;
use halle_extensions::uses::{self, PluginUsers};
use halle_store::Store;

pub use http::{openapi, router};
pub use model::Application;
pub use service::draw::{Drawn, Form, Look, Sketch};

/// Makes drawings safe and turns them into pixels.
pub trait Painter: Send + Sync {
    /// The SVG without anything that could run or fetch; an error in words when nothing is left of it.
    fn sanitize(&self, svg: &str) -> Result<String, String>;

    /// The HTML without anything that could run, fetch or ask; an error in words when nothing is left of it.
    fn sanitize_html(&self, html: &str) -> Result<String, String>;

    /// A PNG of the SVG, `width_px` wide.
    fn png(&self, svg: &str, width_px: u32) -> Result<Vec<u8>, String>;
}

/// Applications that use a plugin: who asks before it is removed.
pub fn plugin_users() -> Arc<dyn PluginUsers> {
    uses::by_key::<Application>("application")
}

/// What the feature is made of; `app` and tests choose the adapters.
pub struct ApplicationsParts {
    /// Metadata.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub dice: Arc<dyn Dice>,
    /// Data, with the viewer's rights.
    pub datasets: Datasets,
    /// The sandbox.
    pub plugins: Arc<dyn PluginHost>,
    /// What is installed.
    pub installed: Arc<dyn InstalledPlugins>,
    /// Sanitiser and rasteriser.
    pub painter: Arc<dyn Painter>,
}

/// The feature: cheap to clone.
#[derive(Clone)]
pub struct Applications(Arc<ApplicationsParts>);

impl Applications {
    /// The feature over the given adapters.
    pub fn new(parts: ApplicationsParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for Applications {
    type Target = ApplicationsParts;

    fn deref(&self) -> &ApplicationsParts {
        &self.0
    }
}
