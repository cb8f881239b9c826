//! Small pictures kept in memory: what other servers gave, for an hour or until the room is needed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use halle_base::Timestamp;
use jiff::SignedDuration;

use crate::pictures::Frame;

/// Bytes of all pictures kept.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// Time for which a picture is answered without asking its server again.
const FRESH: SignedDuration = SignedDuration::from_hours(1);

/// How a small picture was come by: `X-Thumbnails-Cache-Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheStatus {
    /// It was kept.
    Hit,
    /// It was made.
    Miss,
    /// It was kept for too long, but cannot be had again.
    Stale,
}

impl CacheStatus {
    /// The value of the header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "HIT",
            Self::Miss => "MISS",
            Self::Stale => "STALE",
        }
    }
}

type Key = (String, Frame);

struct Kept {
    png: Bytes,
    made_at: Timestamp,
    /// When it was last wanted, as a count of questions.
    used: u64,
}

#[derive(Default)]
struct Shelf {
    kept: HashMap<Key, Kept>,
    bytes: usize,
    questions: u64,
}

/// The pictures kept. The one that was not wanted for longest leaves first.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Shelf>);

impl Cache {
    /// A picture that is kept, and whether it is fresh.
    pub(crate) fn get(&self, url: &str, frame: &Frame, now: Timestamp) -> Option<(Bytes, bool)> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.questions += 1;
        let question = shelf.questions;
        let kept = shelf.kept.get_mut(&(url.to_owned(), *frame))?;
        kept.used = question;
        Some((kept.png.clone(), now.duration_since(kept.made_at) < FRESH))
    }

    /// Keeps a picture; one that would fill the room alone is not kept.
    pub(crate) fn put(&self, url: &str, frame: &Frame, png: Bytes, now: Timestamp) {
        if png.len() > KEPT_BYTES_MAX / 4 {
            return;
        }
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.questions += 1;
        let kept = Kept { made_at: now, used: shelf.questions, png };
        shelf.bytes += kept.png.len();
        if let Some(old) = shelf.kept.insert((url.to_owned(), *frame), kept) {
            shelf.bytes -= old.png.len();
        }
        while shelf.bytes > KEPT_BYTES_MAX {
            let oldest = shelf.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| key.clone());
            let Some(gone) = oldest.and_then(|key| shelf.kept.remove(&key)) else { break };
            shelf.bytes -= gone.png.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::Fit;

    const FRAME: Frame = Frame { width_px: 1, height_px: 1, fit: Fit::Cover, anchor_percent: (50, 50) };

    #[test]
    fn pictures_grow_old_and_leave_when_the_room_is_needed() {
        let cache = Cache::default();
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        cache.put("a", &FRAME, Bytes::from_static(b"a"), start);
        let at = |minutes: i64| start.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        assert_eq!(cache.get("a", &FRAME, at(59)), Some((Bytes::from_static(b"a"), true)));
        assert_eq!(cache.get("a", &FRAME, at(61)), Some((Bytes::from_static(b"a"), false)));
        assert_eq!(cache.get("a", &Frame { width_px: 2, ..FRAME }, start), None);
        let large = Bytes::from(vec![0; KEPT_BYTES_MAX / 5]);
        for name in ["b", "c", "d", "e"] {
            cache.put(name, &FRAME, large.clone(), start);
        }
        assert!(cache.get("b", &FRAME, start).is_some(), "wanted again");
        cache.put("f", &FRAME, large.clone(), start);
        cache.put("g", &FRAME, large, start);
        assert_eq!(cache.get("a", &FRAME, start), None);
        assert!(cache.get("c", &FRAME, start).is_none() && cache.get("b", &FRAME, start).is_some());
        let shelf = cache.0.lock().unwrap();
        assert_eq!(shelf.bytes, shelf.kept.values().map(|kept| kept.png.len()).sum::<usize>());
        assert!(shelf.bytes <= KEPT_BYTES_MAX);
    }
}
