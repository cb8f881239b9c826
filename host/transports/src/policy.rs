//! What a policy allows, and how often.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use halle_extensions::services::{EgressPolicy, Requester};
use halle_extensions::types::Problem;
use tokio::time::Instant;
use url::Url;

use crate::problem;
use crate::target::Target;

/// Requesters whose rate is counted at once.
const REQUESTERS_MAX: usize = 10_000;

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

/// Requests of the running minute, by requester: one account does not use up what another may.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<HashMap<Counted, Minute>>);

/// What is counted together.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Counted {
    Requester(Requester),
    /// The platform's own requests, by origins and methods.
    Policy(Vec<String>, Vec<String>),
}

/// A minute, and the requests it has had.
#[derive(Debug)]
struct Minute {
    start: Instant,
    count: u32,
}

impl Rates {
    /// Counts a request; refuses it when the minute is full. A maximum of 0 is no limit.
    pub(crate) fn take(&self, policy: &EgressPolicy) -> Result<(), Problem> {
        self.take_at(policy, Instant::now())
    }

    fn take_at(&self, policy: &EgressPolicy, now: Instant) -> Result<(), Problem> {
        let max = policy.requests_per_minute_max;
        if max == 0 {
            return Ok(());
        }
        let key = match &policy.requester {
            Some(requester) => Counted::Requester(requester.clone()),
            None => Counted::Policy(policy.origins.clone(), policy.methods.clone()),
        };
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rates.len() >= REQUESTERS_MAX && !rates.contains_key(&key) {
            make_room(&mut rates, now);
        }
        let minute = rates.entry(key).or_insert(Minute { start: now, count: 0 });
        if now.duration_since(minute.start) >= MINUTE {
            *minute = Minute { start: now, count: 0 };
        }
        if minute.count >= max {
            let wait = MINUTE.saturating_sub(now.duration_since(minute.start));
            return Err(problem::too_often(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
        }
        minute.count += 1;
        Ok(())
    }
}

/// Forgets the minutes that are over, or else the half of them that began first: looking for them each time would cost
/// more than counting.
fn make_room(rates: &mut HashMap<Counted, Minute>, now: Instant) {
    rates.retain(|_, minute| now.duration_since(minute.start) < MINUTE);
    if rates.len() < REQUESTERS_MAX {
        return;
    }
    let mut starts: Vec<Instant> = rates.values().map(|minute| minute.start).collect();
    let (_, middle, _) = starts.select_nth_unstable(REQUESTERS_MAX / 2);
    let middle = *middle;
    rates.retain(|_, minute| minute.start > middle);
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

    fn twice_a_minute(name: &str, account: &str) -> EgressPolicy {
        let requester = Requester { name: name.to_owned(), account: account.to_owned() };
        EgressPolicy { requester: Some(requester), requests_per_minute_max: 2, ..EgressPolicy::default() }
    }

    #[test]
    fn a_full_minute_refuses_and_says_how_long() {
        let policy = EgressPolicy { requests_per_minute_max: 2, ..EgressPolicy::default() };
        let (rates, start) = (Rates::default(), Instant::now());
        assert!(rates.take_at(&policy, start).is_ok() && rates.take_at(&policy, start).is_ok());
        let problem = rates.take_at(&policy, start + Duration::from_secs(20)).unwrap_err();
        assert_eq!((problem.code.as_str(), problem.retry_after_ms), ("limit/rate", Some(40_000)));
        assert!(rates.take_at(&policy, start + MINUTE).is_ok());
    }

    #[test]
    fn an_account_does_not_use_up_what_another_may_ask() {
        let rates = Rates::default();
        let busy = twice_a_minute("plugin:gbfs", "organization:busy");
        assert!(rates.take(&busy).is_ok() && rates.take(&busy).is_ok());
        // Other methods or origins of the same plugin are no way around.
        let elsewhere = EgressPolicy { methods: vec!["POST".to_owned()], ..busy };
        assert_eq!(rates.take(&elsewhere).unwrap_err().code, "limit/rate");
        assert!(rates.take(&twice_a_minute("plugin:gbfs", "organization:calm")).is_ok());
        assert!(rates.take(&twice_a_minute("plugin:import-api", "organization:busy")).is_ok());
    }

    #[test]
    fn requesters_without_end_are_not_all_remembered_and_the_newest_are() {
        let (rates, start) = (Rates::default(), Instant::now());
        let of = |number: usize| twice_a_minute("plugin:gbfs", &format!("user:{number}"));
        let mut now = start;
        for number in 0..=REQUESTERS_MAX {
            now = start + Duration::from_millis(number as u64);
            assert!(rates.take_at(&of(number), now).is_ok() && rates.take_at(&of(number), now).is_ok());
            assert!(rates.0.lock().unwrap().len() <= REQUESTERS_MAX);
        }
        assert!(rates.take_at(&of(REQUESTERS_MAX - 1), now).is_err(), "one of the newest was forgotten");
        assert!(rates.take_at(&of(0), now).is_ok(), "the oldest was kept");
    }
}
