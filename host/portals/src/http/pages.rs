//! One handler per page.

use axum::extract::{Path, State};
use axum::response::Response;
use halle_http::ApiResult;

use crate::catalogue::{Catalogue, Home, home_query, list_query};
use crate::dataset::{Embed, Page};
use crate::templates::Head;
use crate::visit::Visit;
use crate::{Portals, chart, dataset, table, texts};

/// `GET /`.
pub(super) async fn home(State(portals): State<Portals>, visit: Visit) -> ApiResult<Response> {
    let answer = portals.datasets.list(&visit.caller, &home_query()).await?;
    let head = head(&visit, "home", "home_lead", "/");
    portals.page(&visit, "home.html", &head, &Home::of(&visit, &answer))
}

/// `GET /datasets`.
pub(super) async fn catalogue(State(portals): State<Portals>, visit: Visit) -> ApiResult<Response> {
    let answer = portals.datasets.list(&visit.caller, &list_query(&visit)?).await?;
    let head = head(&visit, "datasets", "home_lead", "/datasets");
    portals.page(&visit, "catalogue.html", &head, &Catalogue::of(&visit, &answer)?)
}

/// `GET /datasets/{dataset}`, by identifier or slug.
pub(super) async fn dataset(
    State(portals): State<Portals>,
    visit: Visit,
    Path(reference): Path<String>,
) -> ApiResult<Response> {
    let dataset = portals.datasets.get(&visit.caller, &reference).await?;
    let table = table::of(&portals, &visit, &dataset).await?;
    let chart = chart::of(&portals, &visit, &dataset).await;
    let page = Page::of(&visit, &dataset, table, chart);
    portals.page(&visit, "dataset.html", &dataset::head(&dataset), &page)
}

/// `GET /datasets/{dataset}/embed`: the table alone.
pub(super) async fn embed(
    State(portals): State<Portals>,
    visit: Visit,
    Path(reference): Path<String>,
) -> ApiResult<Response> {
    let dataset = portals.datasets.get(&visit.caller, &reference).await?;
    let table = table::of(&portals, &visit, &dataset).await?;
    let head = Head { hidden: true, ..dataset::head(&dataset) };
    portals.page(&visit, "embed.html", &head, &Embed::of(&visit, &dataset, table))
}

/// `GET /accessibility`.
pub(super) async fn accessibility(State(portals): State<Portals>, visit: Visit) -> ApiResult<Response> {
    let head = head(&visit, "accessibility", "accessibility", "/accessibility");
    portals.page(&visit, "accessibility.html", &head, &())
}

fn head(visit: &Visit, title: &str, description: &str, canonical: &str) -> Head {
    Head {
        title: texts::text(visit.lang, title).to_owned(),
        description: texts::text(visit.lang, description).to_owned(),
        canonical: canonical.to_owned(),
        hidden: false,
    }
}
