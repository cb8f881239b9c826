//! `GET /datasets/{id}/lines?format=pbf&xyz=x,y,z`: a map tile.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use halle_http::conditional::CacheFor;

use super::headers::{Answer, Payload};
use crate::service::read::{Reading, TileAnswer};

/// Names of the format.
pub(super) const FORMATS: [&str; 3] = ["pbf", "mvt", "vt"];

/// Media type.
pub(super) const MEDIA_TYPE: &str = "application/x-protobuf";

/// A tile: 204 when nothing is in it.
pub(super) fn answer(tile: TileAnswer, reading: &Reading, cache: CacheFor, request: &HeaderMap) -> Response {
    let sampling = format!("{}/{}", tile.shown, tile.total);
    let is_empty = tile.bytes.is_empty();
    let payload = Payload::Tagged(tile.bytes, tile.etag);
    let mut response = respond(payload, is_empty, reading, cache, request);
    for (name, value) in [("x-tilesmode", tile.mode), ("x-tilesampling", sampling)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A tile of groups.
pub(super) fn plain(bytes: Vec<u8>, reading: &Reading, cache: CacheFor, request: &HeaderMap) -> Response {
    let is_empty = bytes.is_empty();
    respond(Payload::Bytes(bytes), is_empty, reading, cache, request)
}

fn respond(
    payload: Payload,
    is_empty: bool,
    reading: &Reading,
    cache: CacheFor,
    request: &HeaderMap,
) -> Response {
    let mut response =
        Answer { reading, cache, media_type: MEDIA_TYPE, payload, next: None }.respond(request);
    if is_empty && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    response
}
