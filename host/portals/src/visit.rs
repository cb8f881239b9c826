//! A visit: who looks at which address, in which language. And the addresses that its page links to.

use halle_http::Params;
use halle_model::Caller;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::lang::Lang;

/// Parameter that chooses the language.
pub const LANG: &str = "lang";

/// One request for a page.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Who looks.
    pub caller: Caller,
    /// Language of the page.
    pub lang: Lang,
    /// Scheme, host and path of the site, without a trailing slash.
    pub base: String,
    /// Path of the site: empty, or `/` and its name. Links of pages begin with it.
    pub root: String,
    /// Path of the page below the site.
    pub path: String,
    /// What the address asks for.
    pub params: Params,
}

impl Visit {
    /// Address of this page with some parameters changed; an empty value removes one. The language is left out: a
    /// cookie keeps it.
    pub fn with(&self, changes: &[(&str, &str)]) -> String {
        let kept = self
            .params
            .iter()
            .filter(|(name, value)| !value.is_empty() && *name != LANG)
            .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let set = changes.iter().copied().filter(|(_, value)| !value.is_empty());
        let query = Serializer::new(String::new()).extend_pairs(kept.chain(set)).finish();
        let path = format!("{}{}", self.root, self.path);
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }

    /// Address of a dataset's page. By identifier: slugs are unique only within one owner, and change.
    pub fn dataset(&self, id: &str) -> String {
        format!("{}/datasets/{}", self.root, segment(id))
    }

    /// Address of the catalogue with one filter.
    pub fn catalogue(&self, name: &str, value: &str) -> String {
        let query = Serializer::new(String::new()).append_pair(name, value).finish();
        format!("{}/datasets?{query}", self.root)
    }

    /// Parameters that a form must carry on, being none of its `own`; the page begins anew.
    pub fn carried(&self, own: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        let carried = self
            .params
            .iter()
            .filter(|(name, value)| !value.is_empty() && !own(name) && *name != "page" && *name != LANG);
        carried.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// A text as one segment of a path.
pub fn segment(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Whether a text of a producer may be the target of a link.
pub fn is_web(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_what_they_do_not_change() {
        let visit = Visit {
            caller: Caller::anonymous(),
            lang: Lang::Fr,
            base: "https://x.test/site".to_owned(),
            root: "/site".to_owned(),
            path: "/datasets".to_owned(),
            params: Params::parse("q=l%27eau&page=3&lang=en&vide=").unwrap(),
        };
        assert_eq!(visit.with(&[("page", "4")]), "/site/datasets?q=l%27eau&page=4");
        assert_eq!(visit.with(&[("page", ""), ("q", "")]), "/site/datasets");
        assert_eq!(visit.dataset("a b/é"), "/site/datasets/a%20b%2F%C3%A9");
        assert_eq!(visit.carried(|name| name == "x"), [("q".to_owned(), "l'eau".to_owned())]);
    }
}
