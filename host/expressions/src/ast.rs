//! Expressions as trees. Chains of operators, calls and branches are lists, so that long ones are not deep.

use crate::functions::Builtin;
use crate::operators::{Binary, Unary};
use crate::value::Value;

/// Byte of the text at which a node begins.
pub(crate) type At = u32;

/// Number of a name among those of the program.
pub(crate) type NameId = u32;

/// Something that can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// A prefix such as `sqrt`, without its operand.
    Unary(Unary),
    /// A function that is always there.
    Builtin(Builtin),
    /// A function of the expression, as the running evaluation numbers it.
    Local(u32),
}

/// A node.
#[derive(Debug)]
pub(crate) enum Node {
    Constant(Value),
    Name(NameId, At),
    Array(Vec<Node>, At),
    /// Statements: the value is that of the last; undefined if there is none.
    Sequence(Vec<Node>),
    Assign(NameId, Box<Node>),
    Define(NameId, Box<Definition>),
    /// Pairs of condition and value, and the value when no condition holds.
    Condition(Vec<(Node, Node)>, Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    /// Operators of one precedence, from the left.
    Chain(Box<Node>, Vec<(Binary, Node, At)>),
    Power(Box<Node>, Box<Node>),
    Unary(Unary, Box<Node>, At),
    /// Members, items and calls, from the left.
    Postfix(Box<Node>, Vec<Step>),
}

/// What follows a value.
#[derive(Debug)]
pub(crate) enum Step {
    Member(String, At),
    Index(Node, At),
    Call(Vec<Node>, At),
}

/// A local function.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) parameters: Vec<NameId>,
    pub(crate) body: Node,
}
