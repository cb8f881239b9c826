//! Exports of a catalogue connector.

use std::marker::PhantomData;

use crate::guest::{json, text};
use crate::kinds::catalog as kind;
use crate::problem::Result;
use bindings::exports::halle::catalog::connector as wit;

pub mod bindings {
    //! Generated.
    wit_bindgen::generate!({
        path: ["wit/base/1", "wit/host/1", "wit/catalog/1"],
        world: "halle:catalog/catalog-connector",
        with: {
            "halle:base/types@1.0.0": crate::types,
            "halle:host/messages@1.0.0": crate::messages,
            "halle:host/log@1.0.0": crate::guest::imports::halle::host::log,
            "halle:host/progress@1.0.0": crate::guest::imports::halle::host::progress,
            "halle:host/cancel@1.0.0": crate::guest::imports::halle::host::cancel,
            "halle:host/config@1.0.0": crate::guest::imports::halle::host::config,
            "halle:host/secrets@1.0.0": crate::guest::imports::halle::host::secrets,
            "halle:host/http@1.0.0": crate::guest::imports::halle::host::http,
            "halle:host/blobs@1.0.0": crate::guest::imports::halle::host::blobs,
            "halle:host/state@1.0.0": crate::guest::imports::halle::host::state,
            "halle:host/source@1.0.0": crate::guest::imports::halle::host::source,
        },
        pub_export_macro: true,
        runtime_path: "::halle_plugin::guest::rt",
        type_section_suffix: "sdk",
    });
}

/// From the trait to the exports.
#[derive(Debug)]
pub struct Glue<T>(PhantomData<T>);

impl<T: kind::CatalogConnector> Glue<T> {
    fn config() -> Result<T::Config> {
        crate::config::read(&crate::host::config::get())
    }
}

fn entry(entry: kind::Entry) -> wit::Entry {
    let kind::Entry { id, title, kind, format, size, updated, details } = entry;
    wit::Entry { id, title, kind, format, size, updated, details: text(details) }
}

fn to_host(publication: kind::Publication) -> wit::Publication {
    let kind::Publication { target, remote_id, url, state } = publication;
    wit::Publication { target, remote_id, url, state: state.to_string() }
}

fn from_host(publication: wit::Publication) -> kind::Publication {
    let wit::Publication { target, remote_id, url, state } = publication;
    kind::Publication { target, remote_id, url, state: json(&state) }
}

impl<T: kind::CatalogConnector> wit::Guest for Glue<T> {
    fn describe() -> wit::Descriptor {
        let kind::Descriptor { title, abilities } = T::describe();
        wit::Descriptor { title, abilities }
    }

    fn prepare(draft: String) -> Result<wit::Prepared> {
        let prepared = T::prepare(json(&draft))?;
        Ok(wit::Prepared { config: prepared.config.to_string(), notes: prepared.notes })
    }

    fn browse(
        folder: Option<String>,
        q: Option<String>,
        page: u32,
        size: u32,
        filters: String,
    ) -> Result<wit::Listing> {
        let wanted = kind::Browse { folder, q, page, size, filters: json(&filters) };
        let kind::Listing { total, path, entries } = T::browse(Self::config()?, wanted)?;
        let path = path.into_iter().map(entry).collect();
        Ok(wit::Listing { total, path, entries: entries.into_iter().map(entry).collect() })
    }

    fn fetch(id: String, options: String) -> Result<wit::Fetched> {
        let kind::Fetched { body, name, metadata, etag } = T::fetch(Self::config()?, id, json(&options))?;
        Ok(wit::Fetched { body, name, metadata: metadata.to_string(), etag })
    }

    fn publish(dataset: String, current: wit::Publication) -> Result<wit::Publication> {
        T::publish(Self::config()?, json(&dataset), from_host(current)).map(to_host)
    }

    fn unpublish(current: wit::Publication) -> Result<()> {
        T::unpublish(Self::config()?, from_host(current))
    }
}
