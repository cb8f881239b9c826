//! Expressions over the columns of a line: the language of extensions of type `exprEval` and of `x-transform.expr`.
//!
//! The grammar and the inherited functions are those of the npm package *expr-eval* 2.0.2, numbers and texts behave as
//! in JavaScript (`"3" * 2` is 6, `+` adds, `||` joins); the functions in capitals are Data Fair's (reference §6.3).
//! [`Program::compile`] parses once and finds the columns once; [`Program::evaluate`] walks the tree for a line.
//!
//! **Invariant:** pure functions: no I/O, no clock; chance comes as [`Dice`](halle_base::Dice).
//!
//! **Invariant:** no expression can loop, blow the stack or fill the memory, whatever is in it and in the line: the text
//! is bounded ([`EXPRESSION_BYTES_MAX`]), so is its nesting ([`EXPRESSION_DEPTH_MAX`]); an evaluation has so many steps
//! ([`EXPRESSION_STEPS_MAX`]), calls so deep ([`EVALUATION_DEPTH_MAX`]), so many bytes to make values of
//! ([`EVALUATION_BYTES_MAX`]), nested so deep ([`VALUE_DEPTH_MAX`]).
//!
//! Where expr-eval has an accident rather than a rule, this crate is plain: a sequence in parentheses is evaluated where
//! it stands; names that JavaScript's objects inherit (`constructor`) are names like others; members of texts, arrays
//! and functions are undefined.

mod ast;
mod budget;
mod date;
mod error;
mod eval;
mod functions;
mod lexer;
mod math;
mod number;
mod operators;
mod parser;
mod program;
mod value;

pub use error::{EvaluationError, ParseError};
pub use number::to_text as number_text;
pub use program::{Line, Program};
pub use value::Value;

/// Bytes of the text of an expression.
pub const EXPRESSION_BYTES_MAX: usize = 20_000;

/// Levels of parentheses, arguments, branches and prefixes in one another.
pub const EXPRESSION_DEPTH_MAX: usize = 48;

/// Steps of one evaluation: a node, an item of an array, or 256 bytes of text looked at.
pub const EXPRESSION_STEPS_MAX: u64 = 200_000;

/// Nodes in evaluation at the same time, calls of local functions included.
pub const EVALUATION_DEPTH_MAX: usize = 200;

/// Bytes of all texts and arrays that one evaluation makes.
pub const EVALUATION_BYTES_MAX: usize = 16 << 20;

/// Arrays and objects in one another.
pub const VALUE_DEPTH_MAX: u8 = 64;
