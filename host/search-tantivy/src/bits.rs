//! Sets of row numbers of one part.

/// A set of the numbers `0..len`, one bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// No number.
    pub(crate) fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// Every number.
    pub(crate) fn all(len: usize) -> Self {
        let mut bits = Self { words: vec![u64::MAX; len.div_ceil(64)], len };
        bits.trim();
        bits
    }

    /// The numbers for which `test` holds.
    #[inline]
    pub(crate) fn of(len: usize, mut test: impl FnMut(usize) -> bool) -> Self {
        let mut words = Vec::with_capacity(len.div_ceil(64));
        let mut start = 0;
        while start < len {
            let end = (start + 64).min(len);
            let mut word = 0;
            for (bit, row) in (start..end).enumerate() {
                word |= u64::from(test(row)) << bit;
            }
            words.push(word);
            start = end;
        }
        Self { words, len }
    }

    /// The set that [`Self::words`] was taken from.
    pub(crate) fn from_words(words: Vec<u64>, len: usize) -> Self {
        Self { words, len }
    }

    /// The bits, lowest first, 64 to a word.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// How many numbers there could be.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn trim(&mut self) {
        if let (Some(last), 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= (1 << (self.len % 64)) - 1;
        }
    }

    /// Adds a number.
    #[inline]
    pub(crate) fn set(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    /// Adds a number; tells whether it was there.
    #[inline]
    pub(crate) fn insert(&mut self, row: usize) -> bool {
        let word = &mut self.words[row / 64];
        let was = *word >> (row % 64) & 1 == 1;
        *word |= 1 << (row % 64);
        was
    }

    /// Whether the number is in the set.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 == 1
    }

    /// How many numbers are in the set.
    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Keeps what is in both.
    pub(crate) fn and(&mut self, other: &Self) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a &= b;
        }
    }

    /// Adds what is in the other.
    pub(crate) fn or(&mut self, other: &Self) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a |= b;
        }
    }

    /// Takes away what is in the other.
    pub(crate) fn and_not(&mut self, other: &Self) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a &= !b;
        }
    }

    /// Turns the set inside out.
    pub(crate) fn invert(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        self.trim();
    }

    /// Keeps the numbers for which `test` holds; asks only about those that are in the set.
    #[inline]
    pub(crate) fn retain(&mut self, mut test: impl FnMut(usize) -> bool) {
        for (index, word) in self.words.iter_mut().enumerate() {
            let mut left = *word;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                if !test(index * 64 + bit as usize) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    /// Hands out the numbers, in order; faster than an iterator where every number counts.
    #[inline]
    pub(crate) fn each(&self, mut take: impl FnMut(usize)) {
        for (index, &word) in self.words.iter().enumerate() {
            let mut left = word;
            while left != 0 {
                take(index * 64 + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }

    /// The numbers, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.iter_from(0)
    }

    /// The numbers from `start` on, in order.
    pub(crate) fn iter_from(&self, start: usize) -> impl Iterator<Item = usize> + '_ {
        let first = start / 64;
        self.words.iter().enumerate().skip(first).flat_map(move |(index, &word)| {
            let word = if index == first { word & (u64::MAX << (start % 64)) } else { word };
            std::iter::successors((word != 0).then_some(word), |left| {
                let rest = left & (left - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |left| index * 64 + left.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_agree_with_plain_filters() {
        for len in [0, 1, 63, 64, 65, 200] {
            let thirds = Bits::of(len, |row| row % 3 == 0);
            let mut both = Bits::all(len);
            both.and(&thirds);
            both.retain(|row| row % 2 == 0);
            let wanted: Vec<usize> = (0..len).filter(|row| row % 6 == 0).collect();
            assert_eq!(both.iter().collect::<Vec<_>>(), wanted);
            both.invert();
            assert_eq!(both.count(), len - wanted.len());
        }
    }
}
