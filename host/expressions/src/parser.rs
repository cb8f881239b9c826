//! From words to a tree, with the precedences of expr-eval.

use std::collections::HashMap;

use crate::EXPRESSION_DEPTH_MAX;
use crate::ast::{At, Definition, Function, NameId, Node, Step};
use crate::error::{ParseError, Place};
use crate::lexer::{Kind, Token, tokens};
use crate::operators::{LEVELS, Unary};
use crate::value::Value;

type Parsed<T> = Result<T, ParseError>;

/// A tree, and the names in it in the order in which they occur.
pub(crate) struct Tree {
    pub(crate) root: Node,
    pub(crate) names: Vec<String>,
    /// Names that the expression itself gives a value: variables, functions, parameters.
    pub(crate) given: Vec<NameId>,
}

/// Parses a text. `is_known` tells names with dots that are columns of their own.
pub(crate) fn parse(text: &str, is_known: &dyn Fn(&str) -> bool) -> Parsed<Tree> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
        names: Vec::new(),
        ids: HashMap::new(),
        given: Vec::new(),
        is_known,
    };
    let root = parser.sequence()?;
    parser.expect(&Kind::End, "EOF")?;
    Ok(Tree { root, names: parser.names, given: parser.given })
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    names: Vec<String>,
    ids: HashMap<String, NameId>,
    given: Vec<NameId>,
    is_known: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    fn peek(&self) -> &Kind {
        &self.tokens[self.next].kind
    }

    fn after(&self) -> &Kind {
        &self.tokens[(self.next + 1).min(self.tokens.len() - 1)].kind
    }

    fn at(&self) -> At {
        self.tokens[self.next].at as At
    }

    fn advance(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len() - 1);
    }

    fn accept(&mut self, kind: &Kind) -> bool {
        let is_next = self.peek() == kind;
        if is_next {
            self.advance();
        }
        is_next
    }

    fn expect(&mut self, kind: &Kind, name: &str) -> Parsed<()> {
        if self.accept(kind) { Ok(()) } else { Err(self.error(format!("Expected {name}"))) }
    }

    fn error(&self, reason: impl Into<String>) -> ParseError {
        ParseError { place: Place::of(self.text, self.tokens[self.next].at), reason: reason.into() }
    }

    fn name(&mut self, name: &str) -> NameId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = self.names.len() as NameId;
        self.names.push(name.to_owned());
        self.ids.insert(name.to_owned(), id);
        id
    }

    /// Parses one level deeper.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= EXPRESSION_DEPTH_MAX {
            return Err(self.error(format!(
                "plus de {EXPRESSION_DEPTH_MAX} niveaux imbriqués, simplifiez l'expression"
            )));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Statements separated by `;`. The last may be followed by one at the end of the text.
    fn sequence(&mut self) -> Parsed<Node> {
        self.deeper(|parser| {
            let mut statements = Vec::new();
            loop {
                if parser.accept(&Kind::Semicolon) {
                    if *parser.peek() == Kind::End {
                        break;
                    }
                    continue;
                }
                statements.push(parser.assignment()?);
                if *parser.peek() != Kind::Semicolon {
                    break;
                }
            }
            match (statements.len(), statements.pop()) {
                (1, Some(only)) => Ok(only),
                (_, last) => Ok(Node::Sequence({
                    statements.extend(last);
                    statements
                })),
            }
        })
    }

    fn assignment(&mut self) -> Parsed<Node> {
        let target = self.condition()?;
        if *self.peek() != Kind::Operator("=") {
            return Ok(target);
        }
        let (name, parameters) = match target {
            Node::Name(name, _) => (name, None),
            Node::Postfix(base, mut steps) => match (*base, steps.pop()) {
                (Node::Name(name, _), Some(Step::Call(arguments, _))) if steps.is_empty() => {
                    (name, Some(self.parameters(arguments)?))
                }
                _ => return Err(self.error("expected variable for assignment")),
            },
            _ => return Err(self.error("expected variable for assignment")),
        };
        self.advance();
        let value = self.deeper(Self::assignment)?;
        self.given.push(name);
        Ok(match parameters {
            None => Node::Assign(name, Box::new(value)),
            Some(parameters) => {
                self.given.extend(&parameters);
                Node::Define(name, Box::new(Definition { parameters, body: value }))
            }
        })
    }

    fn parameters(&self, arguments: Vec<Node>) -> Parsed<Vec<NameId>> {
        let names = arguments.into_iter().map(|argument| match argument {
            Node::Name(name, _) => Ok(name),
            _ => Err(self.error("a parameter of a function must be a name")),
        });
        names.collect()
    }

    fn condition(&mut self) -> Parsed<Node> {
        let mut branches = Vec::new();
        loop {
            let tested = self.any_of()?;
            if !self.accept(&Kind::Operator("?")) {
                return Ok(match branches.is_empty() {
                    true => tested,
                    false => Node::Condition(branches, Box::new(tested)),
                });
            }
            let value = self.deeper(Self::condition)?;
            self.expect(&Kind::Operator(":"), ":")?;
            branches.push((tested, value));
        }
    }

    fn any_of(&mut self) -> Parsed<Node> {
        let first = self.all_of()?;
        if *self.peek() != Kind::Operator("or") {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.accept(&Kind::Operator("or")) {
            operands.push(self.all_of()?);
        }
        Ok(Node::Or(operands))
    }

    fn all_of(&mut self) -> Parsed<Node> {
        let first = self.chain(0)?;
        if *self.peek() != Kind::Operator("and") {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.accept(&Kind::Operator("and")) {
            operands.push(self.chain(0)?);
        }
        Ok(Node::And(operands))
    }

    /// Operators of one precedence and of those that bind closer.
    fn chain(&mut self, level: usize) -> Parsed<Node> {
        let Some(operators) = LEVELS.get(level) else { return self.factor() };
        let first = self.chain(level + 1)?;
        let mut rest = Vec::new();
        while let Kind::Operator(sign) = self.peek() {
            let Some((_, operator)) = operators.iter().find(|(name, _)| name == sign) else { break };
            let at = self.at();
            self.advance();
            rest.push((*operator, self.chain(level + 1)?, at));
        }
        Ok(if rest.is_empty() { first } else { Node::Chain(Box::new(first), rest) })
    }

    /// A prefix and what it applies to: `-x^2` is `-(x^2)`, `sqrt(x)^2` is `(sqrt(x))^2`, `sqrt` alone is a function.
    fn factor(&mut self) -> Parsed<Node> {
        let prefix = match self.peek() {
            Kind::Operator(sign) => Unary::by_word(sign),
            _ => None,
        };
        let Some(unary) = prefix else { return self.power() };
        let at = self.at();
        if !matches!(unary, Unary::Minus | Unary::Plus) {
            match self.after() {
                Kind::Paren('(') => return self.power(),
                Kind::Semicolon | Kind::Comma | Kind::End | Kind::Paren(_) => {
                    self.advance();
                    return Ok(Node::Constant(Value::Function(Function::Unary(unary))));
                }
                _ => {}
            }
        }
        self.advance();
        let operand = self.deeper(Self::factor)?;
        Ok(Node::Unary(unary, Box::new(operand), at))
    }

    fn power(&mut self) -> Parsed<Node> {
        let mut base = self.call()?;
        let mut factorials = 0;
        while *self.peek() == Kind::Operator("!") {
            let at = self.at();
            self.advance();
            base = Node::Unary(Unary::Factorial, Box::new(base), at);
            factorials += 1;
            if factorials > EXPRESSION_DEPTH_MAX {
                return Err(self.error(format!("plus de {EXPRESSION_DEPTH_MAX} factorielles de suite")));
            }
        }
        if self.accept(&Kind::Operator("^")) {
            let exponent = self.deeper(Self::factor)?;
            return Ok(Node::Power(Box::new(base), Box::new(exponent)));
        }
        Ok(base)
    }

    fn call(&mut self) -> Parsed<Node> {
        if let Kind::Operator(sign) = self.peek()
            && let Some(unary) = Unary::by_word(sign)
        {
            let at = self.at();
            self.advance();
            return Ok(Node::Unary(unary, Box::new(self.atom()?), at));
        }
        let (base, mut steps) = self.member()?;
        while *self.peek() == Kind::Paren('(') {
            let at = self.at();
            self.advance();
            steps.push(Step::Call(self.list(&Kind::Paren(')'))?, at));
        }
        Ok(if steps.is_empty() { base } else { Node::Postfix(Box::new(base), steps) })
    }

    /// Values up to the closing sign. As in expr-eval, a comma may be left out.
    fn list(&mut self, closing: &Kind) -> Parsed<Vec<Node>> {
        let mut items = Vec::new();
        while !self.accept(closing) {
            items.push(self.sequence()?);
            while self.accept(&Kind::Comma) {
                items.push(self.sequence()?);
            }
        }
        Ok(items)
    }

    fn member(&mut self) -> Parsed<(Node, Vec<Step>)> {
        let mut base = self.atom()?;
        let mut steps = Vec::new();
        loop {
            let at = self.at();
            if self.accept(&Kind::Operator(".")) {
                let Kind::Name(name) = self.peek().clone() else { return Err(self.error("Expected TNAME")) };
                self.advance();
                steps.push(Step::Member(name, at));
            } else if self.accept(&Kind::Bracket('[')) {
                let index = self.sequence()?;
                self.expect(&Kind::Bracket(']'), "]")?;
                steps.push(Step::Index(index, at));
            } else {
                break;
            }
        }
        if let Node::Name(first, at) = base {
            base = self.dotted(first, at, &mut steps);
        }
        Ok((base, steps))
    }

    /// The longest name with dots that is a column of its own, its parts taken off the steps; else the name alone.
    fn dotted(&mut self, first: NameId, at: At, steps: &mut Vec<Step>) -> Node {
        let mut name = self.names[first as usize].clone();
        let mut found = None;
        for (index, step) in steps.iter().enumerate() {
            let Step::Member(part, _) = step else { break };
            name = format!("{name}.{part}");
            if (self.is_known)(&name) {
                found = Some((name.clone(), index + 1));
            }
        }
        let Some((name, parts)) = found else { return Node::Name(first, at) };
        steps.drain(..parts);
        Node::Name(self.name(&name), at)
    }

    fn atom(&mut self) -> Parsed<Node> {
        let at = self.at();
        let constant = match self.peek() {
            Kind::Name(name) => {
                let name = name.clone();
                self.advance();
                return Ok(Node::Name(self.name(&name), at));
            }
            Kind::Number(number) => Value::Number(*number),
            Kind::Boolean(yes) => Value::Boolean(*yes),
            Kind::Text(text) => Value::text(text),
            Kind::Paren('(') => {
                self.advance();
                let inner = self.sequence()?;
                self.expect(&Kind::Paren(')'), ")")?;
                return Ok(inner);
            }
            Kind::Bracket('[') => {
                self.advance();
                return Ok(Node::Array(self.list(&Kind::Bracket(']'))?, at));
            }
            other => return Err(self.error(format!("unexpected {other}"))),
        };
        self.advance();
        Ok(Node::Constant(constant))
    }
}
