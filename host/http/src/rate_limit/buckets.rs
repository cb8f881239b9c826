//! Buckets of tokens, by name, in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use halle_base::{Clock, Timestamp};

/// Buckets kept at once. Full ones are dropped first: they say nothing that a new one does not.
const BUCKETS_MAX: usize = 50_000;

/// Longest time that anybody waits for a debt.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Buckets by name, that refill with time.
#[derive(Debug)]
pub struct Buckets {
    clock: Arc<dyn Clock>,
    capacity: f64,
    per_ms: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Buckets {
    /// Buckets that hold `capacity` tokens and get `per_minute` back.
    pub fn new(clock: Arc<dyn Clock>, capacity: u32, per_minute: u32) -> Self {
        let per_ms = f64::from(per_minute) / 60_000.0;
        Self { clock, capacity: f64::from(capacity.max(1)), per_ms, buckets: Mutex::default() }
    }

    /// Buckets that get `per_minute` back and hold what comes within `burst_factor` minutes.
    pub(super) fn refilling(clock: &Arc<dyn Clock>, per_minute: u32, burst_factor: u32) -> Self {
        Self::new(Arc::clone(clock), per_minute.saturating_mul(burst_factor.max(1)), per_minute)
    }

    /// Buckets that get `per_second` back and hold what comes within `burst_factor` seconds.
    pub(super) fn flowing(clock: &Arc<dyn Clock>, per_second: u32, burst_factor: u32) -> Self {
        let capacity = f64::from(per_second.max(1)) * f64::from(burst_factor.max(1));
        let per_ms = f64::from(per_second) / 1_000.0;
        Self { clock: Arc::clone(clock), capacity, per_ms, buckets: Mutex::default() }
    }

    /// Takes a token from the bucket `name`; `false` when there is none.
    pub fn take(&self, name: &str) -> bool {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = self.bucket(&mut buckets, name, now);
        let granted = bucket.tokens >= 1.0;
        if granted {
            bucket.tokens -= 1.0;
        }
        granted
    }

    /// Whether the bucket `name` holds anything.
    pub fn holds_any(&self, name: &str) -> bool {
        let now = self.clock.now();
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get(name).is_none_or(|bucket| self.tokens(*bucket, now) > 0.0)
    }

    /// Takes `amount` from the bucket `name`, into debt if need be: the time until there is no more debt.
    pub fn spend(&self, name: &str, amount: f64) -> Duration {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = self.bucket(&mut buckets, name, now);
        bucket.tokens -= amount;
        let debt_ms = (-bucket.tokens).max(0.0) / self.per_ms.max(f64::MIN_POSITIVE);
        Duration::try_from_secs_f64(debt_ms / 1_000.0).map_or(WAIT_MAX, |wait| wait.min(WAIT_MAX))
    }

    /// Puts a token back, for an attempt that turned out to be legitimate.
    pub fn give_back(&self, name: &str) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(name) {
            bucket.tokens = (bucket.tokens + 1.0).min(self.capacity);
        }
    }

    /// The bucket `name` as it is now; a full one when it is new.
    fn bucket<'a>(
        &self,
        buckets: &'a mut HashMap<String, Bucket>,
        name: &str,
        now: Timestamp,
    ) -> &'a mut Bucket {
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(name) {
            self.make_room(buckets, now);
        }
        let bucket = buckets.entry(name.to_owned()).or_insert(Bucket { tokens: self.capacity, at: now });
        bucket.tokens = self.tokens(*bucket, now);
        bucket.at = now;
        bucket
    }

    fn tokens(&self, bucket: Bucket, now: Timestamp) -> f64 {
        let elapsed_ms = (now.as_millisecond() - bucket.at.as_millisecond()).max(0) as f64;
        (bucket.tokens + elapsed_ms * self.per_ms).min(self.capacity)
    }

    /// Drops full buckets; if all are in use, the half with the most tokens, so that the worst offenders stay limited.
    fn make_room(&self, buckets: &mut HashMap<String, Bucket>, now: Timestamp) {
        buckets.retain(|_, bucket| self.tokens(*bucket, now) < self.capacity);
        if buckets.len() >= BUCKETS_MAX {
            let mut levels: Vec<f64> = buckets.values().map(|bucket| self.tokens(*bucket, now)).collect();
            levels.sort_by(f64::total_cmp);
            let median = levels[levels.len() / 2];
            buckets.retain(|_, bucket| self.tokens(*bucket, now) < median);
        }
    }
}

#[cfg(test)]
mod tests {
    use halle_base::ManualClock;
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_refills_with_time() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let buckets = Buckets::new(Arc::clone(&clock) as Arc<dyn Clock>, 2, 60);
        assert_eq!([(); 3].map(|()| buckets.take("a")), [true, true, false]);
        assert!(buckets.take("b"), "each name has its own");
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!([(); 2].map(|()| buckets.take("a")), [true, false]);
        buckets.give_back("a");
        assert!(buckets.take("a"));
    }

    #[test]
    fn the_map_stays_bounded_and_forgets_the_innocent_first() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let buckets = Buckets::new(clock, 2, 1);
        assert_eq!([(); 3].map(|()| buckets.take("offender")), [true, true, false]);
        for i in 0..BUCKETS_MAX + 10 {
            buckets.take(&i.to_string());
        }
        assert!(buckets.buckets.lock().unwrap().len() <= BUCKETS_MAX);
        assert!(!buckets.take("offender"));
    }

    #[test]
    fn a_debt_is_paid_by_waiting() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let buckets = Buckets::flowing(&(Arc::clone(&clock) as Arc<dyn Clock>), 1_000, 2);
        assert_eq!(buckets.spend("a", 2_000.0), Duration::ZERO, "the burst");
        assert_eq!(buckets.spend("a", 500.0), Duration::from_millis(500));
        assert!(!buckets.holds_any("a") && buckets.holds_any("b"));
        clock.advance(SignedDuration::from_secs(1));
        assert!(buckets.holds_any("a"));
        assert_eq!(buckets.spend("a", 1e12), WAIT_MAX);
    }
}
