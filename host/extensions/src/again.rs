//! Calls that failed for the moment, and are made again without anybody asking: a server that is busy or out of reach, a machine
//! that is short of something.
//!
//! For work that nobody waits for with a hand on the keyboard: runs, imports, publications. A person who asks for a page of a
//! catalogue is told at once.

use halle_base::Timestamp;
use jiff::SignedDuration;

use crate::types::{PluginError, Problem};

/// How often work that failed for the moment is done again before it has failed.
pub const RETRIES_MAX: u32 = 3;

/// The longest wait that a plugin may ask for, in milliseconds: with a longer one the work has failed, and its schedule or a
/// person begins it again.
pub const RETRY_WAIT_MS_MAX: u64 = 3_600_000;

/// How long work waits at least before it is done again, in milliseconds: the first time, the second...
pub const RETRY_WAITS_MS: [u64; RETRIES_MAX as usize] = [30_000, 120_000, 480_000];

/// When work is done again, and what it waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Again {
    /// When it begins.
    pub at: Timestamp,
    /// What went wrong and what follows, in French and English.
    pub reason: String,
}

impl PluginError {
    /// Milliseconds after which the same call may end well: what a plugin or a function of the host said with
    /// `retry-after-ms`, none for a machine that was at fault. `None` when waiting changes nothing.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Reported(Problem { retry_after_ms, .. }) => *retry_after_ms,
            Self::Temporary(_) => Some(0),
            _ => None,
        }
    }

    /// When work that ended so is done again, after it was done again that many times; `None` when it has failed.
    pub fn again(&self, retries: u32, now: Timestamp) -> Option<Again> {
        let asked = self.retry_after_ms().filter(|ms| *ms <= RETRY_WAIT_MS_MAX)?;
        let wait = RETRY_WAITS_MS.get(retries as usize)?;
        let at = now.checked_add(SignedDuration::from_millis(asked.max(*wait).cast_signed())).ok()?;
        let (number, code) = (retries + 1, self.code());
        let reason = format!(
            "{self} ({code}) Nouvel essai ({number} sur {RETRIES_MAX}) à partir de {at:.0}. \
             It is tried again ({number} of {RETRIES_MAX}) from {at:.0} on."
        );
        Some(Again { at, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks_for(retry_after_ms: Option<u64>) -> PluginError {
        Problem { retry_after_ms, ..Problem::new("remote/status", "Trop de demandes.") }.into()
    }

    fn seconds(error: &PluginError, retries: u32) -> Option<i64> {
        let now = Timestamp::UNIX_EPOCH;
        error.again(retries, now).map(|again| again.at.duration_since(now).as_secs())
    }

    #[test]
    fn each_wait_is_longer_and_none_is_shorter_than_was_asked_for() {
        let error = asks_for(Some(90_000));
        let waits: Vec<Option<i64>> = (0..5).map(|retries| seconds(&error, retries)).collect();
        assert_eq!(waits, [Some(90), Some(120), Some(480), None, None]);
        assert_eq!(seconds(&PluginError::Temporary("plein".to_owned()), 0), Some(30));
    }

    #[test]
    fn what_waiting_does_not_mend_has_failed() {
        assert_eq!(seconds(&asks_for(None), 0), None);
        assert_eq!(seconds(&asks_for(Some(RETRY_WAIT_MS_MAX)), 0), Some(3_600));
        for far in [RETRY_WAIT_MS_MAX + 1, u64::MAX] {
            assert_eq!(seconds(&asks_for(Some(far)), 0), None);
        }
        assert_eq!(seconds(&PluginError::Cancelled, 0), None);
        assert_eq!(seconds(&PluginError::Stopped { code: "plugin/trap", message: String::new() }, 0), None);
    }

    #[test]
    fn the_reason_says_what_went_wrong_and_when_it_goes_on() {
        let reason = asks_for(Some(0)).again(1, Timestamp::UNIX_EPOCH).unwrap().reason;
        assert_eq!(
            reason,
            "Trop de demandes. (remote/status) Nouvel essai (2 sur 3) à partir de 1970-01-01T00:02:00Z. \
             It is tried again (2 of 3) from 1970-01-01T00:02:00Z on."
        );
    }
}
