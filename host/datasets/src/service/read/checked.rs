//! JSON that is looked at as a whole, and not kept.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Any JSON value that [`serde_json::Value`] could hold: unlike [`serde::de::IgnoredAny`], numbers are in range, texts are Unicode and
/// nesting has its bound.
pub(super) struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_unit<E: Error>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Checked, A::Error> {
        while values.next_element::<Checked>()?.is_some() {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Checked, A::Error> {
        while members.next_entry::<Checked, Checked>()?.is_some() {}
        Ok(Checked)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_a_value_can_hold_passes_and_nothing_else() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let texts = [
            "null",
            "-1.5e3",
            "1e400",
            "18446744073709551616",
            r#""a\u00e9""#,
            r#""\ud800""#,
            r#"{"a":[true,{"b":null}]}"#,
            r#"{"a":1e400}"#,
            r#"{"\ud800":1}"#,
            "{",
            "1 2",
            "",
        ];
        for text in texts.into_iter().map(str::to_owned).chain([deep(100), deep(200)]) {
            let held = serde_json::from_str::<Value>(&text).is_ok();
            assert_eq!(serde_json::from_str::<Checked>(&text).is_ok(), held, "{text}");
        }
        assert!(serde_json::from_str::<IgnoredAny>("1e400").is_ok(), "which is why it is not used");
    }
}
