//! What is asked beside the values of lines: `collapse`, `highlight`; and the parameters of `words_agg`.

use halle_model::{Column, ColumnKind};

use super::fields::{Fields, cannot_collapse, cannot_count_words, is_searchable};
use super::raw::Params;
use super::{bad, filters};
use crate::ast::Query;
use crate::engine::{SearchResult, WordsRequest};

/// Columns of one `highlight`.
const HIGHLIGHTS_MAX: usize = 50;

/// Words of `words_agg` when the client does not say.
const WORDS_DEFAULT: usize = 20;

/// Words of `words_agg` at most.
const WORDS_MAX: usize = 200;

/// The column by which lines are collapsed.
pub(super) fn collapse(params: &Params, fields: &Fields<'_>) -> SearchResult<Option<String>> {
    let Some(key) = params.get("collapse") else { return Ok(None) };
    let column =
        fields.get(key).filter(|column| fields.columns().iter().any(|known| known.key == column.key));
    let column = column.ok_or_else(|| {
        bad(format!("Impossible de dédoublonner sur le champ {key}, il n'existe pas dans le jeu de données."))
    })?;
    if column.separator.is_some() {
        let text = format!("Impossible de dédoublonner sur le champ {key}, il peut avoir plusieurs valeurs.");
        return Err(bad(text));
    }
    if !column.capabilities.values() {
        return Err(cannot_collapse(column));
    }
    Ok(Some(column.key.clone()))
}

/// The columns whose passages are marked.
pub(super) fn highlight(params: &Params, fields: &Fields<'_>) -> SearchResult<Vec<String>> {
    let mut keys = Vec::new();
    for key in params.list("highlight") {
        let column = fields.get(key).ok_or_else(|| {
            bad(format!(
                "Impossible de mettre en valeur le champ {key}, il n'existe pas dans le jeu de données."
            ))
        })?;
        let has_words =
            column.kind() == ColumnKind::Text && is_searchable(column) && is_listed(column, fields);
        if !has_words {
            return Err(bad(format!(
                "Impossible de mettre en valeur le champ {key}, ce n'est pas un texte que l'on peut rechercher."
            )));
        }
        if !keys.contains(&column.key) {
            keys.push(column.key.clone());
        }
    }
    if keys.len() > HIGHLIGHTS_MAX {
        return Err(bad(format!("\"highlight\" cannot name more than {HIGHLIGHTS_MAX} columns")));
    }
    Ok(keys)
}

/// Whether the schema has the column, which is not so of those that every index has.
fn is_listed(column: &Column, fields: &Fields<'_>) -> bool {
    !matches!(column.key.as_str(), "_id" | "_i" | "_rand")
        && fields.columns().iter().any(|known| known.key == column.key)
}

/// What `/words_agg` was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct WordsAggParams {
    /// The question.
    pub request: WordsRequest,
}

impl WordsAggParams {
    /// Reads and checks the parameters. Words are significant when `q` or `qs` says what the lines are about.
    pub fn parse(params: &Params, fields: &Fields<'_>) -> SearchResult<Self> {
        let key = params.get("field").ok_or_else(|| bad("Le paramètre \"field\" est obligatoire"))?;
        let column = fields
            .get(key)
            .ok_or_else(|| bad(format!("Le paramètre \"field\" référence un champ inconnu {key}")))?;
        let has_words = column.kind() == ColumnKind::Text && is_searchable(column);
        if !has_words || !column.capabilities.text_agg.unwrap_or(false) {
            return Err(cannot_count_words(column));
        }
        let analysis = params.get("analysis").unwrap_or("lang");
        if analysis != "lang" {
            return Err(bad(format!("\"analysis\" must be lang, not \"{analysis}\"")));
        }
        let size = params.number("size", WORDS_DEFAULT, WORDS_MAX)?;
        let query: Query = filters::query(params, fields)?;
        let significant = ["q", "_c_q", "qs"].iter().any(|name| params.get(name).is_some());
        Ok(Self { request: WordsRequest { query, column: column.key.clone(), size, significant } })
    }
}
