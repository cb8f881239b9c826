//! Reading a configuration into the plugin's own type.

use serde::de::DeserializeOwned;

use crate::problem::{Problem, Result};

/// Reads a configuration. A problem (`config/invalid`) names the field it is about.
///
/// The host validated the configuration against the manifest's schema already, and every kind reads it into its `Config`: a
/// problem here means that type and schema disagree. Call it for parts that a plugin keeps as JSON.
///
/// ```
/// #[derive(Debug, serde::Deserialize)]
/// struct Config {
///     url: String,
///     rows: u32,
/// }
/// let config: Config = halle_plugin::config::read(r#"{"url": "https://a.test", "rows": 10}"#)?;
/// assert_eq!((config.url.as_str(), config.rows), ("https://a.test", 10));
///
/// let problem = halle_plugin::config::read::<Config>(r#"{"url": "https://a.test", "rows": "x"}"#).unwrap_err();
/// assert_eq!(problem.code, "config/invalid");
/// assert_eq!(problem.field.as_deref(), Some("/rows"));
/// # Ok::<(), halle_plugin::Problem>(())
/// ```
pub fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let at = pointer(error.path());
        illegible(at, &error.into_inner())
    })?;
    deserializer.end().map_err(|error| illegible(String::new(), &error))?;
    Ok(read)
}

/// Which field is wrong, and how, without what stood there: it may be personal.
fn illegible(mut field: String, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    let why = match (missing, text.split_once(", expected ")) {
        (Some(name), _) => {
            push(&mut field, name);
            "absent".to_owned()
        }
        (None, Some((_, expected))) => format!("illisible, attendu : {expected}"),
        (None, None) => format!("illisible, {text}"),
    };
    let place = if field.is_empty() { "Configuration" } else { &field };
    let message = format!("{place} : {why}.");
    Problem::config(field, message)
}

/// The JSON pointer of a path.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment::{Enum, Map, Seq, Unknown};
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Seq { index } => push(&mut pointer, &index.to_string()),
            Map { key } => push(&mut pointer, key),
            Enum { .. } | Unknown => {}
        }
    }
    pointer
}

/// One step further.
fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Auth {
        #[expect(dead_code, reason = "only read")]
        user: String,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Config {
        #[expect(dead_code, reason = "only read")]
        auth: Option<Auth>,
        #[serde(default)]
        #[expect(dead_code, reason = "only read")]
        steps: Vec<u32>,
        #[serde(default)]
        #[expect(dead_code, reason = "only read")]
        names: BTreeMap<String, bool>,
    }

    #[test]
    fn a_configuration_that_cannot_be_read_names_the_field_and_not_the_value() {
        for (json, field) in [
            (r#"{"auth": {"user": 4711}}"#, "/auth/user"),
            (r#"{"steps": [1, "4711"]}"#, "/steps/1"),
            (r#"{"names": {"a/b~c": 4711}}"#, "/names/a~1b~0c"),
            (r#"{"auth": {}}"#, "/auth/user"),
            ("4711", ""),
            ("{} 4711", ""),
        ] {
            let problem = read::<Config>(json).unwrap_err();
            assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("config/invalid", Some(field)));
            assert!(!problem.message.contains("4711"), "{}", problem.message);
            assert!(problem.message.contains(field), "{}", problem.message);
        }
    }
}
