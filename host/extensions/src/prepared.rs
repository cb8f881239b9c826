//! Where the secrets of a configuration go: a plugin that completes one, and a person who edits one, cannot make a stored
//! secret follow to another address.

use serde_json::Value;
use url::Url;

use crate::config::ConfigSchema;
use crate::types::Problem;

impl ConfigSchema {
    /// Checks what a plugin made of `before`: it obeys the schema, its addresses have the origin that a person typed, its
    /// secrets are untouched. Otherwise what is wrong; no value is repeated.
    pub fn check_prepared(&self, before: &Value, after: &Value) -> Result<(), Problem> {
        self.validate(after).map_err(|mut problems| problems.swap_remove(0))?;
        for pointer in self.egress_pointers() {
            if origin(before, pointer) != origin(after, pointer) {
                let message = format!("{pointer}: the plugin put another origin than the one that was typed");
                let problem = Problem::new("config/moved", message);
                return Err(Problem { field: Some(pointer.clone()), ..problem });
            }
        }
        for name in self.secret_names() {
            let pointer = format!("/{name}");
            if text(before, &pointer) != text(after, &pointer) {
                let message = format!("{pointer}: the plugin changed a secret");
                return Err(Problem {
                    field: Some(pointer),
                    ..Problem::new("config/secret-changed", message)
                });
            }
        }
        Ok(())
    }

    /// The first address that `after` has at another origin than `before`: secrets typed for the one do not follow to the other.
    pub fn moved_address(&self, before: &Value, after: &Value) -> Option<&str> {
        let moved = |pointer: &&String| {
            let now = origin(after, pointer);
            now.is_some() && now != origin(before, pointer)
        };
        self.egress_pointers().iter().find(moved).map(String::as_str)
    }
}

/// Scheme, host and port of the address in a field; none where there is no such address, and nowhere to go.
fn origin(config: &Value, pointer: &str) -> Option<String> {
    let url = Url::parse(text(config, pointer)).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.map(|url| url.origin().ascii_serialization())
}

/// The text of a field; an absent one says as little as an empty one.
fn text<'a>(config: &'a Value, pointer: &str) -> &'a str {
    config.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> ConfigSchema {
        ConfigSchema::new(&json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "url": { "type": "string", "x-egress": true },
                "key": { "type": "string", "x-secret": true },
                "other": { "type": "string", "x-secret": true },
                "pages": { "type": "integer" },
            },
        }))
        .unwrap()
    }

    fn answer(change: Value) -> Value {
        let mut config = json!({ "url": "https://api.example/v1", "key": "key" });
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        config
    }

    #[test]
    fn a_plugin_completes_a_configuration_without_moving_secrets() {
        let refused = |change: Value| {
            let problem = schema().check_prepared(&answer(json!({})), &answer(change)).unwrap_err();
            (problem.code, problem.field.unwrap_or_default())
        };
        let moved = ("config/moved".to_owned(), "/url".to_owned());
        for url in [
            "https://evil.example/v1",
            "https://api.example:8443/v1",
            "http://api.example/v1",
            "https://api.example@evil.example/",
            "https://api.example.evil.example/",
            "nowhere",
            "",
        ] {
            assert_eq!(refused(json!({ "url": url })), moved, "{url}");
        }
        let changed = |field: &str| ("config/secret-changed".to_owned(), field.to_owned());
        assert_eq!(refused(json!({ "key": "mine" })), changed("/key"));
        assert_eq!(refused(json!({ "key": "" })), changed("/key"));
        assert_eq!(refused(json!({ "other": "key" })), changed("/other"));
        assert_eq!(refused(json!({ "pages": "many" })).1, "/pages");
        assert_eq!(refused(json!({ "more": 1 })).0, "config/invalid");
        for change in
            [json!({}), json!({ "pages": 3, "other": "" }), json!({ "url": "HTTPS://API.example:443/v2?a" })]
        {
            assert_eq!(
                schema().check_prepared(&answer(json!({})), &answer(change.clone())),
                Ok(()),
                "{change}"
            );
        }
    }

    #[test]
    fn an_address_that_appears_has_moved_too() {
        let none = json!({ "key": "key" });
        assert_eq!(schema().moved_address(&none, &answer(json!({}))), Some("/url"));
        assert_eq!(schema().moved_address(&answer(json!({})), &none), None, "there is nowhere to go");
        assert!(schema().check_prepared(&none, &answer(json!({}))).is_err(), "a plugin cannot choose it");
    }
}
