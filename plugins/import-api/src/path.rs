//! Paths into JSON: `a.b`, `list[].x`.

use halle_plugin::serde_json::Value;

/// All values at a path. `list[]` goes into each element of a list; an empty path is the value itself.
pub fn values<'a>(root: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut current = vec![root];
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let (name, each) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        current = current
            .into_iter()
            .filter_map(|value| if name.is_empty() { Some(value) } else { member(value, name) })
            .collect();
        if each {
            current = current.into_iter().flat_map(elements).collect();
        }
    }
    current.retain(|value| !value.is_null());
    current
}

/// The one value at a path, if there is one.
pub fn value<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    values(root, path).into_iter().next()
}

/// The elements at a path: of a list, or the values of an object.
pub fn list<'a>(root: &'a Value, path: &str) -> Vec<&'a Value> {
    values(root, path).into_iter().flat_map(elements).collect()
}

/// The text of a column: scalars as they are, lists joined by the separator, an object as its values.
pub fn text(root: &Value, path: &str, separator: &str) -> String {
    let mut parts = Vec::new();
    for value in values(root, path) {
        flatten(value, &mut parts);
    }
    parts.join(separator)
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        _ => value.get(name),
    }
}

fn elements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        Value::Null => Vec::new(),
        scalar => vec![scalar],
    }
}

fn flatten(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::String(text) => out.push(text.clone()),
        Value::Array(_) | Value::Object(_) => {
            elements(value).into_iter().for_each(|element| flatten(element, out))
        }
        scalar => out.push(scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halle_plugin::serde_json::json;

    #[test]
    fn paths_reach_into_objects_lists_and_lists_of_objects() {
        let item = json!({ "a": { "b": 1 }, "list": [{ "x": "u" }, { "x": null }, { "x": "v" }], "tags": ["p", "q"], "o": { "k": 1, "l": "z" } });
        let found = |path: &str| text(&item, path, ";");
        assert_eq!(found("a.b"), "1");
        assert_eq!(found("list[].x"), "u;v");
        assert_eq!(found("list.0.x"), "u");
        assert_eq!(found("tags"), "p;q");
        assert_eq!(found("o"), "1;z");
        assert_eq!(found("nothing.here"), "");
        assert_eq!(list(&json!([1, 2]), "").len(), 2);
    }
}
