//! Use cases, a file per kind of thing.

mod catalogs;
mod connect;
mod exchanges;
mod imports;
mod publications;

pub(crate) use catalogs::{CatalogPatch, NewCatalog};
pub(crate) use connect::ExchangeLog;
pub(crate) use imports::{ImportPatch, NewImport, import_job, plan_next};
pub(crate) use publications::{NewPublication, publication_job};
