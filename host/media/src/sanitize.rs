//! SVG reduced to what draws: an allow-list of elements and attributes.
//!
//! What is not on the list is left out without a word: scripts, foreign content, styles sheets, animations, links,
//! images, event handlers, references outside the document. Left out too is what draws a part many times (`use`,
//! `pattern`, `marker`, filters): a few lines of it can ask for years of work.

use std::fmt::Write as _;

use resvg::usvg::roxmltree::{Attribute, Document, Node, ParsingOptions};

use crate::MediaError;

/// Bytes of an SVG.
pub const SVG_BYTES_MAX: usize = 4 << 20;

/// Elements and texts of an SVG.
pub const SVG_NODES_MAX: u32 = 50_000;

/// Levels of an SVG.
pub const SVG_DEPTH_MAX: usize = 64;

const SVG: &str = "http://www.w3.org/2000/svg";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

const ELEMENTS: &[&str] = &[
    "svg",
    "g",
    "defs",
    "title",
    "desc",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
];

/// Sorted, for a binary search.
const ATTRIBUTES: &[&str] = &[
    "class",
    "clip-path",
    "clip-rule",
    "clipPathUnits",
    "color",
    "cx",
    "cy",
    "d",
    "direction",
    "display",
    "dominant-baseline",
    "dx",
    "dy",
    "fill",
    "fill-opacity",
    "fill-rule",
    "focusable",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "fx",
    "fy",
    "gradientTransform",
    "gradientUnits",
    "height",
    "id",
    "lang",
    "lengthAdjust",
    "letter-spacing",
    "offset",
    "opacity",
    "overflow",
    "paint-order",
    "pathLength",
    "points",
    "preserveAspectRatio",
    "r",
    "role",
    "rotate",
    "rx",
    "ry",
    "shape-rendering",
    "spreadMethod",
    "stop-color",
    "stop-opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "tabindex",
    "text-anchor",
    "text-decoration",
    "text-rendering",
    "textLength",
    "transform",
    "vector-effect",
    "version",
    "viewBox",
    "visibility",
    "width",
    "word-spacing",
    "writing-mode",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
];

/// Reduces an SVG to the elements and attributes that draw, describe and structure. The result stands alone, in a page
/// or in an `img`. Fails when the source is no SVG or beyond the limits.
pub fn sanitize_svg(svg: &str) -> Result<String, MediaError> {
    if svg.len() > SVG_BYTES_MAX {
        return Err(MediaError::TooLong { bytes: svg.len() });
    }
    // A document type could declare entities that multiply.
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: SVG_NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(svg, options).map_err(|error| match error {
        resvg::usvg::roxmltree::Error::NodesLimitReached => MediaError::TooComplex,
        error => MediaError::NotSvg(error.to_string()),
    })?;
    let root = document.root_element();
    if !is_svg(root) || root.tag_name().name() != "svg" {
        return Err(MediaError::NotSvg("l'élément racine n'est pas « svg »".to_owned()));
    }
    let mut out = String::with_capacity(svg.len());
    element(root, 0, &mut out)?;
    Ok(out)
}

fn is_svg(node: Node<'_, '_>) -> bool {
    matches!(node.tag_name().namespace(), None | Some(SVG))
}

fn element(node: Node<'_, '_>, depth: usize, out: &mut String) -> Result<(), MediaError> {
    if depth > SVG_DEPTH_MAX {
        return Err(MediaError::TooComplex);
    }
    let name = node.tag_name().name();
    out.push('<');
    out.push_str(name);
    if depth == 0 {
        let _ = write!(out, " xmlns=\"{SVG}\"");
    }
    for attribute in node.attributes().filter(is_safe) {
        let prefix = if attribute.namespace() == Some(XML) { "xml:" } else { "" };
        let _ = write!(out, " {prefix}{}=\"", attribute.name());
        escape(attribute.value(), out);
        out.push('"');
    }
    out.push('>');
    for child in node.children() {
        if let Some(text) = child.text().filter(|_| child.is_text()) {
            escape(text, out);
        } else if child.is_element() && is_svg(child) && ELEMENTS.contains(&child.tag_name().name()) {
            element(child, depth + 1, out)?;
        }
    }
    let _ = write!(out, "</{name}>");
    Ok(())
}

fn is_safe(attribute: &Attribute<'_, '_>) -> bool {
    let name = attribute.name();
    let is_known = match attribute.namespace() {
        None => {
            let is_described = |prefix| name.strip_prefix(prefix).is_some_and(is_plain_name);
            ATTRIBUTES.binary_search(&name).is_ok() || is_described("aria-") || is_described("data-")
        }
        Some(XML) => matches!(name, "lang" | "space"),
        Some(_) => false,
    };
    is_known && is_local(attribute.value())
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether all a value refers to is in the document: `url(#name)` and nothing else of the kind. Escapes of CSS, which
/// could spell `url` otherwise, are refused.
fn is_local(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let mut rest = lower.as_str();
    while let Some(at) = rest.find("url") {
        let after = rest[at + 3..].trim_start();
        if let Some(target) = after.strip_prefix('(') {
            let target = target.trim_start().trim_start_matches(['"', '\'']);
            if !target.starts_with('#') {
                return false;
            }
        }
        rest = &rest[at + 3..];
    }
    !lower.contains('\\')
}

/// Writes text so that it is text in an element and in an attribute.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(inner: &str) -> String {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{inner}</svg>"#
        )
    }

    fn check(inner: &str, expected: &str) {
        let expected = format!(r#"<svg xmlns="http://www.w3.org/2000/svg">{expected}</svg>"#);
        assert_eq!(sanitize_svg(&svg(inner)).unwrap(), expected, "{inner}");
    }

    #[test]
    fn what_draws_and_describes_stays() {
        check(
            r##"<title>Été &amp; hiver</title><g role="img" aria-label="a &lt; b" data-value="3"><path d="M0 0L1 1" stroke="#123"/></g>"##,
            r##"<title>Été &amp; hiver</title><g role="img" aria-label="a &lt; b" data-value="3"><path d="M0 0L1 1" stroke="#123"></path></g>"##,
        );
        check(
            r##"<rect fill="url(#degrade)" clip-path="url( '#c' )"/>"##,
            r##"<rect fill="url(#degrade)" clip-path="url( '#c' )"></rect>"##,
        );
        check("<text><![CDATA[<b>]]></text>", "<text>&lt;b&gt;</text>");
    }

    #[test]
    fn what_acts_loads_or_multiplies_goes() {
        for inner in [
            "<script>alert(1)</script>",
            "<SCRIPT>alert(1)</SCRIPT>",
            r#"<x:script xmlns:x="http://www.w3.org/2000/svg">alert(1)</x:script>"#,
            r#"<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>"#,
            r#"<h:iframe xmlns:h="http://www.w3.org/1999/xhtml" src="//evil"/>"#,
            "<style>@import url(//evil)</style>",
            r#"<image href="https://evil/x.png"/>"#,
            r#"<image xlink:href="data:image/svg+xml;base64,AAAA"/>"#,
            r##"<use href="#a"/>"##,
            r#"<a href="javascript:alert(1)"><text>x</text></a>"#,
            r#"<animate attributeName="href" to="javascript:alert(1)"/>"#,
            r#"<set attributeName="onload" to="alert(1)"/>"#,
            "<filter/><pattern/><marker/><mask/><symbol/>",
            "<!-- comment --><?php evil ?>",
        ] {
            check(inner, "");
        }
        for attribute in [
            r#"onload="alert(1)""#,
            r#"onclick="alert(1)""#,
            r#"style="background:url(//evil)""#,
            r#"fill="url(https://evil/x#a)""#,
            r#"fill="url(#a) url(//evil)""#,
            r#"fill="URL( 'http://evil')""#,
            r#"fill="\75rl(//evil)""#,
            r#"xlink:href="//evil""#,
            r#"href="//evil""#,
            r#"filter="url(#f)""#,
            r#"xml:base="//evil""#,
        ] {
            check(&format!("<rect {attribute}/>"), "<rect></rect>");
        }
    }

    #[test]
    fn what_is_no_svg_is_refused_with_its_place() {
        for (source, part) in [
            ("<html/>", "racine"),
            ("<svg><g></svg>", "1:"),
            ("", "Ce n'est pas une image SVG"),
            (r#"<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>"#, "Ce n'est pas une image SVG"),
        ] {
            let error = sanitize_svg(source).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn what_is_beyond_measure_is_refused() {
        let deep = svg(&("<g>".repeat(100) + &"</g>".repeat(100)));
        assert!(matches!(sanitize_svg(&deep), Err(MediaError::TooComplex)));
        let many = svg(&"<g/>".repeat(SVG_NODES_MAX as usize));
        assert!(matches!(sanitize_svg(&many), Err(MediaError::TooComplex)));
        let long = svg(&" ".repeat(SVG_BYTES_MAX));
        assert!(matches!(sanitize_svg(&long), Err(MediaError::TooLong { .. })));
    }

    #[test]
    fn sanitising_twice_changes_nothing() {
        let once = sanitize_svg(&svg(r#"<g id="a"><text x="1">é "b"</text></g>"#)).unwrap();
        assert_eq!(sanitize_svg(&once).unwrap(), once);
    }

    #[test]
    fn the_list_of_attributes_is_sorted() {
        assert!(ATTRIBUTES.is_sorted());
    }
}
