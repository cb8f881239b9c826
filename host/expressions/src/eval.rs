//! Walks the tree for one line.

use halle_base::Dice;

use crate::ast::{At, Definition, Function, NameId, Node, Step};
use crate::budget::Budget;
use crate::error::{EvaluationError, Refusal};
use crate::number;
use crate::operators::{Binary, Unary};
use crate::program::{Line, Meaning, Program};
use crate::value::{Plain, Value};
use crate::{EVALUATION_BYTES_MAX, EVALUATION_DEPTH_MAX, VALUE_DEPTH_MAX, functions, math};

pub(crate) type Evaluated = Result<Value, Refusal>;

/// Values that the expression gave to names, the last ones found first.
type Scope = Vec<(NameId, Value)>;

/// An evaluation in progress.
pub(crate) struct Evaluation<'p> {
    program: &'p Program,
    line: &'p dyn Line,
    pub(crate) dice: &'p dyn Dice,
    pub(crate) budget: Budget,
    /// Values of columns that were read, by name.
    read: Vec<Option<Value>>,
    scopes: Vec<Scope>,
    /// Local functions, each with the scope in which it was defined.
    closures: Vec<(usize, &'p Definition)>,
    depth: usize,
    /// Where the last thing that can fail begins.
    at: At,
}

impl<'p> Evaluation<'p> {
    pub(crate) fn new(program: &'p Program, line: &'p dyn Line, dice: &'p dyn Dice) -> Self {
        Self {
            program,
            line,
            dice,
            budget: Budget::new(),
            read: vec![None; program.names.len()],
            scopes: vec![Scope::new()],
            closures: Vec::new(),
            depth: 0,
            at: 0,
        }
    }

    /// The value of the whole expression.
    pub(crate) fn run(mut self) -> Result<Value, EvaluationError> {
        let program = self.program;
        let value = self.eval(&program.root, 0);
        value.map(unsigned).map_err(|reason| EvaluationError { place: program.place(self.at), reason })
    }

    fn eval(&mut self, node: &'p Node, scope: usize) -> Evaluated {
        self.budget.steps(1)?;
        if self.depth >= EVALUATION_DEPTH_MAX {
            return Err(format!("plus de {EVALUATION_DEPTH_MAX} calculs imbriqués, simplifiez l'expression"));
        }
        self.depth += 1;
        let value = self.node(node, scope);
        self.depth -= 1;
        value
    }

    fn node(&mut self, node: &'p Node, scope: usize) -> Evaluated {
        match node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Name(name, at) => self.name(*name, *at, scope),
            Node::Array(items, at) => {
                let items = self.all(items, scope)?;
                self.at = *at;
                self.array(items)
            }
            Node::Sequence(statements) => {
                let mut value = Value::Undefined;
                for statement in statements {
                    value = self.eval(statement, scope)?;
                }
                Ok(unsigned(value))
            }
            Node::Assign(name, value) => {
                let value = self.eval(value, scope).map(unsigned)?;
                self.assign(scope, *name, value.clone());
                Ok(value)
            }
            Node::Define(name, definition) => {
                let function = Value::Function(Function::Local(self.closures.len() as u32));
                self.closures.push((scope, definition));
                self.assign(scope, *name, function.clone());
                Ok(function)
            }
            Node::Condition(branches, otherwise) => {
                for (condition, value) in branches {
                    if self.eval(condition, scope)?.is_truthy() {
                        return self.eval(value, scope).map(unsigned);
                    }
                }
                self.eval(otherwise, scope).map(unsigned)
            }
            Node::And(operands) => self.until(operands, scope, false),
            Node::Or(operands) => self.until(operands, scope, true),
            Node::Chain(first, rest) => {
                let mut value = self.eval(first, scope)?;
                for (operator, operand, at) in rest {
                    let operand = self.eval(operand, scope)?;
                    self.at = *at;
                    value = self.binary(*operator, &value, &operand)?;
                }
                Ok(value)
            }
            Node::Power(base, exponent) => {
                let (base, exponent) = (self.eval(base, scope)?, self.eval(exponent, scope)?);
                Ok(Value::Number(math::power(self.number(&base)?, self.number(&exponent)?)))
            }
            Node::Unary(unary, operand, at) => {
                let operand = self.eval(operand, scope)?;
                self.at = *at;
                self.unary(*unary, &operand)
            }
            Node::Postfix(base, steps) => self.postfix(base, steps, scope),
        }
    }

    fn all(&mut self, nodes: &'p [Node], scope: usize) -> Result<Vec<Value>, Refusal> {
        nodes.iter().map(|node| self.eval(node, scope)).collect()
    }

    /// Whether an operand is `wanted`; the ones after it are not evaluated.
    fn until(&mut self, operands: &'p [Node], scope: usize, wanted: bool) -> Evaluated {
        for operand in operands {
            if self.eval(operand, scope)?.is_truthy() == wanted {
                return Ok(Value::Boolean(wanted));
            }
        }
        Ok(Value::Boolean(!wanted))
    }

    fn name(&mut self, name: NameId, at: At, scope: usize) -> Evaluated {
        let program = self.program;
        let index = name as usize;
        let meaning = &program.meanings[index];
        if let Meaning::Function(function) = meaning {
            return Ok(Value::Function(*function));
        }
        self.at = at;
        let given = self.scopes[scope].iter().find(|(given, _)| *given == name).map(|(_, value)| value);
        let undefined = || format!("undefined variable: {}", program.names[index]);
        match (given, meaning) {
            (Some(Value::Undefined), _) => Err(undefined()),
            (Some(value), _) => Ok(value.clone()),
            (None, Meaning::Nothing | Meaning::Function(_)) => Err(undefined()),
            (None, Meaning::Column(column)) => {
                let line = self.line;
                Ok(self.read[index].get_or_insert_with(|| line.value(*column)).clone())
            }
            (None, Meaning::Group(members)) => {
                let line = self.line;
                let read = || {
                    Value::object(
                        members.iter().map(|(key, column)| (key.clone(), line.value(*column))).collect(),
                    )
                };
                Ok(self.read[index].get_or_insert_with(read).clone())
            }
        }
    }

    fn assign(&mut self, scope: usize, name: NameId, value: Value) {
        let scope = &mut self.scopes[scope];
        match scope.iter_mut().find(|(given, _)| *given == name) {
            Some((_, old)) => *old = value,
            None => scope.push((name, value)),
        }
    }

    fn postfix(&mut self, base: &'p Node, steps: &'p [Step], scope: usize) -> Evaluated {
        let mut value = self.eval(base, scope)?;
        for step in steps {
            value = match step {
                Step::Member(name, at) => {
                    self.at = *at;
                    member(&value, name)?
                }
                Step::Index(index, at) => {
                    let index = self.eval(index, scope)?;
                    self.at = *at;
                    let index = number::to_int_32(self.number(&index)?);
                    self.item(&value, index)?
                }
                Step::Call(arguments, at) => {
                    let arguments = self.all(arguments, scope)?;
                    self.at = *at;
                    let Value::Function(function) = value else {
                        return Err(format!("{} is not a function", self.text(&value)?));
                    };
                    self.call(function, &arguments)?
                }
            };
        }
        Ok(value)
    }

    /// An item of an array, or a character of a text; undefined outside.
    fn item(&mut self, value: &Value, index: i32) -> Evaluated {
        let at = usize::try_from(index).ok();
        Ok(match value {
            Value::Undefined | Value::Null => {
                return Err(format!("aucune valeur dont prendre l'élément {index}"));
            }
            Value::Array(items) => at.and_then(|at| items.items.get(at)).cloned().unwrap_or_default(),
            Value::Text(text) => {
                self.budget.reading(text)?;
                at.and_then(|at| functions::unit(text, at)).unwrap_or_default()
            }
            Value::Object(object) => object.fields.get(&index.to_string()).cloned().unwrap_or_default(),
            Value::Boolean(_) | Value::Number(_) | Value::Function(_) => Value::Undefined,
        })
    }

    /// Calls a function.
    pub(crate) fn call(&mut self, function: Function, arguments: &[Value]) -> Evaluated {
        match function {
            Function::Unary(unary) => self.unary(unary, arguments.first().unwrap_or(&Value::Undefined)),
            Function::Builtin(builtin) => functions::call(self, builtin, arguments),
            Function::Local(closure) => self.call_local(closure as usize, arguments),
        }
    }

    /// A call has a scope of its own, which begins with what was known where the function was defined.
    fn call_local(&mut self, closure: usize, arguments: &[Value]) -> Evaluated {
        let (outer, definition) = self.closures[closure];
        let mut own = self.scopes[outer].clone();
        self.budget.items(own.len() + arguments.len())?;
        for (index, parameter) in definition.parameters.iter().enumerate() {
            let value = arguments.get(index).cloned().unwrap_or_default();
            own.retain(|(given, _)| given != parameter);
            own.push((*parameter, value));
        }
        let scope = self.scopes.len();
        let closures = self.closures.len();
        self.scopes.push(own);
        let value = self.eval(&definition.body, scope).map(unsigned);
        // A scope that no function remembers is over.
        if self.closures.len() == closures {
            self.scopes.truncate(scope);
        }
        value
    }

    fn unary(&mut self, unary: Unary, operand: &Value) -> Evaluated {
        Ok(match unary {
            Unary::Not => Value::Boolean(!operand.is_truthy()),
            Unary::Length => Value::Number(match operand {
                Value::Array(items) => items.items.len() as f64,
                other => {
                    let text = self.text(other)?;
                    self.budget.reading(&text)?;
                    functions::length(&text) as f64
                }
            }),
            Unary::Factorial => Value::Number(self.factorial(operand)?),
            _ => Value::Number(math::unary(unary, self.number(operand)?)),
        })
    }

    /// `gamma(value + 1)`, where adding to a text appends to it, as in expr-eval.
    pub(crate) fn factorial(&mut self, value: &Value) -> Result<f64, Refusal> {
        Ok(match value {
            Value::Text(_) | Value::Array(_) | Value::Object(_) | Value::Function(_) => {
                let text = self.text(value)?;
                math::gamma(number::of_text(&format!("{text}1")), false)
            }
            _ => math::gamma(self.number(value)? + 1.0, true),
        })
    }

    fn binary(&mut self, operator: Binary, a: &Value, b: &Value) -> Evaluated {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let numbers = |this: &mut Self, f: fn(f64, f64) -> f64| -> Evaluated {
            Ok(Value::Number(f(this.number(a)?, this.number(b)?)))
        };
        let compared = |this: &mut Self, wanted: &[std::cmp::Ordering]| -> Evaluated {
            let (a, b) = (this.plain(a)?, this.plain(b)?);
            Ok(Value::Boolean(Value::compare(&a, &b).is_some_and(|order| wanted.contains(&order))))
        };
        match operator {
            Binary::Add => numbers(self, |a, b| a + b),
            Binary::Subtract => numbers(self, |a, b| a - b),
            Binary::Multiply => numbers(self, |a, b| a * b),
            Binary::Divide => numbers(self, |a, b| a / b),
            Binary::Remainder => numbers(self, |a, b| a % b),
            Binary::Less => compared(self, &[Less]),
            Binary::LessOrEqual => compared(self, &[Less, Equal]),
            Binary::Greater => compared(self, &[Greater]),
            Binary::GreaterOrEqual => compared(self, &[Greater, Equal]),
            Binary::Equal => Ok(Value::Boolean(self.is_identical(a, b)?)),
            Binary::Different => Ok(Value::Boolean(!self.is_identical(a, b)?)),
            Binary::In => functions::contains(self, b, a).map(Value::Boolean),
            Binary::Join => self.joined(a, b),
        }
    }

    /// JavaScript's `===`, which costs what it looks at.
    pub(crate) fn is_identical(&mut self, a: &Value, b: &Value) -> Result<bool, Refusal> {
        self.budget.steps(1)?;
        if let (Value::Text(a), Value::Text(b)) = (a, b)
            && a.len() == b.len()
        {
            self.budget.reading(a)?;
        }
        Ok(a.is_identical(b))
    }

    fn joined(&mut self, a: &Value, b: &Value) -> Evaluated {
        if let (Value::Array(a), Value::Array(b)) = (a, b) {
            return self.array(a.items.iter().chain(&b.items).cloned().collect());
        }
        let (a, b) = (self.text(a)?, self.text(b)?);
        self.budget.bytes(a.len() + b.len())?;
        Ok(Value::text(&[&*a, &*b].concat()))
    }

    /// A new array, within what is left and not nested too deep.
    pub(crate) fn array(&mut self, items: Vec<Value>) -> Evaluated {
        self.budget.items(items.len())?;
        let array = Value::array(items);
        let extent = array.extent();
        if extent.depth > VALUE_DEPTH_MAX {
            return Err(format!("des tableaux sont imbriqués sur plus de {VALUE_DEPTH_MAX} niveaux"));
        }
        if extent.bytes > EVALUATION_BYTES_MAX {
            return Err(format!("un tableau dépasse {} Mo", EVALUATION_BYTES_MAX >> 20));
        }
        Ok(array)
    }

    /// The value as a number, as JavaScript does it.
    pub(crate) fn number(&mut self, value: &Value) -> Result<f64, Refusal> {
        Ok(match value {
            Value::Number(number) => *number,
            Value::Undefined | Value::Object(_) | Value::Function(_) => f64::NAN,
            Value::Null => 0.0,
            Value::Boolean(yes) => f64::from(u8::from(*yes)),
            Value::Text(text) => {
                self.budget.reading(text)?;
                number::of_text(text)
            }
            Value::Array(_) => number::of_text(&self.text(value)?),
        })
    }

    fn plain<'v>(&mut self, value: &'v Value) -> Result<Plain<'v>, Refusal> {
        Ok(match value {
            Value::Text(text) => {
                self.budget.reading(text)?;
                Plain::Text((&**text).into())
            }
            Value::Array(_) | Value::Object(_) | Value::Function(_) => {
                Plain::Text(self.text(value)?.to_string().into())
            }
            _ => Plain::Number(self.number(value)?),
        })
    }

    /// The value as a text, as JavaScript does it.
    pub(crate) fn text(&mut self, value: &Value) -> Result<std::sync::Arc<str>, Refusal> {
        if let Value::Text(text) = value {
            return Ok(text.clone());
        }
        let mut text = String::new();
        functions::write_text(value, &mut text, self.budget.bytes_left())?;
        self.budget.bytes(text.len())?;
        Ok(text.into())
    }
}

/// Minus zero is zero, as expr-eval has it.
fn unsigned(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(if number == 0.0 { 0.0 } else { number }),
        other => other,
    }
}

fn member(value: &Value, name: &str) -> Evaluated {
    match value {
        Value::Undefined | Value::Null => Err(format!("aucune valeur dont prendre le membre \"{name}\"")),
        Value::Object(object) => Ok(object.fields.get(name).cloned().unwrap_or_default()),
        _ => Ok(Value::Undefined),
    }
}
