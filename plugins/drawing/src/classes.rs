//! Classes of a quantity, and their colours.

use crate::svg::Colours;

/// Limits of classes that hold as many values each: one more than classes, all different.
pub fn limits(values: impl Iterator<Item = f64>, classes: usize) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (Some(&low), Some(&high)) = (values.first(), values.last()) else { return Vec::new() };
    let mut limits = vec![low];
    for class in 1..classes {
        let limit = values[class * values.len() / classes];
        if limits.last().is_none_or(|last| limit > *last) {
            limits.push(limit);
        }
    }
    if high > limits[limits.len() - 1] || limits.len() == 1 {
        limits.push(high);
    }
    limits
}

/// A colour per class, from light to the main one and darker.
pub fn ramp(colours: &Colours, classes: usize) -> Vec<String> {
    let primary = &colours.primary;
    let light = Colours::between(&colours.background, primary, 0.16);
    let dark = Colours::between(primary, &colours.text, 0.45);
    let colour = |index: usize| {
        let share = if classes < 2 { 0.6 } else { index as f64 / (classes - 1) as f64 };
        if share < 0.6 {
            Colours::between(&light, primary, share / 0.6)
        } else {
            Colours::between(primary, &dark, (share - 0.6) / 0.4)
        }
    };
    (0..classes).map(colour).collect()
}

/// The colour of a value.
pub fn class<'a>(value: f64, limits: &[f64], colours: &'a [String]) -> &'a str {
    let above = limits.iter().filter(|limit| value >= **limit).count();
    let index = above.saturating_sub(1).min(colours.len().saturating_sub(1));
    colours.get(index).map_or("none", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_as_many_values_each_and_never_the_same_limit_twice() {
        assert_eq!(limits((0..10).map(f64::from), 5), [0.0, 2.0, 4.0, 6.0, 8.0, 9.0]);
        assert_eq!(limits([1.0, 1.0, 1.0, 1.0, 7.0].into_iter(), 4), [1.0, 7.0]);
        assert_eq!(limits([3.0].into_iter(), 5), [3.0, 3.0]);
        assert!(limits(std::iter::empty(), 5).is_empty());
        let colours: Vec<String> = ["a", "b"].map(str::to_owned).into();
        assert_eq!([0.0, 2.0, 9.0].map(|value| class(value, &[0.0, 2.0, 9.0], &colours)), ["a", "b", "b"]);
    }
}
