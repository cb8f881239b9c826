//! GPX: a row per waypoint, route and track.
//!
//! Columns: `type` (`waypoint`, `route` or `track`), the texts of the element, `ele` and `time` of waypoints.

use crate::error::{IngestError, IngestResult};
use crate::geo;
use crate::geo::projection::Projection;
use crate::geo::shape::{Position, Shape};
use crate::record::Record;
use crate::table::{Declared, Discovery, Field, Opened, Reading, Table};
use crate::xml::{Token, Xml};

/// Positions of one track: three weeks of seconds.
const POSITIONS_MAX: usize = 2_000_000;

struct GpxTable {
    xml: Xml,
    projection: Projection,
    number: u64,
    row: Discovery,
    text: String,
}

/// Opens a document.
pub(crate) fn open(reading: &Reading<'_>) -> IngestResult<Opened> {
    let (text, encoding) = reading.text()?;
    let table = GpxTable {
        xml: Xml::new(Box::new(text), "le document"),
        projection: Projection::none(),
        number: 0,
        row: Discovery::new(vec![Field::geometry()]),
        text: String::new(),
    };
    Ok(Opened::encoded(table, encoding))
}

impl GpxTable {
    /// Reads the waypoint, route or track whose tag was just opened; what is wrong with its shape.
    fn element(&mut self, kind: &str) -> IngestResult<Option<String>> {
        self.number += 1;
        self.row.set("type", kind)?;
        let depth = self.xml.depth();
        let mut lines = Vec::new();
        if kind == "waypoint" {
            lines.push(vec![self.position()?]);
        } else if kind == "route" {
            lines.push(Vec::new());
        }
        let mut count = 0;
        while self.xml.depth() >= depth {
            if self.xml.next()? != Token::Start {
                continue;
            }
            match self.xml.name() {
                "trkseg" => lines.push(Vec::new()),
                "trkpt" | "rtept" => {
                    count += 1;
                    if count > POSITIONS_MAX {
                        return Err(self.broken(format!("il a plus de {POSITIONS_MAX} points")));
                    }
                    let position = self.position()?;
                    if let Some(line) = lines.last_mut() {
                        line.push(position);
                    }
                    self.xml.skip()?;
                }
                "link" => {
                    let address = self.xml.attribute("href").unwrap_or_default().to_owned();
                    self.row.set("link", &address)?;
                    self.xml.skip()?;
                }
                "extensions" => self.xml.skip()?,
                name => {
                    // `type` says what the row is; GPX's own is a category.
                    let name = if name == "type" { "category".to_owned() } else { name.to_owned() };
                    self.text.clear();
                    self.xml.read_text(&mut self.text)?;
                    self.row.set(&name, self.text.trim())?;
                }
            }
        }
        self.close(kind, lines)
    }

    /// Writes the shape of the element; what is wrong with it.
    fn close(&mut self, kind: &str, mut lines: Vec<Vec<Position>>) -> IngestResult<Option<String>> {
        let shape = if kind == "waypoint" {
            lines.first().and_then(|line| line.first().copied()).map(Shape::Point)
        } else {
            lines.retain(|line| line.len() > 1);
            Shape::gather(lines.into_iter().map(Shape::LineString).collect())
        };
        let cell = self.row.cell(&Field::geometry().header, Declared::Geometry)?;
        let problem = geo::write_cell(Ok(shape), &self.projection, cell);
        Ok(problem.map(|reason| format!("élément {} : {reason}", self.number)))
    }

    /// Where the tag that was just opened is.
    fn position(&self) -> IngestResult<Position> {
        let number =
            |name: &str| self.xml.attribute(name)?.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        match (number("lon"), number("lat")) {
            (Some(longitude), Some(latitude)) => Ok([longitude, latitude]),
            _ => Err(self.broken("un point n'a pas de latitude (lat) et de longitude (lon)".to_owned())),
        }
    }

    fn broken(&self, reason: String) -> IngestError {
        IngestError::broken(format!("élément {}", self.number), reason)
    }
}

impl Table for GpxTable {
    fn fields(&self) -> &[Field] {
        self.row.fields()
    }

    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        loop {
            match self.xml.next()? {
                Token::Eof => return Ok(false),
                Token::Start => {
                    let kind = match self.xml.name() {
                        "wpt" => "waypoint",
                        "rte" => "route",
                        "trk" => "track",
                        "gpx" => continue,
                        _ => {
                            self.xml.skip()?;
                            continue;
                        }
                    };
                    let problem = self.element(kind)?;
                    self.row.give(self.number, record);
                    record.problem = problem;
                    return Ok(true);
                }
                Token::End | Token::Text => {}
            }
        }
    }
}
