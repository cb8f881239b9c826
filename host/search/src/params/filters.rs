//! Column filters, concept filters, and everything else that decides which lines match.

use halle_model::{Column, ColumnKind};

use super::fields::{Fields, Need, check_capability, split_suffix};
use super::operand::{self, Compare};
use super::raw::Params;
use super::simple::{self, Words};
use super::{IN_VALUES_MAX, OPERAND_CHARS_MAX, bad, dates, fulltext, geo, qs};
use crate::ast::{Query, TextView};
use crate::engine::SearchResult;

/// Concept of the account that a line belongs to, which is not in the vocabulary that producers choose from.
pub(super) const ACCOUNT_CONCEPT: &str = "https://github.com/data-fair/lib/account";

/// Which lines the parameters ask for: full text, `qs`, column and concept filters, places, dates, accounts. All must
/// hold; only full text and `qs` count for relevance.
pub fn query(params: &Params, fields: &Fields<'_>) -> SearchResult<Query> {
    let mut parts: Vec<Query> = Vec::new();
    parts.extend(fulltext::parse(params, fields)?);
    parts.extend(qs::parse(params, fields)?);
    let mut filters = Vec::new();
    for (name, value) in params.iter() {
        filters.extend(column_filter(name, value, fields)?);
    }
    filters.extend(geo::conditions(params, fields)?);
    filters.extend(dates::condition(params, fields)?);
    filters.extend(account(params, fields)?);
    if !filters.is_empty() {
        let all = if filters.len() == 1 { filters.remove(0) } else { Query::And(filters) };
        parts.push(Query::Unscored(Box::new(all)));
    }
    Ok(match parts.len() {
        0 => Query::All,
        1 => parts.remove(0),
        _ => Query::And(parts),
    })
}

/// The condition of one parameter, if it is a filter.
fn column_filter(name: &str, value: &str, fields: &Fields<'_>) -> SearchResult<Option<Query>> {
    let Some((key, suffix)) = split_suffix(name) else { return Ok(None) };
    let column = match key.strip_prefix("_c_") {
        Some(id) => match fields.named_concept(id) {
            Some(column) => column,
            None => return Ok(None),
        },
        None => fields.filtered(key)?,
    };
    let need = match suffix {
        "_contains" => Need::Wildcard,
        "_search" => Need::Search,
        _ => Need::Index,
    };
    check_capability(column, suffix, need)?;
    if value.is_empty() && !matches!(suffix, "_exists" | "_nexists") {
        return Err(bad(format!("Filtre {name} nécessite une valeur.")));
    }
    condition(column, name, suffix, value).map(Some)
}

fn condition(column: &Column, name: &str, suffix: &'static str, value: &str) -> SearchResult<Query> {
    let key = || column.key.clone();
    let not = |query| Query::Not(Box::new(query));
    let compares = |compare| operand::compares(column, compare, value, suffix);
    Ok(match suffix {
        "_eq" => equals(column, &[value], suffix)?,
        "_neq" => not(equals(column, &[value], suffix)?),
        "_in" => equals(column, &values(name, value)?, suffix)?,
        "_nin" => not(equals(column, &values(name, value)?, suffix)?),
        "_gt" => compares(Compare::Greater)?,
        "_gte" => compares(Compare::GreaterOrEqual)?,
        "_lt" => compares(Compare::Less)?,
        "_lte" => compares(Compare::LessOrEqual)?,
        "_starts" => {
            if column.kind() != ColumnKind::Text {
                let message = format!(
                    "Impossible d'appliquer un filtre _starts sur le champ {}. Ce filtre attend un champ de type texte.",
                    column.key
                );
                return Err(bad(message));
            }
            Query::Prefix { column: key(), prefix: value.to_owned() }
        }
        // `*` and `?` of the value stand for any characters here: a pattern has no escape.
        "_contains" => Query::Wildcard { column: key(), pattern: format!("*{value}*") },
        "_search" => search(column, name, value)?,
        "_exists" => Query::Exists { column: key() },
        _ => not(Query::Exists { column: key() }),
    })
}

fn equals(column: &Column, values: &[impl AsRef<str>], suffix: &str) -> SearchResult<Query> {
    let too_long = |value: &str| value.chars().count() > OPERAND_CHARS_MAX;
    if !column.capabilities.wildcard() && values.iter().any(|value| too_long(value.as_ref())) {
        let message = format!(
            "Impossible d'appliquer un filtre {suffix} sur le champ {}. La valeur dépasse {OPERAND_CHARS_MAX} caractères.",
            column.key
        );
        return Err(bad(message));
    }
    operand::equals(column, values, suffix)
}

/// Values of a comma list, or of the items of a JSON array of strings when the text begins with a quote.
fn values(name: &str, text: &str) -> SearchResult<Vec<String>> {
    let values: Vec<String> = if text.starts_with('"') {
        let array = format!("[{text}]");
        serde_json::from_str(&array).map_err(|_| bad(format!("\"{name}\" parameter is malformed")))?
    } else {
        text.split(',').map(str::to_owned).collect()
    };
    if values.len() > IN_VALUES_MAX {
        return Err(bad(format!("\"{name}\" cannot have more than {IN_VALUES_MAX} values")));
    }
    Ok(values)
}

fn search(column: &Column, name: &str, value: &str) -> SearchResult<Query> {
    let stemmed = column.kind() == ColumnKind::Text && column.capabilities.text();
    let view = if stemmed { TextView::Stemmed } else { TextView::Standard };
    let columns = [column.key.clone()];
    simple::parse(value, Words { columns: &columns, view, all: false }, name)
}

/// `account=type:id,…`: lines of these accounts.
fn account(params: &Params, fields: &Fields<'_>) -> SearchResult<Option<Query>> {
    if params.get("account").is_none() {
        return Ok(None);
    }
    let Some(column) = super::account_column(fields.columns()) else {
        return Err(bad("\"account\" ne peut pas être utilisé sur ce jeu de données."));
    };
    operand::equals(column, &params.list("account"), "account").map(Some)
}
