//! Geometries of one kind: `.shp` and its index `.shx`.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};

use halle_geo::shape::doubled_area;
use halle_geo::{Kind as Piece, Position, Shape};

use crate::error::{DatasetsError, DatasetsResult};

/// Bytes before the first record of both files.
const HEADER_BYTES: usize = 100;

/// A kind of shapefile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Point,
    Points,
    Lines,
    Polygons,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Point, Self::Points, Self::Lines, Self::Polygons];

    /// The kinds that a shape has parts of.
    pub(super) fn of(shape: &Shape) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kind| match kind {
            Self::Point => shape.as_point().is_some(),
            Self::Points => shape.has(Piece::Point) && shape.as_point().is_none(),
            Self::Lines => shape.has(Piece::Line),
            Self::Polygons => shape.has(Piece::Polygon),
        })
    }

    /// What files of it are called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Point => "points",
            Self::Points => "multipoints",
            Self::Lines => "lignes",
            Self::Polygons => "polygones",
        }
    }

    fn piece(self) -> Piece {
        match self {
            Self::Point | Self::Points => Piece::Point,
            Self::Lines => Piece::Line,
            Self::Polygons => Piece::Polygon,
        }
    }

    fn code(self) -> i32 {
        match self {
            Self::Point => 1,
            Self::Lines => 3,
            Self::Polygons => 5,
            Self::Points => 8,
        }
    }
}

/// Both files, being written.
pub(super) struct Shapes {
    kind: Kind,
    shp: BufWriter<File>,
    shx: BufWriter<File>,
    /// Of the `.shp` so far.
    bytes: u64,
    count: u32,
    extent: Option<[f64; 4]>,
    record: Vec<u8>,
}

impl Shapes {
    /// Begins files of a kind.
    pub(super) fn new(kind: Kind, shp: File, shx: File) -> DatasetsResult<Self> {
        let (mut shp, mut shx) = (BufWriter::new(shp), BufWriter::new(shx));
        // The header is written at the end, when it is known.
        for file in [&mut shp, &mut shx] {
            file.write_all(&[0; HEADER_BYTES]).map_err(DatasetsError::internal)?;
        }
        Ok(Self { kind, shp, shx, bytes: HEADER_BYTES as u64, count: 0, extent: None, record: Vec::new() })
    }

    /// Kind of geometry.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Adds the parts of a shape that are of this kind.
    ///
    /// # Errors
    ///
    /// 400 when the file becomes larger than its format allows.
    pub(super) fn add(&mut self, shape: &Shape) -> DatasetsResult<()> {
        let mut lines: Vec<Vec<Position>> = Vec::new();
        for piece in shape.pieces().filter(|piece| piece.kind == self.kind.piece()) {
            for (index, line) in piece.lines().enumerate() {
                let mut line = line.to_vec();
                // Outer rings turn clockwise, holes the other way.
                if self.kind == Kind::Polygons && (doubled_area(&line) > 0.0) == (index == 0) {
                    line.reverse();
                }
                lines.push(line);
            }
        }
        self.grow(&lines);
        self.record.clear();
        self.record.extend(self.kind.code().to_le_bytes());
        match (self.kind, lines.first().and_then(|line| line.first())) {
            (Kind::Point, Some(position)) => floats(position, &mut self.record),
            _ => self.parts(&lines)?,
        }
        self.count += 1;
        let words = |bytes: u64| {
            i32::try_from(bytes / 2).map_err(|_| {
                DatasetsError::bad_request(
                    "Un fichier shapefile ne dépasse pas 4 Go : filtrez, ou demandez un autre format (geojson, parquet).",
                )
            })
        };
        let (offset, length) = (words(self.bytes)?, words(self.record.len() as u64)?);
        self.bytes += 8 + self.record.len() as u64;
        words(self.bytes)?;
        let number = self.count.to_be_bytes();
        let write = |file: &mut BufWriter<File>, parts: [&[u8]; 3]| {
            parts.iter().try_for_each(|part| file.write_all(part)).map_err(DatasetsError::internal)
        };
        write(&mut self.shp, [&number, &length.to_be_bytes(), &self.record])?;
        write(&mut self.shx, [&offset.to_be_bytes(), &length.to_be_bytes(), &[]])
    }

    fn grow(&mut self, lines: &[Vec<Position>]) {
        for [x, y] in lines.iter().flatten() {
            let [west, south, east, north] = self.extent.unwrap_or([*x, *y, *x, *y]);
            self.extent = Some([west.min(*x), south.min(*y), east.max(*x), north.max(*y)]);
        }
    }

    /// Box, number of parts, number of points, parts, points; of points, without what concerns parts.
    fn parts(&mut self, lines: &[Vec<Position>]) -> DatasetsResult<()> {
        let number = |count: usize| i32::try_from(count).map_err(DatasetsError::internal);
        let all = || lines.iter().flatten();
        let bound =
            |axis: usize, pick: fn(f64, f64) -> f64| all().map(|p| p[axis]).reduce(pick).unwrap_or(0.0);
        let around = [bound(0, f64::min), bound(1, f64::min), bound(0, f64::max), bound(1, f64::max)];
        floats(&around, &mut self.record);
        let points = number(all().count())?;
        if self.kind == Kind::Points {
            self.record.extend(points.to_le_bytes());
        } else {
            self.record.extend(number(lines.len())?.to_le_bytes());
            self.record.extend(points.to_le_bytes());
            let mut start = 0;
            for line in lines {
                self.record.extend(number(start)?.to_le_bytes());
                start += line.len();
            }
        }
        lines.iter().flatten().for_each(|position| floats(position, &mut self.record));
        Ok(())
    }

    /// The whole `.shp` and `.shx`.
    pub(super) fn finish(self) -> DatasetsResult<[File; 2]> {
        let index_bytes = HEADER_BYTES as u64 + u64::from(self.count) * 8;
        let [west, south, east, north] = self.extent.unwrap_or([0.0; 4]);
        let mut files = Vec::with_capacity(2);
        for (file, bytes) in [(self.shp, self.bytes), (self.shx, index_bytes)] {
            let mut header = Vec::with_capacity(HEADER_BYTES);
            header.extend(9_994_i32.to_be_bytes());
            header.extend([0; 20]);
            let words = i32::try_from(bytes / 2).map_err(DatasetsError::internal)?;
            header.extend(words.to_be_bytes());
            header.extend(1_000_i32.to_le_bytes());
            header.extend(self.kind.code().to_le_bytes());
            // Heights and measures, which there are not, are 0.
            floats(&[west, south, east, north, 0.0, 0.0, 0.0, 0.0], &mut header);
            let mut file = file.into_inner().map_err(DatasetsError::internal)?;
            file.seek(SeekFrom::Start(0)).map_err(DatasetsError::internal)?;
            file.write_all(&header).map_err(DatasetsError::internal)?;
            files.push(file);
        }
        <[File; 2]>::try_from(files).map_err(|_| DatasetsError::internal("a shapefile is two files"))
    }
}

fn floats(numbers: &[f64], out: &mut Vec<u8>) {
    numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
}
