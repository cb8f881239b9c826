//! Functions of numbers, as expr-eval has them.

use crate::number;
use crate::operators::Unary;

/// Half of a number goes up, also below zero: -2.5 gives -2.
pub(crate) fn round(x: f64) -> f64 {
    let floor = x.floor();
    if x - floor >= 0.5 { floor + 1.0 } else { floor }
}

/// An operator on a number; [`Unary::Not`], [`Unary::Length`] and [`Unary::Factorial`] look at the value itself, and are
/// not for here.
pub(crate) fn unary(unary: Unary, x: f64) -> f64 {
    match unary {
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.tan(),
        Unary::Asin => x.asin(),
        Unary::Acos => x.acos(),
        Unary::Atan => x.atan(),
        Unary::Sinh => x.sinh(),
        Unary::Cosh => x.cosh(),
        Unary::Tanh => x.tanh(),
        Unary::Asinh => x.asinh(),
        Unary::Acosh => x.acosh(),
        Unary::Atanh => x.atanh(),
        Unary::Sqrt => x.sqrt(),
        Unary::Cbrt => x.cbrt(),
        Unary::Log | Unary::Ln => x.ln(),
        Unary::Log2 => x.log2(),
        Unary::Lg | Unary::Log10 => x.log10(),
        Unary::Expm1 => x.exp_m1(),
        Unary::Log1p => x.ln_1p(),
        Unary::Abs => x.abs(),
        Unary::Ceil => x.ceil(),
        Unary::Floor => x.floor(),
        Unary::Round => round(x),
        Unary::Trunc => x.trunc(),
        Unary::Minus => -x,
        Unary::Exp => x.exp(),
        Unary::Sign if x.is_nan() || x == 0.0 => x,
        Unary::Sign => x.signum(),
        Unary::Plus | Unary::Not | Unary::Length | Unary::Factorial => x,
    }
}

/// A power; 1 to an infinite or unknown power is unknown, as in JavaScript.
pub(crate) fn power(base: f64, exponent: f64) -> f64 {
    if exponent.is_nan() || base.abs() == 1.0 && exponent.is_infinite() {
        return f64::NAN;
    }
    base.powf(exponent)
}

/// Coefficients of Lanczos' approximation of the gamma function, for G = 607/128.
const LANCZOS_G: f64 = 4.7421875;
const LANCZOS: [f64; 15] = [
    0.999_999_999_999_997_1,
    57.156_235_665_862_92,
    -59.597_960_355_475_49,
    14.136_097_974_741_746,
    -0.491_913_816_097_620_2,
    0.339_946_499_848_118_9e-4,
    0.465_236_289_270_485_8e-4,
    -0.983_744_753_048_795_6e-4,
    0.158_088_703_224_912_5e-3,
    -0.210_264_441_724_104_9e-3,
    0.217_439_618_115_212_6e-3,
    -0.164_318_106_536_763_9e-3,
    0.844_182_239_838_527_4e-4,
    -0.261_908_384_015_814_1e-4,
    0.368_991_826_595_316_2e-5,
];

/// The gamma function. Whole numbers give exact factorials when `is_exact`.
pub(crate) fn gamma(n: f64, is_exact: bool) -> f64 {
    use std::f64::consts::{E, PI};
    if is_exact && n.is_finite() && n.fract() == 0.0 {
        if n <= 0.0 || n > 171.0 {
            return f64::INFINITY;
        }
        return (1..n as u32).map(f64::from).rev().fold(1.0, |product, factor| product * factor);
    }
    if n < 0.5 {
        return PI / ((PI * n).sin() * gamma(1.0 - n, is_exact));
    }
    if n >= 171.35 {
        return f64::INFINITY;
    }
    if n > 85.0 {
        // Stirling's series.
        let (n2, n3, n4, n5) = (n.powi(2), n.powi(3), n.powi(4), n.powi(5));
        let series = 1.0 + 1.0 / (12.0 * n) + 1.0 / (288.0 * n2)
            - 139.0 / (51_840.0 * n3)
            - 571.0 / (2_488_320.0 * n4)
            + 163_879.0 / (209_018_880.0 * n5)
            + 5_246_819.0 / (75_246_796_800.0 * n5 * n);
        return (2.0 * PI / n).sqrt() * (n / E).powf(n) * series;
    }
    let n = n - 1.0;
    let sum = LANCZOS.iter().enumerate().skip(1).fold(LANCZOS[0], |sum, (i, p)| sum + p / (n + i as f64));
    let t = n + LANCZOS_G + 0.5;
    (2.0 * PI).sqrt() * t.powf(n + 0.5) * (-t).exp() * sum
}

/// Rounds at a decimal place, through the digits that people see: 1.005 to 2 places is 1.01.
pub(crate) fn round_to(value: f64, places: f64) -> f64 {
    if places == 0.0 {
        return round(value);
    }
    if value.is_nan() || places.is_nan() || places.fract() != 0.0 || places.is_infinite() {
        return f64::NAN;
    }
    shifted(round(shifted(value, places)), -places)
}

/// A number times a power of ten, moved in its digits.
fn shifted(value: f64, places: f64) -> f64 {
    let text = number::to_text(value);
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent = number::of_text(exponent) + places;
    number::of_text(&format!("{digits}e{}", number::to_text(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_up() {
        assert_eq!([2.5, -2.5, 0.499_999_999_999_999_94, -0.2].map(round), [3.0, -2.0, 0.0, 0.0]);
        assert_eq!((round_to(1.005, 2.0), round_to(1234.0, -2.0)), (1.01, 1200.0));
    }

    #[test]
    fn factorials_are_exact() {
        assert_eq!([1.0, 2.0, 6.0, 19.0].map(|n| gamma(n, true)), [1.0, 1.0, 120.0, 6_402_373_705_728_000.0]);
        assert_eq!([0.0, 172.0].map(|n| gamma(n, true)), [f64::INFINITY; 2]);
        assert!((gamma(0.5, true) - std::f64::consts::PI.sqrt()).abs() < 1e-14);
    }
}
