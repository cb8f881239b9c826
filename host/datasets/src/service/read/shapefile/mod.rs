//! Lines as shapefiles in an archive (reference §2.8): `.shp`, `.shx`, `.dbf`, `.prj` and `.cpg` for each kind of geometry, because
//! a shapefile holds one kind only. Lines without a place are a table alone.
//!
//! Written to temporary files as the lines come: sizes, boxes and the widths of columns, which stand at the beginning, are
//! known at the end.

mod dbf;
mod shp;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use arrow::array::{Array, StringArray};
use arrow::record_batch::RecordBatch;
use halle_geo::{Shape, wkt};
use halle_model::Column;
use jiff::civil::Date;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use self::dbf::Table;
use self::shp::{Kind, Shapes};
use super::cells::Cells;
use crate::error::{DatasetsError, DatasetsResult};

/// What readers expect of longitudes and latitudes.
const PROJECTION: &str = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;

/// Column of points, in every index: `lat,lon`.
pub(super) const POINT: &str = "_geopoint";

/// Lines of one kind of geometry.
struct Layer {
    /// `None` of lines without a place.
    shapes: Option<Shapes>,
    table: Table,
}

/// Writes shapefiles.
pub(super) struct ShapefileWriter {
    name: String,
    changed: Date,
    /// Columns of the tables.
    columns: Vec<Column>,
    /// Whether batches have a column of geometries after them, before the one of points.
    has_shapes: bool,
    temp_dir: PathBuf,
    layers: Vec<Layer>,
}

impl ShapefileWriter {
    /// Batches have `columns`, then a column of geometries if `has_shapes`, then [`POINT`]. Files are called `name`.
    ///
    /// # Errors
    ///
    /// 400 for more columns than a table has.
    pub(super) fn new(
        name: &str,
        changed: Date,
        columns: &[Column],
        has_shapes: bool,
        temp_dir: PathBuf,
    ) -> DatasetsResult<Self> {
        dbf::check(columns)?;
        let (name, columns) = (name.to_owned(), columns.to_vec());
        Ok(Self { name, changed, columns, has_shapes, temp_dir, layers: Vec::new() })
    }

    /// Adds lines.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> DatasetsResult<()> {
        let text = |index: usize| batch.columns().get(index)?.as_any().downcast_ref::<StringArray>();
        let shapes = if self.has_shapes { text(self.columns.len()) } else { None };
        let points = text(self.columns.len() + usize::from(self.has_shapes));
        let all = Cells::of(batch)?;
        let cells = &all[..self.columns.len()];
        for row in 0..batch.num_rows() {
            let value = |texts: Option<&StringArray>| {
                Some(texts.filter(|texts| texts.is_valid(row))?.value(row).to_owned())
            };
            let shape = value(shapes).and_then(|text| wkt::parse_cell(&text));
            let shape = shape.or_else(|| value(points).and_then(|text| point(&text)));
            let kinds =
                shape.as_ref().map_or_else(|| vec![None], |shape| Kind::of(shape).map(Some).collect());
            for kind in kinds {
                let layer = self.layer(kind)?;
                if let (Some(shapes), Some(shape)) = (&mut layer.shapes, &shape) {
                    shapes.add(shape)?;
                }
                layer.table.add(cells.iter().map(|cells| cells.get(row)))?;
            }
        }
        Ok(())
    }

    /// The layer of a kind, begun if need be.
    fn layer(&mut self, kind: Option<Kind>) -> DatasetsResult<&mut Layer> {
        let found = self.layers.iter().position(|layer| layer.shapes.as_ref().map(Shapes::kind) == kind);
        let at = match found {
            Some(at) => at,
            None => {
                let temporary = || tempfile::tempfile_in(&self.temp_dir).map_err(DatasetsError::internal);
                let shapes = match kind {
                    Some(kind) => Some(Shapes::new(kind, temporary()?, temporary()?)?),
                    None => None,
                };
                self.layers.push(Layer { shapes, table: Table::new(&self.columns, temporary()?) });
                self.layers.len() - 1
            }
        };
        Ok(&mut self.layers[at])
    }

    /// Writes the archive into `file`.
    pub(super) fn finish(mut self, file: File) -> DatasetsResult<File> {
        if self.layers.is_empty() {
            // Of no line, a shapefile of points that has its columns.
            self.layer(Some(Kind::Point))?;
        }
        let alone = self.layers.len() == 1;
        let mut zip = ZipWriter::new(file);
        for layer in self.layers {
            let kind = layer.shapes.as_ref().map(Shapes::kind);
            let stem = match kind.map_or("sans_lieu", Kind::name) {
                kind if !alone => format!("{}_{kind}", self.name),
                _ => self.name.clone(),
            };
            if let Some(shapes) = layer.shapes {
                let [mut shp, mut shx] = shapes.finish()?;
                for (extension, file) in [("shp", &mut shp), ("shx", &mut shx)] {
                    start(&mut zip, &stem, extension)?;
                    file.seek(SeekFrom::Start(0)).map_err(DatasetsError::internal)?;
                    std::io::copy(file, &mut zip).map_err(DatasetsError::internal)?;
                }
                start(&mut zip, &stem, "prj")?;
                zip.write_all(PROJECTION.as_bytes()).map_err(DatasetsError::internal)?;
            }
            start(&mut zip, &stem, "dbf")?;
            layer.table.finish(self.changed, &mut zip)?;
            start(&mut zip, &stem, "cpg")?;
            zip.write_all(b"UTF-8").map_err(DatasetsError::internal)?;
        }
        zip.finish().map_err(DatasetsError::internal)
    }
}

fn start(zip: &mut ZipWriter<File>, stem: &str, extension: &str) -> DatasetsResult<()> {
    let options = SimpleFileOptions::default().large_file(true);
    zip.start_file(format!("{stem}.{extension}"), options).map_err(DatasetsError::internal)
}

fn point(text: &str) -> Option<Shape> {
    let (lat, lon) = text.split_once(',')?;
    Some(Shape::point([lon.trim().parse().ok()?, lat.trim().parse().ok()?]))
}
