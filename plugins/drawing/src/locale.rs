//! Words and numbers in French and English.

/// A language of the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locale {
    /// French.
    Fr,
    /// English.
    En,
}

impl Locale {
    /// The language of a tag such as `en-GB`; French for those that are not known.
    pub fn of(tag: &str) -> Self {
        if tag.to_ascii_lowercase().starts_with("en") { Self::En } else { Self::Fr }
    }

    /// One of two texts.
    pub fn pick<'a>(self, fr: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }

    /// A number with its thousands apart: `12 345,6`, `12,345.6`. At most two decimals, fewer when they are zero.
    pub fn number(self, value: f64) -> String {
        let rounded = format!("{:.2}", value.abs());
        let (whole, decimals) = rounded.split_once('.').unwrap_or((&rounded, ""));
        // A narrow no-break space in French, as typography wants.
        let (separator, point) = match self {
            Self::Fr => ('\u{202f}', ','),
            Self::En => (',', '.'),
        };
        let mut out = String::new();
        if value < 0.0 && rounded.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
            out.push('\u{2212}');
        }
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                out.push(separator);
            }
            out.push(digit);
        }
        let decimals = decimals.trim_end_matches('0');
        if !decimals.is_empty() {
            out.push(point);
            out.push_str(decimals);
        }
        out
    }

    /// A number short enough for an axis: `1,2 M`, `350 k`.
    pub fn short_number(self, value: f64) -> String {
        let units = [(1e9, self.pick("Md", "B")), (1e6, "M"), (1e4, "k")];
        let unit = units.into_iter().find(|(from, _)| value.abs() >= *from);
        match unit {
            Some((from, unit)) => {
                let scale = if from < 1e5 { 1e3 } else { from };
                format!(
                    "{}{}{unit}",
                    self.number((value / scale * 100.0).round() / 100.0),
                    self.pick("\u{a0}", "")
                )
            }
            None => self.number(value),
        }
    }

    /// A share as a percentage: `12,3 %`, `12.3%`.
    pub fn percent(self, share: f64) -> String {
        format!("{}{}%", self.number((share * 1000.0).round() / 10.0), self.pick("\u{a0}", ""))
    }

    /// A value with its unit.
    pub fn with_unit(self, value: f64, unit: Option<&str>) -> String {
        let number = self.number(value);
        unit.filter(|unit| !unit.is_empty()).map_or(number.clone(), |unit| format!("{number}\u{a0}{unit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_readers_expect() {
        assert_eq!(Locale::Fr.number(1_234_567.5), "1\u{202f}234\u{202f}567,5");
        assert_eq!(Locale::En.number(1_234_567.5), "1,234,567.5");
        assert_eq!(Locale::Fr.number(-0.004), "0");
        assert_eq!(Locale::Fr.number(-12.0), "\u{2212}12");
        assert_eq!(Locale::Fr.short_number(2_500_000.0), "2,5\u{a0}M");
        assert_eq!(Locale::En.short_number(12_000.0), "12k");
        assert_eq!(Locale::Fr.percent(0.1234), "12,3\u{a0}%");
    }
}
