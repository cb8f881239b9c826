//! `Range` and `If-Range` of RFC 9110, for one range.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What a request wants of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: no range, several, one that cannot be read, or one of another content.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that the file does not have: 416.
    Unsatisfiable,
}

/// The part of a file of `size` bytes, whose strong validator is `etag`, that a request wants.
pub(super) fn wanted(headers: &HeaderMap, size: u64, etag: &str) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // A date as condition never holds: files change more often than once a second.
    if text(header::IF_RANGE).is_some_and(|condition| condition.trim() != etag) {
        return Wanted::Whole;
    }
    let Some(range) = text(header::RANGE).and_then(|range| range.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = range.split_once('-').filter(|_| !range.contains(',')) else {
        return Wanted::Whole;
    };
    match (first.trim(), last.trim()) {
        ("", last) => match last.parse::<u64>() {
            Ok(0) => Wanted::Unsatisfiable,
            Ok(_) if size == 0 => Wanted::Unsatisfiable,
            Ok(length) => Wanted::Part(size.saturating_sub(length)..size),
            Err(_) => Wanted::Whole,
        },
        (first, last) => {
            let Ok(first) = first.parse::<u64>() else { return Wanted::Whole };
            let end = match last {
                "" => size,
                last => match last.parse::<u64>() {
                    Ok(last) if last >= first => last.saturating_add(1).min(size),
                    _ => return Wanted::Whole,
                },
            };
            if first >= size { Wanted::Unsatisfiable } else { Wanted::Part(first..end) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn check(range: &str, condition: Option<&str>, expect: Wanted) {
        let mut headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
        if let Some(condition) = condition {
            let name: HeaderName = header::IF_RANGE;
            headers.insert(name, condition.parse().unwrap());
        }
        assert_eq!(wanted(&headers, 10, "\"a\""), expect, "{range}");
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        check("bytes=0-3", None, Wanted::Part(0..4));
        check("bytes=4-", None, Wanted::Part(4..10));
        check("bytes=-3", None, Wanted::Part(7..10));
        check("bytes=-30", None, Wanted::Part(0..10));
        check("bytes=8-99", None, Wanted::Part(8..10));
        check("bytes=10-", None, Wanted::Unsatisfiable);
        check("bytes=-0", None, Wanted::Unsatisfiable);
    }

    #[test]
    fn what_is_no_single_range_of_this_content_is_the_whole() {
        for range in ["bytes=0-1,3-4", "bytes=4-3", "lines=0-1", "bytes=x-", "bytes=5"] {
            check(range, None, Wanted::Whole);
        }
        check("bytes=0-3", Some("\"b\""), Wanted::Whole);
        check("bytes=0-3", Some("\"a\""), Wanted::Part(0..4));
        assert_eq!(wanted(&HeaderMap::new(), 10, "\"a\""), Wanted::Whole);
    }
}
