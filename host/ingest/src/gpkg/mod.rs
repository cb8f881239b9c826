//! GeoPackage, `.gpkg`: the rows of its first layer of features, else of its first table of attributes.
//!
//! The producer may choose another layer as the sheet of a spreadsheet.

mod columns;
mod sqlite;

use std::fmt::Write as _;

use crate::error::{IngestError, IngestResult};
use crate::geo;
use crate::geo::projection::Projection;
use crate::record::Record;
use crate::source;
use crate::table::{Declared, Field, Opened, Reading, Table, check_header};
use columns::TableColumn;
use sqlite::{Database, Definition, Rows, Value};

struct GpkgTable {
    base: Database,
    rows: Rows,
    name: String,
    columns: Vec<TableColumn>,
    fields: Vec<Field>,
    projection: Projection,
    number: u64,
    cell: String,
}

/// A file whose catalogue is being read.
struct Catalogue {
    base: Database,
    tables: Vec<Definition>,
}

/// Opens the layer of a file.
pub(crate) fn open(reading: &Reading<'_>) -> IngestResult<Opened> {
    let mut base = Database::open(source::open_file(reading.path, reading.container)?)?;
    let tables = base.tables()?;
    let mut catalogue = Catalogue { base, tables };
    let name = catalogue.layer(reading.normalize.spreadsheet_worksheet_index)?;
    let missing = |what: &str| IngestError::broken(format!("la couche « {name} »"), what);
    let table = catalogue.tables.iter().find(|table| table.name.eq_ignore_ascii_case(&name));
    let table = table.ok_or_else(|| missing("elle n'existe pas dans le fichier"))?;
    let columns = columns::columns(&table.sql);
    let columns = columns.ok_or_else(|| missing("sa définition n'est pas comprise"))?;
    let root = table.root;
    let geometry = catalogue.geometry(&name)?;
    let projection = match &geometry {
        Some((_, system)) => catalogue.projection(*system, reading.projection)?,
        None => Projection::none(),
    };
    let is_geometry =
        |name: &str| geometry.as_ref().is_some_and(|(column, _)| column.eq_ignore_ascii_case(name));
    let field = |column: &TableColumn| match is_geometry(&column.name) {
        true => Field::geometry(),
        false => Field::new(&column.name, declared(&column.kind)),
    };
    let fields: Vec<Field> = columns.iter().map(field).collect();
    check_header(&fields)?;
    let rows = Rows::new(root);
    let base = catalogue.base;
    Ok(Opened::new(GpkgTable {
        base,
        rows,
        name,
        columns,
        fields,
        projection,
        number: 0,
        cell: String::new(),
    }))
}

impl Catalogue {
    /// Rows of one of the catalogue's own tables, as the values of the columns asked.
    fn read<const N: usize>(&mut self, table: &str, wanted: [&str; N]) -> IngestResult<Vec<[Value; N]>> {
        let Some(definition) = self.tables.iter().find(|known| known.name.eq_ignore_ascii_case(table)) else {
            return Ok(Vec::new());
        };
        let known = columns::columns(&definition.sql).unwrap_or_default();
        let place = |name: &str| known.iter().position(|column| column.name.eq_ignore_ascii_case(name));
        let places = wanted.map(place);
        let mut rows = Rows::new(definition.root);
        let mut found = Vec::new();
        while let Some((number, values)) = rows.next(&mut self.base)? {
            found.push(places.map(|place| match place {
                Some(place) if known[place].is_row_id => Value::Integer(number),
                Some(place) => values.get(place).cloned().unwrap_or(Value::Null),
                None => Value::Null,
            }));
        }
        Ok(found)
    }

    /// Name of the layer that the producer chose by its position from 1, else of the first.
    fn layer(&mut self, position: Option<u32>) -> IngestResult<String> {
        let contents = self.read("gpkg_contents", ["table_name", "data_type"])?;
        let of_kind = |kind: &'static str| {
            let is_one =
                move |row: &&[Value; 2]| row[1].text().is_some_and(|text| text.eq_ignore_ascii_case(kind));
            contents.iter().filter(is_one).filter_map(|row| row[0].text()).map(str::to_owned)
        };
        let layers: Vec<String> = of_kind("features").chain(of_kind("attributes")).collect();
        let index = position.map_or(0, |position| position.saturating_sub(1) as usize);
        layers.get(index).cloned().ok_or_else(|| {
            if layers.is_empty() {
                return IngestError::broken("le fichier GeoPackage", "il ne contient aucune couche d'objets");
            }
            let names = layers.iter().take(20).map(|name| format!("« {name} »")).collect::<Vec<_>>();
            let reason = format!("elle n'existe pas ; le fichier a {}", names.join(", "));
            IngestError::broken(format!("couche {}", index + 1), reason)
        })
    }

    /// Geometry column of a layer, and the number of its coordinate system in the file.
    fn geometry(&mut self, layer: &str) -> IngestResult<Option<(String, i64)>> {
        let all = self.read("gpkg_geometry_columns", ["table_name", "column_name", "srs_id"])?;
        let found = all.iter().find(|row| row[0].text().is_some_and(|name| name.eq_ignore_ascii_case(layer)));
        Ok(found.and_then(|row| Some((row[1].text()?.to_owned(), row[2].integer().unwrap_or(0)))))
    }

    fn projection(&mut self, system: i64, given: Option<&str>) -> IngestResult<Projection> {
        let wanted = ["srs_id", "organization", "organization_coordsys_id", "definition"];
        let all = self.read("gpkg_spatial_ref_sys", wanted)?;
        // 0 and -1 stand for "nobody knows".
        let told = all.iter().find(|row| system > 0 && row[0].integer() == Some(system));
        let Some([_, organization, code, definition]) = told else {
            return given.map_or_else(|| Ok(Projection::none()), Projection::named);
        };
        let is_epsg = organization.text().is_some_and(|name| name.eq_ignore_ascii_case("EPSG"));
        let code = code.integer().and_then(|code| u16::try_from(code).ok()).filter(|_| is_epsg);
        match code.and_then(Projection::epsg) {
            Some(projection) => Ok(projection),
            None => Projection::wkt(definition.text().unwrap_or_default()),
        }
    }
}

/// What a type of GeoPackage says of the values.
fn declared(kind: &str) -> Declared {
    match kind.split_whitespace().next().unwrap_or_default() {
        "BOOLEAN" => Declared::Boolean,
        "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "INTEGER" | "BIGINT" => Declared::Integer,
        "REAL" | "DOUBLE" | "FLOAT" => Declared::Number,
        "DATE" => Declared::Date,
        "DATETIME" => Declared::DateTime,
        "TEXT" | "VARCHAR" => Declared::Text,
        _ => Declared::Unknown,
    }
}

impl Table for GpkgTable {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        while let Some((row_id, values)) = self.rows.next(&mut self.base)? {
            self.number += 1;
            record.begin(self.number);
            for ((column, field), index) in self.columns.iter().zip(&self.fields).zip(0..) {
                self.cell.clear();
                match values.get(index).unwrap_or(&Value::Null) {
                    _ if column.is_row_id => write!(self.cell, "{row_id}").unwrap_or_default(),
                    Value::Null => {}
                    Value::Integer(number) => write!(self.cell, "{number}").unwrap_or_default(),
                    Value::Real(number) => write!(self.cell, "{number}").unwrap_or_default(),
                    Value::Text(text) => self.cell.push_str(text),
                    Value::Blob(bytes) if field.declared == Declared::Geometry => {
                        let shape = geo::wkb::geopackage(bytes);
                        let problem = geo::write_cell(shape, &self.projection, &mut self.cell);
                        let place = format!("couche « {} », ligne {}", self.name, self.number);
                        record.problem = problem.map(|reason| format!("{place} : {reason}"));
                    }
                    // Pictures and the like have no place in a table of text.
                    Value::Blob(_) => {}
                }
                record.push(&self.cell);
            }
            if record.counts() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
