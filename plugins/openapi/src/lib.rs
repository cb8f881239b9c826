//! Services described in OpenAPI 3 become enrichments.
//!
//! An action is a POST whose `x-operationType` is `http://schema.org/SearchAction`; it works in bulk when both its body and its
//! answer are collections, ndjson or JSON lists. The properties of both sides that have a concept (`x-refersTo`) are its inputs and outputs; the one whose concept is the
//! identifier carries the index of the row, so that answers may come in any order.
//!
//! **Invariant:** rows without any input are never sent.
//!
//! [`document`] reads descriptions and [`schema`] what they say of objects, [`wire`] writes requests and reads answers.

mod document;
mod schema;
mod wire;

use halle_plugin::messages::Response;
use halle_plugin::remote_service::{Answer, Call, Described, Operation, RemoteService, Service};
use halle_plugin::serde_json::Value;
use halle_plugin::{Result, Rows};

/// The adapter.
pub struct OpenApi;

impl RemoteService for OpenApi {
    fn describe() -> Described {
        Described {
            title: "Services décrits en OpenAPI".to_owned(),
            formats: vec!["openapi-3.0".to_owned(), "openapi-3.1".to_owned()],
        }
    }

    fn operations(document: Value) -> Result<Vec<Operation>> {
        document::operations(&document)
    }

    fn build(service: &Service, rows: &Rows<'_>) -> Result<Vec<Call>> {
        wire::build(service, rows)
    }

    fn parse(service: &Service, calls: &[Call], responses: &[Response]) -> Result<Answer> {
        wire::parse(service, calls, responses)
    }
}

halle_plugin::export_remote_service!(OpenApi);
