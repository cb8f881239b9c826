//! What an answer other than 2xx means for whoever asked.

use crate::messages::Response;
use crate::problem::Problem;

/// What an answer other than 2xx means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// 401, 403: the secret is missing, wrong, or does not allow it. A person has to act.
    Unauthorized,
    /// 404, 410: it is not there.
    NotFound,
    /// 429, 503: later; [`Problem::retry_after_ms`] says when.
    Busy,
    /// Any other 5xx: it failed over there, and may pass.
    Failing,
    /// Anything else: the request is not to the server's liking, and will not be if it is made again.
    Refused,
}

impl Fault {
    /// The fault of a status; `None` when it is 2xx.
    ///
    /// ```
    /// use halle_plugin::http::Fault;
    /// assert_eq!(Fault::of(200), None);
    /// assert_eq!(Fault::of(404), Some(Fault::NotFound));
    /// ```
    pub fn of(status: u16) -> Option<Self> {
        match status {
            200..=299 => None,
            401 | 403 => Some(Self::Unauthorized),
            404 | 410 => Some(Self::NotFound),
            429 | 503 => Some(Self::Busy),
            500..=599 => Some(Self::Failing),
            _ => Some(Self::Refused),
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Busy | Self::Failing)
    }
}

/// When to ask again a server that does not say it, in milliseconds.
const LATER_MS: u64 = 30_000;

/// Codes of the host for exchanges that may succeed later.
const TRANSIENT: [&str; 5] =
    ["remote/timeout", "remote/unreachable", "http/timeout", "http/connect", "limit/rate"];

impl Problem {
    /// The status of the answer it is about, when it is `remote/status`.
    pub fn status(&self) -> Option<u16> {
        let details = self.details.as_deref().filter(|_| self.code == "remote/status")?;
        let details: serde_json::Value = serde_json::from_str(details).ok()?;
        details["status"].as_u64().and_then(|status| u16::try_from(status).ok())
    }

    /// What the answer it is about means, when it is `remote/status`.
    ///
    /// ```
    /// use halle_plugin::http::{self, Fault};
    /// use halle_plugin::messages::Response;
    /// # use halle_plugin::testing::FakeHost;
    /// # let gone = Response { status: 404, headers: Vec::new(), body: Vec::new(), truncated: false };
    /// # FakeHost::default().on("GET", "https://a.test/x", gone).run(|| {
    /// let found = match http::get_json("https://a.test/x") {
    ///     Err(problem) if problem.fault() == Some(Fault::NotFound) => None,
    ///     answer => Some(answer?),
    /// };
    /// # let found: Option<u8> = found;
    /// # assert_eq!(found, None);
    /// # Ok::<(), halle_plugin::Problem>(())
    /// # }).0?;
    /// # Ok::<(), halle_plugin::Problem>(())
    /// ```
    pub fn fault(&self) -> Option<Fault> {
        Fault::of(self.status()?)
    }

    /// Whether the same request may succeed later: a server that is busy or fails, or that was not reached.
    pub fn is_transient(&self) -> bool {
        self.fault().is_some_and(Fault::is_transient) || TRANSIENT.contains(&self.code.as_str())
    }
}

/// The problem `remote/status` of an answer other than 2xx, with the beginning of what it says. One that may pass says when to
/// ask again, so that a run or an import that ends with it is tried again by itself.
pub(crate) fn of_answer(url: &str, status: u16, retry_after: Option<&str>, text: &str) -> Problem {
    let text: String = text.chars().take(300).collect();
    let said = if text.trim().is_empty() { String::new() } else { format!(" : {}", text.trim()) };
    Problem {
        retry_after_ms: retry_after
            .and_then(milliseconds)
            .or_else(|| Fault::of(status)?.is_transient().then_some(LATER_MS)),
        details: Some(format!("{{\"status\":{status}}}")),
        ..Problem::new("remote/status", format!("{url} a répondu {status}{said}"))
    }
}

/// The seconds of a `Retry-After`. A date says nothing to a guest, which has no clock.
fn milliseconds(retry_after: &str) -> Option<u64> {
    let is_number = (1..=9).contains(&retry_after.len()) && retry_after.bytes().all(|b| b.is_ascii_digit());
    retry_after.parse::<u64>().ok().filter(|_| is_number).map(|seconds| seconds * 1000)
}

impl Response {
    /// What it means, when its status is not 2xx.
    pub fn fault(&self) -> Option<Fault> {
        Fault::of(self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_one_meaning() {
        let meant = |status: u16| of_answer("https://a.test", status, None, "").fault();
        for (statuses, fault) in [
            (&[401, 403][..], Fault::Unauthorized),
            (&[404, 410], Fault::NotFound),
            (&[429, 503], Fault::Busy),
            (&[500, 502, 504, 599], Fault::Failing),
            (&[304, 400, 409, 422], Fault::Refused),
        ] {
            for status in statuses {
                assert_eq!(meant(*status), Some(fault), "{status}");
                assert_eq!(of_answer("", *status, None, "").status(), Some(*status));
            }
        }
        assert_eq!(meant(204), None);
        assert!(
            Fault::Busy.is_transient() && Fault::Failing.is_transient() && !Fault::NotFound.is_transient()
        );
    }

    #[test]
    fn when_to_come_back_is_kept_where_it_is_a_number() {
        let ms = |text: &str| of_answer("", 429, Some(text), "").retry_after_ms;
        assert_eq!((ms("7"), ms("0")), (Some(7000), Some(0)));
        for text in ["", "-1", "+1", "1.5", "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999999999999"] {
            assert_eq!(ms(text), Some(LATER_MS), "{text}");
        }
        assert_eq!(of_answer("", 502, None, "").retry_after_ms, Some(LATER_MS));
        assert_eq!(
            of_answer("", 404, None, "").retry_after_ms,
            None,
            "what is not there does not come by waiting"
        );
    }

    #[test]
    fn what_was_not_reached_may_pass_and_what_is_denied_does_not() {
        assert!(Problem::new("remote/timeout", "").is_transient());
        assert!(Problem::new("limit/rate", "").is_transient());
        assert!(!Problem::new("denied/http", "").is_transient());
        let other = Problem { details: Some(r#"{"status":503}"#.to_owned()), ..Problem::new("mine", "") };
        assert_eq!(other.status(), None);
    }
}
