//! Webhooks: calls to other systems when something happens, which an account declares in its settings (reference §1.9).

use serde::{Deserialize, Serialize};

use crate::notification::USER_NOTIFICATION;
use crate::settings::{TEXT_CHARS_MAX, named, web_address};

/// Characters of the title of a webhook: jobs name it.
const WEBHOOK_TITLE_CHARS_MAX: usize = 200;

/// A call to another system when something happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Name.
    pub title: String,
    /// Events: of [`WEBHOOK_EVENTS`], or [`USER_NOTIFICATION`] with a dataset and a topic; all when empty.
    #[serde(default)]
    pub events: Vec<String>,
    /// Where to call.
    pub target: WebhookTarget,
}

impl Webhook {
    /// Whether the event called `name` is one of those, or below one of them: `:` separates levels.
    pub fn wants(&self, name: &str) -> bool {
        let covers = |event: &String| {
            name.strip_prefix(event.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        self.events.is_empty() || self.events.iter().any(covers)
    }
}

/// Whether a webhook may name this event.
fn is_event(event: &str) -> bool {
    let of_users = event.strip_prefix(USER_NOTIFICATION);
    WEBHOOK_EVENTS.contains(&event)
        || of_users.is_some_and(|rest| rest.starts_with(':') && event.chars().count() <= TEXT_CHARS_MAX)
}

/// Where a webhook calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "params", rename_all = "lowercase")]
pub enum WebhookTarget {
    /// `POST` of `{text, href, event}` as JSON.
    Http(HttpTarget),
}

/// Where a webhook calls by HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTarget {
    /// Absolute URL, `http` or `https`.
    pub url: String,
}

/// Events that a webhook may name (reference §1.9), and the notifications that people send.
pub const WEBHOOK_EVENTS: &[&str] = &[
    "dataset-dataset-created",
    "dataset-draft-data-updated",
    "dataset-data-updated",
    "dataset-structure-updated",
    "dataset-error",
    "dataset-breaking-change",
    "dataset-finalize-end",
    "dataset-publication",
    USER_NOTIFICATION,
    "application-application-created",
    "application-error",
    "application-publication",
];

/// What is wrong with a webhook, in French.
pub(crate) fn check_webhook(webhook: &Webhook) -> Result<(), String> {
    named(&webhook.title, "title")?;
    if webhook.title.chars().count() > WEBHOOK_TITLE_CHARS_MAX {
        return Err(format!("`title` doit avoir au plus {WEBHOOK_TITLE_CHARS_MAX} caractères."));
    }
    if let Some(event) = webhook.events.iter().find(|event| !is_event(event)) {
        let known = WEBHOOK_EVENTS.join(", ");
        return Err(format!("l'évènement `{event}` n'existe pas ; possibles : {known}."));
    }
    let WebhookTarget::Http(target) = &webhook.target;
    web_address(&target.url, "target.params.url")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_wants_what_is_below_what_it_names() {
        let hook = |events: &[&str]| Webhook {
            title: "w".to_owned(),
            events: events.iter().map(|&event| event.to_owned()).collect(),
            target: WebhookTarget::Http(HttpTarget { url: "https://example.org".to_owned() }),
        };
        let sent = "dataset-user-notification:arbres:alertes:gel";
        for event in ["dataset-user-notification", "dataset-user-notification:arbres", sent] {
            assert!(hook(&[event]).wants(sent) && check_webhook(&hook(&[event])).is_ok(), "{event}");
        }
        assert!(hook(&[]).wants(sent));
        for event in
            ["dataset-user-notification:arb", "dataset-user-notification:arbres:gel", "dataset-error"]
        {
            assert!(!hook(&[event]).wants(sent), "{event}");
        }
        assert!(check_webhook(&hook(&["dataset-user-notifications"])).is_err());
    }
}
