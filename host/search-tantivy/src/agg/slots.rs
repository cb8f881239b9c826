//! Groups of one level while rows are counted: which group, a number from 0, each row belongs to.

use super::keys::Keys;
use super::metrics::Measure;
use crate::hash::FastMap;
use crate::part::Points;

/// No group.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// Keys that are groups from the start, in keys: more would cost more to clear than to look up.
const DIRECT_KEYS_MAX: usize = 1 << 16;

/// Steps side by side whose groups are kept in a table, in steps.
const NEAR_STEPS_MAX: usize = 1 << 20;

/// The group of each key, in the order in which keys appear.
enum Slots {
    /// A key is the number of its group.
    Direct,
    Dense(Vec<u32>),
    Sparse(FastMap<i64, u32>),
}

impl Slots {
    /// The group of a key, and whether it is new.
    #[inline]
    fn get_or_insert(&mut self, key: i64, next: u32) -> (u32, bool) {
        let slot = match self {
            Self::Direct => return (key as u32, false),
            Self::Dense(slots) => &mut slots[key as usize],
            Self::Sparse(slots) => slots.entry(key).or_insert(NO_SLOT),
        };
        let new = *slot == NO_SLOT;
        if new {
            *slot = next;
        }
        (*slot, new)
    }
}

/// Groups of steps: a table over the steps that were met, as long as they are side by side.
#[derive(Default)]
struct Near {
    base: i64,
    slots: Vec<u32>,
}

impl Near {
    #[inline]
    fn get(&self, step: i64) -> u32 {
        let at = usize::try_from(step.wrapping_sub(self.base)).unwrap_or(usize::MAX);
        self.slots.get(at).copied().unwrap_or(NO_SLOT)
    }

    fn set(&mut self, step: i64, slot: u32) {
        if self.slots.is_empty() {
            self.base = step;
        }
        let (last, room) = (self.base.saturating_add(self.slots.len() as i64), self.slots.len() as i64);
        if step < self.base {
            // Twice as far as needed: steps often come one before the other.
            let base = step.saturating_sub(room);
            let more = self.base.saturating_sub(base);
            if last.saturating_sub(base) > NEAR_STEPS_MAX as i64 {
                return;
            }
            self.slots.splice(0..0, std::iter::repeat_n(NO_SLOT, more as usize));
            self.base = base;
        }
        let at = step.saturating_sub(self.base);
        if at >= NEAR_STEPS_MAX as i64 {
            return;
        }
        let at = at as usize;
        if at >= self.slots.len() {
            self.slots.resize((at + 1).max(self.slots.len() * 2).min(NEAR_STEPS_MAX), NO_SLOT);
        }
        self.slots[at] = slot;
    }
}

/// Groups of one level while rows are counted.
pub(super) struct Counting<'a> {
    pub(super) keys: Keys<'a>,
    /// The key of each group.
    pub(super) key_of: Vec<i64>,
    /// Rows of each group.
    pub(super) counts: Vec<u64>,
    pub(super) measures: Vec<Measure<'a>>,
    slots: Slots,
    near: Near,
    /// Sums of longitudes and latitudes, and of how many points, when places are asked.
    sums: Vec<(f64, f64, u64)>,
}

impl<'a> Counting<'a> {
    /// No row counted yet, of `total`.
    pub(super) fn new(keys: Keys<'a>, mut measures: Vec<Measure<'a>>, total: u64) -> Self {
        let (mut key_of, mut counts) = (Vec::new(), Vec::new());
        let dense = keys.dense();
        let slots = match dense.filter(|keys| (*keys as u64) < total.saturating_mul(4).max(1_024)) {
            Some(width) if width <= DIRECT_KEYS_MAX && width as u64 <= total => {
                key_of.extend(0..width as i64);
                counts.resize(width, 0);
                measures.iter_mut().for_each(|measure| measure.grow(width));
                Slots::Direct
            }
            Some(width) => Slots::Dense(vec![NO_SLOT; width]),
            None => Slots::Sparse(FastMap::default()),
        };
        Self { keys, key_of, counts, measures, slots, near: Near::default(), sums: Vec::new() }
    }

    /// Counts rows of a part, and their points when these are asked. `scratch` is overwritten.
    pub(super) fn add(
        &mut self,
        part: usize,
        rows: &[u32],
        points: Option<&Points>,
        scratch: &mut Vec<(u32, u32)>,
    ) {
        self.assign(part, rows, scratch);
        self.counts.resize(self.key_of.len(), 0);
        for &(_, slot) in scratch.iter() {
            self.counts[slot as usize] += 1;
        }
        let groups = self.key_of.len();
        for measure in &mut self.measures {
            measure.grow(groups);
            measure.add(part, scratch);
        }
        if let Some(points) = points {
            self.add_points(points, scratch);
        }
    }

    /// Replaces `out` by the rows of a chunk, each with its group; several times when it belongs to several.
    pub(super) fn assign(&mut self, part: usize, rows: &[u32], out: &mut Vec<(u32, u32)>) {
        out.clear();
        out.reserve(rows.len());
        let Self { keys, slots, near, key_of, .. } = self;
        if let Slots::Direct = slots {
            return keys.each(part, rows, |row, key| out.push((row, key as u32)));
        }
        let mut slot_of = |key: i64| {
            let (slot, new) = slots.get_or_insert(key, key_of.len() as u32);
            if new {
                key_of.push(key);
            }
            slot
        };
        if !keys.has_steps() {
            return keys.each(part, rows, |row, key| out.push((row, slot_of(key))));
        }
        keys.each_step(part, rows, |row, step| {
            let slot = match step {
                Some(step) => match near.get(step) {
                    NO_SLOT => {
                        let slot = slot_of(keys.key_of_step(step));
                        near.set(step, slot);
                        slot
                    }
                    slot => slot,
                },
                None => match keys.missing() {
                    Some(key) => slot_of(key),
                    None => return,
                },
            };
            out.push((row, slot));
        });
    }

    /// Ends the counting: keeps the groups that have rows.
    pub(super) fn finish(&mut self) {
        if !matches!(self.slots, Slots::Direct) {
            return;
        }
        let width = self.key_of.len();
        let met: Vec<usize> = (0..width).filter(|&slot| self.counts[slot] > 0).collect();
        let mut slots = vec![NO_SLOT; width];
        for (slot, &key) in met.iter().enumerate() {
            slots[key] = slot as u32;
        }
        self.slots = Slots::Dense(slots);
        self.key_of = met.iter().map(|&key| key as i64).collect();
        self.counts = met.iter().map(|&key| self.counts[key]).collect();
        self.sums = met.iter().filter_map(|&key| self.sums.get(key).copied()).collect();
        self.measures.iter_mut().for_each(|measure| measure.keep(&met));
    }

    /// Adds a group without rows, unless there is one of this key.
    pub(super) fn add_empty(&mut self, key: i64) {
        if self.slots.get_or_insert(key, self.key_of.len() as u32).1 {
            self.key_of.push(key);
            self.counts.push(0);
        }
    }

    fn add_points(&mut self, points: &Points, slots_of_rows: &[(u32, u32)]) {
        self.sums.resize(self.key_of.len(), (0.0, 0.0, 0));
        for &(row, slot) in slots_of_rows {
            if let Some((lon, lat)) = points.get(row as usize) {
                let sum = &mut self.sums[slot as usize];
                *sum = (sum.0 + lon, sum.1 + lat, sum.2 + 1);
            }
        }
    }

    /// Mean of the points of a group.
    pub(super) fn centroid(&self, group: usize) -> Option<(f64, f64)> {
        let &(lon, lat, count) = self.sums.get(group)?;
        (count > 0).then(|| (lon / count as f64, lat / count as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_found_again_wherever_the_first_was() {
        let mut near = Near::default();
        let steps = [20_000, 20_010, 19_990, 15_000, 30_000, i64::MAX, i64::MIN, -5];
        for (slot, step) in steps.into_iter().enumerate() {
            near.set(step, slot as u32);
        }
        for (slot, step) in steps.into_iter().enumerate().take(5) {
            assert_eq!(near.get(step), slot as u32, "{step}");
        }
        assert_eq!(near.get(20_001), NO_SLOT);
        assert!([i64::MAX, i64::MIN].iter().all(|far| near.get(*far) == NO_SLOT), "too far for the table");
    }
}
