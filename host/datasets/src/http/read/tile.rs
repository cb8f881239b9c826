//! `GET /datasets/{id}/lines?format=pbf&xyz=x,y,z`: a map tile.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use halle_http::ApiResult;
use halle_http::conditional::CacheFor;

use super::headers::{Answer, Payload};
use crate::service::read::{Reading, TileAnswer};

/// Names of the format.
pub(super) const FORMATS: [&str; 3] = ["pbf", "mvt", "vt"];

/// Media type.
pub(super) const MEDIA_TYPE: &str = "application/x-protobuf";

/// A tile: 204 when nothing is in it.
pub(super) fn answer(
    tile: TileAnswer,
    reading: &Reading,
    cache: CacheFor,
    request: &HeaderMap,
) -> ApiResult<Response> {
    let sampling = format!("{}/{}", tile.shown, tile.total);
    let is_empty = tile.bytes.is_empty();
    let payload = Payload::Tagged(tile.bytes, tile.etag);
    let answer = Answer { reading, cache, media_type: MEDIA_TYPE, payload, next: None };
    let mut response = answer.respond(request);
    if is_empty && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    for (name, value) in [("x-tilesmode", tile.mode), ("x-tilesampling", sampling)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}
