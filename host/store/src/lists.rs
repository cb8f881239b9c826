//! Lists of what a caller may see: one key, one way to search and one page for every feature.

use halle_base::AccountRef;
use halle_model::permission::PermissionEntry;
use halle_model::{Caller, listing, slug};

use crate::documents::{Filter, Key, Page, Stored};

/// Key with the words of those who may list a document.
const GRANT: &str = "grant";

impl Key {
    /// Keys by which [`Filter::listed_for`] finds a resource of `owner` with these grants.
    pub fn readers(owner: &AccountRef, grants: &[PermissionEntry]) -> Vec<Self> {
        listing::resource_words(owner, grants).into_iter().map(|word| Self::new(GRANT, word)).collect()
    }
}

impl Filter {
    /// A page of everything, newest first.
    pub fn page(skip: u32, limit: u32) -> Self {
        Self { skip, ..Self::all(limit) }
    }

    /// Keeps documents in which all words of `q` occur; everything when there are none.
    #[must_use]
    pub fn searching(mut self, q: &str) -> Self {
        self.words = slug::fold(q).split_whitespace().map(str::to_owned).collect();
        self
    }

    /// Keeps resources with [`Key::readers`] that the caller may list. `scope` is that of the kind of resource.
    #[must_use]
    pub fn listed_for(mut self, caller: &Caller, scope: &str) -> Self {
        self.any_of.extend(listing::caller_words(caller, scope).map(|words| (GRANT, words)));
        self
    }
}

impl<E> Page<Stored<E>> {
    /// The page without what only writers need.
    pub fn into_entities(self) -> Page<E> {
        Page { count: self.count, results: self.results.into_iter().map(|stored| stored.entity).collect() }
    }
}
