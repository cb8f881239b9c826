//! One consistent version of an index: its parts, less the rows that were removed since.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use halle_search::engine::{IndexSummary, SearchResult};
use halle_search::{IndexId, IndexSpec, SearchError};

use crate::analysis::{self, Analyser, View};
use crate::bits::Bits;
use crate::hash;
use crate::part::Part;
use crate::part::dictionary::{Dictionary, NO_VALUE};

/// A number that no version of any index of this process has had.
fn next_revision() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A part and the rows of it that are gone.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) part: Arc<Part>,
    pub(crate) deleted: Option<Arc<Bits>>,
}

impl Live {
    /// Rows that are left.
    pub(crate) fn rows(&self) -> usize {
        self.part.rows - self.deleted.as_ref().map_or(0, |deleted| deleted.count())
    }

    /// The rows that are left.
    pub(crate) fn alive(&self) -> Bits {
        let mut rows = Bits::all(self.part.rows);
        if let Some(deleted) = &self.deleted {
            rows.and_not(deleted);
        }
        rows
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// A column of the spec.
    Column(usize),
    /// `_id`, derived from the number of the line.
    Id,
    /// `_i`.
    Line,
    /// `_rand`.
    Random,
    /// `_geopoint`.
    Point,
}

/// What rows are called, beside their number: `_id` and `_rand`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naming {
    /// Makes `_rand` differ between indexes.
    seed: u64,
    id_prefix: String,
    /// Place of the index in a union.
    member: u16,
}

impl Naming {
    /// Rows of the index of this name, alone or at this place of a union.
    pub(crate) fn new(name: &str, member: u16) -> Self {
        let seed = hash::of_bytes(name.as_bytes());
        Self { seed, id_prefix: format!("{:08x}-", seed as u32), member }
    }
}

/// A version of an index, or of several put together.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) spec: Arc<IndexSpec>,
    pub(crate) parts: Vec<Live>,
    /// No other version of any index of this process has it.
    pub(crate) revision: u64,
    /// Whether parts come from several indexes: then numbers of lines are not unique.
    pub(crate) is_union: bool,
    /// Of each part; the only one stands for all parts.
    namings: Vec<Naming>,
    ordinals: Vec<OnceLock<Ordinals>>,
    pub(crate) summary: OnceLock<IndexSummary>,
}

impl Snapshot {
    /// The version that these parts make.
    pub(crate) fn new(id: &IndexId, spec: Arc<IndexSpec>, parts: Vec<Live>) -> Self {
        let ordinals = spec.columns.iter().map(|_| OnceLock::new()).collect();
        let namings = vec![Naming::new(&id.0, 0)];
        let revision = next_revision();
        Self { spec, parts, revision, is_union: false, namings, ordinals, summary: OnceLock::new() }
    }

    /// The union that these parts make, each with the naming of its rows.
    pub(crate) fn union(spec: Arc<IndexSpec>, parts: Vec<(Live, Naming)>) -> Self {
        let ordinals = spec.columns.iter().map(|_| OnceLock::new()).collect();
        let (parts, namings) = parts.into_iter().unzip();
        let revision = next_revision();
        Self { spec, parts, revision, is_union: true, namings, ordinals, summary: OnceLock::new() }
    }

    /// Number of lines.
    pub(crate) fn rows(&self) -> u64 {
        self.parts.iter().map(|live| live.rows() as u64).sum()
    }

    /// What the name stands for; columns of the spec come first.
    pub(crate) fn field(&self, name: &str) -> Option<Field> {
        let column = self.spec.columns.iter().position(|column| column.key == name);
        match (column, name) {
            (Some(index), _) => Some(Field::Column(index)),
            (None, "_id") => Some(Field::Id),
            (None, "_i") => Some(Field::Line),
            (None, "_rand") => Some(Field::Random),
            (None, "_geopoint") => Some(Field::Point),
            _ => None,
        }
    }

    /// Like [`Self::field`], for a filter.
    ///
    /// # Errors
    ///
    /// `BadRequest` in the words of Data Fair when there is no such column.
    pub(crate) fn filtered(&self, name: &str) -> SearchResult<Field> {
        self.field(name).ok_or_else(|| {
            SearchError::BadRequest(format!(
                "Impossible d'appliquer un filtre sur le champ {name}, il n'existe pas dans le jeu de données."
            ))
        })
    }

    /// Like [`Self::field`], for a column of the answer.
    ///
    /// # Errors
    ///
    /// `BadRequest` in the words of Data Fair when there is no such column.
    pub(crate) fn selected(&self, name: &str) -> SearchResult<Field> {
        self.field(name).ok_or_else(|| {
            SearchError::BadRequest(format!(
                "Impossible de sélectionner le champ {name}, il n'existe pas dans le jeu de données."
            ))
        })
    }

    fn naming(&self, part: usize) -> &Naming {
        if self.is_union { &self.namings[part] } else { &self.namings[0] }
    }

    /// The derived `_id` of a row.
    pub(crate) fn id_of(&self, part: usize, row: usize) -> String {
        let (prefix, part) = (&self.naming(part).id_prefix, &self.parts[part].part);
        match part.ids.as_ref().map(|ids| ids.value(row).unwrap_or_default()) {
            Some(id) => format!("{prefix}{id}"),
            None => format!("{prefix}{}", part.line(row)),
        }
    }

    /// What follows the prefix in a derived `_id` of the part; `None` when the identifier is of another index.
    pub(crate) fn id_within<'i>(&self, part: usize, id: &'i str) -> Option<&'i str> {
        id.strip_prefix(self.naming(part).id_prefix.as_str())
    }

    /// The stable random number of a row: `0..=999_999`.
    #[inline]
    pub(crate) fn random(&self, part: usize, row: usize) -> i64 {
        self.parts[part].part.random(row, self.seed(part))
    }

    /// What makes `_rand` of a part differ from that of other indexes.
    pub(crate) fn seed(&self, part: usize) -> u64 {
        self.naming(part).seed
    }

    /// What tells rows of the same number in several indexes apart: the random number first, so that none is always first.
    #[inline]
    pub(crate) fn tie(&self, part: usize, row: usize) -> i64 {
        self.random(part, row) << 16 | i64::from(self.naming(part).member)
    }

    /// The place of each text of a text column among the texts of all parts; computed when first asked.
    pub(crate) fn ordinals(&self, column: usize) -> Option<OrdinalsOf<'_>> {
        let dictionaries =
            self.parts.iter().map(|live| live.part.columns[column].texts()).collect::<Option<Vec<_>>>()?;
        let ordinals = self.ordinals[column].get_or_init(|| Ordinals::merge(&dictionaries));
        Some(OrdinalsOf { column, dictionaries, ordinals })
    }
}

/// Texts of a column over all parts, numbered by code points. Costs 12 bytes a distinct text while the version lives.
#[derive(Debug)]
pub(crate) struct Ordinals {
    /// For each part, the ordinal of each code.
    maps: Vec<Vec<u32>>,
    /// For each ordinal, a part and a code that have it.
    origins: Vec<(u32, u32)>,
    folded: OnceLock<Folded>,
}

/// The order in which people expect texts: without case and accents first, then by code points.
#[derive(Debug)]
struct Folded {
    /// For each ordinal, its place.
    ranks: Vec<u32>,
    /// For each place, the ordinal.
    order: Vec<u32>,
}

impl Ordinals {
    fn merge(dictionaries: &[&Dictionary]) -> Self {
        let mut maps: Vec<Vec<u32>> =
            dictionaries.iter().map(|dictionary| Vec::with_capacity(dictionary.len())).collect();
        let mut origins: Vec<(u32, u32)> = Vec::new();
        let mut heads: BinaryHeap<Reverse<(&str, usize, u32)>> = BinaryHeap::new();
        for (part, dictionary) in dictionaries.iter().enumerate().filter(|(_, d)| d.len() > 0) {
            heads.push(Reverse((dictionary.text(0), part, 0)));
        }
        let mut last: Option<&str> = None;
        while let Some(Reverse((text, part, code))) = heads.pop() {
            if last != Some(text) {
                origins.push((part as u32, code));
                last = Some(text);
            }
            maps[part].push(origins.len() as u32 - 1);
            if (code as usize + 1) < dictionaries[part].len() {
                heads.push(Reverse((dictionaries[part].text(code + 1), part, code + 1)));
            }
        }
        Self { maps, origins, folded: OnceLock::new() }
    }
}

/// [`Ordinals`] with the dictionaries they number.
pub(crate) struct OrdinalsOf<'a> {
    /// The column of the spec.
    pub(crate) column: usize,
    dictionaries: Vec<&'a Dictionary>,
    ordinals: &'a Ordinals,
}

impl<'a> OrdinalsOf<'a> {
    /// Number of distinct texts.
    pub(crate) fn len(&self) -> usize {
        self.ordinals.origins.len()
    }

    /// The code of each row of a part.
    pub(crate) fn codes(&self, part: usize) -> &'a [u32] {
        self.dictionaries[part].codes()
    }

    /// The ordinal of each code of a part.
    pub(crate) fn map(&self, part: usize) -> &'a [u32] {
        &self.ordinals.maps[part]
    }

    /// The ordinal of a row.
    #[inline]
    pub(crate) fn ordinal(&self, part: usize, row: usize) -> Option<u32> {
        let code = self.dictionaries[part].codes()[row];
        (code != NO_VALUE).then(|| self.ordinals.maps[part][code as usize])
    }

    /// The text of an ordinal.
    pub(crate) fn text(&self, ordinal: u32) -> &'a str {
        let (part, code) = self.ordinals.origins[ordinal as usize];
        self.dictionaries[part as usize].text(code)
    }

    /// The first ordinal whose text is not before `text`, and whether it is `text` itself.
    pub(crate) fn find(&self, text: &str) -> (u32, bool) {
        let place = self
            .ordinals
            .origins
            .partition_point(|&(part, code)| self.dictionaries[part as usize].text(code) < text)
            as u32;
        (place, (place as usize) < self.len() && self.text(place) == text)
    }

    fn folded(&self) -> &'a Folded {
        self.ordinals.folded.get_or_init(|| {
            let mut folder = Analyser::new(View::Whole);
            let texts = (0..self.len() as u32)
                .map(|ordinal| (analysis::fold(&mut folder, self.text(ordinal)).into_boxed_str(), ordinal));
            let mut texts: Vec<(Box<str>, u32)> = texts.collect();
            texts.sort_unstable();
            let order: Vec<u32> = texts.into_iter().map(|(_, ordinal)| ordinal).collect();
            let mut ranks = vec![0; order.len()];
            for (rank, &ordinal) in order.iter().enumerate() {
                ranks[ordinal as usize] = rank as u32;
            }
            Folded { ranks, order }
        })
    }

    /// For each ordinal, its place in the folded order.
    pub(crate) fn folded_ranks(&self) -> &'a [u32] {
        &self.folded().ranks
    }

    /// The first place in the folded order whose text is not before `text`, and whether it is `text` itself.
    pub(crate) fn find_folded(&self, text: &str) -> (u32, bool) {
        let mut folder = Analyser::new(View::Whole);
        let wanted = (analysis::fold(&mut folder, text), text);
        let order = &self.folded().order;
        let place = order.partition_point(|&ordinal| {
            let found = self.text(ordinal);
            (analysis::fold(&mut folder, found), found) < wanted
        });
        (place as u32, order.get(place).is_some_and(|&ordinal| self.text(ordinal) == text))
    }
}
