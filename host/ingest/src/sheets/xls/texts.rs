//! Texts of old workbooks: one byte or two a character, cut into records anywhere.

use super::Dialect;
use super::compound::u16_at;
use crate::sheets::shared::Shared;

/// Two bytes a character, not one.
const WIDE: u8 = 1;
/// Followed by how it is pronounced.
const PHONETIC: u8 = 4;
/// Followed by where fonts change.
const RICH: u8 = 8;

/// Reads the table of shared texts from its pieces; what is behind a cut is not there.
pub(super) fn shared(pieces: &[&[u8]]) -> Shared {
    let mut cursor = Cursor { pieces, piece: 0, at: 8 };
    let mut shared = Shared::default();
    while let Some(text) = cursor.text() {
        shared.text.push_str(&text);
        shared.close();
    }
    shared
}

/// Where reading is in the pieces.
struct Cursor<'a> {
    pieces: &'a [&'a [u8]],
    piece: usize,
    at: usize,
}

impl Cursor<'_> {
    /// Goes to the next piece when this one is read; whether there is more.
    fn settle(&mut self) -> bool {
        while self.piece < self.pieces.len() && self.at >= self.pieces[self.piece].len() {
            self.at -= self.pieces[self.piece].len();
            self.piece += 1;
        }
        self.piece < self.pieces.len()
    }

    fn byte(&mut self) -> Option<u8> {
        if !self.settle() {
            return None;
        }
        let byte = self.pieces[self.piece][self.at];
        self.at += 1;
        Some(byte)
    }

    fn number(&mut self, bytes: u32) -> Option<usize> {
        (0..bytes).try_fold(0, |sum, place| Some(sum | usize::from(self.byte()?) << (8 * place)))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.number(2)?;
        let mut flags = self.byte()?;
        let fonts = if flags & RICH != 0 { self.number(2)? } else { 0 };
        let phonetic = if flags & PHONETIC != 0 { self.number(4)? } else { 0 };
        let mut units = Vec::with_capacity(length);
        let mut piece = self.piece;
        while units.len() < length {
            if !self.settle() {
                return None;
            }
            // A text that goes on in another piece says anew how wide its characters are.
            if self.piece != piece {
                piece = self.piece;
                flags = self.byte()?;
                continue;
            }
            let rest = &self.pieces[self.piece][self.at..];
            if flags & WIDE == 0 {
                let taken = rest.len().min(length - units.len());
                units.extend(rest[..taken].iter().map(|byte| u16::from(*byte)));
                self.at += taken;
            } else {
                let taken = (rest.len() / 2).min(length - units.len());
                units.extend((0..taken).filter_map(|index| u16_at(rest, 2 * index)));
                // Half a character at the end of a piece is damage: it is passed over.
                self.at += if taken == 0 { rest.len() } else { 2 * taken };
            }
        }
        // Behind a jump over the end nothing is read any more.
        self.at = self.at.checked_add(fonts.checked_mul(4)?)?.checked_add(phonetic)?;
        Some(String::from_utf16_lossy(&units))
    }
}

/// A text within one record, its length first: in one byte or in two.
pub(super) fn text_of(content: &[u8], length_bytes: usize, dialect: Dialect) -> Option<String> {
    let length = match length_bytes {
        1 => usize::from(*content.first()?),
        _ => usize::from(u16_at(content, 0)?),
    };
    let rest = content.get(length_bytes..)?;
    if !dialect.is_biff8 {
        let bytes = &rest[..length.min(rest.len())];
        return Some(dialect.code_page.decode_without_bom_handling(bytes).0.into_owned());
    }
    let flags = *rest.first()?;
    let skipped = 1 + if flags & RICH != 0 { 2 } else { 0 } + if flags & PHONETIC != 0 { 4 } else { 0 };
    let rest = rest.get(skipped..)?;
    let units: Vec<u16> = if flags & WIDE == 0 {
        rest.iter().take(length).map(|byte| u16::from(*byte)).collect()
    } else {
        (0..length.min(rest.len() / 2)).filter_map(|index| u16_at(rest, 2 * index)).collect()
    };
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_be_cut_into_records_and_change_its_width() {
        let head = [2, 0, 0, 0, 2, 0, 0, 0];
        let first = [&head[..], &[4, 0, 0, b'P', b'a']].concat();
        let second = [&[1][..], &[b'r', 0, b'i', 0], &[1, 0, 1, 0xe9, 0]].concat();
        let texts = shared(&[&first, &second]);
        assert_eq!(texts.get(0), Some("Pari"));
        assert_eq!(texts.get(1), Some("é"));
        assert_eq!(texts.get(2), None);
    }

    #[test]
    fn fonts_and_pronunciations_are_passed_over() {
        let head = [2, 0, 0, 0, 2, 0, 0, 0];
        let rich =
            [&head[..], &[1, 0, RICH | PHONETIC, 1, 0, 2, 0, 0, 0, b'a', 9, 9, 9, 9, 8, 8], &[1, 0, 0, b'b']]
                .concat();
        let texts = shared(&[&rich]);
        assert_eq!((texts.get(0), texts.get(1)), (Some("a"), Some("b")));
    }
}
