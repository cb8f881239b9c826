//! What is installed.

use std::sync::Arc;

use halle_extensions::grants::{Grants, Limits};
use halle_extensions::registry::Installed;
use serde_json::{Value, json};

/// The plugin of this name, or `None`: `import` and `waiting` (processings, the second without grants), `neighbour` (a
/// connector), `openapi` (an adapter of services), `chart` (a visualisation), `capitals` (an enricher).
pub(super) fn find(id: &str) -> Option<Arc<Installed>> {
    let kind = match id {
        "import" | "waiting" => "processing",
        "neighbour" => "catalog-connector",
        "openapi" => "remote-service",
        "chart" => "visualisation",
        "capitals" => "enricher",
        _ => return None,
    };
    let manifest = json!({
        "schema": 1,
        "plugin": {
            "id": id, "version": "1.0.0", "kind": kind, "contract": format!("halle:{kind}@1"),
            "title": { "fr": id }, "licence": "MIT",
        },
        "config": schema(kind),
        "slots": if kind == "processing" { json!({ "output": { "direction": "write" } }) } else { json!({}) },
    });
    Some(Arc::new(Installed {
        id: id.to_owned(),
        digest: format!("digest of {id}"),
        manifest: serde_json::from_value(manifest).expect("the manifest above is sound"),
        grants: (id != "waiting").then(Grants::default),
        limits: Limits::default(),
        signed_by: None,
    }))
}

fn schema(kind: &str) -> Value {
    match kind {
        "processing" | "catalog-connector" => json!({
            "type": "object",
            "properties": {
                "url": { "type": "string", "x-egress": true },
                "mode": { "enum": ["rows", "fail", "hang", "stubborn", "trigger", "read-only", "half"] },
                "token": { "type": "string", "x-secret": true },
            },
            "required": ["url"],
            "additionalProperties": false,
        }),
        "visualisation" => json!({
            "type": "object",
            "properties": { "dataset": { "type": "string" }, "type": { "enum": ["bar", "trap", "html", "vega", "script"] } },
            "required": ["dataset"],
        }),
        _ => Value::Null,
    }
}
