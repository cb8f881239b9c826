//! One row per request: query parameters, GeoJSON back.

use halle_plugin::messages::{Request, Response};
use halle_plugin::remote_service::{Call, Service};
use halle_plugin::serde_json::{Map, Value};
use halle_plugin::{Result, http};

use crate::bulk::not_found;
use crate::place::Place;

/// Outputs that are properties of a feature, under the same name.
const PROPERTIES: [&str; 11] = [
    "score",
    "distance",
    "label",
    "type",
    "housenumber",
    "name",
    "postcode",
    "city",
    "citycode",
    "context",
    "id",
];

/// A request for each row that asks something.
pub fn build(service: &Service, url: &str, places: &[(u32, Place)]) -> Vec<Call> {
    let call = |(row, place): &(u32, Place)| {
        let url = match place {
            Place::Address { text, citycode } => {
                let code = (!citycode.is_empty()).then_some(("citycode", citycode.as_str()));
                let params = [("q", text.as_str()), ("limit", "1"), ("autocomplete", "0")];
                http::with_query(url, params.into_iter().chain(code))
            }
            Place::Point { lat, lon } => {
                let (lat, lon) = (lat.to_string(), lon.to_string());
                http::with_query(url, [("lat", lat.as_str()), ("lon", lon.as_str()), ("limit", "1")])
            }
        };
        Call { rows: vec![*row], request: Request::get_json(url).auth(service.auth.as_deref()) }
    };
    places.iter().map(call).collect()
}

/// What the service answers for the row of a call.
pub fn parse(call: &Call, response: &Response) -> Result<Vec<(u32, Result<Map<String, Value>>)>> {
    let url = &call.request.url;
    let answer: Value = response.clone().ok(url)?.json(url)?;
    let feature = &answer["features"][0];
    let found = feature["properties"].as_object().filter(|properties| properties.contains_key("label"));
    let values = found.ok_or_else(not_found).map(|properties| {
        let mut values: Map<String, Value> = PROPERTIES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), properties.get(*name)?.clone())))
            .collect();
        for (key, index) in [("lon", 0), ("lat", 1)] {
            values.insert(key.to_owned(), feature["geometry"]["coordinates"][index].clone());
        }
        values
    });
    Ok(call.rows.iter().map(|&row| (row, values.clone())).collect())
}
