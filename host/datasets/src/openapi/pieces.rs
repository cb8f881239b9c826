//! Small pieces of OpenAPI documents.

use std::borrow::Cow;

use halle_model::permission::dataset_operation;
use serde_json::{Map, Value, json};

/// Members of an object, in the order given.
pub(super) fn object(members: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(members.into_iter().collect())
}

/// Name of the operation that lists values with their labels. Names are unique; its permission is `getValues`.
pub(super) const VALUES_LABELS: &str = "getValuesLabels";

/// A query parameter.
pub(super) fn query(name: &str, description: &str, schema: Value) -> Value {
    json!({ "in": "query", "name": name, "description": description, "required": false, "schema": schema })
}

/// A parameter that is part of the path.
pub(super) fn in_path(name: &str, description: &str, schema: Value) -> Value {
    json!({ "in": "path", "name": name, "description": description, "required": true, "schema": schema })
}

/// A text.
pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// A whole number between two limits.
pub(super) fn whole(default: usize, minimum: usize, maximum: usize) -> Value {
    json!({ "type": "integer", "default": default, "minimum": minimum, "maximum": maximum })
}

/// One of some texts.
pub(super) fn one_of(values: &[&str]) -> Value {
    json!({ "type": "string", "enum": values })
}

/// A content of one media type.
pub(super) fn content(media_type: &str, schema: Value) -> Value {
    object([(media_type.to_owned(), json!({ "schema": schema }))])
}

/// JSON.
pub(super) fn json_content(schema: Value) -> Value {
    content("application/json", schema)
}

/// An operation in the making.
pub(super) struct Operation {
    id: Cow<'static, str>,
    summary: Cow<'static, str>,
    tag: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    responses: Map<String, Value>,
    permission: Option<&'static str>,
}

impl Operation {
    /// An operation of a dataset: `id` is the permission it takes.
    pub(super) fn of_dataset(id: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self { permission: Some(id), ..Self::new(id, tag, summary) }
    }

    /// An operation that no permission of a dataset stands for.
    pub(super) fn new(id: &'static str, tag: &'static str, summary: &'static str) -> Self {
        let responses = Map::new();
        Self {
            id: id.into(),
            summary: summary.into(),
            tag,
            parameters: Vec::new(),
            body: None,
            responses,
            permission: None,
        }
    }

    /// Another name than that of the permission, which belongs to another operation.
    pub(super) fn named(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.id = id.into();
        self
    }

    /// Another summary than the one given first.
    pub(super) fn about(mut self, summary: String) -> Self {
        self.summary = summary.into();
        self
    }

    pub(super) fn parameters(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    pub(super) fn body(mut self, content: Value) -> Self {
        self.body = Some(json!({ "required": true, "content": content }));
        self
    }

    pub(super) fn answers(mut self, status: u16, description: &str, content: Value) -> Self {
        let response = json!({ "description": description, "content": content });
        self.responses.insert(status.to_string(), response);
        self
    }

    pub(super) fn answers_nothing(mut self, status: u16, description: &str) -> Self {
        self.responses.insert(status.to_string(), json!({ "description": description }));
        self
    }

    /// A refusal: a text for people.
    pub(super) fn refuses(self, status: u16, description: &str) -> Self {
        self.answers(status, description, content("text/plain", text()))
    }

    pub(super) fn build(self) -> Value {
        let mut operation = Map::new();
        operation.insert("operationId".to_owned(), self.id.as_ref().into());
        operation.insert("summary".to_owned(), self.summary.as_ref().into());
        operation.insert("tags".to_owned(), json!([self.tag]));
        if let Some(permission) = self.permission {
            let class = dataset_operation(permission).class.as_str();
            operation.insert("x-permissionClass".to_owned(), class.into());
        }
        if !self.parameters.is_empty() {
            operation.insert("parameters".to_owned(), self.parameters.into());
        }
        if let Some(body) = self.body {
            operation.insert("requestBody".to_owned(), body);
        }
        operation.insert("responses".to_owned(), Value::Object(self.responses));
        Value::Object(operation)
    }
}
