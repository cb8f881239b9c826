//! From values to positions.

/// Steps between the ticks of an axis, times powers of ten.
const STEPS: [f64; 4] = [1.0, 2.0, 2.5, 5.0];

/// A linear axis with round ticks.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// Values of the ticks, rising.
    pub ticks: Vec<f64>,
    min: f64,
    max: f64,
}

impl Scale {
    /// An axis over these values, with about so many ticks. Zero is always on it, so that lengths can be compared.
    pub fn over(values: impl Iterator<Item = f64>, ticks: usize) -> Self {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for value in values {
            low = low.min(value);
            high = high.max(value);
        }
        Self::between(low, high, ticks)
    }

    /// An axis from about one value to about another, zero or not.
    pub fn between(low: f64, high: f64, ticks: usize) -> Self {
        let high = if high - low > 0.0 { high } else { low + 1.0 };
        let step = round_step((high - low) / ticks.max(1) as f64);
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let ticks: Vec<f64> = (first..=last).map(|index| index as f64 * step).collect();
        Self { min: first as f64 * step, max: last as f64 * step, ticks }
    }

    /// Where a value lies: 0 at the lowest tick, 1 at the highest.
    pub fn at(&self, value: f64) -> f64 {
        (value - self.min) / (self.max - self.min)
    }
}

/// The round number just above a step.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let found = STEPS.into_iter().find(|candidate| candidate * power >= step * (1.0 - 1e-9));
    found.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_zero() {
        assert_eq!(Scale::over([3.0, 97.0].into_iter(), 5).ticks, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(Scale::over([-4.0, 4.0].into_iter(), 4).ticks, [-4.0, -2.0, 0.0, 2.0, 4.0]);
        assert_eq!(Scale::over([].into_iter(), 4).at(0.0), 0.0);
        assert_eq!(Scale::over([0.0, 10.0].into_iter(), 5).at(5.0), 0.5);
        assert_eq!(Scale::between(41.2, 43.9, 3).ticks, [41.0, 42.0, 43.0, 44.0]);
        assert_eq!(Scale::between(7.0, 7.0, 2).at(7.0), 0.0, "one value has an axis too");
    }
}
