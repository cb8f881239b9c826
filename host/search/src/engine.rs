//! The port: what a search engine must be able to do.

use std::sync::Arc;

use arrow::array::BinaryArray;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use halle_model::Column;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ast::{Cursor, GroupBy, Metric, Query, SortKey};

/// Why a search failed.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The question is wrong; the text is for the client, in Data Fair's words where clients match on them.
    #[error("{0}")]
    BadRequest(String),
    /// The index is gone or was never built.
    #[error("index `{0}` does not exist")]
    NoIndex(String),
    /// The question took too long and was stopped.
    #[error("Cette requête est trop longue, son traitement a été interrompu.")]
    TooLong,
    /// The engine failed. The text is for the log.
    #[error("search failed: {0}")]
    Engine(String),
}

impl SearchError {
    /// Wraps an error of the engine.
    pub fn engine(error: impl std::fmt::Display) -> Self {
        Self::Engine(error.to_string())
    }
}

/// Result of a search.
pub type SearchResult<T> = Result<T, SearchError>;

/// Name of an index: one per dataset version, or one per editable dataset.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IndexId(pub String);

/// What an index is built for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexSpec {
    /// Columns of the rows, in order. Batches have these columns under their keys, in the Arrow types that
    /// [`ColumnKind`](halle_model::ColumnKind) tells, all nullable.
    pub columns: Vec<Column>,
    /// Whether lines are changed one by one ([`Index::apply`]).
    pub editable: bool,
}

/// What a union takes from an index.
#[derive(Debug, Clone, PartialEq)]
pub struct UnionMember {
    /// The index.
    pub index: IndexId,
    /// A name that lasts when the index is built again: identifiers of edited lines begin with a digest of it.
    pub name: String,
    /// Keys of the columns that it gives to the union; they have the kind and the separator that the union's have.
    pub columns: Vec<String>,
    /// The lines that it gives, by columns of the index itself, whether it gives them to the union or not.
    pub filter: Query,
}

/// An engine: a set of indexes.
#[async_trait]
pub trait SearchEngine: Send + Sync + std::fmt::Debug {
    /// Starts an index aside. An index of the same name is replaced when the builder finishes, not before.
    async fn create(&self, id: &IndexId, spec: IndexSpec) -> SearchResult<Box<dyn IndexBuilder>>;

    /// Opens an index for reading; cheap after the first time.
    async fn open(&self, id: &IndexId) -> SearchResult<Arc<dyn Index>>;

    /// Opens the lines of several indexes as if they were one index, which answers every question exactly. `columns` of
    /// the spec are those of the union; a column that a member does not give has no value in its lines. A union cannot be
    /// edited. `_i` are the members' own, `_id` are unique and last as long as those of the members.
    ///
    /// An order ends with `_i` and a number that tells lines of the same `_i` apart, so that a cursor has two values more
    /// than keys were asked.
    async fn open_union(&self, spec: IndexSpec, members: Vec<UnionMember>) -> SearchResult<Arc<dyn Index>>;

    /// Removes an index. Readers that hold it go on.
    async fn remove(&self, id: &IndexId) -> SearchResult<()>;

    /// Every whole index.
    async fn list(&self) -> SearchResult<Vec<IndexId>>;
}

/// An index in the making. Dropping it leaves nothing.
#[async_trait]
pub trait IndexBuilder: Send {
    /// Adds rows. Rows are numbered from 1 in the order they come; `_i` and `_id` columns are used if the spec has them.
    async fn add(&mut self, batch: RecordBatch) -> SearchResult<()>;

    /// Makes the index whole, durable and visible.
    async fn finish(self: Box<Self>) -> SearchResult<IndexSummary>;
}

/// What is known of an index once built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexSummary {
    /// Lines.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Box of all shapes, and of points of lines without shape: west, south, east, north.
    pub bbox: Option<[f64; 4]>,
    /// Statistics of each column, in the order of the spec.
    pub columns: Vec<ColumnSummary>,
}

/// Statistics of a column, for `x-cardinality` and `enum`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnSummary {
    /// Key of the column.
    pub key: String,
    /// Lines that have a value.
    pub filled: u64,
    /// Distinct values; exact up to 3000, then approximate.
    pub cardinality: u64,
    /// The most frequent values, most frequent first, if there are at most 50 distinct ones.
    pub values: Option<Vec<Value>>,
}

/// The column of the texts of files: computed, and searched all the same; left out of lines unless it is selected.
pub const FILE_TEXT: &str = "_file.content";

/// What `/lines` asks.
#[derive(Debug, Clone, PartialEq)]
pub struct LinesRequest {
    /// Which lines.
    pub query: Query,
    /// Order; the engine adds the tie-breaker it needs at the end.
    pub sort: Vec<SortKey>,
    /// Columns of the answer, in order. `_id`, `_i`, `_rand` are added by [`LineFields`].
    pub select: Vec<String>,
    /// Fields beside the columns.
    pub fields: LineFields,
    /// Lines to skip.
    pub skip: usize,
    /// Lines to return.
    pub size: usize,
    /// Where to go on, instead of `skip`.
    pub after: Option<Cursor>,
    /// Whether to count all lines that match.
    pub count: bool,
    /// Keep only the first line, in the order asked, of each value of this column; lines without value count as one.
    pub collapse: Option<String>,
    /// Text columns whose passages that match are answered in `_highlight`.
    pub highlight: Vec<String>,
}

/// Fields beside the columns that each line carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineFields {
    /// `_id`.
    pub id: bool,
    /// `_i`.
    pub line: bool,
    /// `_rand`.
    pub random: bool,
    /// `_score`, `null` when the query does not score.
    pub score: bool,
    /// `_geo_distance` in metres, when the query or the sort has a place.
    pub distance: bool,
}

/// A page of lines.
#[derive(Debug, Clone, Default)]
pub struct LinesPage {
    /// Lines that match, when asked.
    pub total: Option<u64>,
    /// Distinct values of the column by which lines are collapsed, when they are and a count was asked.
    pub total_collapse: Option<u64>,
    /// Each line as a JSON object, ready to send, absent values left out.
    pub lines: Vec<Bytes>,
    /// Where the next page begins; `None` when the page is not full.
    pub next: Option<Cursor>,
}

/// What an export asks: every line that matches, as columns.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanRequest {
    /// Which lines.
    pub query: Query,
    /// Order; by line number when empty.
    pub sort: Vec<SortKey>,
    /// Columns, in order; `_id`, `_i` may be among them.
    pub select: Vec<String>,
    /// Lines to return at most; all when `None`.
    pub limit: Option<usize>,
}

/// What a map asks: lines with their places.
#[derive(Debug, Clone, PartialEq)]
pub struct ShapesRequest {
    /// Which lines.
    pub query: Query,
    /// Order, which decides what is left out when more lines match than are wanted.
    pub sort: Vec<SortKey>,
    /// Columns, in order; `_id`, `_i` may be among them.
    pub select: Vec<String>,
    /// Lines to return at most.
    pub limit: usize,
    /// Zoom of the map: what cannot be seen there may be left out of shapes.
    pub zoom: u8,
}

/// Lines with their places.
#[derive(Debug, Clone, Default)]
pub struct ShapesPage {
    /// Lines that match, whatever the limit.
    pub total: u64,
    /// Batches of at most 4,096 rows, and for each row its shape on the grid of the world, else its point, as
    /// [`halle_geo::compact`] writes it; null where there is neither. All rows come in no order when they are not more than
    /// wanted.
    pub batches: Vec<(RecordBatch, BinaryArray)>,
}

/// What `values_agg` asks.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuesAggRequest {
    /// Which lines.
    pub query: Query,
    /// Levels, outermost first; at least one.
    pub levels: Vec<GroupBy>,
    /// Metrics of each group, with the names under which they are answered (`metric`, `{column}_{metric}`).
    pub metrics: Vec<(String, Metric, String)>,
    /// Lines to return in each innermost group.
    pub size: usize,
    /// Columns of these lines.
    pub select: Vec<String>,
    /// Order of these lines.
    pub sort: Vec<SortKey>,
    /// Whether to tell where each group is on average.
    pub places: bool,
}

/// How groups are found, for those who wonder why that takes long.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// How the lines that match are found, in the order of the steps.
    pub lines: Vec<Step>,
    /// Columns by whose values the lines that match are grouped, outermost first.
    pub groups: Vec<String>,
    /// Columns of which metrics read the values of the lines that match.
    pub metrics: Vec<String>,
    /// The parts of the index, which are asked one after the other.
    pub parts: Vec<PartLines>,
}

/// A step on the way to the lines that match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What is read: `all` or `none` (nothing is), `words` (an index of words, which tells the lines), `values` (a column, line by line),
    /// `places` (the point of each line).
    pub read: &'static str,
    /// The column; absent where none is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

/// Lines of a part of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PartLines {
    /// Lines that it holds, those that were removed since included: a step reads as many at most.
    pub rows: u64,
    /// Lines that were removed since.
    pub deleted: u64,
    /// Lines that match: each level of groups and each metric reads as many.
    pub matched: u64,
}

/// What `words_agg` asks: the words of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct WordsRequest {
    /// Which lines.
    pub query: Query,
    /// Text column.
    pub column: String,
    /// Words to return.
    pub size: usize,
    /// Whether words that are more frequent in these lines than in all lines come first, instead of frequent ones.
    pub significant: bool,
}

/// Words of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words {
    /// Lines that match.
    pub total: u64,
    /// The words, best first.
    pub words: Vec<WordCount>,
}

/// A word, counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WordCount {
    /// The form in which it is most often written, in lower case.
    pub word: String,
    /// Lines that match and have it in one of its forms.
    pub total: u64,
    /// How much it says of these lines: the share of them that have it; when words are to be significant, that share's
    /// distance from the share of all lines, times the quotient of the two.
    pub score: f64,
}

/// Groups of one level.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Groups {
    /// Lines at this level.
    pub total: u64,
    /// Number of groups before cutting to the size asked.
    pub total_values: u64,
    /// Lines in the groups that were cut, and lines without value.
    pub total_other: u64,
    /// The groups.
    pub groups: Vec<Group>,
}

/// One group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// Lines in the group.
    pub total: u64,
    /// Its value: numbers as numbers, booleans as `"true"`/`"false"`, dates `YYYY-MM-DD`, date-times RFC 3339.
    pub value: Value,
    /// Mean of the points of its lines that have one, when it was asked: degrees east and north.
    pub centroid: Option<(f64, f64)>,
    /// Metrics by name.
    pub metrics: Map<String, Value>,
    /// Sample lines.
    pub lines: Vec<Bytes>,
    /// The next level.
    pub inner: Option<Groups>,
}

/// An index opened for reading: one consistent version.
#[async_trait]
pub trait Index: Send + Sync {
    /// What it was built for.
    fn spec(&self) -> &IndexSpec;

    /// Number of lines.
    fn rows(&self) -> u64;

    /// A page of lines.
    async fn lines(&self, request: LinesRequest) -> SearchResult<LinesPage>;

    /// One line by `_id`, all columns, as a JSON object.
    async fn line(&self, id: &str) -> SearchResult<Option<Bytes>>;

    /// Every line that matches, in batches of at most 4,096 rows, at constant memory when unsorted.
    async fn scan(&self, request: ScanRequest)
    -> SearchResult<BoxStream<'static, SearchResult<RecordBatch>>>;

    /// Lines with their places, for a map.
    async fn shapes(&self, request: ShapesRequest) -> SearchResult<ShapesPage>;

    /// How many lines match in each of the boxes (west, south, east, north).
    async fn counts(&self, query: Query, areas: Vec<[f64; 4]>) -> SearchResult<Vec<u64>>;

    /// A number that changes with everything the index answers, and that no other index of this process has; answers may be
    /// kept under it. `None` when the engine cannot tell.
    fn revision(&self) -> Option<u64>;

    /// Groups and metrics.
    async fn values_agg(&self, request: ValuesAggRequest) -> SearchResult<Groups>;

    /// How [`values_agg`](Self::values_agg) answers. Finds the lines that match, and groups nothing.
    async fn explain(&self, request: ValuesAggRequest) -> SearchResult<Explanation>;

    /// One metric over one column: the number of lines that match and the metric in its JSON form.
    async fn metric(
        &self,
        query: Query,
        column: &str,
        metric: Metric,
        percents: &[f64],
    ) -> SearchResult<(u64, Value)>;

    /// The words of a column, stop words left out, forms of a word counted together.
    async fn words(&self, request: WordsRequest) -> SearchResult<Words>;

    /// Box of the points of the lines that match.
    async fn bbox(&self, query: Query) -> SearchResult<Option<[f64; 4]>>;

    /// Statistics of the whole index.
    async fn summary(&self) -> SearchResult<IndexSummary>;

    /// Changes lines of an editable index: removes lines by `_id`, then adds the rows of the batch (which has `_id` and
    /// `_i` columns). Visible to whoever opens the index afterwards when it returns; durable after [`Self::persist`]. A
    /// crash before loses changes from the last one backwards, never one in the middle, and never half of one.
    async fn apply(&self, removed: Vec<String>, added: Option<RecordBatch>) -> SearchResult<()>;

    /// Makes durable what [`Self::apply`] changed until now. Reads and changes go on meanwhile.
    async fn persist(&self) -> SearchResult<()>;
}
