//! What a plugin says of itself, as it is kept and shown.

use halle_extensions::host::{Described, DescribedColumn};
use serde_json::Value;
use wasmtime::Store;

use crate::admit::Ready;
use crate::bindings::shared::halle::base::types as wit;
use crate::convert::{one_line, optional_json};
use crate::guest::Guest;

/// Codes or columns of one list; what is beyond is left out.
const ITEMS_MAX: usize = 32;
/// Bytes of a code.
const CODE_BYTES_MAX: usize = 64;
/// Bytes of a title, a key or a concept.
const TEXT_BYTES_MAX: usize = 1 << 10;
/// Bytes of details; larger ones are left out.
const DETAILS_BYTES_MAX: usize = 16 << 10;

/// Instantiates a plugin and asks what it is.
pub async fn describe(store: &mut Store<Guest>, ready: &Ready) -> wasmtime::Result<Described> {
    match ready {
        Ready::Catalog(pre) => {
            let world = pre.instantiate_async(&mut *store).await?;
            let said = world.halle_catalog_connector().call_describe(store).await?;
            Ok(Described { abilities: codes(&said.abilities), ..titled(&said.title) })
        }
        Ready::Processing(pre) => {
            let world = pre.instantiate_async(&mut *store).await?;
            let said = world.halle_processing_job().call_describe(store).await?;
            Ok(Described { details: details(said.details.as_deref())?, ..titled(&said.title) })
        }
        Ready::Enricher(pre) => {
            let world = pre.instantiate_async(&mut *store).await?;
            let said = world.halle_enricher_enrichment().call_describe(store).await?;
            Ok(Described { columns: columns(said.inputs), ..titled(&said.title) })
        }
        Ready::Visualisation(pre) => {
            let world = pre.instantiate_async(&mut *store).await?;
            let said = world.halle_visualisation_view().call_describe(store).await?;
            let sizes = codes(&said.sizes);
            Ok(Described { columns: columns(said.needs), sizes, ..titled(&said.title) })
        }
        Ready::RemoteService(pre) => {
            let world = pre.instantiate_async(&mut *store).await?;
            let said = world.halle_remote_service_adapter().call_describe(store).await?;
            Ok(Described { formats: codes(&said.formats), ..titled(&said.title) })
        }
    }
}

fn titled(title: &str) -> Described {
    Described { title: one_line(title, TEXT_BYTES_MAX), ..Described::default() }
}

fn codes(codes: &[String]) -> Vec<String> {
    codes.iter().take(ITEMS_MAX).map(|code| one_line(code, CODE_BYTES_MAX)).collect()
}

fn columns(fields: Vec<wit::Field>) -> Vec<DescribedColumn> {
    let text = |text: String| one_line(&text, TEXT_BYTES_MAX);
    let column = |field: wit::Field| DescribedColumn {
        key: text(field.key),
        kind: one_line(&field.kind, CODE_BYTES_MAX),
        is_optional: field.nullable,
        title: field.title.map(text),
        concept: field.concept.map(text),
    };
    fields.into_iter().take(ITEMS_MAX).map(column).collect()
}

fn details(text: Option<&str>) -> wasmtime::Result<Option<Value>> {
    let told = optional_json(text, "what the plugin says of itself")?;
    Ok(told.filter(|_| text.is_some_and(|text| text.len() <= DETAILS_BYTES_MAX)))
}
