//! Notifications about a dataset, in the platform's document.

use serde_json::{Value, json};

use super::pieces::{Operation, json_content, text};

/// Adds the operation.
pub(super) fn add(add: &mut impl FnMut(&str, &str, Operation)) {
    add("/datasets/{id}/user-notification", "post", send());
}

fn person() -> Value {
    json!({ "type": "object", "required": ["id"], "properties": { "id": text(), "name": text() } })
}

fn visibility() -> Value {
    json!({ "type": "string", "enum": ["public", "private"], "default": "private", "description":
        "`public` demande la permission `sendUserNotificationPublic` en plus." })
}

/// Sends a notification; also in the private document of the dataset.
pub(super) fn send() -> Operation {
    let parameters = || json!({ "type": "object", "additionalProperties": text() });
    let written = json!({ "type": "object", "required": ["topic", "title"], "additionalProperties": false, "properties": {
        "topic": { "type": "string", "description": "Sujet au sein du jeu de données ; `:` sépare les niveaux." },
        "title": text(),
        "body": text(),
        "urlParams": parameters(),
        "recipient": person(),
        "visibility": visibility(),
    } });
    let sent = json!({ "type": "object", "properties": {
        "_id": text(),
        "topic": { "type": "object", "properties": { "key": text(), "title": text() } },
        "title": text(),
        "body": text(),
        "urlParams": parameters(),
        "visibility": visibility(),
        "date": { "type": "string", "format": "date-time" },
        "sender": { "type": "object" },
        "originator": { "type": "object" },
        "resource": { "type": "object" },
        "recipient": person(),
    } });
    Operation::of_dataset(
        "sendUserNotification",
        "Jeux de données",
        "Envoyer une notification à ceux qui suivent le jeu de données.",
    )
    .body(json_content(written))
    .answers(200, "La notification envoyée.", json_content(sent))
}
