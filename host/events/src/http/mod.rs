//! `/events/api`: what was sent, and what one received.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use halle_http::openapi::OpenApiPart;
use halle_http::paging::{Paging, select};
use halle_http::shapes::{Forbidden, NotSignedIn, PageQuery, WrongParameter};
use halle_http::{ApiResult, BaseUrl, Caller, Params};
use serde::Serialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;
use utoipa::{OpenApi, ToSchema};

use crate::Events;
use crate::service::EventsQuery;

/// Results of a page when the client does not say.
const PAGE_DEFAULT: usize = 20;

/// Results of a page at most.
const PAGE_MAX: u32 = 1_000;

/// Where the routes are.
const ROOT: &str = "/events/api";

/// Routes of the feature, with full paths.
pub fn router<S: Clone + Send + Sync + 'static>(events: Events) -> Router<S> {
    let api = Router::new().route("/events", get(sent)).route("/notifications", get(received));
    Router::new().nest(ROOT, api).with_state(events)
}

/// What the feature adds to the description of the API.
pub fn openapi() -> OpenApiPart {
    OpenApiPart { feature: "events", document: Documentation::openapi() }
}

#[derive(OpenApi)]
#[openapi(paths(sent, received))]
struct Documentation;

/// A page of events.
#[derive(Serialize, ToSchema)]
#[schema(as = EventsPage)]
struct EventsView {
    /// Events: `_id`, `topic`, `title`, `body`, `date`, `sender`, `originator`, `resource`, `visibility`, `recipient`.
    results: Vec<Value>,
    /// Address of the page that comes next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A page of notifications.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NotificationsPage)]
struct NotificationsView {
    /// Notifications, as events, with `new` for those that were never read.
    results: Vec<Value>,
    /// How many were never read before this page.
    count_new: usize,
    /// How many there are; absent with `count=false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
}

/// Lists what was sent about what the active account owns, the newest first: for its administrators.
#[utoipa::path(get, path = "/events/api/events", tag = "events", operation_id = "listEvents",
    params(
        ("q" = Option<String>, Query, description = "Words of the title, the text, or the title of what it is about"),
        ("resource" = Option<String>, Query, description = "What it is about: `dataset/{id}`"),
        ("before" = Option<String>, Query, description = "End of the page before, as its link `next` has it"),
        ("select" = Option<String>, Query, description = "Attributes, separated by commas"),
        ("size" = Option<u32>, Query, description = "Results of the page")),
    responses((status = 200, description = "A page", body = EventsView), WrongParameter, NotSignedIn, Forbidden))]
async fn sent(
    State(events): State<Events>,
    caller: Caller,
    base: BaseUrl,
    params: Params,
) -> ApiResult<Json<EventsView>> {
    let size = Paging::parse(&params, PAGE_DEFAULT)?.within(PAGE_MAX)?.size as usize;
    let owned = |name: &str| params.get(name).map(str::to_owned);
    let query = EventsQuery {
        q: owned("q").unwrap_or_default(),
        resource: owned("resource"),
        before: owned("before"),
        size,
    };
    let page = events.sent(&caller, &query).await?;
    let next = page.next.map(|before| next_page(&base, &params, size, &before));
    let results = page.results.iter().map(|event| viewed(json!(event), &params)).collect();
    Ok(Json(EventsView { results, next }))
}

/// Lists what the person who calls received, the newest first. Reading a page marks everything as read; `size=0` counts only.
#[utoipa::path(get, path = "/events/api/notifications", tag = "events", operation_id = "listNotifications",
    params(PageQuery, ("count" = Option<bool>, Query, description = "`false`: without `count`")),
    responses((status = 200, description = "A page", body = NotificationsView),
        WrongParameter, NotSignedIn, Forbidden))]
async fn received(
    State(events): State<Events>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<NotificationsView>> {
    let paging = Paging::parse(&params, PAGE_DEFAULT)?.within(PAGE_MAX)?;
    let page = events.received(&caller, paging.skip as usize, paging.size as usize).await?;
    let view = |(event, is_new)| {
        let mut view = json!(event);
        view["new"] = Value::Bool(is_new);
        view
    };
    Ok(Json(NotificationsView {
        results: page.results.into_iter().map(view).collect(),
        count_new: page.new,
        count: (params.get("count") != Some("false")).then_some(page.count),
    }))
}

fn viewed(mut event: Value, params: &Params) -> Value {
    select(&mut event, params, &["_id"]);
    event
}

/// The address of the page after the one that ends at `before`.
fn next_page(base: &BaseUrl, params: &Params, size: usize, before: &str) -> String {
    let mut query = Serializer::new(String::new());
    for name in ["q", "resource", "select"] {
        if let Some(value) = params.get(name) {
            query.append_pair(name, value);
        }
    }
    query.append_pair("size", &size.to_string()).append_pair("before", before);
    format!("{}{ROOT}/events?{}", base.0, query.finish())
}
