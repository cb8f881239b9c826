//! Shapes: as GeoJSON says them, in longitude and latitude.

pub(crate) mod json;
pub(crate) mod projection;
pub(crate) mod shape;
mod simplify;
pub(crate) mod wkb;

use crate::error::{IngestError, IngestResult};
use crate::geo::projection::Projection;
use crate::geo::shape::Shape;

/// Writes a shape as the cell of a geometry column: in degrees, wound and simplified. `place` is where it comes from,
/// for the error.
pub(crate) fn write_cell(
    mut shape: Shape,
    projection: &Projection,
    place: impl Fn() -> String,
    cell: &mut String,
) -> IngestResult<()> {
    projection.apply(&mut shape).map_err(|reason| IngestError::broken(place(), reason))?;
    shape.rewind();
    simplify::simplify(&mut shape);
    cell.clear();
    shape.write_json(cell);
    Ok(())
}
