//! Functions of numbers that are no prefixes.

use crate::error::Refusal;
use crate::eval::{Evaluated, Evaluation};
use crate::functions::argument;
use crate::math;
use crate::value::Value;

/// A number from 0 up to the argument, or to 1.
pub(super) fn random(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    /// 2^53: as many steps as a number has between 0 and 1.
    const STEPS: f64 = 9_007_199_254_740_992.0;
    let fraction = (evaluation.dice.roll() >> 11) as f64 / STEPS;
    let max = argument(arguments, 0);
    let max = if max.is_truthy() { evaluation.number(max)? } else { 1.0 };
    Ok(Value::Number(fraction * max))
}

/// The smallest or the largest of the arguments, or of the items of the only one.
pub(super) fn extreme(evaluation: &mut Evaluation<'_>, arguments: &[Value], is_max: bool) -> Evaluated {
    let values = match arguments {
        [Value::Array(items)] => &items.items,
        _ => arguments,
    };
    let mut best = if is_max { f64::NEG_INFINITY } else { f64::INFINITY };
    for value in numbers(evaluation, values)? {
        best = match (best.is_nan() || value.is_nan(), is_max) {
            (true, _) => f64::NAN,
            (_, true) => best.max(value),
            (_, false) => best.min(value),
        };
    }
    Ok(Value::Number(best))
}

fn numbers(evaluation: &mut Evaluation<'_>, values: &[Value]) -> Result<Vec<f64>, Refusal> {
    evaluation.budget.steps(values.len() as u64)?;
    values.iter().map(|value| evaluation.number(value)).collect()
}

/// The square root of the sum of squares.
pub(super) fn hypot(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let numbers = numbers(evaluation, arguments)?;
    if numbers.iter().any(|number| number.is_infinite()) {
        return Ok(Value::Number(f64::INFINITY));
    }
    Ok(Value::Number(numbers.into_iter().fold(0.0, f64::hypot)))
}

pub(super) fn pow(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let (base, exponent) =
        (evaluation.number(argument(arguments, 0))?, evaluation.number(argument(arguments, 1))?);
    Ok(Value::Number(math::power(base, exponent)))
}

pub(super) fn atan2(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let (y, x) = (evaluation.number(argument(arguments, 0))?, evaluation.number(argument(arguments, 1))?);
    Ok(Value::Number(y.atan2(x)))
}

/// The second argument if the first is true, else the third; all are evaluated.
pub(super) fn condition(arguments: &[Value]) -> Value {
    argument(arguments, if argument(arguments, 0).is_truthy() { 1 } else { 2 }).clone()
}

pub(super) fn gamma(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let value = argument(arguments, 0);
    let is_exact = matches!(value, Value::Number(_));
    Ok(Value::Number(math::gamma(evaluation.number(value)?, is_exact)))
}

pub(super) fn round_to(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let value = evaluation.number(argument(arguments, 0))?;
    let places = match argument(arguments, 1) {
        Value::Undefined => 0.0,
        places => evaluation.number(places)?,
    };
    Ok(Value::Number(math::round_to(value, places)))
}
