//! The two languages of pages, and how each writes numbers and days.

/// Language of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lang {
    /// French, unless the visitor says otherwise.
    #[default]
    Fr,
    /// English.
    En,
}

const MONTHS_FR: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Lang {
    /// The language that a tag names: `fr`, `en-GB`...
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag.trim().get(..2)?.to_ascii_lowercase().as_str() {
            "fr" => Some(Self::Fr),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The first language of an `Accept-Language` header that pages have. Browsers send them by preference.
    pub fn accepted(header: &str) -> Option<Self> {
        header.split(',').find_map(|range| Self::of_tag(range.split(';').next().unwrap_or_default()))
    }

    /// `fr` or `en`.
    pub fn code(self) -> &'static str {
        self.pick("fr", "en")
    }

    /// The other language.
    pub fn other(self) -> Self {
        self.pick(Self::En, Self::Fr)
    }

    /// One of two things, by language.
    pub fn pick<T>(self, fr: T, en: T) -> T {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }

    /// A number with its thousands set apart: by narrow spaces in French, by commas in English.
    pub fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                text.push(self.pick('\u{202f}', ','));
            }
            text.push(digit);
        }
        text
    }

    /// The day of an ISO date or instant, in words; the text itself when it is none.
    pub fn day(self, iso: &str) -> String {
        let read = || {
            let mut parts = iso.get(..10)?.splitn(3, '-');
            let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
            let month = month.parse::<usize>().ok()?.checked_sub(1)?;
            let name = self.pick(&MONTHS_FR, &MONTHS_EN).get(month)?;
            let day: u8 = day.parse().ok()?;
            let day = if day == 1 && self == Self::Fr { "1er".to_owned() } else { day.to_string() };
            Some(format!("{day} {name} {year}"))
        };
        read().unwrap_or_else(|| iso.to_owned())
    }

    /// A size in decimal units.
    pub fn bytes(self, bytes: u64) -> String {
        let units = self.pick(["octets", "ko", "Mo", "Go"], ["bytes", "kB", "MB", "GB"]);
        let mut value = bytes as f64;
        let mut unit = 0;
        while value >= 1000.0 && unit + 1 < units.len() {
            value /= 1000.0;
            unit += 1;
        }
        let text = if unit == 0 { bytes.to_string() } else { format!("{value:.1}") };
        format!("{}\u{a0}{}", self.pick(text.replace('.', ","), text.clone()), units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_writes_its_own_way() {
        assert_eq!(Lang::Fr.number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(Lang::En.number(1_234), "1,234");
        assert_eq!(Lang::En.number(999), "999");
        assert_eq!(Lang::Fr.day("2026-08-01T10:00:00Z"), "1er août 2026");
        assert_eq!(Lang::En.day("2026-08-15"), "15 August 2026");
        assert_eq!(Lang::Fr.day("été"), "été");
        assert_eq!(Lang::Fr.bytes(1_500_000), "1,5\u{a0}Mo");
    }

    #[test]
    fn the_first_language_that_pages_have_counts() {
        assert_eq!(Lang::accepted("de-DE,en;q=0.8,fr;q=0.5"), Some(Lang::En));
        assert_eq!(Lang::accepted("de, es"), None);
    }
}
