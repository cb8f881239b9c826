//! Live runs over Data Fair's WebSocket protocol: channels `processings/{id}/run-log` and `processings/{id}/run-patch`.

use std::sync::Arc;

use axum::extract::{State, WebSocketUpgrade};
use axum::response::Response;
use halle_http::realtime::Realtime;
use halle_http::{ApiError, Caller};

use crate::Processings;

/// The socket of this feature: whoever may read the runs may follow them.
pub(super) fn realtime(processings: &Processings, realtime: Realtime) -> Realtime {
    let processings = processings.clone();
    let authorize = Arc::new(move |caller: &halle_model::Caller, channel: &str| {
        let (processings, caller, channel) = (processings.clone(), caller.clone(), channel.to_owned());
        let decision: futures::future::BoxFuture<'static, _> = Box::pin(async move {
            match channel.split('/').collect::<Vec<_>>()[..] {
                ["processings", id, "run-log" | "run-patch"] => {
                    processings.permitted(&caller, id, "readRuns").await.map(drop)
                }
                _ => Err(ApiError::not_found(format!("le canal « {channel} » n'existe pas"))),
            }
        });
        decision
    });
    Realtime { authorize, ..realtime }
}

pub(super) async fn open(
    State(realtime): State<Realtime>,
    caller: Caller,
    upgrade: WebSocketUpgrade,
) -> Response {
    realtime.upgrade(upgrade, caller.0)
}
