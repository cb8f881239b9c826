//! Exports of a visualisation.

use std::marker::PhantomData;

use crate::guest::text;
use crate::kinds::visualisation as kind;
use crate::problem::Result;
use bindings::exports::halle::visualisation::view as wit;

pub mod bindings {
    //! Generated.
    wit_bindgen::generate!({
        path: ["wit/base/1", "wit/host/1", "wit/visualisation/1"],
        world: "halle:visualisation/visualisation",
        with: {
            "halle:base/types@1.0.0": crate::types,
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

impl<T: kind::Visualisation> wit::Guest for Glue<T> {
    fn describe() -> wit::Described {
        let kind::Described { title, needs, sizes } = T::describe();
        wit::Described { title, needs, sizes }
    }

    fn query(config: String) -> Result<Vec<(String, wit::DataRequest)>> {
        let requests = T::query(&crate::config::read(&config)?)?;
        let requests = requests.into_iter().map(|request| {
            let kind::DataRequest { name, dataset, operation, params, max_rows } = request;
            let query = serde_json::json!({ "dataset": dataset, "operation": operation, "params": params });
            (name, wit::DataRequest { query: query.to_string(), max_rows })
        });
        Ok(requests.collect())
    }

    fn render(data: Vec<wit::DatasetRows>, config: String, context: String) -> Result<wit::Rendered> {
        let data: Vec<kind::Data> = data
            .into_iter()
            .map(|data| kind::Data { name: data.name, fields: data.schema, batch: data.rows })
            .collect();
        let context = serde_json::from_str(&context).unwrap_or_default();
        let kind::Rendered { output, alt, table } =
            T::render(&data, &crate::config::read(&config)?, &context)?;
        let output = match output {
            kind::Output::Svg(svg) => wit::Output::Svg(svg),
            kind::Output::Html(html) => wit::Output::Html(html),
            kind::Output::VegaLite(document) => wit::Output::VegaLite(document.to_string()),
            kind::Output::Vega(document) => wit::Output::Vega(document.to_string()),
        };
        Ok(wit::Rendered { output, alt, table: text(table) })
    }
}
