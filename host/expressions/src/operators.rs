//! Operators: their names, and which binds how.

/// An operator before its operand, or a function written like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Sqrt,
    Cbrt,
    Log,
    Log2,
    Ln,
    Lg,
    Log10,
    Expm1,
    Log1p,
    Abs,
    Ceil,
    Floor,
    Round,
    Trunc,
    Minus,
    Plus,
    Exp,
    Not,
    Length,
    Factorial,
    Sign,
}

/// Operators before an operand, by name.
const UNARY: &[(&str, Unary)] = &[
    ("sin", Unary::Sin),
    ("cos", Unary::Cos),
    ("tan", Unary::Tan),
    ("asin", Unary::Asin),
    ("acos", Unary::Acos),
    ("atan", Unary::Atan),
    ("sinh", Unary::Sinh),
    ("cosh", Unary::Cosh),
    ("tanh", Unary::Tanh),
    ("asinh", Unary::Asinh),
    ("acosh", Unary::Acosh),
    ("atanh", Unary::Atanh),
    ("sqrt", Unary::Sqrt),
    ("cbrt", Unary::Cbrt),
    ("log", Unary::Log),
    ("log2", Unary::Log2),
    ("ln", Unary::Ln),
    ("lg", Unary::Lg),
    ("log10", Unary::Log10),
    ("expm1", Unary::Expm1),
    ("log1p", Unary::Log1p),
    ("abs", Unary::Abs),
    ("ceil", Unary::Ceil),
    ("floor", Unary::Floor),
    ("round", Unary::Round),
    ("trunc", Unary::Trunc),
    ("-", Unary::Minus),
    ("+", Unary::Plus),
    ("exp", Unary::Exp),
    ("not", Unary::Not),
    ("length", Unary::Length),
    ("!", Unary::Factorial),
    ("sign", Unary::Sign),
];

impl Unary {
    /// The operator of this name.
    pub(crate) fn by_word(word: &str) -> Option<Self> {
        UNARY.iter().find(|(name, _)| *name == word).map(|(_, unary)| *unary)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        UNARY.iter().find(|(_, unary)| *unary == self).map_or("", |(name, _)| name)
    }
}

/// An operator between two operands that are both evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Join,
    Multiply,
    Divide,
    Remainder,
}

/// Operators between operands, by precedence, the loosest first.
pub(crate) const LEVELS: [&[(&str, Binary)]; 3] = [
    &[
        ("==", Binary::Equal),
        ("!=", Binary::Different),
        ("<", Binary::Less),
        ("<=", Binary::LessOrEqual),
        (">=", Binary::GreaterOrEqual),
        (">", Binary::Greater),
        ("in", Binary::In),
    ],
    &[("+", Binary::Add), ("-", Binary::Subtract), ("||", Binary::Join)],
    &[("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Remainder)],
];
