//! What accounts may use in a day, and what they have.

use std::collections::HashMap;

use halle_base::Timestamp;
use halle_model::limits::fits;
use halle_store::usage::start_of;

use crate::types::PluginError;

/// Accounts whose use of the day is kept in memory; of others it is read again when they call.
pub const ACCOUNTS_MAX: usize = 10_000;

/// How long a limit that leaves time is believed, in seconds: a lower one takes effect after this time.
const LIMIT_SECONDS_MAX: i64 = 10;

/// How long a refusal is believed, in seconds: a higher limit takes effect after this time.
const REFUSAL_SECONDS_MAX: i64 = 1;

/// What an account used today, and what it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Nanoseconds in guests today; without a limit, some of them only.
    pub used_ns: u64,
    /// Seconds it may use in a day; negative when there is no limit.
    pub seconds_max: i64,
    /// When the limit was read.
    pub read_at: Timestamp,
}

impl Standing {
    /// Whether another call may start.
    pub(super) fn has_time(&self) -> bool {
        let used_ns = i64::try_from(self.used_ns).unwrap_or(i64::MAX);
        // What is used up to the last nanosecond leaves nothing.
        fits(self.seconds_max.saturating_mul(1_000_000_000), used_ns, 1)
    }

    /// Whether there is a limit, and so what was used is known.
    pub(super) fn is_limited(&self) -> bool {
        self.seconds_max >= 0
    }

    /// Whether the limit was read a short while ago.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        let seconds_max = if self.has_time() { LIMIT_SECONDS_MAX } else { REFUSAL_SECONDS_MAX };
        (0..seconds_max).contains(&(now.as_second() - self.read_at.as_second()))
    }

    /// The refusal of a call on `day`: which limit, and when it is over.
    pub(super) fn refusal(&self, day: i64) -> PluginError {
        let (seconds, until) = (self.seconds_max, start_of(day.saturating_add(1)));
        let message = format!(
            "Vous avez atteint la limite de votre temps de calcul des extensions pour aujourd'hui ({seconds} secondes par jour, \
             `plugin_seconds`) : réessayez à partir de {until}, ou demandez une limite plus haute. The account has used its \
             {seconds} plugin seconds of the day: try again from {until} on, or ask for a higher limit."
        );
        PluginError::OverQuota { message, until }
    }
}

/// The accounts that called today.
#[derive(Debug, Default)]
pub(super) struct Standings {
    day: i64,
    by_account: HashMap<String, Standing>,
}

impl Standings {
    /// What is known of an account on `day`.
    pub(super) fn get(&mut self, day: i64, account: &str) -> Option<&mut Standing> {
        self.turn(day);
        self.by_account.get_mut(account)
    }

    /// Remembers an account. When there are too many, all are forgotten: they are read again when they call.
    pub(super) fn put(&mut self, day: i64, account: &str, standing: Standing) {
        self.turn(day);
        if self.by_account.len() >= ACCOUNTS_MAX {
            self.by_account.clear();
        }
        self.by_account.insert(account.to_owned(), standing);
    }

    fn turn(&mut self, day: i64) {
        if self.day != day {
            self.day = day;
            self.by_account.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(used_ns: u64, seconds_max: i64) -> Standing {
        Standing { used_ns, seconds_max, read_at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn time_is_left_until_the_limit_is_used_up() {
        assert!(standing(1_999_999_999, 2).has_time());
        assert!(!standing(2_000_000_000, 2).has_time());
        assert!(!standing(0, 0).has_time(), "no seconds are no calls");
        assert!(standing(u64::MAX, -1).has_time());
    }

    #[test]
    fn a_refusal_says_which_limit_and_until_when() {
        let day = halle_store::usage::day_of("2026-01-15T12:00:00Z".parse().unwrap());
        let text = standing(0, 60).refusal(day).to_string();
        assert!(text.contains("60 secondes") && text.contains("plugin_seconds"), "{text}");
        assert!(text.contains("2026-01-16T00:00:00Z"), "{text}");
    }

    #[test]
    fn another_day_begins_at_nothing() {
        let mut standings = Standings::default();
        standings.put(7, "user:a", standing(5, 1));
        assert!(standings.get(7, "user:a").is_some());
        assert!(standings.get(8, "user:a").is_none());
    }
}
