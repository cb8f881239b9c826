//! Groups on a map: each where its lines are on average (reference §2.9, `format=geojson` and `pbf`).

use halle_geo::Tile;
use halle_geo::grid::project;
use halle_search::engine::Groups;
use halle_search::params::{Params, ValuesAggParams};
use serde_json::{Map, Value, json};

use super::Reading;
use super::aggs::group_json;
use super::tiles::draw;
use crate::error::{DatasetsError, DatasetsResult};

impl Reading {
    async fn groups_with_places(&self, params: &Params) -> DatasetsResult<Groups> {
        let fields = self.fields();
        if !fields.is_geolocated() {
            let format = params.get("format").unwrap_or("geojson");
            let message =
                format!("\"{format}\" format cannot be used on this dataset. It is not geolocalized.");
            return Err(DatasetsError::bad_request(message));
        }
        let mut asked = ValuesAggParams::parse(params, &fields)?;
        asked.request.places = true;
        Ok(self.index.values_agg(asked.request).await?)
    }

    /// Groups of the first level as GeoJSON points; those whose lines have no place are left out.
    ///
    /// # Errors
    ///
    /// 400 on a dataset without places, and for what `values_agg` refuses.
    pub async fn values_agg_features(&self, params: &Params) -> DatasetsResult<Value> {
        let groups = self.groups_with_places(params).await?;
        let (total, mut features) = (groups.total, Vec::with_capacity(groups.groups.len()));
        for group in groups.groups {
            let Some((lon, lat)) = group.centroid else { continue };
            let properties = group_json(group, true)?;
            features.push(json!({
                "type": "Feature",
                "id": properties["value"],
                "geometry": { "type": "Point", "coordinates": [lon, lat] },
                "properties": properties,
            }));
        }
        Ok(json!({ "type": "FeatureCollection", "total": total, "features": features }))
    }

    /// Groups of the first level as points of a map tile, with their value, their number of lines and their metrics; empty
    /// when there are none.
    ///
    /// # Errors
    ///
    /// 400 without `xyz`, on a dataset without places, and for what `values_agg` refuses.
    pub async fn values_agg_tile(&self, params: &Params) -> DatasetsResult<Vec<u8>> {
        let Some(xyz) = params.get("xyz") else {
            return Err(DatasetsError::bad_request("xyz parameter is required for vector tile format."));
        };
        let groups = self.groups_with_places(params).await?;
        let Some(tile) = Tile::parse(xyz) else {
            return Err(DatasetsError::bad_request("\"xyz\" parameter is malformed, it must be x,y,z"));
        };
        let features = groups.groups.into_iter().filter_map(|group| {
            let (lon, lat) = group.centroid?;
            let mut attributes = Map::new();
            attributes.insert("total".to_owned(), group.total.into());
            attributes.insert("value".to_owned(), group.value);
            attributes.extend(group.metrics);
            Some((project([lon, lat]), attributes))
        });
        Ok(draw::points(tile, features))
    }
}
