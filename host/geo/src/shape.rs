//! A geometry in the plane: heights are not kept.

/// Longitude and latitude in degrees, or x and y of a grid.
pub type Position = [f64; 2];

/// What a piece of a geometry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Places.
    Point,
    /// Lines.
    Line,
    /// An area, less its holes.
    Polygon,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Point, Self::Line, Self::Polygon];
}

/// A geometry of any kind, flat: positions make lines, lines make pieces. A piece of points has one line, whose positions are
/// the points; a piece of lines has any number; a polygon has its outer ring, then its holes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    positions: Vec<Position>,
    /// For each line, the place after its last position.
    line_ends: Vec<usize>,
    /// For each piece, the place after its last line.
    pieces: Vec<(Kind, usize)>,
}

/// One piece of a [`Shape`].
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// What it is.
    pub kind: Kind,
    shape: &'a Shape,
    lines: (usize, usize),
}

impl<'a> Piece<'a> {
    /// Its lines.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &'a [Position]> + Clone + use<'a> {
        let shape = self.shape;
        (self.lines.0..self.lines.1).map(move |line| shape.line(line))
    }
}

impl Shape {
    /// One point.
    pub fn point(position: Position) -> Self {
        let mut shape = Self::default();
        shape.add_line(&[position]);
        shape.end_piece(Kind::Point);
        shape
    }

    /// Empties the shape, keeping its memory.
    pub fn clear(&mut self) {
        self.positions.clear();
        self.line_ends.clear();
        self.pieces.clear();
    }

    /// Whether it has no position.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Adds a position to the line in the making.
    #[inline]
    pub fn add(&mut self, position: Position) {
        self.positions.push(position);
    }

    /// Ends the line in the making.
    pub fn end_line(&mut self) {
        self.line_ends.push(self.positions.len());
    }

    /// Adds a line.
    pub fn add_line(&mut self, line: &[Position]) {
        self.positions.extend_from_slice(line);
        self.end_line();
    }

    /// Makes a piece of the lines added since the last one; of none, no piece.
    pub fn end_piece(&mut self, kind: Kind) {
        if self.pieces.last().map_or(0, |(_, end)| *end) < self.line_ends.len() {
            self.pieces.push((kind, self.line_ends.len()));
        }
    }

    fn line(&self, line: usize) -> &[Position] {
        let start = line.checked_sub(1).map_or(0, |before| self.line_ends[before]);
        &self.positions[start..self.line_ends[line]]
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> + Clone {
        let starts = std::iter::once(0).chain(self.pieces.iter().map(|(_, end)| *end));
        starts.zip(&self.pieces).map(|(start, &(kind, end))| Piece { kind, shape: self, lines: (start, end) })
    }

    /// The positions of all pieces.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Changes each position.
    pub fn map(&mut self, change: impl FnMut(&mut Position)) {
        self.positions.iter_mut().for_each(change);
    }

    /// The kind of its pieces: of the first, whatever follows.
    pub fn kind(&self) -> Option<Kind> {
        self.pieces.first().map(|(kind, _)| *kind)
    }

    /// Whether it has a piece of the kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.pieces.iter().any(|(found, _)| *found == kind)
    }

    /// The point that it is, if it is one.
    pub fn as_point(&self) -> Option<Position> {
        match (&self.pieces[..], &self.positions[..]) {
            ([(Kind::Point, _)], [position]) => Some(*position),
            _ => None,
        }
    }

    /// The box of its positions: least x, least y, greatest x, greatest y; `None` of nothing.
    pub fn extent(&self) -> Option<[f64; 4]> {
        extent(&self.positions)
    }

    /// The mean of its positions, the one that closes a ring counted once.
    pub fn middle(&self) -> Option<Position> {
        let (mut sum, mut count) = ([0.0, 0.0], 0.0);
        for line in self.pieces().flat_map(|piece| piece.lines()) {
            let is_ring = line.len() > 2 && line.first() == line.last();
            for [x, y] in &line[usize::from(is_ring)..] {
                sum = [sum[0] + x, sum[1] + y];
                count += 1.0;
            }
        }
        (count > 0.0).then(|| [sum[0] / count, sum[1] / count])
    }
}

/// The box of positions.
pub(crate) fn extent(positions: &[Position]) -> Option<[f64; 4]> {
    let (&[x, y], rest) = positions.split_first()?;
    Some(rest.iter().fold([x, y, x, y], |[west, south, east, north], &[x, y]| {
        [west.min(x), south.min(y), east.max(x), north.max(y)]
    }))
}

/// Twice the area of a ring, closed or not, positive when it turns from x to y.
pub fn doubled_area(ring: &[Position]) -> f64 {
    let Some(&[x0, y0]) = ring.first() else { return 0.0 };
    // Relative to the first position: coordinates are large against areas.
    let edges = ring.iter().zip(ring.iter().skip(1));
    edges.map(|([xa, ya], [xb, yb])| (xa - x0) * (yb - y0) - (xb - x0) * (ya - y0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_gives_back_what_was_added() {
        let mut shape = Shape::point([1.0, 2.0]);
        shape.end_piece(Kind::Line);
        shape.add_line(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]]);
        shape.add_line(&[[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [1.0, 1.0]]);
        shape.end_piece(Kind::Polygon);
        let pieces: Vec<(Kind, usize)> =
            shape.pieces().map(|piece| (piece.kind, piece.lines().len())).collect();
        assert_eq!(pieces, [(Kind::Point, 1), (Kind::Polygon, 2)]);
        assert_eq!(shape.extent(), Some([0.0, 0.0, 4.0, 4.0]));
        assert_eq!((shape.as_point(), Shape::default().extent()), (None, None));
        let rings: Vec<f64> = shape.pieces().flat_map(|piece| piece.lines()).map(doubled_area).collect();
        assert_eq!(rings, [0.0, 32.0, -1.0]);
    }

    #[test]
    fn the_middle_counts_the_end_of_a_ring_once() {
        let mut ring = Shape::default();
        ring.add_line(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]]);
        ring.end_piece(Kind::Polygon);
        assert_eq!((ring.middle(), Shape::default().middle()), (Some([2.0, 2.0]), None));
    }
}
