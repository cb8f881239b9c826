//! Catalogue connectors: two-way exchange with another catalogue.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::host::blobs::Blob;
use crate::kinds::Prepared;
use crate::problem::{Problem, Result};

/// What a connector says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// Title for people.
    pub title: String,
    /// What it can do: `browse`, `search`, `fetch`, `publish-dataset`.
    pub abilities: Vec<String>,
}

/// A folder or a resource of the remote catalogue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// Identifier there.
    pub id: String,
    /// Title.
    pub title: String,
    /// `folder` or `resource`.
    pub kind: String,
    /// Format, such as `csv`.
    pub format: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Last change, RFC 3339.
    pub updated: Option<String>,
    /// Anything else.
    pub details: Option<Value>,
}

/// Which page is wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Browse {
    /// A folder; the root when absent.
    pub folder: Option<String>,
    /// What a person typed.
    pub q: Option<String>,
    /// From 1.
    pub page: u32,
    /// Entries per page, 1 to 1,000.
    pub size: u32,
    /// The connector's own filters.
    pub filters: Value,
}

/// One page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// Entries over all pages, if the catalogue tells.
    pub total: Option<u64>,
    /// Folders from the root to here.
    pub path: Vec<Entry>,
    /// Entries of this page.
    pub entries: Vec<Entry>,
}

/// A resource, brought to the host.
#[derive(Debug)]
pub struct Fetched {
    /// Its bytes.
    pub body: Blob,
    /// File name, whose extension tells the format.
    pub name: String,
    /// Attributes for the dataset, in Data Fair's names.
    pub metadata: Value,
    /// What recognises an unchanged resource.
    pub etag: Option<String>,
}

/// A publication of a local dataset in the remote catalogue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Publication {
    /// `create` or `update`.
    pub target: String,
    /// Identifier there, once there is one.
    pub remote_id: Option<String>,
    /// Its page there.
    pub url: Option<String>,
    /// What the connector wants back at the next call.
    pub state: Value,
}

/// Exchanges datasets with another catalogue.
pub trait CatalogConnector: 'static {
    /// The configuration of one catalogue.
    type Config: DeserializeOwned;

    /// Says what it is.
    fn describe() -> Descriptor;

    /// Checks a configuration that somebody is about to save. By default it only has to be readable.
    fn prepare(draft: Value) -> Result<Prepared> {
        crate::config::read::<Self::Config>(&draft.to_string())?;
        Ok(Prepared::unchanged(draft))
    }

    /// A page of a folder, or of what a search finds.
    fn browse(config: Self::Config, page: Browse) -> Result<Listing>;

    /// Brings a resource; the problem `not-modified` when `options.etag` still holds ([`not_modified`]).
    fn fetch(config: Self::Config, id: String, options: Value) -> Result<Fetched>;

    /// Creates or updates the remote twin of a dataset. May be called again with what the last call answered.
    fn publish(config: Self::Config, dataset: Value, current: Publication) -> Result<Publication> {
        drop((config, dataset, current));
        Err(unsupported("publier"))
    }

    /// Removes the remote twin; fine if it is gone already.
    fn unpublish(config: Self::Config, current: Publication) -> Result<()> {
        drop((config, current));
        Err(unsupported("dépublier"))
    }
}

fn unsupported(what: &str) -> Problem {
    Problem::new("unsupported", format!("Ce connecteur ne sait pas {what}."))
}

/// Says that a resource did not change since the last fetch.
pub fn not_modified() -> Problem {
    Problem::new("not-modified", "La ressource n'a pas changé.")
}

/// Makes a type that implements [`CatalogConnector`] the plugin of this crate.
#[macro_export]
macro_rules! export_catalog_connector {
    ($plugin:ty) => {
        $crate::__export!($plugin, CatalogConnector, catalog);
    };
}
