//! Configurations of plugins: validation against the manifest's schema, and the secrets they hold.
//!
//! A secret is typed into a field that says `x-secret`. It leaves the configuration before anything is stored: what stays
//! there is its name, the pointer of the field without the first `/`. A form shows a row of `*`; the same row coming back
//! means that nothing changed.

use halle_base::Secret;
use serde_json::Value;

use crate::types::Problem;

/// What a form shows in place of a secret that is set.
pub const MASK: &str = "********";

/// Depth to which a schema is searched for secrets and URLs.
const SCHEMA_DEPTH_MAX: usize = 32;

/// Errors told at once.
const ERRORS_MAX: usize = 20;

/// A schema, ready to validate.
#[derive(Debug, Clone)]
pub struct ConfigSchema {
    validator: std::sync::Arc<jsonschema::Validator>,
    secrets: Vec<String>,
    egress: Vec<String>,
}

/// What somebody did to a secret in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretEdit {
    /// The mask came back.
    Unchanged,
    /// The field is empty or gone.
    Cleared,
    /// A new value.
    Set(Secret<String>),
}

impl ConfigSchema {
    /// Checks a schema and finds its secrets and its URLs. The error says what is wrong with it.
    pub fn new(schema: &Value) -> Result<Self, String> {
        if !schema.is_object() {
            return Err("must be a JSON Schema, written as a table".to_owned());
        }
        if has_remote_reference(schema, 0) {
            return Err("refers to another document: `$ref` must start with `#`".to_owned());
        }
        jsonschema::draft202012::meta::validate(schema).map_err(|error| {
            format!("is no JSON Schema 2020-12: {} at `{}`", error, error.instance_path())
        })?;
        let validator = jsonschema::draft202012::new(schema)
            .map_err(|error| format!("is no JSON Schema 2020-12: {error}"))?;
        let mut fields = Fields::default();
        fields.search(schema, schema, "", 0)?;
        Ok(Self { validator: std::sync::Arc::new(validator), secrets: fields.secrets, egress: fields.egress })
    }

    /// Names of the secrets: pointers without the first `/`.
    pub fn secret_names(&self) -> &[String] {
        &self.secrets
    }

    /// Pointers of the fields that hold a URL the plugin calls.
    pub fn egress_pointers(&self) -> &[String] {
        &self.egress
    }

    /// Checks a configuration. Problems have the pointer of their field.
    pub fn validate(&self, config: &Value) -> Result<(), Vec<Problem>> {
        let problems: Vec<Problem> = self
            .validator
            .iter_errors(config)
            .take(ERRORS_MAX)
            .map(|error| {
                let field = error.instance_path().to_string();
                // The value that failed may be a secret: it is not repeated.
                let place = if field.is_empty() { "configuration".to_owned() } else { field.clone() };
                let message = format!("{place}: {}", error.masked_with("the value"));
                Problem { field: Some(field), ..Problem::new("config/invalid", message) }
            })
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Takes the secrets out of what a form sent, leaving their names. `known` are the names that have a value already.
    pub fn take_secrets(&self, config: &mut Value, known: &[String]) -> Vec<(String, SecretEdit)> {
        let mut edits = Vec::with_capacity(self.secrets.len());
        for name in &self.secrets {
            let is_known = known.contains(name);
            let edit = match config.pointer(&format!("/{name}")).and_then(Value::as_str) {
                None | Some("") => SecretEdit::Cleared,
                Some(text) if text.bytes().all(|b| b == b'*') || (is_known && text == name) => {
                    SecretEdit::Unchanged
                }
                Some(text) => SecretEdit::Set(Secret::new(text.to_owned())),
            };
            let has_value = match edit {
                SecretEdit::Set(_) => true,
                SecretEdit::Unchanged => is_known,
                SecretEdit::Cleared => false,
            };
            if let Some(field) = config.pointer_mut(&format!("/{name}")) {
                *field = Value::String(if has_value { name.clone() } else { String::new() });
            }
            edits.push((name.clone(), edit));
        }
        edits
    }

    /// A stored configuration as a form shows it: the mask in place of each secret that is set.
    pub fn masked(&self, config: &Value) -> Value {
        let mut shown = config.clone();
        for name in &self.secrets {
            if let Some(field) = shown.pointer_mut(&format!("/{name}"))
                && field.as_str().is_some_and(|text| !text.is_empty())
            {
                *field = Value::String(MASK.to_owned());
            }
        }
        shown
    }
}

/// Fields with a meaning for the host, found in a schema.
#[derive(Default)]
struct Fields {
    secrets: Vec<String>,
    egress: Vec<String>,
}

impl Fields {
    fn search(&mut self, root: &Value, schema: &Value, at: &str, depth: usize) -> Result<(), String> {
        if depth > SCHEMA_DEPTH_MAX {
            return Err(format!("is nested more than {SCHEMA_DEPTH_MAX} levels deep, or refers to itself"));
        }
        self.mark(schema, at)?;
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
            let target =
                root.pointer(target).ok_or_else(|| format!("refers to `#{target}`, which is not there"))?;
            self.search(root, target, at, depth + 1)?;
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                let step = name.replace('~', "~0").replace('/', "~1");
                self.search(root, property, &format!("{at}/{step}"), depth + 1)?;
            }
        }
        for keyword in ["oneOf", "anyOf", "allOf"] {
            for branch in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
                self.search(root, branch, at, depth + 1)?;
            }
        }
        for keyword in ["if", "then", "else"] {
            if let Some(branch) = schema.get(keyword) {
                self.search(root, branch, at, depth + 1)?;
            }
        }
        if let Some(items) = schema.get("items") {
            let mut inner = Self::default();
            inner.search(root, items, &format!("{at}/-"), depth + 1)?;
            if let Some(field) = inner.secrets.first().or(inner.egress.first()) {
                return Err(format!(
                    "`{field}` says x-secret or x-egress inside a list, where it has no name"
                ));
            }
        }
        Ok(())
    }

    fn mark(&mut self, schema: &Value, at: &str) -> Result<(), String> {
        for (keyword, pointers) in [("x-secret", &mut self.secrets), ("x-egress", &mut self.egress)] {
            if schema.get(keyword) != Some(&Value::Bool(true)) {
                continue;
            }
            if schema.get("type").and_then(Value::as_str) != Some("string") || at.is_empty() {
                return Err(format!("`{at}` says {keyword} but is no text: `type` must be `string`"));
            }
            let pointer = if keyword == "x-secret" { at[1..].to_owned() } else { at.to_owned() };
            if !pointers.contains(&pointer) {
                pointers.push(pointer);
            }
        }
        Ok(())
    }
}

fn has_remote_reference(schema: &Value, depth: usize) -> bool {
    if depth > 2 * SCHEMA_DEPTH_MAX {
        return true;
    }
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| {
            let is_remote = matches!(key.as_str(), "$ref" | "$dynamicRef")
                && value.as_str().is_some_and(|target| !target.starts_with('#'));
            is_remote || has_remote_reference(value, depth + 1)
        }),
        Value::Array(items) => items.iter().any(|item| has_remote_reference(item, depth + 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> ConfigSchema {
        ConfigSchema::new(&json!({
            "type": "object",
            "required": ["url"],
            "additionalProperties": false,
            "properties": {
                "url": {"type": "string", "x-egress": true},
                "auth": {"oneOf": [
                    {"properties": {"method": {"const": "none"}}},
                    {"properties": {"method": {"const": "bearer"}, "token": {"type": "string", "x-secret": true}}},
                ]},
            },
        }))
        .unwrap()
    }

    #[test]
    fn errors_point_to_their_field_and_do_not_repeat_values() {
        let problems = schema().validate(&json!({"url": 42})).unwrap_err();
        assert_eq!(problems[0].field.as_deref(), Some("/url"));
        assert!(!problems[0].message.contains("42"), "{}", problems[0].message);
        assert_eq!(schema().validate(&json!({"url": "https://a.example"})), Ok(()));
    }

    #[test]
    fn secrets_leave_the_configuration_and_masks_mean_unchanged() {
        let schema = schema();
        assert_eq!(schema.secret_names(), ["auth/token"]);
        assert_eq!(schema.egress_pointers(), ["/url"]);
        let mut config = json!({"url": "u", "auth": {"method": "bearer", "token": "hunter2"}});
        let edits = schema.take_secrets(&mut config, &[]);
        assert_eq!(edits, [("auth/token".to_owned(), SecretEdit::Set(Secret::new("hunter2".to_owned())))]);
        assert_eq!(config["auth"]["token"], "auth/token");

        let known = vec!["auth/token".to_owned()];
        let mut shown = schema.masked(&config);
        assert_eq!(shown["auth"]["token"], MASK);
        assert_eq!(schema.take_secrets(&mut shown, &known)[0].1, SecretEdit::Unchanged);
        assert_eq!(shown, config);

        let mut emptied = json!({"url": "u", "auth": {"method": "bearer", "token": ""}});
        assert_eq!(schema.take_secrets(&mut emptied, &known)[0].1, SecretEdit::Cleared);
    }

    #[test]
    fn patterns_that_explode_come_to_an_end() {
        // The first in linear time; the second, which looks ahead, gives up after a number of steps.
        for pattern in ["^(a+)+$", "^(?=(a+)+$)(a|aa)+b$"] {
            let schema = json!({"properties": {"name": {"type": "string", "pattern": pattern}}});
            let schema = ConfigSchema::new(&schema).unwrap();
            let evil = format!("{}!", "a".repeat(10_000));
            assert!(schema.validate(&json!({ "name": evil })).is_err(), "{pattern}");
        }
    }

    #[test]
    fn schemas_that_cannot_be_honoured_are_refused() {
        let refused = |schema: Value| ConfigSchema::new(&schema).unwrap_err();
        assert!(refused(json!({"type": "thing"})).contains("2020-12"));
        assert!(refused(json!({"$ref": "https://elsewhere.example/s.json"})).contains("another document"));
        assert!(refused(json!({"properties": {"a": {"type": "integer", "x-secret": true}}})).contains("/a"));
        let list = json!({"properties": {"l": {"items": {"properties": {"k": {"type": "string", "x-secret": true}}}}}});
        assert!(refused(list).contains("inside a list"));
        assert!(refused(json!({"$ref": "#"})).contains("refers to itself"));
    }
}
