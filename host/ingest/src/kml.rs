//! KML, and KMZ, which is a zip of it: a row per placemark.
//!
//! Columns: `name`, `description`, `address`, `phoneNumber`, the times, the folder, and whatever `ExtendedData` holds.
//! Coordinates are longitude and latitude by definition. Links to other documents are not followed.

use std::fs::File;

use crate::error::{IngestError, IngestResult};
use crate::format::Container;
use crate::geo;
use crate::geo::projection::Projection;
use crate::geo::shape::{Position, Shape};
use crate::record::Record;
use crate::source::Archive;
use crate::table::{Declared, Discovery, Field, Opened, Reading, Table};
use crate::xml::{Token, Xml};

/// Positions of one placemark.
const POSITIONS_MAX: usize = 2_000_000;

/// Members of a placemark that become columns under their own names.
const MEMBERS: &[&str] = &["name", "description", "address", "phoneNumber"];

struct KmlTable {
    xml: Xml,
    projection: Projection,
    number: u64,
    /// Names of the folders that are open, with the elements that are open around them.
    folders: Vec<(usize, String)>,
    row: Discovery,
    text: String,
    /// What is wrong with the shape of the placemark in hand.
    problem: Option<String>,
}

/// Opens a document.
pub(crate) fn open(reading: &Reading<'_>) -> IngestResult<Opened> {
    let (xml, encoding) = if reading.container == Container::Zip {
        (Xml::new(document(reading)?, "le document"), encoding_rs::UTF_8.name())
    } else {
        let (text, encoding) = reading.text()?;
        (Xml::new(Box::new(text), "le document"), encoding)
    };
    let table = KmlTable {
        xml,
        projection: Projection::none(),
        number: 0,
        folders: Vec::new(),
        row: Discovery::new(vec![Field::geometry()]),
        text: String::new(),
        problem: None,
    };
    Ok(Opened::encoded(table, encoding))
}

/// The document of a KMZ: `doc.kml`, else the first one.
fn document(reading: &Reading<'_>) -> IngestResult<crate::source::Bytes> {
    let archive = Archive::open(File::open(reading.path)?)?;
    let first = || archive.contents().find(|(_, entry)| entry.name.to_ascii_lowercase().ends_with(".kml"));
    let index = archive.find("doc.kml").or_else(|| first().map(|(index, _)| index));
    let missing = || IngestError::broken("le fichier", "il ne contient pas de document .kml");
    archive.read(index.ok_or_else(missing)?)
}

impl KmlTable {
    /// Reads the placemark whose tag was just opened.
    fn placemark(&mut self) -> IngestResult<()> {
        self.number += 1;
        let depth = self.xml.depth();
        if let Some(id) = self.xml.attribute("id") {
            self.row.set("id", id)?;
        }
        if let Some((_, folder)) = self.folders.last().filter(|(_, name)| !name.is_empty()) {
            self.row.set("folder", folder)?;
        }
        let (mut shapes, mut positions) = (Vec::new(), 0);
        while self.xml.depth() >= depth {
            if self.xml.next()? != Token::Start {
                continue;
            }
            match self.xml.name() {
                "ExtendedData" => self.extended_data()?,
                "begin" | "end" | "when" => {
                    let name = self.xml.name().to_owned();
                    self.member(&name)?;
                }
                "TimeStamp" | "TimeSpan" => {}
                "Point" | "LineString" | "LinearRing" | "Polygon" | "MultiGeometry" | "Track"
                | "MultiTrack" => {
                    self.shapes(&mut shapes, &mut positions)?;
                }
                name => match MEMBERS.iter().find(|member| **member == name) {
                    Some(member) if self.xml.depth() == depth + 1 => self.member(member)?,
                    _ => self.xml.skip()?,
                },
            }
        }
        let cell = self.row.cell(&Field::geometry().header, Declared::Geometry)?;
        let shape = self.problem.take().map_or_else(|| Ok(Shape::gather(shapes)), Err);
        let problem = geo::write_cell(shape, &self.projection, cell);
        self.problem = problem.map(|reason| format!("élément {} : {reason}", self.number));
        Ok(())
    }

    /// Keeps the text of the element whose tag was just opened.
    fn member(&mut self, name: &str) -> IngestResult<()> {
        self.text.clear();
        self.xml.read_text(&mut self.text)?;
        self.row.set(name, self.text.trim())
    }

    /// `Data` with a `value`, and `SimpleData`.
    fn extended_data(&mut self) -> IngestResult<()> {
        let depth = self.xml.depth();
        let mut name = String::new();
        while self.xml.depth() >= depth {
            if self.xml.next()? != Token::Start {
                continue;
            }
            match self.xml.name() {
                "Data" => self.xml.attribute("name").unwrap_or_default().clone_into(&mut name),
                "value" => self.member(&name.clone())?,
                "SimpleData" => {
                    let name = self.xml.attribute("name").unwrap_or_default().to_owned();
                    self.member(&name)?;
                }
                "SchemaData" => {}
                _ => self.xml.skip()?,
            }
        }
        Ok(())
    }

    /// Adds the geometry whose tag was just opened.
    fn shapes(&mut self, shapes: &mut Vec<Shape>, positions: &mut usize) -> IngestResult<()> {
        let (depth, kind) = (self.xml.depth(), self.xml.name().to_owned());
        let (mut lines, mut track) = (Vec::new(), Vec::new());
        while self.xml.depth() >= depth {
            if self.xml.next()? != Token::Start {
                continue;
            }
            match self.xml.name() {
                "coordinates" => {
                    let line = self.coordinates(',', positions)?;
                    lines.extend((!line.is_empty()).then_some(line));
                }
                "coord" => track.extend(self.coordinates(' ', positions)?),
                "outerBoundaryIs" | "innerBoundaryIs" => {}
                "LinearRing" if kind == "Polygon" => {}
                "Point" | "LineString" | "LinearRing" | "Polygon" | "MultiGeometry" | "Track" => {
                    self.shapes(shapes, positions)?;
                }
                _ => self.xml.skip()?,
            }
        }
        if track.len() > 1 {
            lines.push(track);
        }
        shapes.extend(match kind.as_str() {
            "Point" => lines.first().and_then(|line| line.first().copied()).map(Shape::Point),
            "Polygon" => (!lines.is_empty()).then_some(Shape::Polygon(lines)),
            _ => lines.pop().map(Shape::LineString),
        });
        Ok(())
    }

    /// The positions in the element whose tag was just opened; none when one of them is wrong.
    fn coordinates(&mut self, separator: char, positions: &mut usize) -> IngestResult<Vec<Position>> {
        self.text.clear();
        self.xml.read_text(&mut self.text)?;
        let mut line = Vec::new();
        // The standard has no blank behind a comma; people do.
        let text = if separator == ',' { self.text.replace(", ", ",") } else { self.text.trim().to_owned() };
        let parts =
            text.split(|c: char| separator == ',' && c.is_whitespace()).filter(|part| !part.is_empty());
        for part in parts {
            let mut numbers = part.split(separator).map(|number| number.trim().parse::<f64>());
            match (numbers.next(), numbers.next()) {
                (Some(Ok(x)), Some(Ok(y))) if x.is_finite() && y.is_finite() => line.push([x, y]),
                _ => {
                    let start: String = part.chars().take(50).collect();
                    let reason = format!("« {start} » n'est pas une longitude et une latitude");
                    self.problem.get_or_insert(reason);
                    return Ok(Vec::new());
                }
            }
        }
        *positions += line.len();
        if *positions > POSITIONS_MAX {
            let reason = format!("il a plus de {POSITIONS_MAX} coordonnées");
            return Err(IngestError::broken(format!("élément {}", self.number), reason));
        }
        Ok(line)
    }
}

impl Table for KmlTable {
    fn fields(&self) -> &[Field] {
        self.row.fields()
    }

    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        loop {
            match self.xml.next()? {
                Token::Eof => return Ok(false),
                Token::Start => match self.xml.name() {
                    "Placemark" => {
                        self.placemark()?;
                        self.row.give(self.number, record);
                        record.problem = self.problem.take();
                        if record.counts() {
                            return Ok(true);
                        }
                    }
                    "Folder" => self.folders.push((self.xml.depth(), String::new())),
                    "name" => {
                        let depth = self.xml.depth();
                        self.text.clear();
                        self.xml.read_text(&mut self.text)?;
                        if let Some((folder, name)) = self.folders.last_mut()
                            && *folder + 1 == depth
                        {
                            self.text.trim().clone_into(name);
                        }
                    }
                    "kml" | "Document" => {}
                    _ => self.xml.skip()?,
                },
                Token::End => {
                    let depth = self.xml.depth();
                    self.folders.retain(|(folder, _)| *folder <= depth);
                }
                Token::Text => {}
            }
        }
    }
}
