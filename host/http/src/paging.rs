//! Pages of lists: `size`, `page` or `skip` in, `{count, results}` out (reference §1.10).

use serde::Serialize;
use serde_json::Value;

use crate::error::{ApiError, ApiResult};
use crate::params::Params;

/// How deep a list may be paged, in results (Data Fair: 10 000).
pub const LIST_DEPTH_MAX: usize = 10_000;

/// One page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Results to skip.
    pub skip: u32,
    /// Results to return; 0 counts only.
    pub size: u32,
}

impl Paging {
    /// Reads `size` (`size_default` when absent), then `skip`, else `page` from 1. 400 past [`LIST_DEPTH_MAX`].
    pub fn parse(params: &Params, size_default: usize) -> ApiResult<Self> {
        let size = params.number("size")?.unwrap_or(size_default);
        let page = params.number("page")?.unwrap_or(1).max(1);
        let skip = params.number("skip")?.unwrap_or_else(|| (page - 1).saturating_mul(size));
        if size.saturating_add(skip) > LIST_DEPTH_MAX {
            let message = format!(
                "\"size\" + \"skip\" ne peut pas dépasser {LIST_DEPTH_MAX} : affinez les filtres plutôt que de \
                 feuilleter plus loin."
            );
            return Err(ApiError::bad_request(message));
        }
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Self { skip: narrow(skip), size: narrow(size) })
    }

    /// The same page, if it has at most `size_max` results; 400 otherwise.
    pub fn within(self, size_max: u32) -> ApiResult<Self> {
        if self.size > size_max {
            return Err(ApiError::bad_request(format!("\"size\" cannot be more than {size_max}")));
        }
        Ok(self)
    }
}

/// A list on the wire.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct List<T> {
    /// Results over all pages; absent with `count=false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// This page.
    pub results: Vec<T>,
}

/// Keeps the fields that `select=a,b` names, and those in `always`. Negatives (`-a`) drop fields. Without `select`,
/// everything stays.
pub fn select(value: &mut Value, params: &Params, always: &[&str]) {
    let Some(object) = value.as_object_mut() else { return };
    let (dropped, kept): (Vec<&str>, Vec<&str>) =
        params.list("select").into_iter().partition(|name| name.starts_with('-'));
    object.retain(|name, _| {
        let wanted = kept.is_empty() || kept.contains(&name.as_str()) || always.contains(&name.as_str());
        wanted && !dropped.iter().any(|negative| &negative[1..] == name)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(query: &str) -> ApiResult<Paging> {
        Paging::parse(&Params::parse(query)?, 12)
    }

    #[test]
    fn pages_count_from_one_and_have_an_end() {
        assert_eq!(paging(""), Ok(Paging { skip: 0, size: 12 }));
        assert_eq!(paging("size=10&page=3"), Ok(Paging { skip: 20, size: 10 }));
        assert_eq!(paging("size=10&page=0"), Ok(Paging { skip: 0, size: 10 }));
        assert_eq!(paging("size=0"), Ok(Paging { skip: 0, size: 0 }));
        assert_eq!(paging("size=100&skip=9900"), Ok(Paging { skip: 9_900, size: 100 }));
        assert!(paging("size=100&page=101").is_err());
        assert!(paging("page=99999999999999999").is_err());
        assert!(paging("size=500").is_ok_and(|page| page.within(500) == Ok(page)));
        let refused = paging("size=501").and_then(|page| page.within(500)).unwrap_err();
        assert_eq!(refused.message, "\"size\" cannot be more than 500");
    }

    #[test]
    fn selection_keeps_what_is_always_there() {
        let mut value = serde_json::json!({ "id": 1, "title": 2, "owner": 3 });
        select(&mut value, &Params::parse("select=title").unwrap(), &["id"]);
        assert_eq!(value, serde_json::json!({ "id": 1, "title": 2 }));
        select(&mut value, &Params::parse("select=-title").unwrap(), &[]);
        assert_eq!(value, serde_json::json!({ "id": 1 }));
    }
}
