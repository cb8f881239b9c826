//! World `processing`.

use halle_extensions::PluginResult;
use halle_extensions::host::{Call, Outcome, Prepared};
use serde_json::Value;

use super::{SENTENCE_BYTES_MAX, prepared};
use crate::admit::Ready;
use crate::convert::{optional_json, plain};
use crate::host::{Inner, wrong_kind};
use crate::weigh::Weigh;

/// Runs to the end.
pub async fn run(inner: &Inner, call: Call, trigger: Value) -> PluginResult<Outcome> {
    let (limits, trigger) = (call.plugin.limits, trigger.to_string());
    inner
        .once(call, limits, move |store, ready| {
            Box::pin(async move {
                let Ready::Processing(pre) = ready else { return wrong_kind() };
                let world = pre.instantiate_async(&mut *store).await?;
                store.data_mut().gave(trigger.weight());
                let ended = match world.halle_processing_job().call_run(&mut *store, &trigger).await? {
                    Ok(ended) => ended,
                    Err(problem) => return Ok(Err(problem)),
                };
                store.data_mut().took(ended.summary.weight() + ended.details.weight());
                let redactor = &store.data().redactor;
                let mut details = optional_json(ended.details.as_deref(), "details")?;
                if let Some(details) = &mut details {
                    redactor.json(details);
                }
                let summary = plain(&redactor.text(&ended.summary), SENTENCE_BYTES_MAX);
                Ok(Ok(Outcome { summary, details }))
            })
        })
        .await
}

/// Checks a configuration.
pub async fn prepare(inner: &Inner, call: Call, draft: Value) -> PluginResult<Prepared> {
    let (limits, given) = (call.plugin.limits, draft.to_string());
    inner
        .once(call, limits, move |store, ready| {
            Box::pin(async move {
                let Ready::Processing(pre) = ready else { return wrong_kind() };
                let world = pre.instantiate_async(&mut *store).await?;
                store.data_mut().gave(given.weight());
                match world.halle_processing_job().call_prepare(&mut *store, &given).await? {
                    Ok(done) => prepared(store.data_mut(), &draft, &done.config, done.notes).map(Ok),
                    Err(problem) => Ok(Err(problem)),
                }
            })
        })
        .await
}
