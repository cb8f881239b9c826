//! The five kinds: what each export takes and gives, between the port and the contract.

pub mod catalog;
pub mod described;
pub mod enricher;
pub mod processing;
pub mod remote_service;
pub mod visualisation;

use halle_extensions::config::ConfigSchema;
use halle_extensions::host::Prepared;
use serde_json::Value;

use crate::bindings::shared::halle::base::types as wit;
use crate::convert::{json, problem_from_wit};
use crate::guest::Guest;
use crate::limits::bad_answer;
use crate::weigh::Weigh;

/// Remarks of one configuration.
const NOTES_MAX: usize = 50;

/// Bytes of a summary or an alternative text.
const SENTENCE_BYTES_MAX: usize = 4 << 10;

/// A configuration that a plugin made of `draft`, as it is stored and shown: without secrets that the draft did not have,
/// valid, and with its addresses and its secrets where the draft had them.
fn prepared(
    guest: &mut Guest,
    draft: &Value,
    config: &str,
    notes: Vec<wit::Problem>,
) -> wasmtime::Result<Prepared> {
    guest.took(config.weight());
    let redactor = &guest.redactor;
    let mut config = json(config, "the configuration")?;
    redactor.added(&mut config, draft);
    if let Some(schema) = &guest.call.plugin.manifest.config {
        let schema = ConfigSchema::new(schema)
            .map_err(|reason| bad_answer(format!("the plugin's configuration schema {reason}")))?;
        schema
            .check_prepared(draft, &config)
            .map_err(|problem| bad_answer(format!("the configuration that it prepared: {problem}")))?;
    }
    let notes = notes.into_iter().take(NOTES_MAX).map(|note| redactor.problem(problem_from_wit(note)));
    Ok(Prepared { config, notes: notes.collect() })
}
