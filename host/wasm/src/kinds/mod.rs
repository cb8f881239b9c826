//! The five kinds: what each export takes and gives, between the port and the contract.

pub mod catalog;
pub mod enricher;
pub mod processing;
pub mod remote_service;
pub mod visualisation;

use halle_extensions::Problem;
use wasmtime::Store;

use crate::admit::Ready;
use crate::bindings::shared::halle::base::types as wit;
use crate::convert::problem_from_wit;
use crate::guest::Guest;

/// Remarks of one configuration.
const NOTES_MAX: usize = 50;

/// Bytes of a summary or an alternative text.
const SENTENCE_BYTES_MAX: usize = 4 << 10;

/// Instantiates a plugin and asks what it is.
pub async fn describe(store: &mut Store<Guest>, ready: &Ready) -> wasmtime::Result<()> {
    match ready {
        Ready::Catalog(pre) => {
            let world = pre.instantiate_async(&mut *store).await?;
            world.halle_catalog_connector().call_describe(store).await?;
        }
        Ready::Processing(pre) => {
            let world = pre.instantiate_async(&mut *store).await?;
            world.halle_processing_job().call_describe(store).await?;
        }
        Ready::Enricher(pre) => {
            let world = pre.instantiate_async(&mut *store).await?;
            world.halle_enricher_enrichment().call_describe(store).await?;
        }
        Ready::Visualisation(pre) => {
            let world = pre.instantiate_async(&mut *store).await?;
            world.halle_visualisation_view().call_describe(store).await?;
        }
        Ready::RemoteService(pre) => {
            let world = pre.instantiate_async(&mut *store).await?;
            world.halle_remote_service_adapter().call_describe(store).await?;
        }
    }
    Ok(())
}

fn notes(notes: Vec<wit::Problem>) -> Vec<Problem> {
    notes.into_iter().take(NOTES_MAX).map(problem_from_wit).collect()
}
