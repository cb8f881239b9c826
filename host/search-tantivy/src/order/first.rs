//! The first rows of an order, of which few are held at a time.

use super::{Order, RowAt};
use crate::select::Hits;

/// Rows held by [`Leading`] that may be among the first, beyond those that are wanted.
const LEADING_ROWS_MAX: usize = 16_384;

/// A row that may be among the first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    first: u64,
    rest: Box<[u64]>,
    row: RowAt,
    score_bits: u32,
}

impl Order<'_> {
    /// The row, comparable with others, unless it comes after `known`. Most are told apart by the first key alone.
    pub(crate) fn before(&self, known: Option<&Candidate>, row: RowAt, score: f32) -> Option<Candidate> {
        let first = self.rank(0, row, score);
        if known.is_some_and(|known| first > known.first) {
            return None;
        }
        let rest = (1..self.keys.len()).map(|key| self.rank(key, row, score)).collect();
        let found = Candidate { first, rest, row, score_bits: score.to_bits() };
        known.is_none_or(|known| found < *known).then_some(found)
    }
}

impl Candidate {
    /// The row and its score.
    pub(crate) fn row(&self) -> (RowAt, f32) {
        (self.row, f32::from_bits(self.score_bits))
    }

    /// Whether the row comes after a cursor of these ranks.
    pub(crate) fn is_after(&self, ranks: &[u64]) -> bool {
        ranks.split_first().is_none_or(|(first, rest)| (self.first, &*self.rest) > (*first, rest))
    }
}

/// Keeps the first rows of an order, holding at most twice as many as are wanted.
pub(crate) struct First<'a> {
    order: &'a Order<'a>,
    wanted: usize,
    after: Option<Vec<u64>>,
    kept: Vec<Candidate>,
    /// No row after this one can be among the first any more.
    last: Option<Candidate>,
}

impl<'a> First<'a> {
    /// The first `wanted` rows, of those after the cursor if there is one.
    pub(crate) fn new(order: &'a Order<'a>, wanted: usize, after: Option<Vec<u64>>) -> Self {
        Self { order, wanted, after, kept: Vec::new(), last: None }
    }

    /// Considers a row.
    #[inline]
    pub(crate) fn add(&mut self, row: RowAt, score: f32) {
        let first = self.order.rank(0, row, score);
        self.offer(first, row, score);
    }

    /// Considers all matches of a part.
    pub(crate) fn add_part(&mut self, part: usize, hits: &Hits) {
        let order = self.order;
        order.each_first(part, hits, |first, row, score| self.offer(first, (part as u32, row as u32), score));
    }

    /// Considers a row of which the rank by the first key is known.
    #[inline]
    pub(crate) fn offer(&mut self, first: u64, row: RowAt, score: f32) {
        if self.wanted == 0 || self.last.as_ref().is_some_and(|last| first > last.first) {
            return;
        }
        if self.after.as_ref().is_some_and(|after| first < after[0]) {
            return;
        }
        self.keep(first, row, score);
    }

    fn keep(&mut self, first: u64, row: RowAt, score: f32) {
        let rest: Box<[u64]> =
            (1..self.order.keys.len()).map(|key| self.order.rank(key, row, score)).collect();
        if let Some(after) = &self.after
            && (first, &*rest) <= (after[0], &after[1..])
        {
            return;
        }
        let candidate = Candidate { first, rest, row, score_bits: score.to_bits() };
        if self.last.as_ref().is_some_and(|last| candidate > *last) {
            return;
        }
        self.kept.push(candidate);
        if self.kept.len() >= self.wanted.saturating_mul(2).max(64) {
            self.kept.select_nth_unstable(self.wanted - 1);
            self.kept.truncate(self.wanted);
            self.last = self.kept.last().cloned();
        }
    }

    /// Rows wanted, and the rank by the first key of the cursor after which they are.
    pub(crate) fn wants(&self) -> (usize, Option<u64>) {
        (self.wanted, self.after.as_ref().map(|after| after[0]))
    }

    /// The rows in order, each with its score.
    pub(crate) fn into_rows(mut self) -> Vec<(RowAt, f32)> {
        self.kept.sort_unstable();
        self.kept.truncate(self.wanted);
        self.kept.into_iter().map(|kept| (kept.row, f32::from_bits(kept.score_bits))).collect()
    }
}

/// Keeps the rows that may be among the first as far as the first key tells; what they score is not known yet.
pub(crate) struct Leading {
    wanted: usize,
    after: Option<u64>,
    /// Rows of a higher rank are not among the first.
    last: u64,
    kept: Vec<(u64, RowAt)>,
    /// Rows held before those that come too late are let go.
    narrowed_at: usize,
    is_overfull: bool,
}

impl Leading {
    /// The first `wanted` rows, of those after the rank of a cursor if there is one.
    pub(crate) fn new(wanted: usize, after: Option<u64>) -> Self {
        let narrowed_at = wanted.saturating_mul(4).max(256);
        Self { wanted, after, last: u64::MAX, kept: Vec::new(), narrowed_at, is_overfull: false }
    }

    /// Considers all matches of a part.
    pub(crate) fn add_part(&mut self, order: &Order<'_>, part: usize, hits: &Hits) {
        order.each_first(part, hits, |first, row, _| {
            if first <= self.last && self.after.is_none_or(|after| first >= after) && !self.is_overfull {
                self.keep(first, (part as u32, row as u32));
            }
        });
    }

    fn keep(&mut self, first: u64, row: RowAt) {
        self.kept.push((first, row));
        if self.kept.len() >= self.narrowed_at {
            self.narrow();
            // Rows of one rank stay: what is looked at again and again must at least have doubled.
            self.narrowed_at = self.narrowed_at.max(self.kept.len() * 2);
        }
    }

    /// Lets go of the rows that come after those that are wanted. Rows of one rank stay or go together.
    fn narrow(&mut self) {
        // Of the rows of the cursor's own rank, some come before it: they do not count.
        let mut ranks: Vec<u64> =
            self.kept.iter().map(|(first, _)| *first).filter(|first| self.after != Some(*first)).collect();
        if ranks.len() > self.wanted {
            let (_, last, _) = ranks.select_nth_unstable(self.wanted.saturating_sub(1));
            self.last = *last;
            self.kept.retain(|(first, _)| *first <= self.last);
        }
        self.is_overfull = self.kept.len() > self.wanted.saturating_mul(2).saturating_add(LEADING_ROWS_MAX);
    }

    /// The rows with their ranks by the first key; `None` if too many have the same one.
    pub(crate) fn into_rows(self) -> Option<Vec<(u64, RowAt)>> {
        (!self.is_overfull).then_some(self.kept)
    }
}
