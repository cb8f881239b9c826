//! Writing texts one after the other.

use crate::columns::Texts;

/// Texts that are copied in pieces, in bytes: in a guest, any other copy calls the host.
const SHORT_BYTES: usize = 64;

/// Room for the first texts, in bytes.
const FIRST_BYTES: usize = 4 << 10;

/// Texts in the making.
///
/// Room is made ahead, so that a short text is written without a loop and with one look at whether it fits: in a guest, a
/// loop also looks at its limits each time around.
#[derive(Debug)]
pub(crate) struct TextsBuilder {
    offsets: Vec<u32>,
    /// Texts, then zeroes.
    data: Vec<u8>,
    /// Bytes of the texts.
    used: usize,
}

impl TextsBuilder {
    /// No texts yet.
    pub(crate) fn new() -> Self {
        Self { offsets: vec![0], data: Vec::new(), used: 0 }
    }

    /// Adds a text after the others.
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.used = write(&mut self.data, self.used, text);
        self.offsets.push(u32::try_from(self.used).unwrap_or(u32::MAX));
    }

    /// Removes what comes after the first `length` texts.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.offsets.truncate(length + 1);
        self.used = self.offsets.last().map_or(0, |end| *end as usize);
    }

    /// The texts.
    pub(crate) fn finish(mut self) -> Texts {
        self.data.truncate(self.used);
        Texts { offsets: self.offsets, data: self.data }
    }
}

/// All texts of an iterator.
#[inline]
pub(crate) fn texts_of<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Texts {
    let (mut data, mut used) = (Vec::new(), 0);
    let mut offsets = Vec::with_capacity(texts.size_hint().0.saturating_add(1));
    offsets.push(0);
    offsets.extend(texts.map(|text| {
        used = write(&mut data, used, text);
        u32::try_from(used).unwrap_or(u32::MAX)
    }));
    data.truncate(used);
    Texts { offsets, data }
}

/// Writes a text after the `used` bytes of others; where it ends.
#[inline]
fn write(data: &mut Vec<u8>, used: usize, text: &[u8]) -> usize {
    if data.len() - used < text.len().max(SHORT_BYTES) {
        make_room(data, used.saturating_add(text.len().max(SHORT_BYTES)));
    }
    let room = &mut data[used..];
    match room.first_chunk_mut() {
        Some(room) if text.len() <= SHORT_BYTES => write_short(room, text),
        _ => room[..text.len()].copy_from_slice(text),
    }
    used + text.len()
}

#[cold]
fn make_room(data: &mut Vec<u8>, needed: usize) {
    data.resize(needed.max(data.len().saturating_mul(2)).max(FIRST_BYTES), 0);
}

/// Writes a text where `room` begins, by pieces whose sizes the compiler knows; where two of them overlap, they agree.
#[inline]
fn write_short(room: &mut [u8; SHORT_BYTES], text: &[u8]) {
    match text.len() {
        17..=32 => write_ends::<16>(room, text),
        8..=16 => write_ends::<8>(room, text),
        33.. => write_ends::<32>(room, text),
        4..=7 => write_ends::<4>(room, text),
        2..=3 => write_ends::<2>(room, text),
        _ => write_ends::<1>(room, text),
    }
}

/// Writes a text of `N` to `2 * N` bytes, or none: its first `N` and its last `N`.
#[inline]
fn write_ends<const N: usize>(room: &mut [u8; SHORT_BYTES], text: &[u8]) {
    if let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) {
        room[..N].copy_from_slice(first);
        room[text.len() - N..][..N].copy_from_slice(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_written_one_after_the_other() {
        let source: Vec<u8> = (0..=255).cycle().take(3_000).collect();
        // Short ones after long ones too, and one that is longer than all room made ahead.
        let lengths = || (0..300).chain((0..300).rev()).chain([3_000, 0, 64, 65, 1]).chain([64; 200]);
        let mut texts = TextsBuilder::new();
        let mut expected = Texts { offsets: vec![0], data: Vec::new() };
        for (start, length) in lengths().enumerate() {
            let start = start % (source.len() - length + 1);
            texts.push(&source[start..start + length]);
            expected.data.extend_from_slice(&source[start..start + length]);
            expected.offsets.push(expected.data.len() as u32);
        }
        assert!(texts.finish() == expected);
        assert_eq!(TextsBuilder::new().finish(), Texts { offsets: vec![0], data: Vec::new() });
    }
}
