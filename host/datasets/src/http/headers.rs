//! Headers of every answer about one dataset: who owns it, and which operation was done (reference §1.2).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use halle_model::Dataset;
use halle_model::permission::dataset_operation;
use halle_store::ByteStream;
use serde_json::{Value, json};
use url::form_urlencoded;

/// `x-resource`, `x-owner` and `x-operation`. `track` is what usage counting calls the operation; itself when absent.
pub(crate) fn about(dataset: &Dataset, operation: &str, track: Option<&str>) -> HeaderMap {
    let operation = dataset_operation(operation);
    let mut done = json!({ "class": operation.class.as_str(), "id": operation.id });
    if let Some(track) = track {
        done["track"] = json!(track);
    }
    let mut owner = dataset.owner.clone();
    owner.name = encoded(&owner.name);
    owner.department_name = owner.department_name.as_deref().map(encoded);
    let values = [
        ("x-resource", json!({ "type": "datasets", "id": dataset.id, "title": encoded(&dataset.title) })),
        ("x-owner", json!(owner)),
        ("x-operation", done),
    ];
    values.into_iter().filter_map(header).collect()
}

/// A body that is sent as it is read. Fused, because layers such as compression ask again after the end, which many
/// streams answer with a panic.
pub(crate) fn streamed(body: ByteStream) -> Body {
    Body::from_stream(body.fuse())
}

/// An answer about a dataset.
pub(crate) fn answer(
    dataset: &Dataset,
    operation: &str,
    track: Option<&str>,
    response: impl IntoResponse,
) -> Response {
    let mut response = response.into_response();
    response.headers_mut().extend(about(dataset, operation, track));
    response
}

/// Text as `encodeURIComponent` writes it: headers hold ASCII only.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn header((name, value): (&'static str, Value)) -> Option<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_str(&value.to_string()).ok()?;
    Some((HeaderName::from_static(name), value))
}
