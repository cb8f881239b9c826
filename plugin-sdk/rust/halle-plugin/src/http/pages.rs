//! The pages of an API, one after the other.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{next_link, resolve, send_patiently};
use crate::messages::{Request, Response};
use crate::problem::{Problem, Result};

/// Pages that are read when nothing else is said.
const PAGES_MAX: u32 = 10_000;

/// Times that a page is asked for while the server says to come back later.
const TRIES: u32 = 3;

/// One page: the answer, and the URL that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// URL it was asked from.
    pub url: String,
    /// The answer, 2xx.
    pub response: Response,
}

impl Page {
    /// Its body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.response.json(&self.url)
    }

    /// Its rows: the list at a JSON pointer (`/results`) of its body, the body itself for an empty one. `remote/json` when
    /// there is no list.
    pub fn items(&self, pointer: &str) -> Result<Vec<Value>> {
        let mut body: Value = self.json()?;
        match body.pointer_mut(pointer).map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(self.unexpected(&format!("pas de liste à « {pointer} »"))),
        }
    }

    fn unexpected(&self, what: &str) -> Problem {
        Problem::new("remote/json", format!("La réponse de {} a {what}.", self.url))
    }
}

/// How an API says what follows.
#[derive(Debug)]
enum Next {
    /// `Link: <...>; rel=next`.
    Link,
    /// A URL in the body, at a pointer.
    In(String),
    /// A parameter that counts pages.
    Page(String),
    /// A parameter that counts rows.
    Offset(String),
}

/// The pages of an API, to iterate over; see [`pages`].
#[derive(Debug)]
pub struct Pages {
    request: Request,
    next: Next,
    items: Option<String>,
    left: u32,
    /// URL of the page to come.
    url: Option<String>,
    begun: bool,
}

/// The pages of an API, one after the other, begun with a request (its headers and its secret go with each page). What follows
/// is the `rel=next` link of each answer, unless one of the methods says otherwise.
///
/// Looks between two pages whether somebody asked to stop. Ends where nothing follows, at a page without rows, and with the
/// problem `remote/pages` after 10,000 pages or what [`Pages::max`] says. A server that is busy is asked three times.
///
/// ```
/// use halle_plugin::http;
/// use halle_plugin::messages::Request;
/// # use halle_plugin::testing::FakeHost;
/// # let host = FakeHost::default()
/// #     .on_json("GET", "https://a.test/list?page=1", r#"{"results": [{"n": 1}, {"n": 2}]}"#)
/// #     .on_json("GET", "https://a.test/list?page=2", r#"{"results": [{"n": 3}]}"#)
/// #     .on_json("GET", "https://a.test/list?page=3", r#"{"results": []}"#);
/// # let (read, host) = host.run(|| {
/// let mut names = Vec::new();
/// for page in http::pages(Request::get_json("https://a.test/list?page=1")).page_number("page").items("/results") {
///     names.extend(page?.items("/results")?);
/// }
/// # Ok::<_, halle_plugin::Problem>(names.len())
/// # });
/// # assert_eq!(read?, 3);
/// # Ok::<(), halle_plugin::Problem>(())
/// ```
pub fn pages(first: Request) -> Pages {
    let url = Some(first.url.clone());
    Pages { request: first, next: Next::Link, items: None, left: PAGES_MAX, url, begun: false }
}

impl Pages {
    /// What follows is the URL at a JSON pointer (`/links/next`) of the body: absolute or relative, none at the end.
    #[must_use]
    pub fn next_in(self, pointer: &str) -> Self {
        Self { next: Next::In(pointer.to_owned()), ..self }
    }

    /// A query parameter counts pages. It begins where the first URL has it, at 1 when it has none.
    #[must_use]
    pub fn page_number(self, parameter: &str) -> Self {
        Self { next: Next::Page(parameter.to_owned()), ..self }
    }

    /// A query parameter counts rows: it grows by those of each page, from where the first URL has it, or 0.
    #[must_use]
    pub fn page_offset(self, parameter: &str) -> Self {
        Self { next: Next::Offset(parameter.to_owned()), ..self }
    }

    /// Where the rows of a page are (`/results`): a page without any ends the pages, and is not given. When nothing is said,
    /// the body is the list for [`Pages::page_number`] and [`Pages::page_offset`], and nobody looks otherwise.
    #[must_use]
    pub fn items(self, pointer: &str) -> Self {
        Self { items: Some(pointer.to_owned()), ..self }
    }

    /// So many pages at most; one more is the problem `remote/pages`.
    #[must_use]
    pub fn max(self, pages: u32) -> Self {
        Self { left: pages, ..self }
    }

    fn page(&mut self, url: String) -> Result<Option<Page>> {
        if self.left == 0 {
            let message = format!("Trop de pages : la suite de {} ne finit pas.", self.request.url);
            return Err(Problem::new("remote/pages", message));
        }
        if self.begun {
            crate::check_cancelled()?;
        }
        (self.left, self.begun) = (self.left - 1, true);
        let request = Request { url: url.clone(), ..self.request.clone() };
        let page = Page { response: send_patiently(&request, TRIES)?.ok(&url)?, url };
        let count = self.rows_of(&page)?;
        if count == Some(0) {
            return Ok(None);
        }
        self.url = self.following(&page, count.unwrap_or_default())?;
        Ok(Some(page))
    }

    /// Rows of a page, where somebody said where they are.
    fn rows_of(&self, page: &Page) -> Result<Option<usize>> {
        let counts = matches!(self.next, Next::Page(_) | Next::Offset(_));
        let pointer = self.items.as_deref().or(counts.then_some(""));
        pointer.map(|pointer| page.items(pointer).map(|items| items.len())).transpose()
    }

    fn following(&self, page: &Page, count: usize) -> Result<Option<String>> {
        match &self.next {
            Next::Link => Ok(next_link(&page.response).map(|target| resolve(&page.url, &target))),
            Next::In(pointer) => match page.json::<Value>()?.pointer(pointer) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(target)) if target.is_empty() => Ok(None),
                Some(Value::String(target)) => Ok(Some(resolve(&page.url, target))),
                Some(_) => Err(page.unexpected(&format!("autre chose qu'une adresse à « {pointer} »"))),
            },
            Next::Page(name) => Ok(Some(counted(&page.url, name, 1, 1))),
            Next::Offset(name) => Ok(Some(counted(&page.url, name, 0, count as u64))),
        }
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        let url = self.url.take()?;
        self.page(url).transpose()
    }
}

/// A URL whose parameter is so much more than it was, or than `first` where it has none.
fn counted(url: &str, name: &str, first: u64, more: u64) -> String {
    let (rest, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    let encoded = super::encode(name);
    let mut value = None;
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((key, number)) if key == encoded || key == name => value = number.parse::<u64>().ok(),
            _ => pairs.push(pair.to_owned()),
        }
    }
    pairs.push(format!("{encoded}={}", value.unwrap_or(first).saturating_add(more)));
    format!("{base}?{}{fragment}", pairs.join("&"))
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
