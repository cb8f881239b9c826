//! Reads: lines, values, aggregations, exports, documentation.

mod aggs;
mod api_docs;
mod headers;
mod lines;
mod master_data;
pub(in crate::http) mod next;
mod tile;

use axum::Router;
use axum::routing::{get, post};

use crate::state::Datasets;

/// Routes below `/datasets/{id}`.
pub fn routes() -> Router<Datasets> {
    Router::new()
        .route("/datasets/{id}/lines", get(lines::list))
        .route("/datasets/{id}/lines/{line}", get(lines::one))
        .route("/datasets/{id}/own/{owner}/lines", get(lines::list))
        .route("/datasets/{id}/own/{owner}/lines/{line}", get(lines::one))
        .route("/datasets/{id}/values_agg", get(aggs::values_agg))
        .route("/datasets/{id}/geo_agg", get(aggs::geo_agg))
        .route("/datasets/{id}/metric_agg", get(aggs::metric_agg))
        .route("/datasets/{id}/simple_metrics_agg", get(aggs::simple_metrics_agg))
        .route("/datasets/{id}/words_agg", get(aggs::words_agg))
        .route("/datasets/{id}/max/{column}", get(aggs::max))
        .route("/datasets/{id}/min/{column}", get(aggs::min))
        .route("/datasets/{id}/values/{column}", get(aggs::values))
        .route("/datasets/{id}/values-labels/{column}", get(aggs::values_labels))
        .route("/datasets/{id}/master-data/single-searchs/{search}", get(master_data::single))
        .route("/datasets/{id}/master-data/bulk-searchs/{search}", post(master_data::bulk))
        .route("/datasets/{id}/api-docs.json", get(api_docs::public))
        .route("/datasets/{id}/private-api-docs.json", get(api_docs::private))
}

/// The parameters of a request, as `halle_search` reads them.
fn search_params(params: &halle_http::Params) -> Result<halle_search::params::Params, crate::DatasetsError> {
    Ok(halle_search::params::Params::new(params.iter())?)
}
