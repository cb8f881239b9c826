//! The parameters of a request, decoded, before anything is known of them.

use indexmap::IndexMap;

use super::bad;
use super::fields::split_suffix;
use crate::engine::SearchResult;

/// Decoded query parameters, in the order of the address, each name once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(IndexMap<String, String>);

impl Params {
    /// Collects decoded pairs; 400 when a name comes twice.
    pub fn new<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> SearchResult<Self>
    where
        N: Into<String>,
        V: Into<String>,
    {
        let mut all = IndexMap::new();
        for (name, value) in pairs {
            let name = name.into();
            if all.contains_key(&name) {
                return Err(bad(format!("query parameter \"{name}\" is defined multiple times")));
            }
            all.insert(name, value.into());
        }
        Ok(Self(all))
    }

    /// The value, unless it is absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether the value is `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// Items of a comma list, trimmed, empty ones left out.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let items = self.get(name).unwrap_or("").split(',');
        items.map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    /// A whole number; 400 when it is none, or above `max`.
    pub fn number(&self, name: &str, default: usize, max: usize) -> SearchResult<usize> {
        let Some(text) = self.get(name) else { return Ok(default) };
        number(name, text, max)
    }

    /// Every pair, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A copy with `name` set, at the end if it is new. An empty value removes it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if value.is_empty() {
            self.0.shift_remove(name);
        } else {
            self.0.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// Names that no filter is made of and that `known` does not list: what a route ignores.
    pub fn ignored(&self, known: &[&str]) -> Vec<&str> {
        let names = self.0.keys().map(String::as_str);
        names.filter(|name| !known.contains(name) && split_suffix(name).is_none()).collect()
    }
}

/// A whole number given as `name`; 400 when it is none, or above `max`.
pub(super) fn number(name: &str, text: &str, max: usize) -> SearchResult<usize> {
    let value: usize =
        text.trim().parse().map_err(|_| bad(format!("\"{name}\" must be a whole number, not \"{text}\"")))?;
    if value > max {
        return Err(bad(format!("\"{name}\" cannot be more than {max}")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_given_twice_is_refused() {
        let error = Params::new([("size", "1"), ("size", "2")]).unwrap_err();
        assert_eq!(error.to_string(), "query parameter \"size\" is defined multiple times");
    }

    #[test]
    fn what_nobody_reads_is_listed() {
        let params =
            Params::new([("rows", "1"), ("size", "2"), ("nom_eq", "x"), ("Code_(BAN)", "y")]).unwrap();
        assert_eq!(params.ignored(&["size"]), ["rows", "Code_(BAN)"]);
    }
}
