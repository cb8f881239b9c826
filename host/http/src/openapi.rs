//! The OpenAPI 3.1 description of the whole platform, merged from what each feature says of its own routes.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};
pub use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, Info, Paths, Ref, RefOr, ResponseBuilder};

use crate::base_url::BaseUrl;
use crate::conditional::{CacheFor, json as conditional_json};
use crate::error::ApiResult;
use crate::statuses::{Shape, meaning};

/// Path of the merged document.
pub const API_DOCS_PATH: &str = "/data-fair/api/v1/api-docs.json";

/// What one feature adds to the description: paths start at the origin (`/data-fair/api/v1/datasets`).
#[derive(Clone)]
pub struct OpenApiPart {
    /// Name of the feature, for error messages.
    pub feature: &'static str,
    /// Its document, from `#[derive(utoipa::OpenApi)]`; information and servers in it are ignored.
    pub document: OpenApi,
}

/// Why parts do not make one document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Two features describe one path.
    #[error("the features `{first}` and `{second}` both describe `{path}`: give the path to one of them")]
    Path {
        /// The path.
        path: String,
        /// Who came first.
        first: &'static str,
        /// Who came second.
        second: &'static str,
    },
    /// Two features give different schemas one name.
    #[error(
        "the feature `{feature}` has another schema named `{name}`: rename it with `#[schema(as = ...)]`"
    )]
    Schema {
        /// The name.
        name: String,
        /// Who came second.
        feature: &'static str,
    },
}

/// Merges the parts under one title. Fails when two disagree, so that a name clash is seen when the program starts.
pub fn merge(version: &str, parts: Vec<OpenApiPart>) -> Result<OpenApi, MergeError> {
    let mut root = OpenApi::new(Info::new("Halle", version), Paths::new());
    let mut origins: Vec<(String, &'static str)> = Vec::new();
    for OpenApiPart { feature, mut document } in parts {
        document.servers = None;
        for path in document.paths.paths.keys() {
            if let Some((path, first)) = origins.iter().find(|(known, _)| known == path) {
                return Err(MergeError::Path { path: path.clone(), first, second: feature });
            }
            origins.push((path.clone(), feature));
        }
        if let (Some(ours), Some(theirs)) = (&root.components, &document.components) {
            let clash = theirs
                .schemas
                .iter()
                .find(|(name, schema)| ours.schemas.get(*name).is_some_and(|own| own != *schema));
            if let Some((name, _)) = clash {
                return Err(MergeError::Schema { name: name.clone(), feature });
            }
        }
        root.merge(document);
    }
    describe_callers(&mut root);
    describe_refusals(&mut root);
    Ok(root)
}

/// Describes the refusals of each operation that it does not describe itself: with which status, and what it means. The
/// descriptions are in one place, and operations refer to them.
fn describe_refusals(document: &mut OpenApi) {
    let mut met = BTreeSet::new();
    for (path, item) in &mut document.paths.paths {
        let names = path.contains('{');
        let shape = |reads, has_body| Shape { reads, names, has_body };
        let operations = [
            (shape(true, false), &mut item.get),
            (shape(false, true), &mut item.post),
            (shape(false, true), &mut item.put),
            (shape(false, true), &mut item.patch),
            (shape(false, false), &mut item.delete),
        ];
        for (shape, operation) in operations {
            let Some(operation) = operation else { continue };
            for status in shape.refusals() {
                met.insert(status);
                let refused = RefOr::Ref(Ref::from_response_name(refused_as(status)));
                operation.responses.responses.entry(status.to_string()).or_insert(refused);
            }
        }
    }
    let components = document.components.get_or_insert_with(Components::default);
    for status in met {
        let refused = ResponseBuilder::new()
            .description(meaning(status).unwrap_or_default())
            .content("text/plain", ContentBuilder::new().build())
            // For who asks for JSON (RFC 9457).
            .content("application/problem+json", ContentBuilder::new().build());
        components.responses.insert(refused_as(status), RefOr::T(refused.build()));
    }
}

/// Name of the description of a refusal.
fn refused_as(status: u16) -> String {
    format!("Refused{status}")
}

/// How callers say who they are. Nothing at all is a way too, for what is public; a route that wants more says so.
fn describe_callers(document: &mut OpenApi) {
    let session = ApiKeyValue::with_description(
        "id_token",
        "Session: the cookies `id_token` and `id_token_sign`, from `POST /simple-directory/api/auth/password`.",
    );
    let key = ApiKeyValue::with_description("x-apiKey", "API key of a person or an organisation.");
    let schemes = [("session", ApiKey::Cookie(session)), ("apiKey", ApiKey::Header(key))];
    let mut ways = vec![SecurityRequirement::default()];
    let components = document.components.get_or_insert_with(Components::default);
    for (name, scheme) in schemes {
        components.add_security_scheme(name, SecurityScheme::ApiKey(scheme));
        ways.push(SecurityRequirement::new(name, Vec::<String>::new()));
    }
    document.security = Some(ways);
}

/// Serves the merged document at [`API_DOCS_PATH`], with the client's base URL as its server.
pub fn router<S: Clone + Send + Sync + 'static>(document: &OpenApi) -> Router<S> {
    let document = Arc::new(serde_json::to_value(document).unwrap_or_else(|_| json!({})));
    Router::new().route(API_DOCS_PATH, get(api_docs)).with_state(document)
}

/// What [`router`] itself adds to the description.
pub fn part() -> OpenApiPart {
    OpenApiPart { feature: "http", document: <Documentation as utoipa::OpenApi>::openapi() }
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(api_docs))]
struct Documentation;

/// Gives this description.
#[utoipa::path(get, path = "/data-fair/api/v1/api-docs.json", tag = "documentation", operation_id = "readApiDocs",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Value),
        (status = 304, description = "It is what the client has")))]
async fn api_docs(
    State(document): State<Arc<Value>>,
    base: BaseUrl,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let mut document = Value::clone(&document);
    document["servers"] = json!([{ "url": &*base.0 }]);
    conditional_json(&headers, CacheFor::Everybody, &document)
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::{PathItem, PathsBuilder};

    use super::*;

    fn part(feature: &'static str, path: &str) -> OpenApiPart {
        let paths = PathsBuilder::new().path(path, PathItem::default()).build();
        OpenApiPart { feature, document: OpenApi::new(Info::new(feature, "0"), paths) }
    }

    #[test]
    fn parts_become_one_document_of_version_3_1() {
        let merged = merge("0.1.0", vec![part("a", "/a"), part("b", "/b")]).unwrap();
        let value = serde_json::to_value(merged).unwrap();
        assert_eq!(value["openapi"], "3.1.0");
        assert_eq!(value["paths"].as_object().unwrap().len(), 2);
    }

    #[test]
    fn a_path_described_twice_names_both_features() {
        let error = merge("0.1.0", vec![part("a", "/x"), part("b", "/x")]).err().unwrap();
        assert!(error.to_string().contains("`a` and `b` both describe `/x`"), "{error}");
    }
}
