//! Extensions of type `exprEval`: a column whose values an expression computes from those before it (reference §6.3).
//!
//! [`Computed`] is one of them, compiled: the expression is parsed once, its columns are found once. Rows of files pass
//! through it in batches ([`rows`]), edited lines within the write that brings them ([`LineExpressions`]).
//!
//! **Invariant:** a value that cannot be computed, or does not fit its column, stops what asked for it.

mod cast;
mod computed;
mod lines;
mod rows;

use std::sync::Arc;

use async_trait::async_trait;
use halle_base::Dice;
use halle_model::{Column, Extension};
use tokio_util::sync::CancellationToken;

use super::{EnrichContext, EnrichError, Enrichment, Enrichments};
pub(crate) use cast::cast;
pub(crate) use computed::Computed;
pub(crate) use lines::LineExpressions;

/// Type of these extensions.
pub(crate) const EXPRESSION: &str = "exprEval";

/// The columns that expressions fill.
#[derive(Debug, Clone)]
pub(crate) struct ExpressionEnrichments(Arc<dyn Dice>);

impl ExpressionEnrichments {
    /// Expressions whose `random` takes `dice`.
    pub(crate) fn new(dice: Arc<dyn Dice>) -> Self {
        Self(dice)
    }

    fn computed(&self, extension: &Extension, columns: &[Column]) -> Result<Computed, EnrichError> {
        Computed::new(extension, columns, &[], Arc::clone(&self.0)).map_err(EnrichError::Invalid)
    }
}

#[async_trait]
impl Enrichments for ExpressionEnrichments {
    fn knows(&self, kind: &str) -> bool {
        kind == EXPRESSION
    }

    async fn plan(
        &self,
        _context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
    ) -> Result<Vec<Column>, EnrichError> {
        Ok(vec![self.computed(extension, columns)?.column().clone()])
    }

    async fn open(
        &self,
        _context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
        cancel: CancellationToken,
    ) -> Result<Box<dyn Enrichment>, EnrichError> {
        Ok(Box::new(rows::RowExpression::new(self.computed(extension, columns)?, columns, cancel)))
    }
}
