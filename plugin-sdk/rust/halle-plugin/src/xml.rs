//! XML texts, by the feature `xml`: enough to read what APIs answer. Entities of a document, which can be made to grow, are
//! refused with its DTD; so is what is nested deeply.

use crate::problem::{Problem, Result};

/// Elements within each other.
const DEPTH_MAX: usize = 200;

/// Elements, texts and comments of a document.
const NODES_MAX: u32 = 1_000_000;

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Name as it is written, with its prefix: `dcat:Dataset`.
    pub name: String,
    /// Name without prefix: `Dataset`.
    pub local: String,
    /// Namespace, as a URI.
    pub namespace: Option<String>,
    /// Attributes in their order, by name as it is written; declarations of namespaces are left out.
    pub attributes: Vec<(String, String)>,
    /// Elements in it, in order.
    pub children: Vec<Element>,
    /// Its own text, without that of its children.
    pub text: String,
}

/// The root element of a document; `xml/invalid` when it is none, has a DTD, or more than 200 levels.
///
/// ```
/// let feed = halle_plugin::xml::parse(
///     r#"<d:feed xmlns:d="urn:d"><d:entry id="1"><title>Arbres &amp; parcs</title></d:entry></d:feed>"#,
/// )?;
/// let entry = feed.child("d:entry").unwrap();
/// assert_eq!(entry.attribute("id"), Some("1"));
/// assert_eq!(entry.child_text("title"), Some("Arbres & parcs"));
/// // A prefix is the document's choice: ask by namespace where documents differ.
/// assert!(feed.child("{urn:d}entry").is_some());
/// # Ok::<(), halle_plugin::Problem>(())
/// ```
pub fn parse(text: &str) -> Result<Element> {
    let options = roxmltree::ParsingOptions { nodes_limit: NODES_MAX, ..Default::default() };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = roxmltree::Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => invalid("un DTD n'est pas accepté"),
        roxmltree::Error::NodesLimitReached => invalid(&format!("plus de {NODES_MAX} éléments")),
        error => invalid(&error.to_string()),
    })?;
    element(text, document.root_element(), 1)
}

impl Element {
    /// Whether it has a name: as it is written (`dcat:Dataset`), or with its namespace (`{http://www.w3.org/ns/dcat#}Dataset`).
    pub fn is(&self, name: &str) -> bool {
        match name.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((namespace, local)) => {
                self.namespace.as_deref().unwrap_or_default() == namespace && self.local == local
            }
            None => self.name == name,
        }
    }

    /// The first child with a name; names as in [`Element::is`].
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(name))
    }

    /// The text of the first child with a name.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// All elements below this one with a name, in the order of the document.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        let mut open = vec![self.children.iter()];
        std::iter::from_fn(move || {
            loop {
                match open.last_mut()?.next() {
                    Some(element) => {
                        open.push(element.children.iter());
                        if element.is(name) {
                            return Some(element);
                        }
                    }
                    None => drop(open.pop()),
                }
            }
        })
    }

    /// The attribute with a name, as it is written.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A text with `&`, `<`, `>` and quotes written so that XML, HTML and SVG read them as they are.
///
/// ```
/// assert_eq!(halle_plugin::xml::escape("a < b & c"), "a &lt; b &amp; c");
/// ```
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Recursion ends at [`DEPTH_MAX`]; the parser itself does not recurse.
fn element(source: &str, node: roxmltree::Node<'_, '_>, depth: usize) -> Result<Element> {
    if depth > DEPTH_MAX {
        return Err(invalid(&format!("plus de {DEPTH_MAX} niveaux")));
    }
    let written = &source[node.range()][1..];
    let end = written.find(|c: char| c.is_whitespace() || c == '/' || c == '>').unwrap_or(written.len());
    let attribute = |attribute: roxmltree::Attribute<'_, '_>| {
        (source[attribute.range_qname()].to_owned(), attribute.value().to_owned())
    };
    let mut found = Element {
        name: written[..end].to_owned(),
        local: node.tag_name().name().to_owned(),
        namespace: node.tag_name().namespace().map(str::to_owned),
        attributes: node.attributes().map(attribute).collect(),
        ..Element::default()
    };
    for child in node.children() {
        if child.is_element() {
            found.children.push(element(source, child, depth + 1)?);
        } else if child.is_text() {
            found.text.push_str(child.text().unwrap_or_default());
        }
    }
    Ok(found)
}

fn invalid(why: &str) -> Problem {
    Problem::new("xml/invalid", format!("XML illisible : {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_becomes_elements_attributes_and_texts() {
        let root = parse(
            "\u{feff}<?xml version=\"1.0\"?><!-- c --><rdf:RDF xmlns:rdf='urn:r' xmlns='urn:d' a='1 &gt; 0' rdf:b='2'>
              <Dataset n=\"x>y\"><title>Arbres &amp; b&#xe9;ton</title><empty/></Dataset>
              <rdf:title xmlns:rdf='urn:other'><![CDATA[<b>]]></rdf:title></rdf:RDF>",
        )
        .unwrap();
        assert_eq!((root.name.as_str(), root.namespace.as_deref()), ("rdf:RDF", Some("urn:r")));
        assert_eq!(root.attributes, [("a".into(), "1 > 0".into()), ("rdf:b".into(), "2".into())]);
        assert_eq!(root.child("Dataset").and_then(|child| child.attribute("n")), Some("x>y"));
        assert_eq!(root.child("Dataset").and_then(|child| child.child_text("title")), Some("Arbres & béton"));
        assert_eq!(root.all("{urn:d}title").count(), 1);
        assert_eq!(
            root.all("{urn:other}title").map(|found| found.text.as_str()).collect::<Vec<_>>(),
            ["<b>"]
        );
        assert_eq!(root.child("{urn:r}title"), None);
    }

    #[test]
    fn what_is_no_xml_is_a_problem_and_nothing_grows() {
        let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(parse(&deep(200)).is_ok());
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
        let wide = "<a/>".repeat(10);
        for text in [
            "",
            "plain",
            "<a>",
            "<a></b>",
            "</a>",
            "<p:a/>",
            "<a p:b='1'/>",
            "<a>&b;</a>",
            "<!DOCTYPE a><a/>",
            bomb,
            &wide,
            &deep(201),
            &deep(100_000),
        ] {
            let problem = parse(text).expect_err(text);
            assert_eq!(problem.code, "xml/invalid");
        }
    }

    #[test]
    fn texts_are_written_so_that_xml_reads_them_as_they_are() {
        let text = "<a href=\"x\">'&'</a>";
        assert_eq!(parse(&format!("<p a=\"{0}\">{0}</p>", escape(text))).unwrap().text, text);
    }
}
