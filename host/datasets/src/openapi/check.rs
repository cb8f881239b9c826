//! Whether a document is OpenAPI 3.1: the rules that clients trip over, each breach told with its place. Documents of any
//! origin come here, so schemas are left to JSON Schema, and extensions (`x-…`) to whoever wrote them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Members of a path that are operations.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Where a parameter may be.
const PLACES: [&str; 4] = ["query", "header", "path", "cookie"];

/// Errors told of one document.
const ERRORS_MAX: usize = 50;

/// What is wrong; nothing for a correct document.
pub(crate) fn check_document(document: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    let version = document["openapi"].as_str().unwrap_or_default();
    if !version.starts_with("3.1.") {
        errors.push(format!("openapi : `3.1.x` est attendu, pas `{version}`"));
    }
    for name in ["title", "version"] {
        if document["info"][name].as_str().is_none_or(str::is_empty) {
            errors.push(format!("info.{name} : un texte est attendu"));
        }
    }
    for (i, server) in document["servers"].as_array().into_iter().flatten().enumerate() {
        if !server["url"].is_string() {
            errors.push(format!("servers[{i}].url : un texte est attendu"));
        }
    }
    let has_content = ["paths", "components", "webhooks"].iter().any(|name| document[name].is_object());
    if !has_content {
        errors.push("paths : un objet est attendu".to_owned());
    }
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        if !path.starts_with('/') {
            errors.push(format!("paths.{path} : un chemin commence par /"));
        }
        if !item.is_object() {
            errors.push(format!("paths.{path} : un objet est attendu"));
        }
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let place = format!("paths.{path}.{method}");
                let parameters = parameters(document, item, operation);
                check_operation(&place, operation, &mut names, &mut errors);
                check_parameters(&place, path, &parameters, &mut errors);
            }
        }
    }
    errors.truncate(ERRORS_MAX);
    errors
}

fn check_operation<'a>(
    place: &str,
    operation: &'a Value,
    names: &mut BTreeSet<&'a str>,
    errors: &mut Vec<String>,
) {
    if let Some(name) = operation["operationId"].as_str().filter(|name| !names.insert(*name)) {
        errors.push(format!("{place}.operationId : `{name}` est déjà celui d'une autre opération"));
    }
    let body = operation.get("requestBody");
    if body.is_some_and(|body| !body["content"].is_object() && !body["$ref"].is_string()) {
        errors.push(format!("{place}.requestBody.content : un objet est attendu"));
    }
    // 3.1 makes responses optional; without one a client learns nothing.
    if operation["responses"].as_object().is_none_or(Map::is_empty) {
        errors.push(format!("{place}.responses : au moins une réponse est attendue"));
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let is_status = status == "default"
            || status.len() == 3 && status.starts_with(|c: char| ('1'..='5').contains(&c));
        if !is_status && !status.starts_with("x-") {
            errors.push(format!("{place}.responses.{status} : un statut HTTP est attendu"));
        }
        if !response["description"].is_string() && !response["$ref"].is_string() {
            errors.push(format!("{place}.responses.{status}.description : un texte est attendu"));
        }
    }
}

fn check_parameters(place: &str, path: &str, parameters: &[&Value], errors: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for parameter in parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        let kind = parameter["in"].as_str().unwrap_or_default();
        if name.is_empty() || !PLACES.contains(&kind) {
            errors
                .push(format!("{place}.parameters : `name` ou `in` manque ou n'est pas correct (`{name}`)"));
        } else if !seen.insert((name, kind)) {
            errors.push(format!("{place}.parameters : `{name}` est décrit deux fois"));
        }
        if !parameter["schema"].is_object()
            && !parameter["schema"].is_boolean()
            && !parameter["content"].is_object()
        {
            errors.push(format!("{place}.parameters : `{name}` n'a pas de `schema`"));
        }
        if kind == "path" && parameter["required"] != true {
            errors.push(format!("{place}.parameters : `{name}` doit être `required`"));
        }
    }
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    for name in names.filter(|name| !seen.contains(&(*name, "path"))) {
        errors.push(format!("{place}.parameters : le paramètre de chemin `{name}` n'est pas décrit"));
    }
}

/// Parameters of an operation, those of its path first, references followed.
fn parameters<'a>(document: &'a Value, item: &'a Value, operation: &'a Value) -> Vec<&'a Value> {
    let both = [&item["parameters"], &operation["parameters"]];
    let given = both.into_iter().filter_map(Value::as_array).flatten();
    let followed = given.map(|parameter| {
        let pointer = parameter["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
        pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(parameter)
    });
    followed.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({ "openapi": "3.1.0", "info": { "title": "T", "version": "1" }, "paths": {
            "/things/{id}": { "get": { "operationId": "readThing",
                "parameters": [{ "in": "path", "name": "id", "required": true, "schema": { "type": "string" } }],
                "responses": { "200": { "description": "The thing" } } } } } })
    }

    #[test]
    fn a_sound_document_has_no_errors() {
        assert_eq!(check_document(&document()), Vec::<String>::new());
    }

    #[test]
    fn each_breach_is_told_with_its_place() {
        let broken = |change: fn(&mut Value)| {
            let mut document = document();
            change(&mut document);
            check_document(&document).join("; ")
        };
        for (change, expected) in [
            ((|d| d["openapi"] = json!("2.0")) as fn(&mut Value), "openapi : `3.1.x`"),
            (|d| d["info"] = json!({ "title": "T" }), "info.version"),
            (|d| d["paths"]["/things/{id}"]["get"]["parameters"] = json!([]), "`id` n'est pas décrit"),
            (
                |d| d["paths"]["/things/{id}"]["get"]["parameters"][0]["required"] = json!(false),
                "`id` doit être `required`",
            ),
            (|d| d["paths"]["/things/{id}"]["get"]["responses"] = json!({}), "au moins une réponse"),
            (|d| d["paths"]["/things/{id}"]["get"]["responses"] = json!({ "200": {} }), "200.description"),
            (|d| d["paths"] = json!([]), "paths : un objet"),
            (
                |d| {
                    d["paths"]["/other"] = json!({ "get": { "operationId": "readThing", "responses": { "200": { "description": "" } } } });
                },
                "`readThing` est déjà",
            ),
        ] {
            let found = broken(change);
            assert!(found.contains(expected), "{found} / {expected}");
        }
    }
}
