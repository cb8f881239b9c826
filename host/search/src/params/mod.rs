//! Data Fair's query parameters, parsed and checked against the schema.
//!
//! Each route has its own reader: [`LinesParams`], [`ValuesAggParams`], [`GeoAggParams`], [`MetricAggParams`],
//! [`SimpleMetricsParams`], [`ValuesParams`], [`WordsAggParams`]. All take the decoded [`Params`] of the request and the [`Fields`] of the dataset, and all share
//! [`filters::query`], so that every filter works everywhere.
//!
//! **Invariant:** these are pure functions of text; no input makes them panic, and every limit has an error text.
//!
//! Facts: `data-fair-api.md` §2.

mod adapt;
mod aggs;
mod dates;
mod fields;
mod filters;
mod fulltext;
mod geo;
mod geo_agg;
mod lines;
mod lucene;
mod operand;
mod output;
mod qs;
mod raw;
mod simple;
mod stop_words;

#[cfg(test)]
mod tests;

pub use adapt::{ADAPT_DATASET_LINES_MIN, ADAPT_MATCHES_MIN, adaptable_words};
pub use aggs::{MetricAggParams, SimpleMetricsParams, ValuesAggParams, ValuesParams, metrics_of};
pub use fields::{FILTER_SUFFIXES, Fields};
pub use filters::query;
pub use geo_agg::GeoAggParams;
pub use lines::{LinesParams, PAGE_WINDOW_LINES_MAX, Size};
pub use output::WordsAggParams;
pub use raw::Params;
pub use stop_words::is_stop_word;

use halle_model::Column;

use crate::ast::Query;
use crate::engine::{SearchError, SearchResult};

/// Characters of one `q` or `qs`.
pub const QUERY_CHARS_MAX: usize = 20_000;

/// Letters of a fuzzy word that may differ (Elasticsearch: 2).
const FUZZY_LETTERS_MAX: u8 = 2;

/// Terms, phrases and ranges of one `q` or `qs`.
pub const QUERY_CLAUSES_MAX: usize = 1_024;

/// Levels of parentheses in one `q` or `qs`.
pub const QUERY_DEPTH_MAX: usize = 32;

/// Values of one `_in` filter.
pub const IN_VALUES_MAX: usize = 65_536;

/// Characters of an operand compared with whole values, unless the column has `wildcard`.
pub const OPERAND_CHARS_MAX: usize = 200;

/// The condition that a column has one of these values, written as requests write them; 400 when one is no value of the
/// column's kind. `name` is what the refusal calls the condition.
pub fn column_equals(column: &Column, texts: &[String], name: &str) -> SearchResult<Query> {
    operand::equals(column, texts, name)
}

/// The condition that a column is not after a day or an instant, written as requests write it.
pub fn column_until(column: &Column, text: &str, name: &str) -> SearchResult<Query> {
    operand::compares(column, operand::Compare::LessOrEqual, text, name)
}

/// The condition that a column is not before a day or an instant, written as requests write it.
pub fn column_since(column: &Column, text: &str, name: &str) -> SearchResult<Query> {
    operand::compares(column, operand::Compare::GreaterOrEqual, text, name)
}

/// The column of the account concept: whose line it is, as `type:id` or `type:id:department`.
pub fn account_column(columns: &[Column]) -> Option<&Column> {
    columns.iter().find(|column| column.refers_to.as_deref() == Some(filters::ACCOUNT_CONCEPT))
}

fn bad(message: impl Into<String>) -> SearchError {
    SearchError::BadRequest(message.into())
}

/// Refuses a query text that is too long to parse.
fn check_length(name: &str, text: &str) -> Result<(), SearchError> {
    if text.chars().count() > QUERY_CHARS_MAX {
        return Err(bad(format!("\"{name}\" cannot be longer than {QUERY_CHARS_MAX} characters")));
    }
    Ok(())
}
