//! What the rows of a part score.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use crate::bits::Bits;

/// Buffers that a thread keeps for its next question, each of four bytes for a row of a part.
const KEPT_PER_THREAD_MAX: usize = 2;

/// A kept buffer is longer than this many rows at most: parts of the default size fit.
const KEPT_ROWS_MAX: usize = 1 << 20;

thread_local! {
    static KEPT: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// The score of each row of a part, 0 at first. Asking the system for a megabyte of zeros costs more than most questions, so that
/// buffers are used again, by the same thread.
#[derive(Debug)]
pub(crate) struct Scores {
    values: Vec<f32>,
}

impl Scores {
    /// Zeros for this many rows.
    pub(crate) fn zero(rows: usize) -> Self {
        let mut values = KEPT.with_borrow_mut(Vec::pop).unwrap_or_default();
        values.clear();
        values.resize(rows, 0.0);
        Self { values }
    }

    /// Numbers that mean nothing, for as many rows: for [`Self::add`] to every row that will match.
    pub(crate) fn unset(rows: usize) -> Self {
        let mut values = KEPT.with_borrow_mut(Vec::pop).unwrap_or_default();
        values.resize(rows, 0.0);
        Self { values }
    }

    /// Adds a row to those that match, and to what it scores. What a row scored that did not match yet means nothing.
    #[inline]
    pub(crate) fn add(&mut self, rows: &mut Bits, row: u32, score: f32) {
        let known = u32::from(rows.insert(row as usize));
        let value = &mut self.values[row as usize];
        // All bits, or none: no branch that would be guessed wrong for every other row.
        *value = f32::from_bits(value.to_bits() & known.wrapping_neg()) + score;
    }
}

impl Drop for Scores {
    fn drop(&mut self) {
        if self.values.capacity() > KEPT_ROWS_MAX {
            return;
        }
        let values = std::mem::take(&mut self.values);
        // A thread that ends has nothing to keep.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < KEPT_PER_THREAD_MAX {
                kept.push(values);
            }
        });
    }
}

impl Deref for Scores {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}

impl DerefMut for Scores {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_is_used_again_is_zero_again() {
        let mut first = Scores::zero(4);
        first.fill(2.0);
        drop(first);
        assert_eq!(*Scores::zero(3), [0.0; 3]);
        assert_eq!(*Scores::zero(6), [0.0; 6]);
    }

    #[test]
    fn what_a_row_scored_before_it_matched_means_nothing() {
        let mut first = Scores::zero(4);
        first.fill(f32::NAN);
        drop(first);
        let (mut scores, mut rows) = (Scores::unset(4), Bits::none(4));
        scores.add(&mut rows, 2, 1.5);
        scores.add(&mut rows, 2, 0.25);
        scores.add(&mut rows, 3, 0.0);
        assert_eq!((rows.iter().collect::<Vec<_>>(), &scores[2..]), (vec![2, 3], &[1.75, 0.0][..]));
    }
}
