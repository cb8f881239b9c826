//! What plugins used, day by day: sums that calls are added to.

use async_trait::async_trait;
use halle_base::Timestamp;

use crate::StoreResult;

/// Seconds of a day in UTC.
const DAY_SECONDS: i64 = 86_400;

/// The day of an instant in UTC, as a number of days since 1970-01-01.
pub fn day_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(DAY_SECONDS)
}

/// When a day begins, in UTC.
pub fn start_of(day: i64) -> Timestamp {
    Timestamp::from_second(day.saturating_mul(DAY_SECONDS)).unwrap_or(Timestamp::MAX)
}

/// What a sum is about. Texts may be empty, where nobody and nothing is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsageKey {
    /// Days since 1970-01-01, in UTC.
    pub day: i64,
    /// Identifier of the plugin.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// Whose calls these were: `type:id`, departments counting with their organisation.
    pub account: String,
    /// What kind of thing called: `processing`, `catalog`, `application`, `dataset`, `remote-service`, `admission`.
    pub kind: String,
    /// Its identifier.
    pub instance: String,
}

/// What calls used, in sum; of the memory, the largest peak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageSums {
    /// Calls that gave an answer.
    pub answered: i64,
    /// Calls that ended with a problem that the plugin reported.
    pub reported: i64,
    /// Calls that crashed, or answered what the contract does not allow.
    pub trapped: i64,
    /// Calls that were stopped at a limit.
    pub stopped: i64,
    /// Calls that were cancelled.
    pub cancelled: i64,
    /// Microseconds from beginning to end.
    pub wall_us: i64,
    /// Microseconds of these in the guest.
    pub guest_us: i64,
    /// Bytes of linear memory at the peak of one call.
    pub memory_peak_bytes: i64,
    /// Calls of host functions.
    pub host_calls: i64,
    /// Bytes given to the guest.
    pub bytes_in: i64,
    /// Bytes taken from the guest.
    pub bytes_out: i64,
    /// Bytes of bodies that the guest's own requests received.
    pub http_bytes_in: i64,
    /// Bytes of bodies that they sent.
    pub http_bytes_out: i64,
}

impl UsageSums {
    /// How many calls there were, however they ended.
    pub fn calls(&self) -> i64 {
        [self.answered, self.reported, self.trapped, self.stopped, self.cancelled]
            .into_iter()
            .fold(0, i64::saturating_add)
    }
}

/// What one line of an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageBy {
    /// A plugin; those that computed most come first.
    Plugin,
    /// A version of a plugin, an account and a thing that called; those that computed most come first.
    Instance,
    /// A day, the last one first.
    Day,
    /// An account; those that computed most come first.
    Account,
}

/// Which sums are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageOf<'a> {
    /// Of this plugin; of every one when absent, also of those that are gone.
    pub plugin: Option<&'a str>,
    /// Of this account, `type:id`; of every one when absent.
    pub account: Option<&'a str>,
    /// From this day on.
    pub from: i64,
    /// To this day, which is included.
    pub to: i64,
}

/// A page of sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsagePage {
    /// Lines over all pages.
    pub count: u64,
    /// Everything in one sum, whatever the page.
    pub total: UsageSums,
    /// Lines of this page. Of their keys, what the lines are not about is empty, and a day that they are not about is 0.
    pub lines: Vec<(UsageKey, UsageSums)>,
}

/// Sums of what plugins used.
#[async_trait]
pub trait UsageRepository: Send {
    /// Adds to the sums of these keys.
    async fn add(&mut self, used: &[(UsageKey, UsageSums)]) -> StoreResult<()>;

    /// Microseconds in guests that an account used in one day.
    async fn guest_us(&mut self, account: &str, day: i64) -> StoreResult<i64>;

    /// One page of sums.
    async fn page(&mut self, of: UsageOf<'_>, by: UsageBy, skip: u32, limit: u32) -> StoreResult<UsagePage>;

    /// Forgets the days before this one; how many sums these were.
    async fn expire(&mut self, before: i64) -> StoreResult<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_utc() {
        let day = |text: &str| day_of(text.parse().unwrap());
        assert_eq!(day("1970-01-01T23:59:59.999Z"), 0);
        assert_eq!(day("1969-12-31T23:59:59Z"), -1);
        let today = day("2026-01-15T00:30:00+01:00");
        assert_eq!(start_of(today).to_string(), "2026-01-14T00:00:00Z");
    }
}
