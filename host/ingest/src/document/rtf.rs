//! Rich text: control words left out, characters of its code page replaced.

use encoding_rs::{Encoding, WINDOWS_1252};

use super::gathered::Text;

/// Groups whose content is not read by people.
const UNREAD: [&str; 12] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "themedata",
    "datastore",
    "listtable",
    "listoverridetable",
    "generator",
    "xmlnstbl",
];

/// Groups within groups; what is deeper is left out.
const DEPTH_MAX: usize = 200;

/// What holds until the end of a group.
#[derive(Clone, Copy)]
struct Group {
    is_unread: bool,
    /// Characters that stand for one `\u` where it is not known.
    fallback_chars: usize,
}

/// Adds the text of a document.
pub(super) fn read(bytes: &[u8], text: &mut Text) {
    let mut reader = Reader {
        bytes,
        at: 0,
        groups: vec![Group { is_unread: false, fallback_chars: 1 }],
        too_deep: 0,
        to_skip: 0,
        encoding: WINDOWS_1252,
    };
    while !text.is_full() && reader.step(text) {}
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    groups: Vec<Group>,
    too_deep: usize,
    /// Characters left out: they stand for one that was read.
    to_skip: usize,
    encoding: &'static Encoding,
}

impl Reader<'_> {
    fn step(&mut self, text: &mut Text) -> bool {
        let Some(&byte) = self.bytes.get(self.at) else { return false };
        self.at += 1;
        match byte {
            b'{' if self.groups.len() >= DEPTH_MAX => self.too_deep += 1,
            b'{' => self.groups.push(self.group()),
            b'}' if self.too_deep > 0 => self.too_deep -= 1,
            b'}' => {
                self.to_skip = 0;
                if self.groups.len() > 1 {
                    self.groups.pop();
                }
            }
            b'\\' => self.control(text),
            b'\r' | b'\n' => {}
            byte => self.put(&[byte], text),
        }
        true
    }

    fn group(&self) -> Group {
        self.groups.last().copied().unwrap_or(Group { is_unread: false, fallback_chars: 1 })
    }

    fn unread(&mut self) {
        if let Some(group) = self.groups.last_mut() {
            group.is_unread = true;
        }
    }

    /// Writes characters of the code page.
    fn put(&mut self, bytes: &[u8], text: &mut Text) {
        if self.to_skip > 0 {
            self.to_skip -= 1;
        } else if !self.group().is_unread && self.too_deep == 0 {
            text.push(&self.encoding.decode_without_bom_handling(bytes).0);
        }
    }

    fn control(&mut self, text: &mut Text) {
        let Some(&byte) = self.bytes.get(self.at) else { return };
        if !byte.is_ascii_alphabetic() {
            self.at += 1;
            return match byte {
                b'\'' => {
                    let digits =
                        self.bytes.get(self.at..self.at + 2).and_then(|two| std::str::from_utf8(two).ok());
                    let code = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
                    self.at += 2;
                    if let Some(code) = code {
                        self.put(&[code], text);
                    }
                }
                b'*' => self.unread(),
                b'~' | b'_' => self.put(b" ", text),
                b'\\' | b'{' | b'}' => self.put(&[byte], text),
                _ => {}
            };
        }
        let (word, number) = self.word();
        self.obey(&word, number, text);
    }

    /// A control word and its number, with the space that ends it.
    fn word(&mut self) -> (String, Option<i32>) {
        let rest = &self.bytes[self.at..];
        let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let sign = usize::from(rest.get(letters) == Some(&b'-'));
        let digits = rest[letters + sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let word = String::from_utf8_lossy(&rest[..letters.min(32)]).into_owned();
        let end = if digits == 0 { letters } else { letters + sign + digits };
        let number = std::str::from_utf8(&rest[letters..end]).ok().and_then(|text| text.parse().ok());
        self.at += end + usize::from(rest.get(end) == Some(&b' '));
        (word, number)
    }

    fn obey(&mut self, word: &str, number: Option<i32>, text: &mut Text) {
        match word {
            "par" | "line" | "page" | "sect" | "row" => text.line(),
            "tab" | "cell" => text.space(),
            "emdash" | "endash" | "bullet" => text.space(),
            "lquote" | "rquote" => text.push("’"),
            "ansicpg" => {
                let label = format!("windows-{}", number.unwrap_or(1252));
                self.encoding = Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252);
            }
            "uc" => {
                if let Some(group) = self.groups.last_mut() {
                    group.fallback_chars = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(8);
                }
            }
            "u" => {
                let unit = (number.unwrap_or(0) & 0xffff) as u16;
                let character = char::from_u32(u32::from(unit));
                if let Some(character) = character.filter(|_| !self.group().is_unread && self.too_deep == 0) {
                    text.push(character.encode_utf8(&mut [0; 4]));
                }
                self.to_skip = self.group().fallback_chars;
            }
            "bin" => self.at = self.at.saturating_add(usize::try_from(number.unwrap_or(0)).unwrap_or(0)),
            word if UNREAD.contains(&word) => self.unread(),
            _ => {}
        }
    }
}
