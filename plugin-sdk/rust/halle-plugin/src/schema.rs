//! Schemas of configurations, without writing JSON: what stands in `[config]` of `plugin.toml`.
//!
//! ```
//! use halle_plugin::schema::{self, Schema};
//!
//! fn schema() -> Schema {
//!     Schema::new()
//!         .required("url", schema::egress("Adresse", "Address").pattern("^https://"))
//!         .optional("token", schema::secret("Jeton", "Token"))
//!         .optional("rows", schema::integer("Lignes par page", "Rows per page").range(1, 1000).default(100))
//! }
//!
//! // In a test of the plugin, `check_manifest(include_str!("../plugin.toml"))`.
//! let manifest = format!("[plugin]\nid = \"x\"\n\n{}", schema().to_toml());
//! schema().check_manifest(&manifest)?;
//! let old = manifest.replace("1000", "500");
//! assert!(schema().check_manifest(&old).unwrap_err().contains("maximum = 1000"));
//! # Ok::<(), String>(())
//! ```

mod toml;

use serde_json::{Map, Value, json};

/// The schema of a configuration: an object with these fields and no others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    required: Vec<String>,
    fields: Map<String, Value>,
}

impl Schema {
    /// A configuration without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a field that must be there.
    #[must_use]
    pub fn required(mut self, name: &str, field: Field) -> Self {
        self.required.push(name.to_owned());
        self.optional(name, field)
    }

    /// With a field that may be left out.
    #[must_use]
    pub fn optional(mut self, name: &str, field: Field) -> Self {
        self.fields.insert(name.to_owned(), Value::Object(field.0));
        self
    }

    /// As a JSON Schema.
    pub fn to_json(&self) -> Value {
        Value::Object(self.merged(Map::new()))
    }

    /// As the table `[config]` of `plugin.toml`.
    pub fn to_toml(&self) -> String {
        toml::table("config", &self.merged(Map::new()))
    }

    /// Compares with the table `[config]` of a manifest. The error has what should stand there.
    pub fn check_manifest(&self, manifest: &str) -> Result<(), String> {
        let expected = self.to_toml();
        if toml::found("config", manifest) == expected {
            return Ok(());
        }
        Err(format!("[config] of plugin.toml is not the schema. It should be:\n\n{expected}"))
    }

    fn merged(&self, mut into: Map<String, Value>) -> Map<String, Value> {
        into.insert("type".to_owned(), json!("object"));
        if !self.required.is_empty() {
            into.insert("required".to_owned(), json!(self.required));
        }
        into.insert("additionalProperties".to_owned(), json!(false));
        into.insert("properties".to_owned(), Value::Object(self.fields.clone()));
        into
    }
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Field(Map<String, Value>);

/// A text.
pub fn text(french: &str, english: &str) -> Field {
    Field::new("string", french, english)
}

/// A text that nobody must see; the plugin gets its name.
pub fn secret(french: &str, english: &str) -> Field {
    text(french, english).with("x-secret", true)
}

/// An address that the plugin calls: name it in `[http.<name>]` with `from-config`.
pub fn egress(french: &str, english: &str) -> Field {
    text(french, english).with("x-egress", true)
}

/// A whole number.
pub fn integer(french: &str, english: &str) -> Field {
    Field::new("integer", french, english)
}

/// A number.
pub fn number(french: &str, english: &str) -> Field {
    Field::new("number", french, english)
}

/// Yes or no.
pub fn boolean(french: &str, english: &str) -> Field {
    Field::new("boolean", french, english)
}

/// One out of some texts: what is stored, and its title in French and in English.
pub fn choice<'a>(
    french: &str,
    english: &str,
    choices: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Field {
    let choices = choices.into_iter().map(|(value, french, english)| {
        json!({ "const": value, "title": french, "x-i18n-title": { "fr": french, "en": english } })
    });
    text(french, english).with("oneOf", choices.collect::<Vec<_>>())
}

/// A dataset, for visualisations: `{"id", "title"}`.
pub fn dataset(french: &str, english: &str) -> Field {
    let names = json!({ "id": { "type": "string" }, "title": { "type": "string" } });
    Field::new("object", french, english).with("required", json!(["id"])).with("properties", names)
}

/// Any number of such fields. Secrets and addresses have no name in a list, and may not stand there.
pub fn list(french: &str, english: &str, of: Field) -> Field {
    Field::new("array", french, english).with("items", Value::Object(of.0))
}

/// Fields under a title of their own.
pub fn group(french: &str, english: &str, fields: Schema) -> Field {
    let titled = Field::new("object", french, english).0;
    Field(fields.merged(titled))
}

impl Field {
    fn new(kind: &str, french: &str, english: &str) -> Self {
        Self(Map::from_iter([("type".to_owned(), json!(kind))])).texts("title", french, english)
    }

    fn texts(self, keyword: &str, french: &str, english: &str) -> Self {
        self.with(keyword, french).with(&format!("x-i18n-{keyword}"), json!({ "fr": french, "en": english }))
    }

    /// With any other keyword of JSON Schema.
    #[must_use]
    pub fn with(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        self.0.insert(keyword.to_owned(), value.into());
        self
    }

    /// With a sentence below it, in French and in English.
    #[must_use]
    pub fn description(self, french: &str, english: &str) -> Self {
        self.texts("description", french, english)
    }

    /// With bounds, both included.
    #[must_use]
    pub fn range(self, minimum: impl Into<Value>, maximum: impl Into<Value>) -> Self {
        self.with("minimum", minimum).with("maximum", maximum)
    }

    /// With what the form begins with. What is left out is left out: give the type of the plugin the same default.
    #[must_use]
    pub fn default(self, value: impl Into<Value>) -> Self {
        self.with("default", value)
    }

    /// With a regular expression that a text must match, somewhere in it unless it says `^` and `$`.
    #[must_use]
    pub fn pattern(self, pattern: &str) -> Self {
        self.with("pattern", pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let auth = Schema::new()
            .optional("user", text("Compte", "User"))
            .optional("token", secret("Jeton", "Token"));
        Schema::new()
            .required("url", egress("Adresse", "Address").pattern("^https://\\S+$"))
            .optional("auth", group("Accès \"privé\"", "Access", auth))
            .optional("rows", integer("Lignes", "Rows").range(1, 1000).default(100))
            .optional("share", number("Part", "Share").range(0, 0.5))
            .optional("all", boolean("Tout", "All").description("Même le reste", "The rest too"))
            .optional(
                "format",
                choice("Format", "Format", [("csv", "Tableau", "Table"), ("json", "Liste", "List")]),
            )
            .optional("steps", list("Bornes", "Steps", number("Borne", "Step")))
            .optional("a b", dataset("Données", "Data"))
    }

    /// The same file is compared with in JavaScript and in Python.
    const EXPECTED: &str = include_str!("../tests/schema.toml");

    #[test]
    fn schemas_are_written_as_manifests_have_them() {
        assert_eq!(schema().to_toml(), EXPECTED);
        assert_eq!(schema().to_json()["properties"]["auth"]["properties"]["token"]["x-secret"], true);
        assert_eq!(schema().to_json()["required"], json!(["url"]));
    }

    #[test]
    fn a_manifest_that_differs_is_told_with_what_should_stand_there() {
        let manifest =
            |config: &str| format!("schema = 1\n\n[http.api]\nx = 1\n\n{config}\n[slots.output]\ny = 2\n");
        assert_eq!(schema().check_manifest(&manifest(EXPECTED)), Ok(()));
        assert_eq!(schema().check_manifest(&manifest(EXPECTED).replace('\n', "\r\n")), Ok(()));
        for other in [
            EXPECTED.replace("maximum = 1000", "maximum = 10"),
            String::new(),
            EXPECTED.replace("x-secret", "x"),
        ] {
            let told = schema().check_manifest(&manifest(&other)).unwrap_err();
            assert!(told.ends_with(EXPECTED), "{told}");
        }
    }
}
