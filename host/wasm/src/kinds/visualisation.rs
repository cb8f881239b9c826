//! World `visualisation`.

use halle_extensions::host::{Call, DataRequest, NamedRows, Output, Rendered};
use halle_extensions::{PluginError, PluginResult};
use serde_json::Value;

use super::SENTENCE_BYTES_MAX;
use crate::admit::Ready;
use crate::bindings::visualisation::exports::halle::visualisation::view as wit;
use crate::columns;
use crate::convert::{fields_to_wit, json, one_line, optional_json, plain};
use crate::host::{Inner, wrong_kind};
use crate::limits::bad_answer;
use crate::weigh::Weigh;

const REQUESTS_MAX: usize = 16;
const REQUEST_ROWS_MAX: u32 = 10_000;
const NAME_BYTES_MAX: usize = 100;
/// Bytes of a picture.
const OUTPUT_BYTES_MAX: usize = 8 << 20;

/// Data wanted.
pub async fn queries(inner: &Inner, call: Call) -> PluginResult<Vec<DataRequest>> {
    let (limits, config) = (call.plugin.limits, call.config.to_string());
    inner
        .once(call, limits, move |store, ready| {
            Box::pin(async move {
                let Ready::Visualisation(pre) = ready else { return wrong_kind() };
                let world = pre.instantiate_async(&mut *store).await?;
                store.data_mut().gave(config.weight());
                match world.halle_visualisation_view().call_query(&mut *store, &config).await? {
                    Ok(requests) => {
                        let texts =
                            requests.iter().map(|(name, request)| name.weight() + request.query.weight());
                        store.data_mut().took(texts.sum());
                        requests_from_wit(requests).map(Ok)
                    }
                    Err(problem) => Ok(Err(problem)),
                }
            })
        })
        .await
}

fn requests_from_wit(requests: Vec<(String, wit::DataRequest)>) -> wasmtime::Result<Vec<DataRequest>> {
    if requests.len() > REQUESTS_MAX {
        return Err(bad_answer(format!("{} data requests, more than {REQUESTS_MAX}", requests.len())));
    }
    let request = |(name, request): (String, wit::DataRequest)| {
        let query = json(&request.query, "a data request")?;
        let operation = query.get("operation").and_then(Value::as_str).unwrap_or_default();
        if !matches!(operation, "lines" | "values_agg" | "metric_agg") {
            return Err(bad_answer(format!(
                "the data request `{}` has no known `operation`",
                one_line(&name, NAME_BYTES_MAX)
            )));
        }
        let max_rows = request.max_rows.clamp(1, REQUEST_ROWS_MAX);
        Ok(DataRequest { name: one_line(&name, NAME_BYTES_MAX), query, max_rows })
    };
    requests.into_iter().map(request).collect()
}

/// Draws. Data of more rows than one batch may have is cut there.
pub async fn render(
    inner: &Inner,
    call: Call,
    data: Vec<NamedRows>,
    context: Value,
) -> PluginResult<Rendered> {
    let (limits, config, context) = (call.plugin.limits, call.config.to_string(), context.to_string());
    let data = data.into_iter().map(|named| {
        let length = named.rows.num_rows().min(REQUEST_ROWS_MAX as usize);
        let rows = columns::to_wit(&named.rows.slice(0, length), &named.schema)?;
        Ok(wit::DatasetRows { name: named.name, schema: fields_to_wit(&named.schema), rows })
    });
    let data = data
        .collect::<Result<Vec<_>, String>>()
        .map_err(|error| PluginError::Unavailable(format!("the data do not fit their schema: {error}")))?;
    inner
        .once(call, limits, move |store, ready| {
            Box::pin(async move {
                let Ready::Visualisation(pre) = ready else { return wrong_kind() };
                let world = pre.instantiate_async(&mut *store).await?;
                let view = world.halle_visualisation_view();
                let rows = data.iter().map(|named| named.rows.weight() + named.schema.weight()).sum::<u64>();
                store.data_mut().gave(rows + config.weight() + context.weight());
                match view.call_render(&mut *store, &data, &config, &context).await? {
                    Ok(rendered) => {
                        let picture = output_bytes(&rendered.output) as u64;
                        store.data_mut().took(picture + rendered.alt.weight() + rendered.table.weight());
                        rendered_from_wit(rendered).map(Ok)
                    }
                    Err(problem) => Ok(Err(problem)),
                }
            })
        })
        .await
}

fn output_bytes(output: &wit::Output) -> usize {
    match output {
        wit::Output::Svg(text)
        | wit::Output::Html(text)
        | wit::Output::VegaLite(text)
        | wit::Output::Vega(text) => text.len(),
    }
}

fn rendered_from_wit(rendered: wit::Rendered) -> wasmtime::Result<Rendered> {
    if output_bytes(&rendered.output) > OUTPUT_BYTES_MAX {
        return Err(bad_answer(format!("the picture has more than {} MiB", OUTPUT_BYTES_MAX >> 20)));
    }
    let output = match rendered.output {
        wit::Output::Svg(text) => Output::Svg(text),
        wit::Output::Html(text) => Output::Html(text),
        wit::Output::VegaLite(text) => Output::VegaLite(json(&text, "the Vega-Lite document")?),
        wit::Output::Vega(text) => Output::Vega(json(&text, "the Vega document")?),
    };
    let table = optional_json(rendered.table.as_deref(), "the table")?;
    Ok(Rendered { output, alt: plain(&rendered.alt, SENTENCE_BYTES_MAX), table })
}
