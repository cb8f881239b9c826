//! Shapes: as GeoJSON says them, in longitude and latitude.

pub(crate) mod json;
pub(crate) mod projection;
pub(crate) mod shape;
mod simplify;
pub(crate) mod wkb;

use crate::geo::projection::Projection;
use crate::geo::shape::Shape;

/// Writes a shape, if there is one, as the cell of a geometry column: in degrees, wound and simplified. A shape that is
/// wrong leaves the cell empty, and what is wrong is returned, in French.
pub(crate) fn write_cell(
    shape: Result<Option<Shape>, String>,
    projection: &Projection,
    cell: &mut String,
) -> Option<String> {
    cell.clear();
    let mut shape = match shape {
        Ok(shape) => shape?,
        Err(reason) => return Some(reason),
    };
    if let Err(reason) = projection.apply(&mut shape) {
        return Some(reason);
    }
    shape.rewind();
    simplify::simplify(&mut shape);
    shape.write_json(cell);
    None
}
