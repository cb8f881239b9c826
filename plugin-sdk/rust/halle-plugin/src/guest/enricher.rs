//! Exports of an enricher.

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::columns::{Batch, Field};
use crate::kinds::enricher as kind;
use crate::problem::Result;
use crate::rows::Rows;
use bindings::exports::halle::enricher::enrichment as wit;

pub mod bindings {
    //! Generated.
    wit_bindgen::generate!({
        path: ["wit/base/1", "wit/host/1", "wit/enricher/1"],
        world: "halle:enricher/enricher",
        with: {
            "halle:base/types@1.0.0": crate::types,
            "halle:host/log@1.0.0": crate::guest::imports::halle::host::log,
            "halle:host/cancel@1.0.0": crate::guest::imports::halle::host::cancel,
            "halle:host/reference@1.0.0": crate::guest::imports::halle::host::reference,
        },
        pub_export_macro: true,
        runtime_path: "::halle_plugin::guest::rt",
        type_section_suffix: "sdk",
    });
}

/// From the trait to the exports.
#[derive(Debug)]
pub struct Glue<T>(PhantomData<T>);

/// An enrichment in progress.
#[derive(Debug)]
pub struct Session<T> {
    enricher: RefCell<T>,
    inputs: Vec<Field>,
}

impl<T: kind::Enricher> wit::Guest for Glue<T> {
    type Session = Session<T>;

    fn describe() -> wit::Described {
        let kind::Described { title, inputs } = T::describe();
        wit::Described { title, inputs }
    }

    fn plan(input: Vec<Field>, config: String) -> Result<wit::Planned> {
        let kind::Planned { inputs, outputs } = T::plan(&input, &crate::config::read(&config)?)?;
        Ok(wit::Planned { inputs, outputs })
    }
}

impl<T: kind::Enricher> wit::GuestSession for Session<T> {
    fn open(input: Vec<Field>, config: String) -> Result<wit::Session> {
        let enricher = T::open(&input, crate::config::read(&config)?)?;
        Ok(wit::Session::new(Self { enricher: RefCell::new(enricher), inputs: input }))
    }

    fn run(&self, rows: Batch) -> Result<wit::Answer> {
        let rows = Rows::new(&self.inputs, &rows)?;
        let kind::Answer { columns, problems } = self.enricher.borrow_mut().run(&rows)?;
        Ok(wit::Answer { columns, problems })
    }
}
