//! Who may listen on `datasets/{id}/journal`, `datasets/{id}/task-progress` and `datasets/{id}/transactions`
//! (reference §1.13).

use std::sync::Arc;

use futures::FutureExt;
use halle_http::realtime::Authorize;
use halle_http::{ApiError, ApiResult};

use crate::state::Datasets;

/// Decides about subscriptions to the channels of datasets: the operation is `realtime-` and the last segment.
pub fn authorize(datasets: &Datasets) -> Authorize {
    let datasets = datasets.clone();
    Arc::new(move |caller, channel| {
        let (datasets, caller, channel) = (datasets.clone(), caller.clone(), channel.to_owned());
        async move { check(&datasets, &caller, &channel).await }.boxed()
    })
}

async fn check(datasets: &Datasets, caller: &halle_model::Caller, channel: &str) -> ApiResult<()> {
    let segments: Vec<&str> = channel.split('/').collect();
    let operation = match segments[..] {
        ["datasets", _, "journal"] => "realtime-journal",
        ["datasets", _, "task-progress"] => "realtime-task-progress",
        ["datasets", _, "transactions"] => "realtime-transactions",
        _ => {
            let message = format!("Le canal \"{channel}\" n'existe pas. The channel does not exist.");
            return Err(ApiError::bad_request(message));
        }
    };
    datasets.load(caller, segments[1], operation).await?;
    Ok(())
}
