//! HTML, as it is found: tags left out, entities replaced. Never a tree, so that nothing nests.

use super::gathered::Text;
use super::letters;

/// Elements whose content is not read by people.
const UNREAD: [&str; 4] = ["script", "style", "template", "noscript"];

/// Elements that do not end a word.
const WITHIN_WORDS: [&str; 16] = [
    "a", "b", "i", "u", "em", "strong", "span", "font", "small", "sup", "sub", "mark", "abbr", "code", "s",
    "wbr",
];

/// Characters of the name of an entity.
const ENTITY_CHARS_MAX: usize = 12;

/// Adds the text of a page.
pub(super) fn read(page: &str, text: &mut Text) {
    let mut rest = page;
    while let Some(at) = rest.find(['<', '&']) {
        if text.is_full() {
            return;
        }
        text.push(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('&') { entity(rest, text) } else { tag(rest, text) };
    }
    text.push(rest);
}

/// Reads what begins with `&`; what remains.
fn entity<'a>(rest: &'a str, text: &mut Text) -> &'a str {
    let end = rest.char_indices().take(ENTITY_CHARS_MAX).find(|(_, c)| *c == ';').map(|(end, _)| end);
    let found = end.and_then(|end| Some((character(&rest[1..end])?, &rest[end + 1..])));
    match found {
        Some((character, after)) => {
            text.push(&character);
            after
        }
        None => {
            text.push("&");
            &rest[1..]
        }
    }
}

fn character(name: &str) -> Option<String> {
    let Some(number) = name.strip_prefix('#') else {
        return letters::by_name(name).filter(|_| name.len() > 1);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    code.ok().and_then(char::from_u32).map(String::from)
}

/// Reads what begins with `<`; what remains after the tag, and after the content that people do not read.
fn tag<'a>(rest: &'a str, text: &mut Text) -> &'a str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return comment.find("-->").map_or("", |end| &comment[end + 3..]);
    }
    let name_at = 1 + usize::from(rest.starts_with("</"));
    let name: String =
        rest[name_at..].chars().take_while(char::is_ascii_alphanumeric).take(20).collect::<String>();
    let name = name.to_ascii_lowercase();
    if name.is_empty() && !rest.starts_with("<!") && !rest.starts_with("<?") {
        // A sign of its own, as in "a < b".
        text.push("<");
        return &rest[1..];
    }
    if !WITHIN_WORDS.contains(&name.as_str()) {
        text.line();
    }
    let Some(end) = rest.find('>') else { return "" };
    let after = &rest[end + 1..];
    if name_at == 1 && UNREAD.contains(&name.as_str()) {
        return after_closing(after, &name);
    }
    after
}

/// What follows the closing tag of an element; nothing if it has none.
fn after_closing<'a>(content: &'a str, name: &str) -> &'a str {
    let mut rest = content;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        if rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return rest.find('>').map_or("", |end| &rest[end + 1..]);
        }
    }
    ""
}
