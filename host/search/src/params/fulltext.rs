//! `q`, `q_mode`, `q_fields`, `q_ignored`: full-text search.

use halle_model::{Column, ColumnKind};

use super::fields::{Fields, is_searchable};
use super::raw::Params;
use super::simple::{self, Words};
use super::{bad, is_stop_word};
use crate::ast::{Query, TextView};
use crate::engine::SearchResult;

/// How the words of `q` combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Any word. `adapt`, the default, is the same but for the words that [`super::adapt`] finds too frequent, which come as
    /// `q_ignored`.
    Simple,
    /// Every word, the last one as a prefix: for completion while typing.
    Complete,
    /// Every word.
    And,
}

/// The text that `q` or its alias asks for.
pub(super) fn text(params: &Params) -> Option<&str> {
    let text = params.get("q").or_else(|| params.get("_c_q"))?;
    (!text.trim().is_empty()).then_some(text)
}

/// The condition of `q`; `None` when there is none.
pub(super) fn parse(params: &Params, fields: &Fields<'_>) -> SearchResult<Option<Query>> {
    let mode = mode(params)?;
    let columns = columns(params, fields)?;
    let Some(text) = text(params) else { return Ok(None) };
    super::check_length("q", text)?;
    let words = Words { columns: &columns, view: TextView::Stemmed, all: mode == Mode::And };
    if mode == Mode::Complete {
        return complete(text, words, fields).map(Some);
    }
    let query = simple::parse(text, words, "q")?;
    let ignored = params.list("q_ignored");
    if ignored.is_empty() {
        return Ok(Some(query));
    }
    // Ignored words go on scoring, but do not make a line match.
    let kept: Vec<&str> = text.split_whitespace().filter(|word| !ignored.contains(word)).collect();
    let filter = simple::parse(&kept.join(" "), words, "q")?;
    Ok(Some(Query::And(vec![Query::Unscored(Box::new(filter)), query])))
}

fn mode(params: &Params) -> SearchResult<Mode> {
    match params.get("q_mode").unwrap_or("adapt") {
        "adapt" | "simple" | "or" => Ok(Mode::Simple),
        "complete" => Ok(Mode::Complete),
        "and" => Ok(Mode::And),
        other => {
            let shown: String = other.chars().take(60).collect();
            Err(bad(format!("\"q_mode\" must be one of adapt, simple, or, complete, and, not \"{shown}\"")))
        }
    }
}

fn columns(params: &Params, fields: &Fields<'_>) -> SearchResult<Vec<String>> {
    let mut columns = Vec::new();
    for key in params.list("q_fields") {
        let column = fields.get(key).ok_or_else(|| {
            bad(format!(
                "Impossible de rechercher sur le champ {key}, il n'existe pas dans le jeu de données."
            ))
        })?;
        if !is_searchable(column) {
            let message = format!(
                "Impossible de rechercher sur le champ {key}. Aucune fonctionnalité de recherche textuelle n'est activée dans la configuration technique du champ."
            );
            return Err(bad(message));
        }
        columns.push(column.key.clone());
    }
    Ok(columns)
}

/// Completion: each word required, the last as a prefix; a line whose `wildcard` column contains the text matches too.
fn complete(text: &str, words: Words<'_>, fields: &Fields<'_>) -> SearchResult<Query> {
    let required = Words { all: true, ..words };
    if text.contains(['*', '"', '+', '|', '(', '\\']) || text.split_whitespace().any(|w| w.starts_with('-')) {
        return simple::parse(text, required, "q");
    }
    let all: Vec<&str> = text.split_whitespace().collect();
    let Some((last, before)) = all.split_last() else { return Ok(Query::Nothing) };
    if all.len() > super::QUERY_CLAUSES_MAX {
        return Err(bad(format!("\"q\" cannot have more than {} words", super::QUERY_CLAUSES_MAX)));
    }
    let mut parts: Vec<Query> =
        before.iter().filter(|word| !is_stop_word(word)).map(|&word| words.word(word)).collect();
    parts.push(Query::Or(vec![words.prefix(*last), words.word(*last)]));
    let typed = if parts.len() == 1 { parts.remove(0) } else { Query::And(parts) };
    let mut found = vec![typed];
    if !before.is_empty() {
        // The words in this very order rank higher.
        found.push(words.phrase(text, 0));
    }
    let pattern = format!("*{}*", text.trim());
    let contains = |column: &Column| Query::Wildcard { column: column.key.clone(), pattern: pattern.clone() };
    let asked = |column: &&Column| {
        column.kind() == ColumnKind::Text
            && column.capabilities.wildcard()
            && (words.columns.is_empty() || words.columns.contains(&column.key))
    };
    found.extend(fields.columns().iter().filter(asked).map(contains));
    Ok(if found.len() == 1 { found.remove(0) } else { Query::Or(found) })
}
