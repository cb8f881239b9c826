//! The query as data.

use serde_json::Value;

/// A value to compare with, already of the column's kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Text, and JSON objects.
    Text(String),
    /// Integer columns.
    Integer(i64),
    /// Number columns.
    Number(f64),
    /// Boolean columns.
    Boolean(bool),
    /// Date columns: days since 1970-01-01.
    Day(i32),
    /// Date-time columns: milliseconds since 1970-01-01 UTC.
    Instant(i64),
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// No limit.
    None,
    /// The operand itself matches.
    Included(Operand),
    /// The operand itself does not match.
    Excluded(Operand),
}

/// How text of a query is analysed and matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextView {
    /// French: elision, stop words, stems, no accents.
    Stemmed,
    /// Words as they are, without case and accents.
    Standard,
}

/// What lines must match. Columns are named by key.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Every line.
    All,
    /// No line.
    Nothing,
    /// Every part matches.
    And(Vec<Query>),
    /// At least one part matches.
    Or(Vec<Query>),
    /// The part does not match. Lines without value match too.
    Not(Box<Query>),
    /// The column has one of the values exactly.
    In { column: String, values: Vec<Operand> },
    /// The column's value is within the range. Text compares by code points.
    Range { column: String, lower: Bound, upper: Bound },
    /// The column's text starts with the prefix, case-sensitive.
    Prefix { column: String, prefix: String },
    /// The column's text matches a pattern of `*` and `?`, case-sensitive.
    Wildcard { column: String, pattern: String },
    /// The column has a value.
    Exists { column: String },
    /// The word occurs in one of the columns. Empty `columns` means all that are searchable.
    Word { columns: Vec<String>, word: String, view: TextView },
    /// A word that differs from this one by at most `distance` letters (0 to 2: one added, left out, replaced, or swapped
    /// with the next) occurs in one of the columns, whatever its case and accents.
    FuzzyWord { columns: Vec<String>, word: String, distance: u8 },
    /// A word that starts with the prefix occurs in one of the columns.
    WordPrefix { columns: Vec<String>, prefix: String },
    /// The words occur one after the other, with at most `slop` words between.
    Phrase { columns: Vec<String>, words: String, slop: u32, view: TextView },
    /// The point or shape of the line intersects the box: west, south, east, north, in degrees.
    Box([f64; 4]),
    /// The point of the line is within `metres` of the place.
    Near { lon: f64, lat: f64, metres: f64 },
    /// Matches like the part, without counting for relevance.
    Unscored(Box<Query>),
}

/// One key of a sort.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    /// What is compared.
    pub by: SortBy,
    /// Whether the largest comes first. Missing values come last either way.
    pub descending: bool,
}

/// What a sort compares.
#[derive(Debug, Clone, PartialEq)]
pub enum SortBy {
    /// A column. Text compares folded first, then by code points, unless `insensitive` is off.
    Column(String),
    /// Relevance.
    Score,
    /// Number of the line.
    Line,
    /// The stable random number of the line.
    Random,
    /// Distance to a place.
    Distance {
        /// Degrees east.
        lon: f64,
        /// Degrees north.
        lat: f64,
    },
}

/// Where to go on: the sort values of the last line already read, as in Data Fair's `after`.
pub type Cursor = Vec<Value>;

/// A metric over a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Arithmetic mean.
    Avg,
    /// Sum.
    Sum,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Count, min, max, avg and sum together.
    Stats,
    /// Number of values.
    ValueCount,
    /// Percentiles.
    Percentiles,
    /// Number of distinct values.
    Cardinality,
}

/// How rows are grouped at one level of `values_agg`.
#[derive(Debug, Clone, PartialEq)]
pub enum Interval {
    /// One group per value.
    Value,
    /// One group per interval of numbers.
    Number(f64),
    /// One group per calendar unit in the column's zone: `minute`, `hour`, `day`, `week`, `month`, `quarter`, `year`.
    Calendar(&'static str),
    /// One group per fixed duration, in milliseconds.
    Fixed(i64),
    /// One group per cell of the geohash grid, of this many characters (1 to 8). The column is `_geopoint`.
    Geohash(u8),
}

/// How groups of one level are ordered.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupOrder {
    /// By number of lines.
    Count,
    /// By value.
    Key,
    /// By the metric.
    Metric,
}

/// One level of `values_agg`.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupBy {
    /// Column.
    pub column: String,
    /// How rows are grouped.
    pub interval: Interval,
    /// Groups to return; 0 asks for the number of groups only.
    pub size: usize,
    /// Orders, each with whether it is descending.
    pub order: Vec<(GroupOrder, bool)>,
    /// Value that stands for lines without one.
    pub missing: Option<Operand>,
}
