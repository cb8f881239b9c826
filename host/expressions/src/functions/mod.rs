//! Functions that are always there: those of expr-eval, and Data Fair's in capitals.

mod inherited;
mod lists;
mod texts;

use crate::error::Refusal;
use crate::eval::{Evaluated, Evaluation};
use crate::value::Value;
use crate::{date, number};

pub(crate) use texts::{length, unit};

macro_rules! builtins {
    ($($name:literal => $variant:ident),* $(,)?) => {
        /// A function that is always there.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Builtin { $($variant),* }

        /// Functions by name; some have two.
        const NAMES: &[(&str, Builtin)] = &[$(($name, Builtin::$variant)),*];
    };
}

builtins! {
    "random" => Random, "fac" => Fac, "min" => Min, "max" => Max, "hypot" => Hypot, "pow" => Pow, "atan2" => Atan2,
    "if" => If, "gamma" => Gamma, "roundTo" => RoundTo, "map" => Map, "fold" => Fold, "filter" => Filter,
    "indexOf" => IndexOf, "join" => JoinItems,
    "CONCAT" => Concat, "UPPER" => Upper, "LOWER" => Lower, "TITLE" => Title, "PHRASE" => Phrase, "TRIM" => Trim,
    "SLUG" => Slug, "SUBSTRING" => Substring, "EXTRACT" => Extract, "REPLACE" => Replace, "PAD_LEFT" => PadLeft,
    "PAD_RIGHT" => PadRight, "STRPOS" => Strpos, "SPLIT" => Split, "JOIN" => Join, "MD5" => Md5, "SUM" => Sum,
    "AVG" => Avg, "TRUTHY" => Truthy, "DEFINED" => Defined, "JSON_PARSE" => JsonParse, "GET" => Get,
    "TRANSFORM_DATE" => TransformDate,
}

/// Second names.
const ALIASES: &[(&str, Builtin)] =
    &[("pyt", Builtin::Hypot), ("CONCATENATE", Builtin::Concat), ("AVERAGE", Builtin::Avg)];

impl Builtin {
    /// The function of this name.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        NAMES.iter().chain(ALIASES).find(|(known, _)| *known == name).map(|(_, builtin)| *builtin)
    }
}

/// Calls a function. Missing arguments are undefined, further ones ignored.
pub(crate) fn call(evaluation: &mut Evaluation<'_>, builtin: Builtin, arguments: &[Value]) -> Evaluated {
    use inherited as i;
    use lists as l;
    use texts as t;
    match builtin {
        Builtin::Random => i::random(evaluation, arguments),
        Builtin::Fac => evaluation.factorial(argument(arguments, 0)).map(Value::Number),
        Builtin::Min => i::extreme(evaluation, arguments, false),
        Builtin::Max => i::extreme(evaluation, arguments, true),
        Builtin::Hypot => i::hypot(evaluation, arguments),
        Builtin::Pow => i::pow(evaluation, arguments),
        Builtin::Atan2 => i::atan2(evaluation, arguments),
        Builtin::If => Ok(i::condition(arguments)),
        Builtin::Gamma => i::gamma(evaluation, arguments),
        Builtin::RoundTo => i::round_to(evaluation, arguments),
        Builtin::Map => l::map(evaluation, arguments),
        Builtin::Fold => l::fold(evaluation, arguments),
        Builtin::Filter => l::filter(evaluation, arguments),
        Builtin::IndexOf => l::index_of(evaluation, arguments),
        Builtin::JoinItems => l::join_items(evaluation, arguments),
        Builtin::Concat => t::concat(evaluation, arguments),
        Builtin::Upper => t::of_text(evaluation, arguments, str::to_uppercase),
        Builtin::Lower => t::of_text(evaluation, arguments, str::to_lowercase),
        Builtin::Title => t::of_text(evaluation, arguments, t::title),
        Builtin::Phrase => t::of_text(evaluation, arguments, t::phrase),
        Builtin::Trim => t::of_text(evaluation, arguments, t::trim),
        Builtin::Slug => t::slug(evaluation, arguments),
        Builtin::Substring => t::substring(evaluation, arguments),
        Builtin::Extract => t::extract(evaluation, arguments),
        Builtin::Replace => t::replace(evaluation, arguments),
        Builtin::PadLeft => t::pad(evaluation, arguments, true),
        Builtin::PadRight => t::pad(evaluation, arguments, false),
        Builtin::Strpos => t::strpos(evaluation, arguments),
        Builtin::Split => l::split(evaluation, arguments),
        Builtin::Join => l::join(evaluation, arguments),
        Builtin::Md5 => t::md5(evaluation, arguments),
        Builtin::Sum => Ok(l::sum(arguments)),
        Builtin::Avg => Ok(l::average(arguments)),
        Builtin::Truthy => Ok(Value::Boolean(argument(arguments, 0).is_truthy())),
        Builtin::Defined => Ok(Value::Boolean(argument(arguments, 0).is_defined())),
        Builtin::JsonParse => l::json_parse(evaluation, arguments),
        Builtin::Get => l::get(evaluation, arguments),
        Builtin::TransformDate => date::transform(evaluation, arguments),
    }
}

/// An argument; undefined when it is missing.
pub(crate) fn argument(arguments: &[Value], index: usize) -> &Value {
    arguments.get(index).unwrap_or(&Value::Undefined)
}

/// Whether an array has the item, or a text the character.
pub(crate) fn contains(
    evaluation: &mut Evaluation<'_>,
    among: &Value,
    item: &Value,
) -> Result<bool, Refusal> {
    match among {
        Value::Undefined | Value::Null => Err("\"in\" attend un tableau à sa droite".to_owned()),
        Value::Array(items) => {
            for other in &items.items {
                if evaluation.is_identical(other, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Text(text) => {
            evaluation.budget.reading(text)?;
            Ok(matches!(item, Value::Text(item) if length(item) == 1 && text.contains(&**item)))
        }
        _ => Ok(false),
    }
}

/// Appends a value as text: items joined by commas, nothing within arrays as empty. Fails beyond `bytes_max`.
pub(crate) fn write_text(value: &Value, text: &mut String, bytes_max: usize) -> Result<(), Refusal> {
    match value {
        Value::Undefined => text.push_str("undefined"),
        Value::Null => text.push_str("null"),
        Value::Boolean(yes) => text.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number::to_text(*number)),
        Value::Text(inner) => text.push_str(inner),
        Value::Object(_) => text.push_str("[object Object]"),
        Value::Function(_) => text.push_str("[function]"),
        Value::Array(items) => write_items(&items.items, ",", text, bytes_max)?,
    }
    if text.len() > bytes_max {
        return Err("le texte d'un tableau est trop long".to_owned());
    }
    Ok(())
}

/// Appends items with a separator between them; nothing is empty.
pub(crate) fn write_items(
    items: &[Value],
    separator: &str,
    text: &mut String,
    bytes_max: usize,
) -> Result<(), Refusal> {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push_str(separator);
        }
        if item.is_defined() {
            write_text(item, text, bytes_max)?;
        }
        if text.len() > bytes_max {
            return Err("le texte d'un tableau est trop long".to_owned());
        }
    }
    Ok(())
}
