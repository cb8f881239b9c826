//! `bbox`, `xyz`, `geo_distance`: where lines are.

use halle_geo::Tile;

use super::bad;
use super::fields::Fields;
use super::raw::Params;
use crate::ast::Query;
use crate::engine::SearchResult;

/// Metres within which a point is at a place, when no distance is given.
const HERE_METRES: f64 = 1.0;

/// The place that `geo_distance` names: degrees east, degrees north, metres.
pub(super) type Place = (f64, f64, f64);

/// The conditions on places.
pub(super) fn conditions(params: &Params, fields: &Fields<'_>) -> SearchResult<Vec<Query>> {
    let mut conditions = Vec::new();
    if let Some((name, text)) = given(params, fields, "bbox")? {
        conditions.push(Query::Box(bbox(name, text)?));
    }
    if let Some((name, text)) = given(params, fields, "xyz")? {
        conditions.push(Query::Box(tile(name, text)?));
    }
    if let Some((lon, lat, metres)) = place(params, fields)? {
        conditions.push(Query::Near { lon, lat, metres });
    }
    Ok(conditions)
}

/// The box that the parameters ask for: `bbox`, else the tile `xyz`.
pub(super) fn area(params: &Params, fields: &Fields<'_>) -> SearchResult<Option<[f64; 4]>> {
    if let Some((name, text)) = given(params, fields, "bbox")? {
        return bbox(name, text).map(Some);
    }
    given(params, fields, "xyz")?.map(|(name, text)| tile(name, text)).transpose()
}

/// The place of `geo_distance` or its concept form.
pub(super) fn place(params: &Params, fields: &Fields<'_>) -> SearchResult<Option<Place>> {
    let Some((name, text)) = given(params, fields, "geo_distance")? else { return Ok(None) };
    let malformed = || bad(format!("\"{name}\" parameter is malformed"));
    let parts: Vec<&str> = text.split([',', ':']).map(str::trim).collect();
    let (lon, lat, distance) = match parts.as_slice() {
        [lon, lat] => (*lon, *lat, None),
        [lon, lat, distance] => (*lon, *lat, Some(*distance)),
        _ => return Err(malformed()),
    };
    let lon = degrees(lon, 180.0).ok_or_else(malformed)?;
    let lat = degrees(lat, 90.0).ok_or_else(malformed)?;
    let metres = distance.map_or(Some(0.0), metres).ok_or_else(malformed)?;
    Ok(Some((lon, lat, metres.max(HERE_METRES))))
}

/// A parameter and the name it came under. The plain name on a dataset without places is an error, the concept form is
/// ignored, because dashboards send it to every dataset.
fn given<'a>(
    params: &'a Params,
    fields: &Fields<'_>,
    name: &'a str,
) -> SearchResult<Option<(&'a str, &'a str)>> {
    if let Some(text) = params.get(name) {
        if !fields.is_geolocated() {
            let message =
                format!("\"{name}\" filter cannot be used on this dataset. It is not geolocalized.");
            return Err(bad(message));
        }
        return Ok(Some((name, text)));
    }
    let concept = params.get(&format!("_c_{name}")).filter(|_| fields.is_geolocated());
    Ok(concept.map(|text| (name, text)))
}

fn bbox(name: &str, text: &str) -> SearchResult<[f64; 4]> {
    let numbers: Vec<f64> = text.split(',').filter_map(number).collect();
    let parts = text.split(',').count();
    match <[f64; 4]>::try_from(numbers) {
        Ok([west, south, east, north]) if parts == 4 && south <= north => Ok([west, south, east, north]),
        _ => Err(bad(format!("\"{name}\" parameter is malformed, it must be left,bottom,right,top"))),
    }
}

/// The box of a tile of the web's usual scheme.
fn tile(name: &str, text: &str) -> SearchResult<[f64; 4]> {
    let tile = Tile::parse(text);
    let tile = tile.ok_or_else(|| bad(format!("\"{name}\" parameter is malformed, it must be x,y,z")))?;
    Ok(tile.area())
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Degrees between `-max` and `max`.
pub(super) fn degrees(text: &str, max: f64) -> Option<f64> {
    number(text).filter(|degrees| degrees.abs() <= max)
}

/// `500`, `500m`, `10km`, in metres.
fn metres(text: &str) -> Option<f64> {
    let (number, unit_metres) = if let Some(number) = text.strip_suffix("km") {
        (number, 1_000.0)
    } else {
        (text.strip_suffix('m').unwrap_or(text), 1.0)
    };
    let metres = self::number(number)? * unit_metres;
    (metres >= 0.0).then_some(metres)
}
