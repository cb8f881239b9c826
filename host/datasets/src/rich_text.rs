//! Texts of producers on their way out: Markdown as safe HTML (`html=true|vuetify`), and both cut short (`truncate=N`).
//!
//! **Invariant:** HTML that leaves here has passed the sanitiser. What it does not know, it drops: scripts, styles, frames,
//! forms, handlers of events, addresses that are no web address.

use std::sync::LazyLock;

use ammonia::Builder;
use comrak::Options;
use serde_json::Value;

/// What stands for what was cut.
const ELLIPSIS: &str = "...";

/// Classes of Vuetify, the interface library of Data Fair's pages, for what Markdown makes.
const VUETIFY: &[(&str, &str)] = &[
    ("h1", "text-h4 my-4"),
    ("h2", "text-h5 my-4"),
    ("h3", "text-h6 my-3"),
    ("h4", "text-subtitle-1 my-2"),
    ("h5", "text-subtitle-2 my-2"),
    ("h6", "text-subtitle-2 my-2"),
    ("p", "my-3"),
    ("ul", "my-3 ml-4"),
    ("ol", "my-3 ml-4"),
    ("table", "v-table"),
    ("blockquote", "pl-4 my-3"),
];

/// How HTML is dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dress {
    /// Plain elements.
    Plain,
    /// Elements with the classes of Vuetify.
    Vuetify,
}

/// What `html` and `truncate` ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rendering {
    /// Markdown becomes HTML; it stays as it is when absent.
    pub html: Option<Dress>,
    /// Longest text in characters, tags not counted.
    pub chars_max: Option<usize>,
}

impl Rendering {
    /// Reads the value of `html`; any other than `true` and `vuetify` asks for nothing.
    pub fn new(html: Option<&str>, chars_max: Option<usize>) -> Self {
        let html = match html {
            Some("true") => Some(Dress::Plain),
            Some("vuetify") => Some(Dress::Vuetify),
            _ => None,
        };
        Self { html, chars_max }
    }

    /// A Markdown text as it goes out.
    pub fn markdown(&self, text: &str) -> String {
        match (self.html, self.chars_max) {
            (None, None) => text.to_owned(),
            (None, Some(chars)) => truncated(text, chars),
            (Some(dress), None) => html(text, dress),
            (Some(dress), Some(chars)) => truncated_html(&html(text, dress), chars),
        }
    }

    /// The descriptions of a dataset, of its columns and of its attached documents. Only the first is cut: the others are
    /// short.
    pub(crate) fn description(&self, view: &mut Value) {
        if let Some(Value::String(text)) = view.get_mut("description") {
            *text = self.markdown(text);
        }
        let whole = Self { chars_max: None, ..*self };
        for list in ["schema", "attachments"] {
            let items = view.get_mut(list).and_then(Value::as_array_mut);
            for item in items.into_iter().flatten() {
                if let Some(Value::String(text)) = item.get_mut("description") {
                    *text = whole.markdown(text);
                }
            }
        }
    }
}

/// Markdown, which may have HTML in it, as safe HTML.
pub fn html(markdown: &str, dress: Dress) -> String {
    static PLAIN: LazyLock<Builder<'static>> = LazyLock::new(|| sanitiser(&[]));
    static DRESSED: LazyLock<Builder<'static>> = LazyLock::new(|| sanitiser(VUETIFY));
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    // Data Fair's descriptions mix Markdown and HTML; the sanitiser decides what of it stays.
    options.render.r#unsafe = true;
    let html = comrak::markdown_to_html(markdown, &options);
    let sanitiser = if dress == Dress::Vuetify { &DRESSED } else { &PLAIN };
    sanitiser.clean(&html).to_string()
}

fn sanitiser(classes: &'static [(&str, &str)]) -> Builder<'static> {
    let mut builder = Builder::default();
    builder.link_rel(Some("noopener noreferrer nofollow"));
    for (tag, class) in classes {
        builder.set_tag_attribute_value(*tag, "class", *class);
    }
    builder
}

/// The first `chars` characters, with a mark if there were more.
pub fn truncated(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}{ELLIPSIS}", &text[..at]),
        None => text.to_owned(),
    }
}

/// The beginning of sanitised HTML that shows `chars` characters, with a mark if there were more; what is open is closed.
pub fn truncated_html(html: &str, chars: usize) -> String {
    let mut out = String::new();
    let (mut open, mut left) = (Vec::new(), chars);
    let mut rest = html;
    while !rest.is_empty() {
        if rest.starts_with('<') {
            // The sanitiser writes `<` of texts as `&lt;`, but `>` of attributes as it is: skip those in quotes.
            let Some(end) = end_of_tag(rest) else { break };
            let (tag, after) = rest.split_at(end);
            follow(tag, &mut open);
            out.push_str(tag);
            rest = after;
            continue;
        }
        if left == 0 {
            if rest.chars().all(char::is_whitespace) || !shows(rest) {
                break;
            }
            out.truncate(out.trim_end().len());
            out.push_str(ELLIPSIS);
            break;
        }
        let length = length_of_character(rest);
        out.push_str(&rest[..length]);
        rest = &rest[length..];
        left -= 1;
    }
    for tag in open.iter().rev() {
        out.push_str(&format!("</{tag}>"));
    }
    out
}

/// Where a tag ends, quotes respected.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (byte, quote) {
            (b'"' | b'\'', None) => quote = Some(byte),
            (b'>', None) => return Some(at + 1),
            (byte, Some(open)) if byte == open => quote = None,
            _ => {}
        }
    }
    None
}

/// Notes that an element opens or closes.
fn follow<'a>(tag: &'a str, open: &mut Vec<&'a str>) {
    const VOID: [&str; 7] = ["area", "br", "col", "hr", "img", "wbr", "input"];
    if tag.starts_with("</") {
        open.pop();
        return;
    }
    let name = tag[1..].split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    if !name.is_empty() && !VOID.contains(&name) {
        open.push(name);
    }
}

/// Whether text follows, tags not counted.
fn shows(html: &str) -> bool {
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        if c == '<' {
            let Some(end) = end_of_tag(rest) else { return false };
            rest = &rest[end..];
            continue;
        }
        if !c.is_whitespace() {
            return true;
        }
        rest = &rest[c.len_utf8()..];
    }
    false
}

/// Bytes of the first character, which may be written as an entity.
fn length_of_character(text: &str) -> usize {
    const ENTITY_BYTES_MAX: usize = 12;
    if text.starts_with('&')
        && let Some(end) = text.find(';').filter(|end| *end < ENTITY_BYTES_MAX)
        && text[1..end].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#')
    {
        return end + 1;
    }
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_gone_and_what_formats_stays() {
        let markdown = "# Titre\n\n**fort** <script>alert(1)</script> [x](javascript:alert(1)) <b onclick=x>y</b>\n\n|a|b|\n|-|-|\n|1|2|\n\n<iframe src=\"https://example.org\"></iframe><style>p{}</style>";
        let html = html(markdown, Dress::Plain);
        for good in ["<h1>Titre</h1>", "<strong>fort</strong>", "<b>y</b>", "<td>1</td>"] {
            assert!(html.contains(good), "{html}");
        }
        for bad in ["script", "onclick", "javascript:", "iframe", "style"] {
            assert!(!html.contains(bad), "{html}");
        }
    }

    #[test]
    fn pages_of_vuetify_get_its_classes() {
        assert_eq!(html("## a", Dress::Vuetify).trim(), "<h2 class=\"text-h5 my-4\">a</h2>");
        assert_eq!(html("<p class=\"evil\">a</p>", Dress::Vuetify).trim(), "<p class=\"my-3\">a</p>");
    }

    #[test]
    fn html_is_cut_by_what_it_shows_and_stays_well_formed() {
        for (html, chars, expect) in [
            ("<p>abcdef</p>", 3, "<p>abc...</p>"),
            ("<p>abc</p>\n", 3, "<p>abc</p>"),
            ("<p>ab</p><p>cd</p>", 3, "<p>ab</p><p>c...</p>"),
            ("<p>a <b>bcd</b> e</p>", 3, "<p>a <b>b...</b></p>"),
            ("<p>é&amp;è</p>", 2, "<p>é&amp;...</p>"),
            ("<p>a<br>bc</p>", 2, "<p>a<br>b...</p>"),
            ("<a title=\"x>y\">abcd</a>", 2, "<a title=\"x>y\">ab...</a>"),
            ("abc", 0, "..."),
        ] {
            assert_eq!(truncated_html(html, chars), expect, "{html}");
        }
    }

    #[test]
    fn cutting_at_any_length_leaves_no_open_element() {
        let html = html("# a\n\n- *b* & c\n- `d` [e](https://example.org?a=1&b=2)\n\n> f", Dress::Vuetify);
        for chars in 0..40 {
            let cut = truncated_html(&html, chars);
            assert_eq!(ammonia::clean(&cut).matches("</").count(), cut.matches("</").count(), "{cut}");
        }
    }
}
