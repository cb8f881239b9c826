//! Exports of a processing.

use std::marker::PhantomData;

use crate::guest::{json, text};
use crate::kinds::processing as kind;
use crate::problem::Result;
use bindings::exports::halle::processing::job as wit;

pub mod bindings {
    //! Generated.
    wit_bindgen::generate!({
        path: ["wit/base/1", "wit/host/1", "wit/processing/1"],
        world: "halle:processing/processing",
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
            "halle:host/datasets@1.0.0": crate::guest::imports::halle::host::datasets,
        },
        pub_export_macro: true,
        runtime_path: "::halle_plugin::guest::rt",
        type_section_suffix: "sdk",
    });
}

/// From the trait to the exports.
#[derive(Debug)]
pub struct Glue<T>(PhantomData<T>);

impl<T: kind::Processing> wit::Guest for Glue<T> {
    fn describe() -> wit::Described {
        wit::Described { title: T::title(), details: None }
    }

    fn prepare(draft: String) -> Result<wit::Prepared> {
        let prepared = T::prepare(json(&draft))?;
        Ok(wit::Prepared { config: prepared.config.to_string(), notes: prepared.notes })
    }

    fn run(trigger: String) -> Result<wit::Outcome> {
        let config = crate::config::read(&crate::host::config::get())?;
        let outcome = T::run(config, serde_json::from_str(&trigger).unwrap_or_default())?;
        Ok(wit::Outcome { summary: outcome.summary, details: text(outcome.details) })
    }
}
