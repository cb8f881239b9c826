//! The meaning of `qs` for a schema.

use halle_model::{Column, ColumnKind};

use super::fields::{Fields, Need, check_capability};
use super::lucene::{self, Node, Occur, SyntaxError};
use super::operand::{self, Compare};
use super::raw::Params;
use super::simple::Words;
use super::{bad, check_length};
use crate::ast::{Bound, Query, TextView};
use crate::engine::{SearchError, SearchResult};

/// The condition of `qs`; `None` when there is none.
pub(super) fn parse(params: &Params, fields: &Fields<'_>) -> SearchResult<Option<Query>> {
    let Some(text) = params.get("qs").filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    check_length("qs", text)?;
    let tree = lucene::parse(text).map_err(syntax_error)?;
    Meaning { fields, target: Target::Anywhere }.of(&tree).map(Some)
}

fn syntax_error(error: SyntaxError) -> SearchError {
    bad(format!(
        "Impossible d'effectuer cette recherche, la syntaxe du paramètre \"qs\" n'est pas respectée (caractère {} : {}).",
        error.at, error.what
    ))
}

/// What a term is compared with.
#[derive(Debug, Clone, Copy)]
enum Target<'a> {
    /// Words of all searchable columns.
    Anywhere,
    /// Whole values of a column.
    Values(&'a Column),
    /// Words of a column.
    Words(&'a Column, TextView),
    /// Groups of characters of a column.
    Characters(&'a Column),
}

#[derive(Clone, Copy)]
struct Meaning<'a> {
    fields: &'a Fields<'a>,
    target: Target<'a>,
}

impl<'a> Meaning<'a> {
    fn of(&self, node: &Node) -> SearchResult<Query> {
        match node {
            Node::Group(clauses) => self.group(clauses),
            Node::Field(name, value) => self.field(name, value),
            Node::Term(text) => self.term(text),
            Node::Pattern(pattern) => Ok(self.pattern(pattern)),
            Node::Fuzzy(text, distance) => self.fuzzy(text, *distance),
            Node::Phrase(text, slop) => match self.target {
                Target::Values(_) | Target::Characters(_) => self.term(text),
                Target::Anywhere => Ok(anywhere().phrase(text, *slop)),
                Target::Words(column, view) => {
                    let columns = [column.key.clone()];
                    Ok(Words { columns: &columns, view, all: false }.phrase(text, *slop))
                }
            },
            Node::Range { lower, upper } => self.range(lower.as_ref(), upper.as_ref()),
        }
    }

    /// Required clauses alone decide if there are any; excluded ones always hold.
    fn group(&self, clauses: &[(Occur, Node)]) -> SearchResult<Query> {
        let (mut must, mut should, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for (occur, node) in clauses {
            let query = self.of(node)?;
            match occur {
                Occur::Must => must.push(query),
                Occur::Should => should.push(query),
                Occur::MustNot => all.push(Query::Not(Box::new(query))),
            }
        }
        if !must.is_empty() {
            all.splice(0..0, must);
        } else if !should.is_empty() {
            let any = if should.len() == 1 { should.remove(0) } else { Query::Or(should) };
            all.insert(0, any);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Query::And(all) })
    }

    fn field(&self, name: &str, value: &Node) -> SearchResult<Query> {
        if name == "_exists_" {
            return self.exists(value);
        }
        if name == "*" {
            return match value {
                Node::Pattern(pattern) if pattern == "*" => Ok(Query::All),
                _ => Meaning { target: Target::Anywhere, ..*self }.of(value),
            };
        }
        let target = self.target_of(name)?;
        Meaning { target, ..*self }.of(value)
    }

    fn exists(&self, value: &Node) -> SearchResult<Query> {
        let (Node::Term(key) | Node::Phrase(key, _)) = value else {
            return Err(bad(
                "Impossible d'effectuer cette recherche, la syntaxe du paramètre \"qs\" n'est pas respectée (_exists_ attend le nom d'un champ).",
            ));
        };
        let column = self.fields.filtered(key)?;
        check_capability(column, "qs", Need::Index)?;
        Ok(Query::Exists { column: column.key.clone() })
    }

    /// The column of a name, whole or with a suffix that says how to compare.
    fn target_of(&self, name: &str) -> SearchResult<Target<'a>> {
        if let Some(column) = self.fields.get(name) {
            check_capability(column, "qs", Need::Index)?;
            return Ok(Target::Values(column));
        }
        let Some((key, suffix)) = name.rsplit_once('.') else {
            return self.fields.filtered(name).map(Target::Values);
        };
        let Some(column) = self.fields.get(key) else {
            return self.fields.filtered(name).map(Target::Values);
        };
        match suffix {
            "text" => check_capability(column, "qs", Need::Search)
                .map(|()| Target::Words(column, TextView::Stemmed)),
            "text_standard" => check_capability(column, "qs", Need::Search)
                .map(|()| Target::Words(column, TextView::Standard)),
            // Words without case and accents, in order: what a folded comparison finds, longer values too.
            "keyword_insensitive" => check_capability(column, "qs", Need::Search)
                .map(|()| Target::Words(column, TextView::Standard)),
            "wildcard" => check_capability(column, "qs", Need::Wildcard).map(|()| Target::Characters(column)),
            _ => self.fields.filtered(name).map(Target::Values),
        }
    }

    fn term(&self, text: &str) -> SearchResult<Query> {
        match self.target {
            Target::Anywhere => Ok(anywhere().word(text)),
            Target::Values(column) | Target::Characters(column) => operand::equals(column, &[text], "qs"),
            Target::Words(column, view) => {
                let columns = [column.key.clone()];
                Ok(Words { columns: &columns, view, all: false }.word(text))
            }
        }
    }

    /// A word of a column that is compared by whole values is looked for in these as in any text.
    fn fuzzy(&self, text: &str, distance: u8) -> SearchResult<Query> {
        match self.target {
            Target::Values(column) | Target::Characters(column) if column.kind() != ColumnKind::Text => {
                self.term(text)
            }
            Target::Anywhere => Ok(anywhere().fuzzy(text, distance)),
            Target::Values(column) | Target::Characters(column) | Target::Words(column, _) => {
                let columns = [column.key.clone()];
                Ok(Words { columns: &columns, view: TextView::Standard, all: false }.fuzzy(text, distance))
            }
        }
    }

    fn pattern(&self, pattern: &str) -> Query {
        let stem = pattern.strip_suffix('*').filter(|stem| !stem.contains(['*', '?']));
        match (self.target, stem) {
            (Target::Anywhere, Some("")) => Query::All,
            (Target::Anywhere, Some(stem)) => anywhere().prefix(stem),
            (Target::Anywhere, None) => {
                let text =
                    |column: &&Column| column.kind() == ColumnKind::Text && column.capabilities.index();
                let columns = self.fields.columns().iter().filter(text);
                let wild = |column: &Column| Query::Wildcard {
                    column: column.key.clone(),
                    pattern: pattern.to_owned(),
                };
                Query::Or(columns.map(wild).collect())
            }
            (Target::Values(column) | Target::Characters(column) | Target::Words(column, _), Some("")) => {
                Query::Exists { column: column.key.clone() }
            }
            (Target::Values(column), Some(stem)) if column.kind() == ColumnKind::Text => {
                Query::Prefix { column: column.key.clone(), prefix: stem.to_owned() }
            }
            (Target::Words(column, _), Some(stem)) => {
                Query::WordPrefix { columns: vec![column.key.clone()], prefix: stem.to_owned() }
            }
            (Target::Values(column) | Target::Characters(column) | Target::Words(column, _), _) => {
                Query::Wildcard { column: column.key.clone(), pattern: pattern.to_owned() }
            }
        }
    }

    fn range(&self, lower: Option<&(String, bool)>, upper: Option<&(String, bool)>) -> SearchResult<Query> {
        let column = match self.target {
            Target::Values(column) | Target::Characters(column) => column,
            Target::Words(column, _) => column,
            Target::Anywhere => {
                return Err(bad(
                    "Impossible d'effectuer cette recherche, la syntaxe du paramètre \"qs\" n'est pas respectée (un intervalle attend le nom d'un champ).",
                ));
            }
        };
        let bound = |end: Option<&(String, bool)>, strict, loose| match end {
            None => Ok(Bound::None),
            Some((text, included)) => {
                operand::bound(column, if *included { loose } else { strict }, text, "qs")
            }
        };
        Ok(Query::Range {
            column: column.key.clone(),
            lower: bound(lower, Compare::Greater, Compare::GreaterOrEqual)?,
            upper: bound(upper, Compare::Less, Compare::LessOrEqual)?,
        })
    }
}

fn anywhere() -> Words<'static> {
    Words { columns: &[], view: TextView::Stemmed, all: false }
}
