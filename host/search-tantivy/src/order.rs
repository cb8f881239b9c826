//! The order of rows: every key as an unsigned number, so that rows of all parts compare alike.

mod first;

use std::sync::Arc;

use halle_search::SearchError;
use halle_search::ast::{Cursor, SortBy, SortKey};
use halle_search::engine::SearchResult;
use serde_json::{Number, Value};

use crate::geo;
use crate::part::column::{NO_INSTANT, Values};
use crate::part::sorts::{SortOf, Sorted};
use crate::select::Hits;
use crate::select::plan::Plan;
use crate::snapshot::{Field, Live, OrdinalsOf, Snapshot};
use crate::time;

/// The rank of a row without value: after all others, whichever the direction.
const MISSING: u64 = u64::MAX;

pub(crate) use self::first::{Candidate, First, Leading};

/// A row of an index: its part, and its place there.
pub(crate) type RowAt = (u32, u32);

enum Source<'a> {
    /// A text column; the ranks are those of the folded order, if it is wanted.
    Texts(OrdinalsOf<'a>, Option<&'a [u32]>),
    /// A column of another kind.
    Values(usize),
    Line,
    Random,
    /// What tells rows of the same number apart in a union.
    Tie,
    Score,
    Distance(f64, f64),
}

struct Key<'a> {
    source: Source<'a>,
    descending: bool,
}

/// How rows are compared: the keys that were asked, then what makes the order whole.
pub(crate) struct Order<'a> {
    snapshot: &'a Snapshot,
    keys: Vec<Key<'a>>,
}

impl<'a> Order<'a> {
    /// The order that `sort` asks of the matches of `plan`.
    ///
    /// # Errors
    ///
    /// `BadRequest` in the words of Data Fair for a column that does not exist.
    pub(crate) fn new(snapshot: &'a Snapshot, sort: &[SortKey], plan: &Plan) -> SearchResult<Self> {
        let mut sort = sort.to_vec();
        let asked = |sort: &[SortKey], by: &SortBy| sort.iter().any(|key| key.by == *by);
        let is_distance = |key: &SortKey| matches!(key.by, SortBy::Distance { .. });
        if plan.scores() && !asked(&sort, &SortBy::Score) {
            sort.push(SortKey { by: SortBy::Score, descending: true });
        }
        if let Some((lon, lat)) = plan.place().filter(|_| !sort.iter().any(is_distance)) {
            sort.push(SortKey { by: SortBy::Distance { lon, lat }, descending: false });
        }
        let edited = snapshot.spec.editable || snapshot.is_union;
        let recent = edited && snapshot.field("_updatedAt").is_some();
        let updated = SortBy::Column("_updatedAt".to_owned());
        if recent && !asked(&sort, &updated) && !asked(&sort, &SortBy::Line) {
            sort.push(SortKey { by: updated, descending: true });
        }
        if !asked(&sort, &SortBy::Line) {
            sort.push(SortKey { by: SortBy::Line, descending: recent });
        }
        if !snapshot.is_union {
            // Numbers of lines are unique: what follows them never decides.
            let line = sort.iter().position(|key| key.by == SortBy::Line).unwrap_or(sort.len() - 1);
            sort.truncate(line + 1);
        }
        let key =
            |key: &SortKey| Ok(Key { source: Source::new(snapshot, &key.by)?, descending: key.descending });
        let mut keys = sort.iter().map(key).collect::<SearchResult<Vec<_>>>()?;
        if snapshot.is_union {
            keys.push(Key { source: Source::Tie, descending: false });
        }
        Ok(Self { snapshot, keys })
    }

    /// Whether the order is that in which rows are stored.
    pub(crate) fn is_stored_order(&self) -> bool {
        let stored = self.snapshot.field("_i") == Some(Field::Line);
        stored
            && !self.snapshot.is_union
            && matches!(self.keys[..], [Key { source: Source::Line, descending: false }])
    }

    /// Whether the score decides somewhere.
    pub(crate) fn needs_scores(&self) -> bool {
        self.keys.iter().any(|key| matches!(key.source, Source::Score))
    }

    /// The place from which distances are measured, if the order has one.
    pub(crate) fn place(&self) -> Option<(f64, f64)> {
        self.keys.iter().find_map(|key| match key.source {
            Source::Distance(lon, lat) => Some((lon, lat)),
            _ => None,
        })
    }

    #[inline]
    fn rank(&self, key: usize, row: RowAt, score: f32) -> u64 {
        let Key { source, descending } = &self.keys[key];
        let rank = source.rank(self.snapshot, row, score);
        if rank == MISSING || !descending { rank } else { !rank }
    }

    /// The rows of each part in the order of the first key, if that is a column and such orders are kept.
    ///
    /// `None` as long as looking at every row is the better way.
    pub(crate) fn sorted_parts(&self) -> Option<Vec<Arc<Sorted>>> {
        let first = self.keys.first()?;
        let of = match &first.source {
            Source::Texts(texts, ranks) => SortOf { column: texts.column, folded: ranks.is_some() },
            Source::Values(column) => SortOf { column: *column, folded: false },
            _ => return None,
        };
        let sorted = |(at, live): (usize, &Live)| {
            let rank = |row| first.source.rank(self.snapshot, (at as u32, row as u32), 0.0);
            live.part.sorts.get(of, || Sorted::new(live.part.rows, MISSING, rank))
        };
        // Every part is asked, so that all orders are made with the second question.
        let parts: Vec<_> = self.snapshot.parts.iter().enumerate().map(sorted).collect();
        parts.into_iter().collect()
    }

    /// Whether the first key is turned round.
    pub(crate) fn is_descending(&self) -> bool {
        self.keys.first().is_some_and(|key| key.descending)
    }

    /// The rank of a row by the first key alone.
    pub(crate) fn first_rank(&self, row: RowAt) -> u64 {
        self.rank(0, row, 0.0)
    }

    /// Whether the score is what decides first.
    pub(crate) fn is_by_score(&self) -> bool {
        matches!(self.keys.first(), Some(Key { source: Source::Score, .. }))
    }

    /// Hands out all matches of a part, each with its rank by the first key, which is resolved once, and its score.
    pub(crate) fn each_first(&self, part: usize, hits: &Hits, take: impl FnMut(u64, usize, f32)) {
        let columns = &self.snapshot.parts[part].part.columns;
        match &self.keys[0].source {
            Source::Score => self.each(hits, |_, score| of_number(f64::from(score)), take),
            Source::Texts(texts, ranks) => {
                let place = |row| {
                    texts.ordinal(part, row).map(|ordinal| ranks.map_or(ordinal, |r| r[ordinal as usize]))
                };
                self.each(hits, |row, _| place(row).map_or(MISSING, |place| of_place(place, true)), take);
            }
            Source::Values(index) => {
                let column = &columns[*index];
                let has = |row| column.is_full() || column.has(row);
                match &column.values {
                    Values::Integer(values) => {
                        let rank = |row, _| if has(row) { of_integer(values[row]) } else { MISSING };
                        self.each(hits, rank, take);
                    }
                    Values::Number(values) => {
                        let rank = |row, _| if has(row) { of_number(values[row]) } else { MISSING };
                        self.each(hits, rank, take);
                    }
                    _ => self.each_by_key(part, hits, take),
                }
            }
            _ => self.each_by_key(part, hits, take),
        }
    }

    fn each_by_key(&self, part: usize, hits: &Hits, take: impl FnMut(u64, usize, f32)) {
        let source = &self.keys[0].source;
        self.each(hits, |row, score| source.rank(self.snapshot, (part as u32, row as u32), score), take);
    }

    fn each(&self, hits: &Hits, rank: impl Fn(usize, f32) -> u64, mut take: impl FnMut(u64, usize, f32)) {
        let descending = self.keys[0].descending;
        let score = |row: usize| hits.scores.as_ref().map_or(0.0, |scores| scores[row]);
        hits.rows.each(|row| {
            let score = score(row);
            let first = rank(row, score);
            take(if descending && first != MISSING { !first } else { first }, row, score);
        });
    }

    /// The sort values of a row, from which a next page goes on.
    pub(crate) fn cursor(&self, row: RowAt, score: f32) -> Cursor {
        self.keys.iter().map(|key| key.source.value(self.snapshot, row, score)).collect()
    }

    /// The ranks of a cursor.
    ///
    /// # Errors
    ///
    /// `BadRequest` in the words of Data Fair when it does not fit the order.
    pub(crate) fn ranks_of(&self, cursor: &Cursor) -> SearchResult<Vec<u64>> {
        let malformed = || SearchError::BadRequest("\"after\" parameter is malformed".to_owned());
        if cursor.len() != self.keys.len() {
            return Err(malformed());
        }
        let ranks = self.keys.iter().zip(cursor).map(|(key, value)| {
            if value.is_null() {
                return Ok(MISSING);
            }
            let rank = key.source.rank_of(self.snapshot, value).ok_or_else(malformed)?;
            Ok(if key.descending { !rank } else { rank })
        });
        ranks.collect()
    }
}

impl<'a> Source<'a> {
    fn new(snapshot: &'a Snapshot, by: &SortBy) -> SearchResult<Self> {
        let name = match by {
            SortBy::Score => return Ok(Self::Score),
            SortBy::Line => return Ok(Self::Line),
            SortBy::Random => return Ok(Self::Random),
            SortBy::Distance { lon, lat } => return Ok(Self::Distance(*lon, *lat)),
            SortBy::Column(name) => name,
        };
        match snapshot.field(name) {
            Some(Field::Column(index)) => {
                let declared = &snapshot.spec.columns[index];
                let is_instant = declared.kind() == halle_model::ColumnKind::DateTime;
                let texts = if is_instant { None } else { snapshot.ordinals(index) };
                match texts {
                    Some(texts) => {
                        let ranks = declared.capabilities.insensitive().then(|| texts.folded_ranks());
                        Ok(Self::Texts(texts, ranks))
                    }
                    None => Ok(Self::Values(index)),
                }
            }
            // Derived identifiers follow the numbers of the lines.
            Some(Field::Line | Field::Id) => Ok(Self::Line),
            Some(Field::Random) => Ok(Self::Random),
            Some(Field::Point) | None => Err(SearchError::BadRequest(format!(
                "Impossible de trier sur le champ {name}, il n'existe pas dans le jeu de données."
            ))),
        }
    }

    #[inline]
    fn rank(&self, snapshot: &Snapshot, (part, row): RowAt, score: f32) -> u64 {
        let (at, row) = (part as usize, row as usize);
        let part = &snapshot.parts[at].part;
        match self {
            Self::Line => of_integer(part.line(row)),
            Self::Score => of_number(f64::from(score)),
            Self::Random => of_integer(snapshot.random(at, row)),
            Self::Tie => of_integer(snapshot.tie(at, row)),
            Self::Texts(texts, ranks) => texts.ordinal(at, row).map_or(MISSING, |ordinal| {
                of_place(ranks.map_or(ordinal, |ranks| ranks[ordinal as usize]), true)
            }),
            Self::Distance(lon, lat) => {
                let point = part.points.as_ref().and_then(|points| points.get(row));
                point.map_or(MISSING, |point| of_number(geo::distance_m((*lon, *lat), point)))
            }
            Self::Values(index) => {
                let column = &part.columns[*index];
                if !column.has(row) {
                    return MISSING;
                }
                match &column.values {
                    Values::Integer(values) => of_integer(values[row]),
                    Values::Number(values) => of_number(values[row]),
                    Values::Day(values) => of_integer(i64::from(values[row])),
                    Values::Boolean(values) => of_integer(i64::from(values.value(row))),
                    Values::Instant(_, millis) if millis[row] != NO_INSTANT => of_integer(millis[row]),
                    Values::Instant(..) | Values::Text(_) => MISSING,
                }
            }
        }
    }

    fn value(&self, snapshot: &Snapshot, (part, row): RowAt, score: f32) -> Value {
        let (at, row) = (part as usize, row as usize);
        let part = &snapshot.parts[at].part;
        match self {
            Self::Line => part.line(row).into(),
            Self::Random => snapshot.random(at, row).into(),
            Self::Tie => snapshot.tie(at, row).into(),
            // The shortest text of the 32-bit number, which reads back as the same number.
            Self::Score => exact(score.to_string(), f64::from(score)),
            Self::Texts(texts, _) => {
                texts.ordinal(at, row).map_or(Value::Null, |ordinal| texts.text(ordinal).into())
            }
            Self::Distance(lon, lat) => {
                let point = part.points.as_ref().and_then(|points| points.get(row));
                point.map_or(Value::Null, |point| {
                    let metres = geo::distance_m((*lon, *lat), point);
                    exact(metres.to_string(), metres)
                })
            }
            Self::Values(index) => {
                let column = &part.columns[*index];
                if !column.has(row) {
                    return Value::Null;
                }
                match &column.values {
                    Values::Integer(values) => values[row].into(),
                    Values::Number(values) => exact(values[row].to_string(), values[row]),
                    Values::Day(values) => time::day_text(values[row]).into(),
                    Values::Boolean(values) => values.value(row).into(),
                    Values::Instant(_, millis) if millis[row] != NO_INSTANT => millis[row].into(),
                    Values::Instant(..) | Values::Text(_) => Value::Null,
                }
            }
        }
    }

    fn rank_of(&self, snapshot: &Snapshot, value: &Value) -> Option<u64> {
        match self {
            Self::Line | Self::Random | Self::Tie => integer(value).map(of_integer),
            Self::Score => number(value).map(|score| of_number(f64::from(score as f32))),
            Self::Distance(..) => number(value).map(of_number),
            Self::Texts(texts, ranks) => {
                let text = value.as_str()?;
                let (place, found) = if ranks.is_some() { texts.find_folded(text) } else { texts.find(text) };
                Some(of_place(place, found))
            }
            Self::Values(index) => match snapshot.spec.columns[*index].kind() {
                halle_model::ColumnKind::Number => number(value).map(of_number),
                halle_model::ColumnKind::Date => {
                    value.as_str()?.parse().ok().map(|date| of_integer(time::day_number(date).into()))
                }
                halle_model::ColumnKind::Boolean => value.as_bool().map(|value| of_integer(value.into())),
                _ => integer(value).map(of_integer),
            },
        }
    }
}

fn of_integer(value: i64) -> u64 {
    (value.cast_unsigned() ^ (1 << 63)).clamp(1, MISSING - 1)
}

fn of_number(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    ordered.clamp(1, MISSING - 1)
}

/// A place among sorted texts; a text that is not there is just before that place.
fn of_place(place: u32, found: bool) -> u64 {
    u64::from(place) * 2 + 1 + u64::from(found)
}

/// A number that survives JSON: as text when it has more digits than every reader keeps.
fn exact(text: String, value: f64) -> Value {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    match Number::from_f64(text.parse().unwrap_or(value)) {
        Some(number) if digits <= 15 => Value::Number(number),
        _ => Value::String(text),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
