//! Refusals as pages, for clients that read HTML.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use halle_http::ApiError;
use serde::Serialize;

use crate::Portals;
use crate::templates::Head;
use crate::texts;
use crate::visit::Visit;

#[derive(Debug, Serialize)]
struct ErrorPage {
    status: u16,
    title: String,
    lead: String,
    /// What the refusal says; a page that was not found has said all.
    detail: Option<String>,
    sign_in: bool,
}

/// The answer where there is no route.
pub(super) async fn nothing() -> ApiError {
    ApiError::not_found("Cette adresse n'existe pas. This address does not exist.")
}

/// Middleware: turns a refusal into a page when the client asks for HTML. Programs keep the text.
pub(super) async fn as_pages(State(portals): State<Portals>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let visit = if accept.contains("text/html") { Visit::lenient(&parts).ok() } else { None };
    let response = next.run(Request::from_parts(parts, body)).await;
    let (Some(visit), Some(error)) = (visit, response.extensions().get::<ApiError>().cloned()) else {
        return response;
    };
    let view = page(&visit, &error);
    let head = Head { title: view.title.clone(), hidden: true, ..Head::default() };
    // Without a page, the plain refusal still says what happened.
    portals.page_with(&visit, error.status, "error.html", &head, &view).unwrap_or(response)
}

fn page(visit: &Visit, error: &ApiError) -> ErrorPage {
    let (title, lead) = match error.status {
        StatusCode::NOT_FOUND => ("not_found", "not_found_lead"),
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => ("forbidden", "forbidden_lead"),
        status if status.is_server_error() => ("broken", "broken_lead"),
        _ => ("refused", "refused_lead"),
    };
    let word = |key: &str| texts::text(visit.lang, key).to_owned();
    ErrorPage {
        status: error.status.as_u16(),
        title: word(title),
        lead: word(lead),
        detail: (title != "not_found" && title != "forbidden").then(|| error.message.clone()),
        sign_in: title == "forbidden" && visit.caller.is_anonymous(),
    }
}
