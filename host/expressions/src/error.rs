//! What is wrong with an expression, and where.

/// A place in the text of an expression: line and character, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

impl Place {
    /// The place of a byte of a text.
    pub(crate) fn of(text: &str, at: usize) -> Self {
        let before = &text[..text.floor_char_boundary(at)];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
    }
}

/// The text is no expression. Reasons are those that users know from expr-eval: `unexpected TEOF: EOF`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse error [{}:{}]: {reason}", place.line, place.column)]
pub struct ParseError {
    /// Where.
    pub place: Place,
    /// What was found, or what was expected.
    pub reason: String,
}

/// An expression could not be evaluated on a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} [{}:{}]", place.line, place.column)]
pub struct EvaluationError {
    /// Where in the expression.
    pub place: Place,
    /// Why.
    pub reason: String,
}

/// Why a function refuses its arguments; its call gives the place.
pub(crate) type Refusal = String;
