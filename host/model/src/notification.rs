//! Notifications that people send about a dataset: what they write, and what is kept and delivered of it (reference §1.2, and
//! the events of Data Fair's platform).

use std::collections::BTreeMap;

use halle_base::AccountRef;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Name under which webhooks ask for every notification; followed by `:slug` for those about one dataset, and by
/// `:slug:topic` for one topic of it.
pub const USER_NOTIFICATION: &str = "dataset-user-notification";

/// Characters of a topic, of a title, and of what a recipient is known by.
const NAME_CHARS_MAX: usize = 200;

/// Characters of the text of a notification.
const BODY_CHARS_MAX: usize = 10_000;

/// Parameters of addresses that a notification may have.
const URL_PARAMS_MAX: usize = 20;

/// Who may know of a notification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Whoever subscribed.
    Public,
    /// The account that owns the dataset, or the recipient.
    #[default]
    Private,
}

/// A person to whom a notification is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Identifier of the user.
    pub id: String,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A notification as its author writes it: the body of `POST /datasets/{id}/user-notification`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NewNotification {
    /// What about, within the dataset; `:` separates levels.
    pub topic: Option<String>,
    /// A line.
    pub title: Option<String>,
    /// A text.
    pub body: Option<String>,
    /// What fills the addresses of those who subscribed, besides `id` and `slug`.
    pub url_params: BTreeMap<String, String>,
    /// The only one who gets it.
    pub recipient: Option<Recipient>,
    /// Private when not said.
    pub visibility: Visibility,
}

/// What a notification is about, for those who subscribe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// `data-fair:dataset-user-notification:{slug}:{topic}`.
    pub key: String,
    /// Title of the dataset.
    pub title: String,
}

/// The thing that a notification is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// `dataset`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its identifier.
    pub id: String,
    /// Its title when the notification was sent.
    pub title: String,
}

/// Who wrote a notification: a person, an account by its key, or a superadmin, of whom no more is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Originator {
    /// The person: `{id, name}`, or `{admin: true}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<OriginatorUser>,
    /// The account of a key that belongs to nobody in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<Recipient>,
}

/// A person who wrote a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OriginatorUser {
    /// Anybody.
    Person(Recipient),
    /// A superadmin in admin mode.
    Superadmin {
        /// True.
        admin: bool,
    },
}

/// A notification that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Identifier.
    #[serde(rename = "_id")]
    pub id: String,
    /// What about.
    pub topic: Topic,
    /// A line.
    pub title: String,
    /// A text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What fills the addresses of those who subscribed: `id` and `slug` of the dataset at least.
    pub url_params: BTreeMap<String, String>,
    /// Who may know.
    pub visibility: Visibility,
    /// When it was sent.
    pub date: Timestamp,
    /// Owner of the dataset.
    pub sender: AccountRef,
    /// Who wrote it.
    pub originator: Originator,
    /// The dataset.
    pub resource: Resource,
    /// The only one who gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
}

impl NewNotification {
    /// What is missing or too long, in French.
    pub fn check(&self) -> Result<(), String> {
        let is_empty = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
        let missing: Vec<&str> = [("\"topic\"", &self.topic), ("\"title\"", &self.title)]
            .into_iter()
            .filter_map(|(name, text)| is_empty(text).then_some(name))
            .collect();
        if !missing.is_empty() {
            return Err(format!("Il manque à la notification : {}.", missing.join(", ")));
        }
        let recipient = self.recipient.as_ref();
        if recipient.is_some_and(|recipient| recipient.id.trim().is_empty()) {
            return Err("Il manque au destinataire de la notification : \"recipient.id\".".to_owned());
        }
        let mut texts = vec![
            ("topic", self.topic.as_deref(), NAME_CHARS_MAX),
            ("title", self.title.as_deref(), NAME_CHARS_MAX),
            ("body", self.body.as_deref(), BODY_CHARS_MAX),
            ("recipient.id", recipient.map(|recipient| recipient.id.as_str()), NAME_CHARS_MAX),
            ("recipient.name", recipient.and_then(|recipient| recipient.name.as_deref()), NAME_CHARS_MAX),
        ];
        texts.extend(self.url_params.iter().flat_map(|(name, value)| {
            [
                ("urlParams", Some(name.as_str()), NAME_CHARS_MAX),
                ("urlParams", Some(value.as_str()), NAME_CHARS_MAX),
            ]
        }));
        if self.url_params.len() > URL_PARAMS_MAX {
            return Err(format!("\"urlParams\" a au plus {URL_PARAMS_MAX} paramètres."));
        }
        match texts.iter().find(|(_, text, max)| text.is_some_and(|text| text.chars().count() > *max)) {
            Some((name, _, max)) => Err(format!("\"{name}\" a au plus {max} caractères.")),
            None => Ok(()),
        }
    }
}

impl Notification {
    /// The event as webhooks name it: `dataset-user-notification:{slug}:{topic}`.
    pub fn event(&self) -> &str {
        self.topic.key.strip_prefix("data-fair:").unwrap_or(&self.topic.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> String {
        let notification: NewNotification = serde_json::from_str(body).unwrap();
        notification.check().err().unwrap_or_default()
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(refusal("{}"), "Il manque à la notification : \"topic\", \"title\".");
        assert_eq!(refusal(r#"{"topic":"a","title":" "}"#), "Il manque à la notification : \"title\".");
        assert_eq!(
            refusal(r#"{"topic":"a","title":"b","recipient":{"id":""}}"#),
            "Il manque au destinataire de la notification : \"recipient.id\"."
        );
        assert_eq!(refusal(r#"{"topic":"a","title":"b"}"#), "");
    }

    #[test]
    fn whatever_is_kept_is_bounded() {
        let long = "é".repeat(201);
        let refused = refusal(&format!(r#"{{"topic":"a","title":"{long}"}}"#));
        assert_eq!(refused, "\"title\" a au plus 200 caractères.");
        let refused = refusal(&format!(r#"{{"topic":"a","title":"b","urlParams":{{"a":"{long}"}}}}"#));
        assert_eq!(refused, "\"urlParams\" a au plus 200 caractères.");
        assert!(serde_json::from_str::<NewNotification>(r#"{"tittle":"b"}"#).is_err());
    }

    #[test]
    fn a_superadmin_stays_unnamed() {
        let user = Some(OriginatorUser::Superadmin { admin: true });
        let told = serde_json::to_value(Originator { user, organization: None }).unwrap();
        assert_eq!(told, serde_json::json!({ "user": { "admin": true } }));
        assert!(serde_json::from_value::<Originator>(told).is_ok());
    }
}
