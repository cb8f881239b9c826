//! Room for the blobs of one call: what is written and what is finished count alike, and what is gone counts no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use halle_extensions::Problem;

/// Bytes that the blobs of one call may still take together. Cheap to clone: all clones are one room.
#[derive(Debug, Clone)]
pub struct Room {
    left: Arc<AtomicU64>,
    bytes_max: u64,
}

/// Bytes of one blob; the room has them back when this is dropped.
#[derive(Debug)]
pub struct Taken {
    room: Room,
    bytes: u64,
}

impl Room {
    /// Room for this many bytes.
    pub fn new(bytes_max: u64) -> Self {
        Self { left: Arc::new(AtomicU64::new(bytes_max)), bytes_max }
    }

    /// Bytes that are left.
    #[cfg(test)]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// A blob that takes nothing yet.
    pub fn nothing(&self) -> Taken {
        Taken { room: self.clone(), bytes: 0 }
    }
}

impl Taken {
    /// Takes more; refused with `limit/blob-bytes`, and nothing taken, when there is not enough room.
    pub fn take(&mut self, bytes: u64) -> Result<(), Problem> {
        let room = &self.room;
        let taken =
            room.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        if taken.is_err() {
            let message = format!("the blobs of this call have more than {} bytes together", room.bytes_max);
            return Err(Problem::new("limit/blob-bytes", message));
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}
