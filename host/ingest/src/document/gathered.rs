//! Text that gathers, up to a limit, with one space or line end between words whatever the document has.

/// A text being gathered.
pub(super) struct Text {
    out: String,
    bytes_max: usize,
    /// What comes before the next word: nothing, a space or the end of a line.
    pending: Option<char>,
    is_full: bool,
}

impl Text {
    /// An empty text of at most `bytes_max` bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { out: String::new(), bytes_max, pending: None, is_full: false }
    }

    /// Adds a piece. White space in it, and control characters, become a space or the end of a line.
    pub(super) fn push(&mut self, piece: &str) {
        for character in piece.chars() {
            if self.is_full {
                return;
            }
            match character {
                '\n' | '\r' | '\u{c}' | '\u{2028}' | '\u{2029}' => self.line(),
                // A soft hyphen is where a word may be broken, not a part of it.
                '\u{ad}' | '\u{feff}' | '\u{200b}' => {}
                // What a printer sets as one piece of type, a person looks for letter by letter.
                '\u{fb00}'..='\u{fb06}' => ligature(character).chars().for_each(|one| self.character(one)),
                character if character.is_whitespace() || character.is_control() => self.space(),
                character => self.character(character),
            }
        }
    }

    fn character(&mut self, character: char) {
        let between = self.pending.take().filter(|_| !self.out.is_empty());
        let bytes = character.len_utf8() + usize::from(between.is_some());
        if self.out.len() + bytes > self.bytes_max {
            self.is_full = true;
            return;
        }
        self.out.extend(between);
        self.out.push(character);
    }

    /// What follows is another word.
    pub(super) fn space(&mut self) {
        self.pending = self.pending.or(Some(' '));
    }

    /// What follows is on another line.
    pub(super) fn line(&mut self) {
        self.pending = Some('\n');
    }

    /// Whether nothing more is taken.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.out
    }
}

fn ligature(character: char) -> &'static str {
    match character {
        '\u{fb00}' => "ff",
        '\u{fb01}' => "fi",
        '\u{fb02}' => "fl",
        '\u{fb03}' => "ffi",
        '\u{fb04}' => "ffl",
        _ => "st",
    }
}
