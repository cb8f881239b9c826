//! Messages as they happen: an in-process hub, Data Fair's WebSocket protocol over it, and server-sent events.
//!
//! Whoever changes something publishes on a channel (`datasets/{id}/journal`); sockets that subscribed get
//! `{type: "message", channel, data, date}`. Nothing is kept: a reader that comes later reads the stored journal or log.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use halle_base::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::app_keys::{ApplicationKeys, KeyedPage};
use crate::auth::ApiKeys;
use crate::error::{ApiError, ApiResult};

/// Messages that a slow reader may lag behind before it loses some.
const BACKLOG_MESSAGES_MAX: usize = 1_024;

/// Channels that one socket may subscribe to.
const SUBSCRIPTIONS_PER_SOCKET_MAX: usize = 200;

/// Bytes of one message from a client.
const CLIENT_MESSAGE_BYTES_MAX: usize = 64 << 10;

/// Time between two pings. A socket that answered nothing between two pings is closed.
const PING_PERIOD: Duration = Duration::from_secs(30);

/// Close code of RFC 6455's registry: try again later.
const CLOSE_TRY_AGAIN: u16 = 1013;

/// One message of a channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Channel, such as `datasets/{id}/journal`.
    pub channel: String,
    /// What happened.
    pub data: Value,
    /// When it was published.
    pub date: Timestamp,
}

/// Hands messages of this process to whoever subscribed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    sender: broadcast::Sender<Arc<Message>>,
    clock: Arc<dyn Clock>,
}

impl Hub {
    /// A hub without subscribers.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { sender: broadcast::Sender::new(BACKLOG_MESSAGES_MAX), clock }
    }

    /// Whether anybody subscribed to anything: else there is no need to put messages together.
    pub fn is_heard(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Sends `data` to the subscribers of `channel`. Never waits; without subscribers nothing happens.
    pub fn publish(&self, channel: &str, data: Value) {
        if !self.is_heard() {
            return;
        }
        let message = Message { channel: channel.to_owned(), data, date: self.clock.now() };
        // An error only says that the last subscriber left meanwhile.
        let _unheard = self.sender.send(Arc::new(message));
    }

    /// Messages of the channel `prefix` and of those below it (`prefix/...`); every message when `prefix` is empty.
    pub fn subscribe(&self, prefix: &str) -> Subscription {
        Subscription { receiver: self.sender.subscribe(), prefix: prefix.to_owned() }
    }
}

/// What a subscription has next.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// A message.
    Message(Arc<Message>),
    /// The reader was too slow: this many messages of the whole hub were lost.
    Lost(u64),
}

/// A reader of the hub.
#[derive(Debug)]
pub struct Subscription {
    receiver: broadcast::Receiver<Arc<Message>>,
    prefix: String,
}

impl Subscription {
    /// The next delivery; `None` when the hub is gone. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            match self.receiver.recv().await {
                Ok(message) if is_below(&message.channel, &self.prefix) => {
                    return Some(Delivery::Message(message));
                }
                Ok(_other_channel) => {}
                Err(broadcast::error::RecvError::Lagged(lost)) => return Some(Delivery::Lost(lost)),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Answers with server-sent events: one `message` event per message, its data as [`Message`] in JSON, and an event
    /// `lost` with the number of messages when the client was too slow.
    pub fn into_sse(self) -> Response {
        let events = futures::stream::unfold(self, |mut subscription| async {
            let event = match subscription.next().await? {
                Delivery::Message(message) => Event::default().event("message").json_data(&*message),
                Delivery::Lost(count) => Ok(Event::default().event("lost").data(count.to_string())),
            };
            let event = event.unwrap_or_else(|error| Event::default().comment(error.to_string()));
            Some((Ok::<_, Infallible>(event), subscription))
        });
        Sse::new(events).keep_alive(KeepAlive::new().interval(PING_PERIOD)).into_response()
    }
}

fn is_below(channel: &str, prefix: &str) -> bool {
    prefix.is_empty()
        || channel.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Decides whether a caller may subscribe to a channel. The caller is only borrowed for the call: clone what the
/// future needs.
pub type Authorize =
    Arc<dyn Fn(&halle_model::Caller, &str) -> BoxFuture<'static, ApiResult<()>> + Send + Sync>;

/// What a WebSocket route needs.
#[derive(Clone)]
pub struct Realtime {
    /// Where messages come from.
    pub hub: Hub,
    /// Resolves the `apiKey` of a subscription; without it such a subscription is refused.
    pub keys: Option<Arc<dyn ApiKeys>>,
    /// Knows what the `applicationKey` of a subscription opens; without it such a key opens nothing.
    pub applications: Option<Arc<dyn ApplicationKeys>>,
    /// Decides about each subscription. Superadmins are let through without asking.
    pub authorize: Authorize,
}

impl Realtime {
    /// Answers an upgrade request: the handler of a service's root socket.
    pub fn upgrade(self, upgrade: WebSocketUpgrade, caller: halle_model::Caller) -> Response {
        upgrade
            .max_message_size(CLIENT_MESSAGE_BYTES_MAX)
            .on_upgrade(move |socket| async move { serve(socket, self, caller).await })
    }

    /// The caller of one subscription: the API key it names, else the session of the socket.
    async fn caller_of(
        &self,
        request: &Request,
        session: &halle_model::Caller,
    ) -> ApiResult<halle_model::Caller> {
        let Some(clear) = &request.api_key else { return self.lent(request, session).await };
        let unknown = || ApiError::unauthorized("Cette clé d'API est inconnue.");
        let keys = self.keys.as_ref().ok_or_else(unknown)?;
        keys.resolve_on(clear, &request.channel).await?.ok_or_else(unknown)
    }

    /// The session, with what the key of an application lends it.
    async fn lent(&self, request: &Request, session: &halle_model::Caller) -> ApiResult<halle_model::Caller> {
        let (Some(keys), Some(key)) = (&self.applications, &request.application_key) else {
            return Ok(session.clone());
        };
        let page = KeyedPage { key: key.clone(), application: request.app_id.clone() };
        Ok(halle_model::Caller { passes: keys.passes(&page).await?, ..session.clone() })
    }

    async fn check(&self, request: &Request, session: &halle_model::Caller) -> ApiResult<()> {
        let caller = self.caller_of(request, session).await?;
        if caller.admin_mode {
            return Ok(());
        }
        (self.authorize)(&caller, &request.channel).await
    }
}

/// What a client sends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    api_key: Option<String>,
    #[serde(default)]
    application_key: Option<String>,
    #[serde(default)]
    app_id: Option<String>,
}

/// Speaks Data Fair's protocol on one socket until either side leaves (reference §1.13).
async fn serve(mut socket: WebSocket, realtime: Realtime, session: halle_model::Caller) {
    let mut messages = realtime.hub.subscribe("");
    let mut channels = BTreeSet::new();
    let mut pings = tokio::time::interval(PING_PERIOD);
    pings.tick().await; // The first tick is immediate.
    let mut heard = true;
    loop {
        let answer = tokio::select! {
            frame = socket.recv() => {
                heard = true;
                match frame {
                    Some(Ok(Frame::Text(text))) => Some(answer(&text, &mut channels, &realtime, &session).await),
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => None,
                }
            }
            delivery = messages.next() => match delivery {
                Some(Delivery::Message(message)) => channels.contains(&message.channel).then(|| envelope(&message)),
                Some(Delivery::Lost(count)) => {
                    tracing::warn!(count, "closed a WebSocket that read too slowly");
                    let reason = Utf8Bytes::from_static("messages were lost, connect again");
                    let frame = CloseFrame { code: CLOSE_TRY_AGAIN, reason };
                    let _gone = socket.send(Frame::Close(Some(frame))).await;
                    return;
                }
                None => return,
            },
            _ = pings.tick() => {
                if !heard || socket.send(Frame::Ping(bytes::Bytes::new())).await.is_err() {
                    return;
                }
                heard = false;
                None
            }
        };
        if let Some(answer) = answer
            && socket.send(Frame::Text(answer.to_string().into())).await.is_err()
        {
            return;
        }
    }
}

fn envelope(message: &Message) -> Value {
    json!({ "type": "message", "channel": message.channel, "data": message.data, "date": message.date })
}

/// The answer to one client message; `channels` changes with it.
async fn answer(
    text: &str,
    channels: &mut BTreeSet<String>,
    realtime: &Realtime,
    session: &halle_model::Caller,
) -> Value {
    let error = |error: &ApiError, channel: Option<&str>| {
        let mut fields = BTreeMap::from([
            ("type", json!("error")),
            ("status", json!(error.status.as_u16())),
            ("data", json!(error.message)),
        ]);
        if let Some(channel) = channel {
            fields.insert("channel", json!(channel));
        }
        json!(fields)
    };
    let request: Request = match serde_json::from_str(text) {
        Ok(request) => request,
        Err(cause) => {
            let message =
                format!("Message illisible : {cause}. Attendu : {{\"type\":\"subscribe\",\"channel\":...}}.");
            return error(&ApiError::bad_request(message), None);
        }
    };
    let channel = request.channel.clone();
    match request.kind.as_str() {
        "subscribe" | "unsubscribe" if channel.is_empty() => {
            error(&ApiError::bad_request("Le champ `channel` est obligatoire."), None)
        }
        "unsubscribe" => {
            channels.remove(&channel);
            json!({ "type": "unsubscribe-confirm", "channel": channel })
        }
        "subscribe" if channels.len() >= SUBSCRIPTIONS_PER_SOCKET_MAX => {
            let message = format!(
                "Pas plus de {SUBSCRIPTIONS_PER_SOCKET_MAX} abonnements par connexion : désabonnez-vous d'un canal."
            );
            error(&ApiError::bad_request(message), Some(&channel))
        }
        "subscribe" => match realtime.check(&request, session).await {
            Ok(()) => {
                channels.insert(channel.clone());
                json!({ "type": "subscribe-confirm", "channel": channel })
            }
            Err(refusal) => error(&refusal, Some(&channel)),
        },
        other => {
            let message = format!("Type de message inconnu : `{other}`. Attendu : subscribe ou unsubscribe.");
            error(&ApiError::bad_request(message), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use halle_base::SystemClock;

    use super::*;

    fn hub() -> Hub {
        Hub::new(Arc::new(SystemClock))
    }

    fn realtime(allowed: &'static str) -> Realtime {
        let authorize: Authorize = Arc::new(move |_caller, channel| {
            let answer = if channel == allowed { Ok(()) } else { Err(ApiError::forbidden("non")) };
            Box::pin(std::future::ready(answer))
        });
        Realtime { hub: hub(), keys: None, applications: None, authorize }
    }

    #[tokio::test]
    async fn a_subscription_hears_its_channel_and_those_below() {
        let hub = hub();
        let mut subscription = hub.subscribe("datasets/a");
        hub.publish("datasets/ab/journal", json!(1));
        hub.publish("datasets/a/journal", json!(2));
        let Some(Delivery::Message(message)) = subscription.next().await else { panic!("no message") };
        assert_eq!((message.channel.as_str(), &message.data), ("datasets/a/journal", &json!(2)));
    }

    #[tokio::test]
    async fn a_reader_that_lags_is_told_how_much_it_lost() {
        let hub = hub();
        let mut subscription = hub.subscribe("");
        for i in 0..BACKLOG_MESSAGES_MAX + 3 {
            hub.publish("c", json!(i));
        }
        assert_eq!(subscription.next().await, Some(Delivery::Lost(3)));
    }

    #[tokio::test]
    async fn subscriptions_are_confirmed_or_refused() {
        let (realtime, mut channels) = (realtime("datasets/a/journal"), BTreeSet::new());
        let caller = halle_model::Caller::anonymous();
        let text = r#"{"type":"subscribe","channel":"datasets/a/journal"}"#;
        let confirmed = answer(text, &mut channels, &realtime, &caller).await;
        assert_eq!(confirmed, json!({"type":"subscribe-confirm","channel":"datasets/a/journal"}));
        let text = r#"{"type":"subscribe","channel":"datasets/b/journal"}"#;
        let refused = answer(text, &mut channels, &realtime, &caller).await;
        assert_eq!((&refused["type"], &refused["status"]), (&json!("error"), &json!(403)));
        assert_eq!(channels.len(), 1);
        let text = r#"{"type":"subscribe","channel":"datasets/a/journal","apiKey":"x"}"#;
        let unknown = answer(text, &mut channels, &realtime, &caller).await;
        assert_eq!(unknown["status"], json!(401));
        let broken = answer("{", &mut channels, &realtime, &caller).await;
        assert_eq!(broken["status"], json!(400));
    }
}
