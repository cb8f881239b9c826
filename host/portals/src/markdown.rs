//! Markdown of producers as HTML that is safe in a page.

use halle_datasets::rich_text::{self, Dress};

/// Safe HTML. Headings begin two levels down: the page has its `h1`, and the section its `h2`.
pub fn html(markdown: &str) -> String {
    lower_headings(rich_text::html(markdown, Dress::Plain))
}

/// `h1` to `h4` become `h3` to `h6`. Only after the sanitiser: tags are then written in one way.
fn lower_headings(mut html: String) -> String {
    for level in (1..=4).rev() {
        for open in ["<h", "</h"] {
            for end in [">", " "] {
                html = html.replace(&format!("{open}{level}{end}"), &format!("{open}{}{end}", level + 2));
            }
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_gone_and_what_formats_stays() {
        let html =
            html("# Titre\n\n**fort** <script>alert(1)</script> [x](javascript:alert(1)) <b onclick=x>y</b>");
        assert!(html.contains("<h3>Titre</h3>"), "{html}");
        assert!(html.contains("<strong>fort</strong>"), "{html}");
        assert!(html.contains("<b>y</b>"), "{html}");
        for bad in ["script", "onclick", "javascript:"] {
            assert!(!html.contains(bad), "{html}");
        }
    }
}
