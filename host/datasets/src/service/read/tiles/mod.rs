//! Lines as a map tile (reference §2.8, row `pbf`): which lines, how many of them, under which name the tile is kept.
//!
//! A tile that matches more lines than it may show keeps a sample of them, always the same: the lines that come first by their
//! stable random number. So that neighbouring tiles look equally dense, each keeps a share of its limit that is its part of the
//! densest tile around (`sampling=neighbors`).

pub(crate) mod cache;
pub(super) mod draw;

use bytes::Bytes;
use halle_base::limits::PAGE_LINES_MAX;
use halle_geo::Tile;
use halle_model::{Column, ColumnKind};
use halle_search::Query;
use halle_search::ast::SortKey;
use halle_search::engine::ShapesRequest;
use halle_search::params::{LinesParams, Params, Size};

use self::cache::{TileCache, TileKey};
use super::geojson::GEOMETRY;
use super::{Reading, concept_column};
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;

/// Pages of lines that one tile shows at most (`sampling=max`).
const PAGES_MAX: usize = 4;

/// Distinct values of a text column up to which its values are in tiles unless others are selected.
const FEW_VALUES_MAX: u64 = 50;

/// Degrees by which the box of a tile of points is searched beyond its borders: rounding to the grid moves a point by less, and
/// each point is then drawn in one tile only.
const ROUNDING_DEGREES: f64 = 1e-6;

/// What decides how many lines a tile shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sampling {
    /// The limit, less in proportion when a tile around it is denser.
    Neighbors,
    /// Up to four times the limit, whatever is around.
    Max,
}

impl Sampling {
    fn of(params: &Params) -> DatasetsResult<Self> {
        match params.get("sampling") {
            None | Some("neighbors") => Ok(Self::Neighbors),
            Some("max") => Ok(Self::Max),
            Some(other) => Err(DatasetsError::bad_request(format!(
                "\"sampling\" must be one of neighbors, max, not \"{other}\""
            ))),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Neighbors => "neighbors",
            Self::Max => "max",
        }
    }
}

/// A tile, drawn.
#[derive(Debug, Clone)]
pub struct TileAnswer {
    /// The tile in the Mapbox vector tile format; empty when nothing is in it.
    pub bytes: Bytes,
    /// A validator of the bytes.
    pub etag: String,
    /// Lines in the tile.
    pub shown: usize,
    /// Lines that match.
    pub total: u64,
    /// How it came about, as in the header `x-tilesmode`: `es` or `cache`, the sampling, the limit.
    pub mode: String,
}

/// What a tile depends on, beside the version of the dataset. Its text is the name under which the tile is kept.
#[derive(Debug, Clone)]
struct Question {
    tile: Tile,
    query: Query,
    sort: Vec<SortKey>,
    columns: Vec<String>,
    size: usize,
    sampling: Sampling,
    /// Whether lines are more than points.
    has_shapes: bool,
}

impl Question {
    /// The box in which lines are looked for.
    fn area(&self, tile: Tile) -> [f64; 4] {
        if self.has_shapes {
            return tile.area_with_margin();
        }
        let [west, south, east, north] = tile.area();
        let by = ROUNDING_DEGREES;
        [(west - by).max(-180.0), south - by, (east + by).min(180.0), north + by]
    }
}

impl Reading {
    /// The lines of a tile, from `cache` if it has been drawn before.
    ///
    /// # Errors
    ///
    /// 400 without `xyz`, for another `sampling` than `neighbors` and `max`, on a dataset without places, and for what
    /// `/lines` refuses.
    pub async fn tile(&self, params: &Params, cache: &TileCache) -> DatasetsResult<TileAnswer> {
        let question = self.tile_question(params)?;
        let key = self.index.revision().map(|revision| {
            let served = self.dataset.served.as_ref().map_or("", |served| served.id.as_str());
            let index = names::index(&self.dataset.id, served);
            TileKey::of(&format!("{index:?} {revision} {} {question:?}", self.changed_at()))
        });
        match key {
            Some(key) => cache.get(key, self.draw_tile(question)).await,
            None => self.draw_tile(question).await,
        }
    }

    fn tile_question(&self, params: &Params) -> DatasetsResult<Question> {
        let Some(xyz) = params.get("xyz") else {
            return Err(DatasetsError::bad_request("xyz parameter is required for vector tile format."));
        };
        let sampling = Sampling::of(params)?;
        // Read as a filter first: it refuses what is no tile, and a dataset without places.
        let fields = self.fields();
        let mut whole = params.clone().with("page", "").with("after", "").with("count", "false");
        if params.get("size").is_none_or(|size| size == "all") {
            whole = whole.with("size", &PAGE_LINES_MAX.to_string());
        }
        if params.get("sort").is_none() {
            whole = whole.with("sort", "_rand");
        }
        LinesParams::parse(&whole, &fields)?;
        let Some(tile) = Tile::parse(xyz) else {
            return Err(DatasetsError::bad_request("\"xyz\" parameter is malformed, it must be x,y,z"));
        };
        // Without it: the box to look in is this tile's, with what rounding and borders need.
        let asked = LinesParams::parse(&whole.with("xyz", "").with("_c_xyz", ""), &fields)?;
        let size = match asked.size {
            Size::Lines(size) => size,
            Size::All => PAGE_LINES_MAX,
        };
        let columns = self.tile_columns(&asked);
        let has_shapes = self.columns().iter().any(is_shape);
        Ok(Question { tile, query: asked.query, sort: asked.sort, columns, size, sampling, has_shapes })
    }

    /// Attributes of features: those selected, else what a map colours, filters and labels by.
    fn tile_columns(&self, asked: &LinesParams) -> Vec<String> {
        if let Some(selected) = &asked.selected {
            let shapes =
                |key: &&String| !self.columns().iter().any(|column| column.key == **key && is_shape(column));
            return selected.iter().filter(shapes).cloned().collect();
        }
        let label = concept_column(self.columns(), "label").map(|column| column.key.as_str());
        let light = self.columns().iter().filter(|column| {
            let few = column.cardinality.is_some_and(|values| values <= FEW_VALUES_MAX);
            match column.kind() {
                _ if column.calculated || is_shape(column) => false,
                ColumnKind::Text => few || label == Some(column.key.as_str()),
                ColumnKind::Object => false,
                _ => true,
            }
        });
        let names = ["_id", "_i"].into_iter().chain(light.map(|column| column.key.as_str()));
        names.map(str::to_owned).collect()
    }

    async fn draw_tile(&self, question: Question) -> DatasetsResult<TileAnswer> {
        let limit = self.tile_limit(&question).await?;
        let area = Query::Box(question.area(question.tile));
        let mut select = question.columns.clone();
        if !select.iter().any(|key| key == "_i") {
            select.push("_i".to_owned());
        }
        let request = ShapesRequest {
            query: Query::And(vec![question.query, area]),
            sort: question.sort,
            select,
            limit,
            zoom: question.tile.z,
        };
        let page = self.index.shapes(request).await?;
        let (total, tile, columns) = (page.total, question.tile, question.columns.len());
        let drawing = tokio::task::spawn_blocking(move || draw::tile(tile, &page, columns));
        let (bytes, shown) = drawing.await.map_err(DatasetsError::internal)??;
        let mode = format!("es/{}/{limit}", question.sampling.as_str());
        Ok(TileAnswer { etag: cache::etag(&bytes), bytes: bytes.into(), shown, total, mode })
    }

    /// Lines that the tile may show.
    async fn tile_limit(&self, question: &Question) -> DatasetsResult<usize> {
        let size = question.size;
        if question.sampling == Sampling::Max {
            return Ok(size.saturating_mul(PAGES_MAX));
        }
        if self.index.rows() <= size as u64 {
            return Ok(size);
        }
        let tiles = std::iter::once(question.tile).chain(question.tile.neighbours());
        let areas = tiles.map(|tile| question.area(tile)).collect();
        let counts = self.index.counts(question.query.clone(), areas).await?;
        let (own, densest) =
            (counts.first().copied().unwrap_or(0), counts.iter().copied().max().unwrap_or(0));
        if densest <= size as u64 {
            return Ok(size);
        }
        Ok((size as f64 * own as f64 / densest as f64).ceil() as usize)
    }
}

fn is_shape(column: &Column) -> bool {
    column.refers_to.as_deref() == Some(GEOMETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sampling_is_one_of_two() {
        let of = |value: &str| Sampling::of(&Params::new([("sampling", value)]).unwrap());
        assert_eq!(of("max").unwrap(), Sampling::Max);
        assert_eq!(of("").unwrap(), Sampling::Neighbors);
        assert_eq!(
            of("all").unwrap_err().to_string(),
            "\"sampling\" must be one of neighbors, max, not \"all\""
        );
    }
}
