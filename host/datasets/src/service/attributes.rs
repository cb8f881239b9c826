//! Attributes that a producer sets: which are accepted, of which JSON type, and how they land in the dataset.

use halle_base::parse_id;
use halle_model::Dataset;
use halle_model::dataset::DESCRIPTIVE;
use serde_json::{Map, Value};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::remote_files;

/// Attributes that PATCH accepts (reference §1.4).
pub(crate) const PATCHABLE: &[&str] = &[
    "schema",
    "title",
    "summary",
    "description",
    "slug",
    "license",
    "origin",
    "image",
    "extensions",
    "publications",
    "publicationSites",
    "requestedPublicationSites",
    "virtual",
    "rest",
    "extras",
    "attachmentsAsImage",
    "projection",
    "attachments",
    "topics",
    "relatedDatasets",
    "thumbnails",
    "masterData",
    "primaryKey",
    "exports",
    "spatial",
    "temporal",
    "frequency",
    "creator",
    "modified",
    "keywords",
    "conformsTo",
    "analysis",
    "readApiKey",
    "nonBlockingValidation",
    "customMetadata",
    "constraints",
];

/// Attributes that only a creation accepts besides.
pub(crate) const CREATION_ONLY: &[&str] = &["isRest", "isMetaOnly", "isVirtual", "owner", "initFrom"];

/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 500;

/// Checks names and JSON types of attributes. 400 names the attribute, 501 the feature that is not there.
pub(crate) fn check_attributes(attributes: &Map<String, Value>, creation: bool) -> DatasetsResult<()> {
    for (name, value) in attributes {
        let known = PATCHABLE.contains(&name.as_str()) || creation && CREATION_ONLY.contains(&name.as_str());
        if !known {
            let message = format!("L'attribut \"{name}\" n'existe pas ou ne peut pas être modifié.");
            return Err(DatasetsError::bad_request(message));
        }
        if let Some(expected) =
            expected_type(name).filter(|expected| !value.is_null() && !is_a(value, expected))
        {
            let message = format!("L'attribut \"{name}\" n'a pas le bon type : {expected} attendu.");
            return Err(DatasetsError::bad_request(message));
        }
    }
    attributes.get("attachments").map_or(Ok(()), remote_files::check)?;
    if let Some(title) = attributes.get("title") {
        let text = title.as_str().unwrap_or_default().trim();
        if text.is_empty() || text.chars().count() > TITLE_CHARS_MAX {
            let message = format!("Le titre doit avoir de 1 à {TITLE_CHARS_MAX} caractères.");
            return Err(DatasetsError::bad_request(message));
        }
    }
    match attributes.get("slug").and_then(Value::as_str).map(parse_id) {
        Some(Err(error)) => Err(DatasetsError::bad_request(error.to_string())),
        _ => Ok(()),
    }
}

/// Sets the descriptive attributes and the title; `null` unsets. Other attributes are left to their own use cases.
pub(crate) fn set_description(dataset: &mut Dataset, attributes: &Map<String, Value>) {
    if let Some(title) = attributes.get("title").and_then(Value::as_str) {
        title.trim().clone_into(&mut dataset.title);
    }
    for (name, value) in attributes.iter().filter(|(name, _)| DESCRIPTIVE.contains(&name.as_str())) {
        if value.is_null() {
            dataset.description.shift_remove(name);
        } else if name == "attachments" {
            let listed = remote_files::with_known_targets(dataset.description.get(name), value.clone());
            dataset.description.insert(name.clone(), listed);
        } else {
            dataset.description.insert(name.clone(), value.clone());
        }
    }
}

fn expected_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "title" | "summary" | "description" | "slug" | "origin" | "image" | "spatial" | "frequency"
        | "creator" | "modified" => "texte",
        "schema"
        | "extensions"
        | "topics"
        | "keywords"
        | "publications"
        | "publicationSites"
        | "requestedPublicationSites"
        | "relatedDatasets"
        | "attachments"
        | "primaryKey"
        | "constraints" => "tableau",
        "virtual" | "initFrom" | "license" | "extras" | "projection" | "thumbnails" | "masterData"
        | "exports" | "temporal" | "conformsTo" | "analysis" | "customMetadata" | "owner" | "rest" => "objet",
        "isRest" | "isMetaOnly" | "isVirtual" | "attachmentsAsImage" | "nonBlockingValidation" => "booléen",
        _ => return None,
    })
}

fn is_a(value: &Value, expected: &str) -> bool {
    match expected {
        "texte" => value.is_string(),
        "tableau" => value.is_array(),
        "objet" => value.is_object(),
        _ => value.is_boolean(),
    }
}

/// Title of a file: its name without extensions, punctuation as spaces (`1-Réponse N° 1.csv` gives `1 Réponse N° 1`).
pub(crate) fn title_of_file(name: &str) -> String {
    let mut stem = name;
    for extension in [".gz", ".zip"] {
        stem = strip_suffix_ignore_case(stem, extension);
    }
    if let Some((before, extension)) = stem.rsplit_once('.') {
        let short = extension.len() <= 7 && extension.chars().all(|c| c.is_ascii_alphanumeric());
        stem = if short && !before.is_empty() { before } else { stem };
    }
    let spaced: String =
        stem.chars().map(|c| if matches!(c, '-' | '_' | '.' | ',' | ';' | '+') { ' ' } else { c }).collect();
    let title = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() { "Sans titre".to_owned() } else { title }
}

fn strip_suffix_ignore_case<'a>(text: &'a str, suffix: &str) -> &'a str {
    let cut = text.len().checked_sub(suffix.len()).filter(|&cut| cut > 0 && text.is_char_boundary(cut));
    cut.filter(|&cut| text[cut..].eq_ignore_ascii_case(suffix)).map_or(text, |cut| &text[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(attributes: Value, expected: &str) {
        let Value::Object(attributes) = attributes else { panic!("an object") };
        let found =
            check_attributes(&attributes, false).err().map_or_else(String::new, |error| error.to_string());
        assert_eq!(found, expected);
    }

    #[test]
    fn wrong_attributes_are_named() {
        check(json!({ "title": "A", "keywords": ["a"], "license": null, "rest": {"history": false} }), "");
        check(json!({ "isRest": true }), "L'attribut \"isRest\" n'existe pas ou ne peut pas être modifié.");
        check(json!({ "nope": 1 }), "L'attribut \"nope\" n'existe pas ou ne peut pas être modifié.");
        check(json!({ "keywords": "a" }), "L'attribut \"keywords\" n'a pas le bon type : tableau attendu.");
        check(json!({ "title": " " }), "Le titre doit avoir de 1 à 500 caractères.");
        check(
            json!({ "slug": "A b" }),
            "`A b` is not a valid identifier: use 1 to 200 lower-case letters, digits, `-` and `_`",
        );
    }

    #[test]
    fn titles_come_from_file_names() {
        for (name, title) in [
            ("1-Réponse N° 1.csv", "1 Réponse N° 1"),
            ("communes.CSV.GZ", "communes"),
            ("budget_2024.v2.csv", "budget 2024 v2"),
            (".csv", "csv"),
            ("sans extension", "sans extension"),
        ] {
            assert_eq!(title_of_file(name), title, "{name}");
        }
    }
}
