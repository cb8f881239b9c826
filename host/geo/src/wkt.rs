//! Well-known text (OGC 06-103r4), in two dimensions.

use std::fmt::Write as _;

use crate::geojson;
use crate::shape::{Kind, Piece, Position, Shape};

/// Collections in collections; further in, a text is refused.
const DEPTH_MAX: usize = 16;

/// The shape that a cell of a geometry column holds, GeoJSON or WKT; `None` when it is empty or wrong.
pub fn parse_cell(text: &str) -> Option<Shape> {
    if text.trim_start().starts_with('{') { geojson::parse(text) } else { parse(text) }
}

/// The shape that a text describes; heights and measures are dropped, `SRID=4326;` is skipped.
pub fn parse(text: &str) -> Option<Shape> {
    let text = match text.split_once(';') {
        Some((srid, text)) if srid.trim_start().get(..5).is_some_and(|p| p.eq_ignore_ascii_case("srid=")) => {
            text
        }
        _ => text,
    };
    let mut reader = Reader { rest: text.trim() };
    let mut shape = Shape::default();
    reader.geometry(&mut shape, 0)?;
    (reader.rest.is_empty() && !shape.is_empty()).then_some(shape)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn word(&mut self) -> String {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word.to_ascii_uppercase()
    }

    fn eat(&mut self, mark: char) -> bool {
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    /// What stands between parentheses, item by item.
    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if !self.eat('(') {
            return None;
        }
        loop {
            item(self)?;
            if !self.eat(',') {
                return self.eat(')').then_some(());
            }
        }
    }

    fn geometry(&mut self, shape: &mut Shape, depth: usize) -> Option<()> {
        let kind = self.word();
        let mut next = self.word();
        if matches!(next.as_str(), "Z" | "M" | "ZM") {
            next = self.word();
        }
        if next == "EMPTY" {
            return Some(());
        }
        if !next.is_empty() || depth > DEPTH_MAX {
            return None;
        }
        match kind.trim_end_matches(['Z', 'M']) {
            "POINT" | "LINESTRING" => self.line(shape)?,
            "POLYGON" | "MULTILINESTRING" => self.list(|reader| reader.line(shape))?,
            "MULTIPOINT" => {
                self.list(|reader| {
                    let closed = reader.eat('(');
                    let place = reader.position()?;
                    shape.add(place);
                    (!closed || reader.eat(')')).then_some(())
                })?;
                shape.end_line();
            }
            "MULTIPOLYGON" => {
                return self.list(|reader| {
                    reader.list(|reader| reader.line(shape))?;
                    shape.end_piece(Kind::Polygon);
                    Some(())
                });
            }
            "GEOMETRYCOLLECTION" => return self.list(|reader| reader.geometry(shape, depth + 1)),
            _ => return None,
        }
        shape.end_piece(match kind.trim_end_matches(['Z', 'M']) {
            "POINT" | "MULTIPOINT" => Kind::Point,
            "POLYGON" => Kind::Polygon,
            _ => Kind::Line,
        });
        Some(())
    }

    fn line(&mut self, shape: &mut Shape) -> Option<()> {
        self.list(|reader| {
            let place = reader.position()?;
            shape.add(place);
            Some(())
        })?;
        shape.end_line();
        Some(())
    }

    /// Two numbers, whatever numbers follow.
    fn position(&mut self) -> Option<Position> {
        let end = self.rest.find([',', ')', '('])?;
        let (numbers, rest) = self.rest.split_at(end);
        self.rest = rest;
        let mut numbers = numbers.split_whitespace().map(|number| number.parse::<f64>().ok());
        let place = [numbers.next()??, numbers.next()??];
        place.iter().all(|number| number.is_finite()).then_some(place)
    }
}

/// The text of a shape: of one kind alone, or a collection.
pub fn text(shape: &Shape) -> String {
    let mut out = String::new();
    write(shape, &mut out);
    out
}

/// Appends the text of a shape.
pub fn write(shape: &Shape, out: &mut String) {
    let mut pieces = shape.pieces();
    let first = pieces.next();
    let is_alone = pieces.next().is_none();
    let polygons = shape.pieces().all(|piece| piece.kind == Kind::Polygon);
    match first {
        None => out.push_str("GEOMETRYCOLLECTION EMPTY"),
        Some(piece) if is_alone => write_piece(piece, out),
        Some(_) if polygons => {
            out.push_str("MULTIPOLYGON");
            list(shape.pieces(), out, |piece, out| list(piece.lines(), out, write_line));
        }
        Some(_) => {
            out.push_str("GEOMETRYCOLLECTION");
            list(shape.pieces(), out, write_piece);
        }
    }
}

fn write_piece(piece: Piece<'_>, out: &mut String) {
    let mut lines = piece.lines();
    let several = lines.len() > 1;
    let Some(line) = lines.next() else { return };
    match piece.kind {
        Kind::Point if line.len() == 1 => {
            out.push_str("POINT");
            write_line(line, out);
        }
        Kind::Point => {
            out.push_str("MULTIPOINT");
            list(line.iter(), out, |place, out| write_line(std::slice::from_ref(place), out));
        }
        Kind::Line if several => {
            out.push_str("MULTILINESTRING");
            list(piece.lines(), out, write_line);
        }
        Kind::Line => {
            out.push_str("LINESTRING");
            write_line(line, out);
        }
        Kind::Polygon => {
            out.push_str("POLYGON");
            list(piece.lines(), out, write_line);
        }
    }
}

fn write_line(line: &[Position], out: &mut String) {
    list(line.iter(), out, |[x, y], out| {
        // Writing to a text cannot fail.
        let _ = write!(out, "{x} {y}");
    });
}

fn list<T>(items: impl Iterator<Item = T>, out: &mut String, mut write: impl FnMut(T, &mut String)) {
    out.push('(');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(')');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for text in [
            "POINT(2.35 48.85)",
            "MULTIPOINT((1 2),(3 4))",
            "LINESTRING(1 2,3 4)",
            "MULTILINESTRING((1 2,3 4),(5 6,7 8))",
            "POLYGON((0 0,4 0,4 4,0 0),(1 1,1 2,2 2,1 1))",
            "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))",
            "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(1 2,3 4))",
        ] {
            assert_eq!(self::text(&parse(text).unwrap()), text);
        }
    }

    #[test]
    fn other_spellings_are_read_and_wrong_texts_are_not() {
        for (text, expect) in [
            (" point z ( 1 2 3 ) ", Some("POINT(1 2)")),
            ("SRID=4326;POINT(1e1 -2)", Some("POINT(10 -2)")),
            ("PointZ(1 2 3)", Some("POINT(1 2)")),
            ("MULTIPOINT(1 2, 3 4)", Some("MULTIPOINT((1 2),(3 4))")),
            ("POINT EMPTY", None),
            ("POINT(1)", None),
            ("POINT(1 2", None),
            ("POINT(1 2) x", None),
            ("POINT(NaN 1)", None),
            ("CIRCLE(1 2)", None),
            ("", None),
        ] {
            assert_eq!(parse(text).map(|shape| self::text(&shape)).as_deref(), expect, "{text}");
        }
        assert_eq!(parse(&"GEOMETRYCOLLECTION(".repeat(10_000)), None);
        assert_eq!(text(&Shape::default()), "GEOMETRYCOLLECTION EMPTY");
    }
}
