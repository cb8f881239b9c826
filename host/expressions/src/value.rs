//! What expressions work with, and how it turns into something else.

use std::cmp::Ordering;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::ast::Function;
use crate::number;

/// A value. Texts, arrays and objects are shared: a copy costs nothing.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Nothing was given: a missing argument, an item beyond the end.
    #[default]
    Undefined,
    /// An absent value.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(Arc<str>),
    /// Several values.
    Array(Arc<Items>),
    /// Named values.
    Object(Arc<Fields>),
    /// A function, to be given to `map`, `fold` and `filter`.
    Function(Function),
}

/// Items of an array.
#[derive(Debug)]
pub struct Items {
    pub(crate) items: Vec<Value>,
    pub(crate) extent: Extent,
}

/// Fields of an object.
#[derive(Debug)]
pub struct Fields {
    pub(crate) fields: IndexMap<String, Value>,
    pub(crate) extent: Extent,
}

/// How far an array or an object goes. Parts are shared, so that it may be far more than it takes in memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    /// Arrays and objects in one another.
    pub(crate) depth: u8,
    /// Bytes of all texts and values in it, roughly, each as often as it occurs.
    pub(crate) bytes: usize,
}

impl Extent {
    fn of<'a>(parts: impl Iterator<Item = &'a Value>) -> Self {
        let inside = parts.map(Value::extent).fold(Self::default(), |sum, part| Self {
            depth: sum.depth.max(part.depth),
            bytes: sum.bytes.saturating_add(part.bytes),
        });
        Self { depth: inside.depth.saturating_add(1), bytes: inside.bytes }
    }
}

/// What JavaScript compares and joins: values without parts.
pub(crate) enum Plain<'a> {
    Text(std::borrow::Cow<'a, str>),
    Number(f64),
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// Whether there is something: neither undefined nor null.
    pub fn is_defined(&self) -> bool {
        !matches!(self, Self::Undefined | Self::Null)
    }

    /// Whether conditions take it for true: not nothing, `false`, 0, NaN nor the empty text.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Boolean(yes) => *yes,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Array(_) | Self::Object(_) | Self::Function(_) => true,
        }
    }

    /// The value as JSON; nothing, NaN and functions are `null`. Whole numbers are integers.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Undefined | Self::Null | Self::Function(_) => serde_json::Value::Null,
            Self::Boolean(yes) => (*yes).into(),
            Self::Number(number) => json_number(*number),
            Self::Text(text) => (&**text).into(),
            Self::Array(items) => items.items.iter().map(Self::to_json).collect(),
            Self::Object(object) => serde_json::Value::Object(
                object.fields.iter().map(|(key, value)| (key.clone(), value.to_json())).collect(),
            ),
        }
    }

    /// The value that JSON tells. Depth is that of the parser of JSON, which is bounded.
    pub fn of_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(yes) => Self::Boolean(*yes),
            serde_json::Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::array(items.iter().map(Self::of_json).collect()),
            serde_json::Value::Object(fields) => {
                Self::object(fields.iter().map(|(key, value)| (key.clone(), Self::of_json(value))).collect())
            }
        }
    }

    /// An array.
    pub(crate) fn array(items: Vec<Self>) -> Self {
        let extent = Extent::of(items.iter());
        Self::Array(Arc::new(Items { items, extent }))
    }

    /// An object.
    pub(crate) fn object(fields: IndexMap<String, Self>) -> Self {
        let extent = Extent::of(fields.values());
        Self::Object(Arc::new(Fields { fields, extent }))
    }

    /// How far the value goes.
    pub(crate) fn extent(&self) -> Extent {
        /// Bytes of a value without its text.
        const VALUE_BYTES: usize = 16;
        match self {
            Self::Array(items) => items.extent,
            Self::Object(object) => object.extent,
            Self::Text(text) => Extent { depth: 0, bytes: VALUE_BYTES + text.len() },
            _ => Extent { depth: 0, bytes: VALUE_BYTES },
        }
    }

    /// JavaScript's `===`: arrays and objects are equal to themselves only.
    pub(crate) fn is_identical(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Undefined, Self::Undefined) | (Self::Null, Self::Null) => true,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => Arc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Arc::ptr_eq(a, b),
            (Self::Function(a), Self::Function(b)) => a == b,
            _ => false,
        }
    }

    /// JavaScript's `<` and `>`: texts by their UTF-16 units, anything else as numbers. `None` beside NaN. The texts of
    /// arrays are `written` by the caller.
    pub(crate) fn compare(a: &Plain<'_>, b: &Plain<'_>) -> Option<Ordering> {
        if let (Plain::Text(a), Plain::Text(b)) = (a, b) {
            let ascii = a.is_ascii() && b.is_ascii();
            return Some(if ascii { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) });
        }
        a.number().partial_cmp(&b.number())
    }
}

impl Plain<'_> {
    /// As a number.
    pub(crate) fn number(&self) -> f64 {
        match self {
            Self::Text(text) => number::of_text(text),
            Self::Number(number) => *number,
        }
    }
}

/// A number as JSON: `null` when JSON cannot say it.
pub(crate) fn json_number(number: f64) -> serde_json::Value {
    /// Beyond, not every whole number is a number.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT_MAX {
        return (number as i64).into();
    }
    serde_json::Number::from_f64(number).map_or(serde_json::Value::Null, Into::into)
}
