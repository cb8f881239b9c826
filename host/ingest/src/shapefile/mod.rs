//! Zipped shapefiles: shapes in `.shp`, columns in `.dbf`, coordinates by `.prj`, encoding by `.cpg`.

mod shapes;

use std::fs::File;
use std::io::Read;

use crate::dbf::{DbfTable, by_code_page};
use crate::encoding;
use crate::error::{IngestError, IngestResult};
use crate::geo;
use crate::geo::projection::Projection;
use crate::record::Record;
use crate::source::{Archive, Bytes};
use crate::table::{Field, Opened, Reading, Table};
use shapes::Shapes;

/// Bytes of a `.prj` or a `.cpg` that are looked at.
const SIDECAR_BYTES_MAX: u64 = 64 << 10;

/// Shapes and their columns, row by row.
struct ShapefileTable {
    shapes: Shapes<Bytes>,
    columns: DbfTable,
    projection: Projection,
    fields: Vec<Field>,
    cell: String,
}

/// The path of the shapes in a zip, without extension, when it holds just one shapefile.
pub(crate) fn base_of(archive: &Archive) -> Option<String> {
    let mut shapes = archive.contents().filter_map(|(_, entry)| {
        let (base, extension) = entry.name.rsplit_once('.')?;
        extension.eq_ignore_ascii_case("shp").then(|| base.to_owned())
    });
    let base = shapes.next()?;
    shapes.next().is_none().then_some(base)
}

/// Opens the shapefile of a zip.
pub(crate) fn open(reading: &Reading<'_>) -> IngestResult<Opened> {
    let archive = Archive::open(File::open(reading.path)?)?;
    let missing = |extension: &str| {
        IngestError::broken("le fichier zip", format!("il y manque le fichier .{extension} du shapefile"))
    };
    let base = base_of(&archive).ok_or_else(|| missing("shp"))?;
    let part = |extension: &str| archive.find(&format!("{base}.{extension}"));
    let shapes = Shapes::new(archive.read(part("shp").ok_or_else(|| missing("shp"))?)?)?;
    let encoding = match (reading.encoding.get(), part("cpg").or_else(|| part("cst"))) {
        (Some(chosen), _) => Some(encoding::by_label(chosen)?),
        (None, Some(told)) => by_code_page(&sidecar(&archive, told)?),
        (None, None) => None,
    };
    let columns = DbfTable::new(archive.read(part("dbf").ok_or_else(|| missing("dbf"))?)?, encoding)?;
    let projection = match (part("prj"), reading.projection) {
        (Some(told), _) => Projection::wkt(&sidecar(&archive, told)?)?,
        (None, Some(name)) => Projection::named(name)?,
        (None, None) => Projection::none(),
    };
    let fields = columns.fields().iter().cloned().chain([Field::geometry()]).collect();
    let name = columns.encoding().name();
    Ok(Opened::encoded(ShapefileTable { shapes, columns, projection, fields, cell: String::new() }, name))
}

fn sidecar(archive: &Archive, index: usize) -> IngestResult<String> {
    let mut bytes = Vec::new();
    archive.read(index)?.take(SIDECAR_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Table for ShapefileTable {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        loop {
            let (row, shape) = (self.columns.read(record)?, self.shapes.next()?);
            let (is_there, shape) = match (row, shape) {
                (None, None) => return Ok(false),
                (Some(is_there), Some(shape)) => (is_there, shape),
                _ => {
                    let reason = "les fichiers .shp et .dbf n'ont pas le même nombre de lignes";
                    return Err(IngestError::broken("le shapefile", reason));
                }
            };
            let problem = geo::write_cell(Ok(shape), &self.projection, &mut self.cell);
            record.problem = problem.map(|reason| format!("forme {} : {reason}", record.line()));
            record.push(&self.cell);
            if is_there && record.counts() {
                return Ok(true);
            }
        }
    }
}
