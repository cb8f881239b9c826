//! Rows of a part in the order of a column, kept for those who turn pages.

use std::sync::{Arc, Mutex, PoisonError};

/// Orders kept for one part, the last asked first. Each takes four bytes a row.
const SORTS_KEPT_MAX: usize = 4;

/// Orders remembered as asked for, so that one that is asked for again is worth its memory.
const SORTS_REMEMBERED_MAX: usize = 16;

/// An order of the rows of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SortOf {
    /// Column of the spec.
    pub(crate) column: usize,
    /// Whether texts are in the order that ignores case and accents.
    pub(crate) folded: bool,
}

/// Rows in an ascending order: those with a value first.
#[derive(Debug)]
pub(crate) struct Sorted {
    rows: Vec<u32>,
    /// Rows with a value.
    present: usize,
}

impl Sorted {
    /// Sorts rows by their ranks; `missing` is the rank of a row without value.
    pub(crate) fn new(rows: usize, missing: u64, rank: impl Fn(usize) -> u64) -> Self {
        let mut ranked: Vec<(u64, u32)> = (0..rows).map(|row| (rank(row), row as u32)).collect();
        ranked.sort_unstable();
        let present = ranked.partition_point(|(rank, _)| *rank < missing);
        Self { rows: ranked.into_iter().map(|(_, row)| row).collect(), present }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row at a place of the order, or of the order turned round; rows without value are last either way.
    #[inline]
    pub(crate) fn row(&self, place: usize, descending: bool) -> usize {
        let place = if descending && place < self.present { self.present - 1 - place } else { place };
        self.rows[place] as usize
    }

    /// The first place whose row does not satisfy `before`, which holds for none after it.
    pub(crate) fn partition(&self, descending: bool, before: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut high) = (0, self.rows.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.row(middle, descending)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The orders of one part.
#[derive(Debug, Default)]
pub(crate) struct Sorts(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    kept: Vec<(SortOf, Arc<Sorted>)>,
    asked: Vec<SortOf>,
}

impl Sorts {
    /// The order, made if it is asked for again; `None` the first time, when looking at every row is cheaper.
    pub(crate) fn get(&self, of: SortOf, make: impl FnOnce() -> Sorted) -> Option<Arc<Sorted>> {
        {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = known.kept.iter().position(|(kept, _)| *kept == of) {
                let found = known.kept.remove(place);
                let sorted = Arc::clone(&found.1);
                known.kept.insert(0, found);
                return Some(sorted);
            }
            if !known.asked.contains(&of) {
                known.asked.insert(0, of);
                known.asked.truncate(SORTS_REMEMBERED_MAX);
                return None;
            }
        }
        // Made without the lock: whoever asks meanwhile makes it too, and nobody waits for it who needs another.
        let sorted = Arc::new(make());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.kept.retain(|(kept, _)| *kept != of);
        known.kept.insert(0, (of, Arc::clone(&sorted)));
        known.kept.truncate(SORTS_KEPT_MAX);
        Some(sorted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_value_are_last_in_both_directions() {
        let ranks = [3, u64::MAX, 1, 2, u64::MAX];
        let sorted = Sorted::new(ranks.len(), u64::MAX, |row| ranks[row]);
        let order = |descending| (0..5).map(|place| sorted.row(place, descending)).collect::<Vec<_>>();
        assert_eq!(order(false), [2, 3, 0, 1, 4]);
        assert_eq!(order(true), [0, 3, 2, 1, 4]);
        assert_eq!(sorted.partition(false, |row| ranks[row] < 3), 2);
    }

    #[test]
    fn an_order_is_made_when_asked_again_and_few_are_kept() {
        let sorts = Sorts::default();
        let of = |column| SortOf { column, folded: false };
        let make = || Sorted::new(1, u64::MAX, |_| 0);
        assert!(sorts.get(of(0), make).is_none());
        let first = sorts.get(of(0), make).unwrap();
        assert!(Arc::ptr_eq(&first, &sorts.get(of(0), make).unwrap()));
        for column in 1..=SORTS_KEPT_MAX {
            sorts.get(of(column), make);
            sorts.get(of(column), make);
        }
        assert!(!Arc::ptr_eq(&first, &sorts.get(of(0), make).unwrap()), "the oldest was dropped");
    }
}
