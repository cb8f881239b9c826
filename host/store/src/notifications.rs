//! Notifications that people send: kept for the account that sent them and for their recipient, and handed to webhooks.
//!
//! They are logs: what comes when there are too many takes the place of the oldest.

use halle_base::AccountRef;
use halle_model::notification::Notification;
use serde_json::json;

use crate::settings::call_webhooks;
use crate::{StoreError, StoreResult, UnitOfWork};

/// Notifications kept of those that one account sent, and of those that one person received.
pub const NOTIFICATIONS_KEPT_MAX: u32 = 1_000;

/// Stream of the notifications that were sent about what the account with this key owns.
pub fn sent_by(account: &str) -> String {
    format!("events/{account}")
}

/// Stream of the notifications that a person received.
pub fn received_by(user: &str) -> String {
    format!("notifications/{user}")
}

/// Stream that holds `{seen}`: the number of the last notification that a person has read.
pub fn seen_by(user: &str) -> String {
    format!("notifications-seen/{user}")
}

/// Keeps a notification and enqueues the calls of the webhooks that want it: those of its recipient when it has one, else those
/// of the account that sends it. Part of one unit of work, so that what is kept is delivered.
pub async fn send(unit: &mut dyn UnitOfWork, notification: &Notification) -> StoreResult<()> {
    let body = serde_json::to_value(notification).map_err(StoreError::engine)?;
    let at = notification.date;
    unit.logs().append(&sent_by(&notification.sender.key()), at, &body, NOTIFICATIONS_KEPT_MAX).await?;
    let mut told = notification.sender.clone();
    if let Some(recipient) = &notification.recipient {
        unit.logs().append(&received_by(&recipient.id), at, &body, NOTIFICATIONS_KEPT_MAX).await?;
        told = AccountRef::user(&recipient.id, recipient.name.as_deref().unwrap_or_default());
    }
    let resource = &notification.resource;
    let event = notification.event();
    let event_of_resource = event.strip_prefix("dataset-").unwrap_or(event);
    let payload = json!({
        "resource": resource.kind, "id": resource.id, "event": event_of_resource, "notification": body,
    });
    call_webhooks(unit, &told, event, &payload, at).await
}
