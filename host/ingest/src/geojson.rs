//! GeoJSON: a collection of features, one row each.
//!
//! Properties are flattened one level; `id` is the identifier of the feature where its properties have none; `geometry`
//! is its shape in longitude and latitude, whatever `crs` says.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::encoding::Decoded;
use crate::error::{IngestError, IngestResult};
use crate::geo;
use crate::geo::json::Geometry;
use crate::geo::projection::Projection;
use crate::json::elements::Elements;
use crate::json::{reason, set_properties};
use crate::record::Record;
use crate::table::{Declared, Discovery, Field, Opened, Reading, Table};

struct FeatureTable {
    elements: Elements<Decoded>,
    projection: Projection,
    rank: u64,
    is_ended: bool,
    value: Vec<u8>,
    row: Discovery,
}

#[derive(Deserialize)]
struct Feature {
    id: Option<Value>,
    properties: Option<Map<String, Value>>,
    geometry: Option<Geometry>,
}

/// Opens a collection. The members before `features` are read; a `crs` after them is refused, for it comes too late.
pub(crate) fn open(reading: &Reading<'_>) -> IngestResult<Opened> {
    let (text, encoding) = reading.text()?;
    let mut elements = Elements::new(text);
    let mut projection = reading.projection.map(Projection::named).transpose()?;
    elements.expect(b'{')?;
    let mut value = Vec::new();
    let mut is_first = true;
    while elements.more(b'}', is_first)? {
        is_first = false;
        let name = member(&mut elements, &mut value)?;
        if name == "features" && elements.peek()? == Some(b'[') {
            elements.expect(b'[')?;
            let table = FeatureTable {
                elements,
                projection: projection.unwrap_or_else(Projection::none),
                rank: 0,
                is_ended: false,
                value,
                row: Discovery::new(vec![Field::geometry()]),
            };
            return Ok(Opened::encoded(table, encoding));
        }
        elements.value(&mut value)?;
        if name == "crs"
            && let Some(told) = projection_of(&value)?
        {
            projection = Some(told);
        }
    }
    Err(elements.broken("le fichier n'est pas une collection GeoJSON : il n'a pas de liste « features »"))
}

/// Takes the name of a member and the colon behind it.
fn member(elements: &mut Elements<Decoded>, value: &mut Vec<u8>) -> IngestResult<String> {
    elements.value(value)?;
    let name = serde_json::from_slice(value)
        .map_err(|error| elements.broken(reason(&error, "le nom d'un membre")))?;
    elements.expect(b':')?;
    Ok(name)
}

/// What a `crs` member says.
fn projection_of(crs: &[u8]) -> IngestResult<Option<Projection>> {
    let crs: Value = serde_json::from_slice(crs).unwrap_or_default();
    let name = crs.pointer("/properties/name").and_then(Value::as_str);
    name.map(Projection::named).transpose()
}

impl FeatureTable {
    /// Reads what is behind the features.
    fn finish(&mut self) -> IngestResult<()> {
        self.is_ended = true;
        while self.elements.more(b'}', false)? {
            let name = member(&mut self.elements, &mut self.value)?;
            self.elements.value(&mut self.value)?;
            if name == "crs" {
                let reason = "le système de coordonnées « crs » doit précéder la liste « features »";
                return Err(self.elements.broken(reason));
            }
        }
        Ok(())
    }

    fn read(&mut self, record: &mut Record) -> IngestResult<()> {
        let (line, rank) = (self.elements.line(), self.rank);
        let place = || format!("ligne {line}, élément {rank}");
        self.elements.value(&mut self.value)?;
        let feature: Feature = serde_json::from_slice(&self.value)
            .map_err(|error| IngestError::broken(place(), reason(&error, "un objet géographique")))?;
        let properties = feature.properties.unwrap_or_default();
        if let Some(id) = feature.id.filter(|id| !id.is_null() && !properties.contains_key("id")) {
            self.row.set("id", id.as_str().map_or(id.to_string(), str::to_owned).as_str())?;
        }
        set_properties(&mut self.row, &properties)?;
        let cell = self.row.cell(&Field::geometry().header, Declared::Geometry)?;
        let shape = feature.geometry.map_or(Ok(None), Geometry::shape);
        let problem = geo::write_cell(shape, &self.projection, cell);
        self.row.give(line, record);
        record.problem = problem.map(|reason| format!("{} : {reason}", place()));
        Ok(())
    }
}

impl Table for FeatureTable {
    fn fields(&self) -> &[Field] {
        self.row.fields()
    }

    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        while !self.is_ended && self.elements.more(b']', self.rank == 0)? {
            self.rank += 1;
            self.read(record)?;
            if record.counts() {
                return Ok(true);
            }
        }
        if !self.is_ended {
            self.finish()?;
        }
        Ok(false)
    }
}
