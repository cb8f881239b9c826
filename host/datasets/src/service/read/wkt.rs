//! Geometries as WKT: `wkt=true`, `format=wkt` (reference §2.7, §2.8).

use halle_geo::{geojson, wkt};
use halle_model::Column;
use halle_search::params::{LinesParams, Params};
use serde_json::Value;

use super::Reading;
use super::cells::Cell;
use super::geojson::{GEOMETRY, Shape};
use crate::error::{DatasetsError, DatasetsResult};

/// The columns that `wkt=true` changes; none without it.
pub(super) fn columns(params: &Params, columns: &[Column]) -> Vec<String> {
    if !params.flag("wkt") {
        return Vec::new();
    }
    let shapes = columns.iter().filter(|column| column.refers_to.as_deref() == Some(GEOMETRY));
    shapes.map(|column| column.key.clone()).collect()
}

/// Makes WKT of a geometry; what is none stays as it is.
pub(super) fn rewrite(value: &mut Value) {
    let shape = match value {
        Value::String(text) => wkt::parse_cell(text),
        Value::Object(_) => geojson::parse(&value.to_string()),
        _ => None,
    };
    if let Some(shape) = shape {
        *value = wkt::text(&shape).into();
    }
}

/// The same of a cell.
pub(super) fn cell(cell: Cell<'_>) -> Cell<'_> {
    match &cell {
        Cell::Text(text) => wkt::parse_cell(text).map_or(cell, |shape| Cell::Owned(wkt::text(&shape))),
        _ => cell,
    }
}

impl Reading {
    /// The geometries of a page of lines as one collection in WKT, and where the next page begins. Lines without a place are
    /// not in it.
    ///
    /// # Errors
    ///
    /// 400 on a dataset without places, and for what `/lines` refuses.
    pub async fn wkt(&self, params: &Params) -> DatasetsResult<(String, Option<String>)> {
        let fields = self.fields();
        if !fields.is_geolocated() {
            let message = "\"wkt\" format cannot be used on this dataset. It is not geolocalized.";
            return Err(DatasetsError::bad_request(message));
        }
        let mut asked = LinesParams::parse(params, &fields)?;
        let shape = Shape::of(self.columns());
        asked.select.clear();
        shape.select(&mut asked);
        let answer = self.page(&params.clone().with("wkt", ""), &asked).await?;
        let mut texts = Vec::with_capacity(answer.lines.len());
        for line in answer.values()? {
            let geometry = shape.geometry(&line);
            texts.extend(geojson::parse(&geometry.to_string()).map(|shape| wkt::text(&shape)));
        }
        let text = match texts.as_slice() {
            [] => "GEOMETRYCOLLECTION EMPTY".to_owned(),
            texts => format!("GEOMETRYCOLLECTION({})", texts.join(",")),
        };
        Ok((text, answer.next))
    }
}
