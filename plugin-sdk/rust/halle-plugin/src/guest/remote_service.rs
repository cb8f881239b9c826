//! Exports of a remote-service adapter.

use std::marker::PhantomData;

use crate::columns::Batch;
use crate::guest::{json, text};
use crate::kinds::remote_service as kind;
use crate::messages::Response;
use crate::problem::Result;
use crate::rows::Rows;
use bindings::exports::halle::remote_service::adapter as wit;

pub mod bindings {
    //! Generated.
    wit_bindgen::generate!({
        path: ["wit/base/1", "wit/host/1", "wit/remote-service/1"],
        world: "halle:remote-service/remote-service",
        with: {
            "halle:base/types@1.0.0": crate::types,
            "halle:host/messages@1.0.0": crate::messages,
            "halle:host/log@1.0.0": crate::guest::imports::halle::host::log,
        },
        pub_export_macro: true,
        runtime_path: "::halle_plugin::guest::rt",
        type_section_suffix: "sdk",
    });
}

/// From the trait to the exports.
#[derive(Debug)]
pub struct Glue<T>(PhantomData<T>);

impl<T: kind::RemoteService> wit::Guest for Glue<T> {
    fn describe() -> wit::Described {
        let kind::Described { title, formats } = T::describe();
        wit::Described { title, formats }
    }

    fn from_openapi(document: String) -> Result<Vec<wit::Operation>> {
        let operations = T::operations(json(&document))?;
        let operations = operations.into_iter().map(|operation| {
            let kind::Operation { id, title, input, output, max_rows_per_request, details } = operation;
            wit::Operation { id, title, input, output, max_rows_per_request, details: text(details) }
        });
        Ok(operations.collect())
    }

    fn build(_operation: String, rows: Batch, config: String) -> Result<Vec<wit::Call>> {
        let service = service(&config)?;
        let calls = T::build(&service, &Rows::new(&service.inputs, &rows)?)?;
        Ok(calls.into_iter().map(|call| wit::Call { rows: call.rows, request: call.request }).collect())
    }

    fn parse(
        _operation: String,
        calls: Vec<wit::Call>,
        responses: Vec<Response>,
        config: String,
    ) -> Result<wit::Answer> {
        let calls: Vec<kind::Call> =
            calls.into_iter().map(|call| kind::Call { rows: call.rows, request: call.request }).collect();
        let kind::Answer { columns, problems } = T::parse(&service(&config)?, &calls, &responses)?;
        Ok(wit::Answer { columns, problems })
    }
}

/// The service, whose inputs are those of the operation where the host names no others.
fn service(config: &str) -> Result<kind::Service> {
    let mut service: kind::Service = crate::config::read(config)?;
    if service.inputs.is_empty() {
        service.inputs.clone_from(&service.operation.input);
    }
    Ok(service)
}
