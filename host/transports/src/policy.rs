//! What a policy allows, and how often.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use halle_extensions::services::EgressPolicy;
use halle_extensions::types::Problem;
use tokio::time::Instant;
use url::Url;

use crate::problem;
use crate::target::Target;

/// Policies whose rate is followed at once.
const FOLLOWED_MAX: usize = 10_000;

const MINUTE: Duration = Duration::from_secs(60);

/// Checks method and origin. The operator's list of private origins does not matter here: a grant is always needed.
pub(crate) fn authorise(policy: &EgressPolicy, method: &str, target: &Target) -> Result<(), Problem> {
    let origin = target.origin();
    if !policy.origins.iter().any(|pattern| matches(pattern, target, &origin)) {
        return Err(problem::origin_not_granted(&origin));
    }
    let is_granted = match policy.methods.as_slice() {
        [] => matches!(method, "GET" | "HEAD"),
        methods => methods.iter().any(|granted| granted == method),
    };
    if is_granted { Ok(()) } else { Err(problem::method_not_granted(method, &origin)) }
}

/// Whether a pattern (`https://host[:port]`, or `https://*.name[:port]` for the hosts below a name) covers a target.
fn matches(pattern: &str, target: &Target, origin: &str) -> bool {
    let Some((scheme, name)) = pattern.split_once("://*.") else {
        return Target::parse(pattern).is_ok_and(|pattern| pattern.origin() == origin);
    };
    let Ok(below) = Url::parse(&format!("{scheme}://{name}")) else { return false };
    let url = target.url();
    let is_below = || {
        let host = target.host().strip_suffix(below.host_str().unwrap_or(""))?;
        host.strip_suffix('.').filter(|label| !label.is_empty())
    };
    target.address().is_none()
        && below.host_str().is_some_and(|name| name.contains('.'))
        && url.scheme() == below.scheme()
        && url.port_or_known_default() == below.port_or_known_default()
        && is_below().is_some()
}

/// Requests of the running minute, by policy. Installations with the same grants share a count.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<HashMap<EgressKey, (Instant, u32)>>);

type EgressKey = (Vec<String>, Vec<String>, u32);

impl Rates {
    /// Counts a request; refuses it when the minute is full. A maximum of 0 is no limit.
    pub(crate) fn take(&self, policy: &EgressPolicy) -> Result<(), Problem> {
        let max = policy.requests_per_minute_max;
        if max == 0 {
            return Ok(());
        }
        let now = Instant::now();
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rates.len() >= FOLLOWED_MAX {
            rates.retain(|_, (start, _)| now.duration_since(*start) < MINUTE);
        }
        let key = (policy.origins.clone(), policy.methods.clone(), max);
        let (start, count) = rates.entry(key).or_insert((now, 0));
        if now.duration_since(*start) >= MINUTE {
            (*start, *count) = (now, 0);
        }
        if *count >= max {
            let wait = MINUTE.saturating_sub(now.duration_since(*start));
            return Err(problem::too_often(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, url: &str) -> bool {
        let policy = EgressPolicy { origins: vec![pattern.to_owned()], ..EgressPolicy::default() };
        authorise(&policy, "GET", &Target::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn origins_match_exactly_or_below_a_name() {
        for (pattern, url, expected) in [
            ("https://a.org", "https://a.org/x?y", true),
            ("https://A.org:443", "https://a.org/", true),
            ("https://a.org", "http://a.org/", false),
            ("https://a.org", "https://a.org:8443/", false),
            ("https://a.org", "https://b.a.org/", false),
            ("https://a.org", "https://a.org.evil.org/", false),
            ("https://*.a.org", "https://b.a.org/", true),
            ("https://*.a.org", "https://c.b.a.org/", true),
            ("https://*.a.org", "https://a.org/", false),
            ("https://*.a.org", "https://eviLa.org/", false),
            ("https://*.a.org:8443", "https://b.a.org:8443/", true),
            ("https://*.a.org", "http://b.a.org/", false),
            ("https://*.org", "https://a.org/", false),
            ("https://*", "https://a.org/", false),
            ("*", "https://a.org/", false),
            ("https://*.0.0.1", "https://127.0.0.1/", false),
        ] {
            assert_eq!(allows(pattern, url), expected, "{pattern} {url}");
        }
    }

    #[test]
    fn methods_must_be_granted() {
        let mut policy =
            EgressPolicy { origins: vec!["https://a.org".to_owned()], ..EgressPolicy::default() };
        let target = Target::parse("https://a.org").unwrap();
        assert!(authorise(&policy, "HEAD", &target).is_ok());
        assert_eq!(authorise(&policy, "POST", &target).unwrap_err().code, "denied/http");
        policy.methods = vec!["POST".to_owned()];
        assert!(authorise(&policy, "POST", &target).is_ok());
        assert!(authorise(&policy, "GET", &target).is_err());
    }

    #[tokio::test]
    async fn a_full_minute_refuses_and_says_how_long() {
        let policy = EgressPolicy { requests_per_minute_max: 2, ..EgressPolicy::default() };
        let rates = Rates::default();
        assert!(rates.take(&policy).is_ok() && rates.take(&policy).is_ok());
        let problem = rates.take(&policy).unwrap_err();
        assert_eq!(problem.code, "limit/rate");
        assert!(problem.retry_after_ms.is_some_and(|ms| ms <= 60_000));
    }
}
