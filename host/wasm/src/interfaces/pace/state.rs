//! What is remembered of origins. The time is an argument.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use halle_extensions::Problem;
use halle_extensions::metering::Subject;
use jiff::fmt::rfc2822::DateTimeParser;
use tokio::time::Instant;

/// Times that the host makes a request again, while each fails.
pub const REPLAYS_MAX: u32 = 3;
/// The longest wait that a server may ask for. Whoever asks for more is asked again by the guest, or not at all.
pub const RETRY_AFTER_MS_MAX: u64 = 60_000;
/// Wait after the first failure when the server does not say; twice as much after each further one.
pub const BACKOFF_MS_FIRST: u64 = 500;
/// Wait after a failure at most when the server does not say.
pub const BACKOFF_MS_MAX: u64 = 8_000;
/// Time after which failures are forgotten, from the moment when the origin may be asked again.
const REMEMBERED_MS: u64 = 60_000;
/// Origins remembered at once, of all instances. Those that work are not remembered.
pub const ORIGINS_MAX: usize = 10_000;

/// Whom a wait concerns: an origin, as one instance of a plugin asks it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The instance.
    pub subject: Arc<Subject>,
    /// `https://host[:port]`.
    pub origin: String,
}

/// What an exchange told of its origin.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// It works.
    Works,
    /// Nothing: the host refused by itself.
    Nothing,
    /// It does not work for now. `told` is when it will, if the server says so; `again` whether the same may be tried.
    Trouble { told: Option<Duration>, again: bool },
}

/// What an answer tells.
pub fn heard_answer((status, headers): (u16, &[(String, String)])) -> Heard {
    match status {
        429 | 503 => Heard::Trouble { told: retry_after(headers), again: true },
        502 | 504 => Heard::Trouble { told: None, again: true },
        _ => Heard::Works,
    }
}

/// What a failure tells. Who had no answer in time is not asked the same again: that would take as long.
pub fn heard_problem(problem: &Problem) -> Heard {
    match problem.code.as_str() {
        "remote/unreachable" => Heard::Trouble { told: None, again: true },
        "remote/timeout" => Heard::Trouble { told: None, again: false },
        _ => Heard::Nothing,
    }
}

/// The time of `Retry-After`: seconds, or a date, which is compared with the server's own clock.
fn retry_after(headers: &[(String, String)]) -> Option<Duration> {
    let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
    let told = header("retry-after")?;
    if let Ok(seconds) = told.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = |text: &str| DateTimeParser::new().parse_timestamp(text).ok();
    let seconds = time(told)?.duration_since(time(header("date")?)?).as_secs();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn backoff(failures: u32) -> Duration {
    let doubled = BACKOFF_MS_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    Duration::from_millis(doubled.min(BACKOFF_MS_MAX))
}

/// Origins that do not work for now.
#[derive(Debug, Default)]
pub struct Paces(Mutex<HashMap<Origin, Held>>);

#[derive(Debug)]
struct Held {
    until: Instant,
    /// Failures in a row.
    failures: u32,
    /// When it last failed.
    failed: Instant,
}

impl Paces {
    /// How long a request to an origin has to wait, if at all.
    pub fn wait(&self, origin: &Origin, now: Instant) -> Option<Duration> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = held.get(origin)?.until.saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// Notes what an exchange told. `Some` where making it again after such a wait may help.
    pub fn note(&self, origin: &Origin, heard: &Heard, now: Instant) -> Option<Duration> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, again) = match heard {
            Heard::Nothing => return None,
            Heard::Works => {
                held.remove(origin);
                return None;
            }
            Heard::Trouble { told, again } => (*told, *again),
        };
        let remembered = Duration::from_millis(REMEMBERED_MS);
        let before = held.get(origin).filter(|held| now < held.until + remembered);
        let failures = before.map_or(0, |held| held.failures).saturating_add(1);
        let longest = Duration::from_millis(RETRY_AFTER_MS_MAX);
        let wait = told.unwrap_or_else(|| backoff(failures)).min(longest);
        // Of two calls that fail at once, the one that has to wait longer is heard.
        let until = before.map_or(now, |held| held.until).max(now + wait);
        if held.len() >= ORIGINS_MAX && !held.contains_key(origin) {
            forget_oldest(&mut held);
        }
        held.insert(origin.clone(), Held { until, failures, failed: now });
        let is_bearable = told.is_none_or(|told| told <= longest);
        (again && is_bearable && failures <= REPLAYS_MAX).then_some(until.saturating_duration_since(now))
    }

    /// Origins that are remembered.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn forget_oldest(held: &mut HashMap<Origin, Held>) {
    let oldest = held.iter().min_by_key(|(_, held)| held.failed).map(|(origin, _)| origin.clone());
    if let Some(oldest) = oldest {
        held.remove(&oldest);
    }
}
