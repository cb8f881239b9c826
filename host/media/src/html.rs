//! HTML of drawings reduced to what shows: text, tables, lists, pictures that are part of it, and how they look.
//!
//! What is not on the list is left out without a word: scripts, frames, forms, style sheets, handlers of events, whatever
//! is fetched from elsewhere. It is a second door: who shows it does so in a frame without scripts, network or origin.

use std::borrow::Cow;
use std::sync::LazyLock;

use ammonia::Builder;

use crate::MediaError;

/// Bytes of the HTML of a drawing.
pub const HTML_BYTES_MAX: usize = 4 << 20;

/// Elements of the HTML of a drawing, counted by their start tags. Each may stand in the one before, and a parser then looks
/// through all that are open: time grows with the square of this number.
pub const HTML_ELEMENTS_MAX: usize = 20_000;

/// How a picture that is part of the HTML begins.
const INLINE_PICTURES: [&str; 4] =
    ["data:image/png;", "data:image/jpeg;", "data:image/webp;", "data:image/gif;"];

/// Attributes that any element may have.
const ATTRIBUTES: [&str; 9] =
    ["style", "class", "id", "role", "dir", "lang", "aria-label", "aria-hidden", "aria-describedby"];

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .add_tags(["section", "main", "meter", "progress"])
        .add_generic_attributes(ATTRIBUTES)
        .add_tag_attributes("meter", ["value", "min", "max", "low", "high", "optimum"])
        .add_tag_attributes("progress", ["value", "max"])
        .add_tag_attributes("th", ["scope"])
        .add_url_schemes(["data"])
        // A link leaves the frame for a page of its own, which does not know where it was opened from.
        .set_tag_attribute_value("a", "target", "_blank")
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(address);
    builder
});

/// Keeps inline pictures in `src`, and the addresses of pages in `href`; nothing that a browser would fetch by itself.
fn address<'v>(element: &str, attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
    let start = value.trim_start().get(..24.min(value.trim_start().len())).unwrap_or_default();
    let start = start.to_ascii_lowercase();
    let kept = match (element, attribute) {
        ("img", "src") => INLINE_PICTURES.iter().any(|kind| start.starts_with(kind)),
        ("a", "href") => ["https:", "http:", "mailto:"].iter().any(|scheme| start.starts_with(scheme)),
        (_, "src" | "href" | "cite" | "background") => false,
        (_, "style") => !value.to_ascii_lowercase().contains("url("),
        _ => true,
    };
    kept.then_some(Cow::Borrowed(value))
}

/// The HTML of a drawing without anything that could run, fetch or ask; the body of a page, not a page.
///
/// # Errors
///
/// [`MediaError::HtmlTooLong`] above [`HTML_BYTES_MAX`], [`MediaError::HtmlTooComplex`] above [`HTML_ELEMENTS_MAX`],
/// [`MediaError::NothingToShow`] when nothing is left of it.
pub fn sanitize_html(html: &str) -> Result<String, MediaError> {
    if html.len() > HTML_BYTES_MAX {
        return Err(MediaError::HtmlTooLong { bytes: html.len() });
    }
    let starts = html.as_bytes().windows(2).filter(|two| two[0] == b'<' && two[1].is_ascii_alphabetic());
    if starts.count() > HTML_ELEMENTS_MAX {
        return Err(MediaError::HtmlTooComplex);
    }
    let safe = SANITISER.clean(html).to_string();
    if safe.trim().is_empty() {
        return Err(MediaError::NothingToShow);
    }
    Ok(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_stays() {
        for html in [
            r#"<table class="t"><caption>Arbres</caption><tbody><tr><th scope="row">Chêne</th><td style="color:red">3</td></tr></tbody></table>"#,
            r#"<section aria-label="Total"><p lang="fr">3 <strong>arbres</strong></p></section>"#,
            r#"<img src="data:image/png;base64,AAAA" alt="un arbre">"#,
            r#"<meter value="3" min="0" max="10"></meter>"#,
        ] {
            assert_eq!(sanitize_html(html).unwrap(), html);
        }
    }

    #[test]
    fn what_acts_or_fetches_goes() {
        for (html, left) in [
            ("a<script>alert(1)</script>", "a"),
            ("a<style>@import 'https://a.example/a.css'</style>", "a"),
            (r#"<p onclick="alert(1)">a</p>"#, "<p>a</p>"),
            (r#"a<iframe src="https://a.example"></iframe>"#, "a"),
            (r#"a<form action="https://a.example"><input name="q"></form>"#, "a"),
            (r#"<img src="https://a.example/a.png" alt="a">"#, r#"<img alt="a">"#),
            (r#"<img src="data:image/svg+xml;base64,AA" alt="a">"#, r#"<img alt="a">"#),
            (r#"<p style="background: URL(https://a.example)">a</p>"#, "<p>a</p>"),
            (r#"<a href="javascript:alert(1)">a</a>"#, r#"<a rel="noopener noreferrer nofollow">a</a>"#),
            (r#"<a href="data:text/html,a">a</a>"#, r#"<a rel="noopener noreferrer nofollow">a</a>"#),
            (
                r#"<a href="https://a.example/" target="_top">a</a>"#,
                r#"<a href="https://a.example/" rel="noopener noreferrer nofollow">a</a>"#,
            ),
            (r#"a<meta http-equiv="refresh" content="0;url=https://a.example">"#, "a"),
            (r#"a<base href="https://a.example">"#, "a"),
            (r#"a<object data="https://a.example"></object><embed src="b">"#, "a"),
        ] {
            // The target may stand before or after the other attributes.
            let safe = sanitize_html(html).unwrap();
            assert_eq!(safe.replacen(" target=\"_blank\"", "", 1), left, "{html}");
            assert_eq!(safe.contains("<a "), safe.contains(" target=\"_blank\""), "{safe}");
        }
    }

    #[test]
    fn what_is_too_long_or_empty_is_refused() {
        let long = "a".repeat(HTML_BYTES_MAX + 1);
        assert!(matches!(sanitize_html(&long), Err(MediaError::HtmlTooLong { .. })));
        assert!(matches!(sanitize_html("<script>a</script>"), Err(MediaError::NothingToShow)));
    }

    #[test]
    fn elements_are_counted_before_they_are_read() {
        let deep = |levels| sanitize_html(&format!("{}a", "<div>".repeat(levels)));
        assert!(deep(1_000).is_ok_and(|safe| safe.contains('a')));
        assert!(matches!(deep(HTML_ELEMENTS_MAX + 1), Err(MediaError::HtmlTooComplex)));
    }
}
