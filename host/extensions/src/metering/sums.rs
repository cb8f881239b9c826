//! Sums of calls in memory: what SQL gets next, and what the process did since it started.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use halle_store::usage::{UsageKey, UsageSums};

use super::{Ended, Measure, Subject};

/// Plugins counted one by one since the process started; what others do is counted together.
pub const PLUGINS_MAX: usize = 500;

/// Name under which other plugins are counted together. No plugin has it: it is no identifier.
const OTHERS: &str = "(others)";

/// What calls used, in sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Calls, by how they ended: in the order of [`Sums::ENDINGS`].
    pub calls: [u64; 5],
    /// Nanoseconds from beginning to end.
    pub wall_ns: u64,
    /// Nanoseconds in the guest.
    pub guest_ns: u64,
    /// The largest peak of memory of one call, in bytes.
    pub memory_peak_bytes: u64,
    /// Calls of host functions.
    pub host_calls: u64,
    /// Bytes given to guests.
    pub bytes_in: u64,
    /// Bytes taken from guests.
    pub bytes_out: u64,
    /// Bytes of bodies that requests received.
    pub http_bytes_in: u64,
    /// Bytes of bodies that they sent.
    pub http_bytes_out: u64,
}

impl Sums {
    /// Names of the ways to end.
    pub const ENDINGS: [(Ended, &'static str); 5] = [
        (Ended::Answered, "answered"),
        (Ended::Reported, "reported"),
        (Ended::Trapped, "trapped"),
        (Ended::Stopped, "stopped"),
        (Ended::Cancelled, "cancelled"),
    ];

    /// Adds a call.
    pub fn add(&mut self, measure: &Measure) {
        self.calls[measure.ended as usize] += 1;
        self.wall_ns = self.wall_ns.saturating_add(measure.wall_ns);
        self.guest_ns = self.guest_ns.saturating_add(measure.guest_ns);
        self.memory_peak_bytes = self.memory_peak_bytes.max(measure.memory_peak_bytes);
        self.host_calls = self.host_calls.saturating_add(measure.host_calls);
        self.bytes_in = self.bytes_in.saturating_add(measure.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(measure.bytes_out);
        self.http_bytes_in = self.http_bytes_in.saturating_add(measure.http_bytes_in);
        self.http_bytes_out = self.http_bytes_out.saturating_add(measure.http_bytes_out);
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: &Self) {
        for (calls, more) in self.calls.iter_mut().zip(other.calls) {
            *calls += more;
        }
        self.wall_ns = self.wall_ns.saturating_add(other.wall_ns);
        self.guest_ns = self.guest_ns.saturating_add(other.guest_ns);
        self.memory_peak_bytes = self.memory_peak_bytes.max(other.memory_peak_bytes);
        self.host_calls = self.host_calls.saturating_add(other.host_calls);
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
        self.http_bytes_in = self.http_bytes_in.saturating_add(other.http_bytes_in);
        self.http_bytes_out = self.http_bytes_out.saturating_add(other.http_bytes_out);
    }

    /// The same as SQL keeps it.
    fn stored(&self) -> UsageSums {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let [answered, reported, trapped, stopped, cancelled] = self.calls.map(number);
        UsageSums {
            answered,
            reported,
            trapped,
            stopped,
            cancelled,
            wall_us: number(self.wall_ns / 1_000),
            guest_us: number(self.guest_ns / 1_000),
            memory_peak_bytes: number(self.memory_peak_bytes),
            host_calls: number(self.host_calls),
            bytes_in: number(self.bytes_in),
            bytes_out: number(self.bytes_out),
            http_bytes_in: number(self.http_bytes_in),
            http_bytes_out: number(self.http_bytes_out),
        }
    }
}

/// Sums that SQL does not have yet, by day and subject.
#[derive(Debug, Default)]
pub(super) struct Pending {
    rows: HashMap<(i64, Arc<Subject>), Sums>,
    /// What found no place, by day: at most two days, as everything is taken at each flush.
    others: BTreeMap<i64, Sums>,
}

impl Pending {
    /// Adds to a row; what finds no place among `rows_max` goes to the row of others.
    pub(super) fn add(&mut self, day: i64, subject: &Arc<Subject>, sums: &Sums, rows_max: usize) {
        let is_full = self.rows.len() >= rows_max;
        // Two counts of references, no text is copied.
        let key = (day, Arc::clone(subject));
        match self.rows.get_mut(&key) {
            Some(known) => known.merge(sums),
            None if is_full => self.others.entry(day).or_default().merge(sums),
            None => drop(self.rows.insert(key, *sums)),
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len() + self.others.len()
    }

    /// Nanoseconds in guests of an account.
    pub(super) fn guest_ns(&self, day: i64, account: &str) -> u64 {
        let own = self.rows.iter().filter(|((at, subject), _)| *at == day && subject.account == account);
        own.map(|(_, sums)| sums.guest_ns).fold(0, u64::saturating_add)
    }

    /// Everything, as rows: of others, the subject is absent.
    pub(super) fn take(&mut self) -> Vec<(i64, Option<Arc<Subject>>, Sums)> {
        let Self { rows, others } = std::mem::take(self);
        let others = others.into_iter().map(|(day, sums)| (day, None, sums));
        rows.into_iter().map(|((day, subject), sums)| (day, Some(subject), sums)).chain(others).collect()
    }

    /// Takes back a row that could not be written.
    pub(super) fn restore(&mut self, row: (i64, Option<Arc<Subject>>, Sums), rows_max: usize) {
        match row {
            (day, Some(subject), sums) => self.add(day, &subject, &sums, rows_max),
            (day, None, sums) => self.others.entry(day).or_default().merge(&sums),
        }
    }
}

/// Rows as SQL keeps them, in the order of their keys: processes that write the same rows at once wait for each other, in
/// any other order each for the other.
pub(super) fn stored(rows: &[(i64, Option<Arc<Subject>>, Sums)]) -> Vec<(UsageKey, UsageSums)> {
    let mut rows: Vec<_> = rows.iter().map(stored_row).collect();
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    rows
}

fn stored_row(row: &(i64, Option<Arc<Subject>>, Sums)) -> (UsageKey, UsageSums) {
    let (day, subject, sums) = row;
    let key = match subject {
        Some(subject) => UsageKey {
            day: *day,
            plugin: subject.plugin.clone(),
            version: subject.version.clone(),
            account: subject.account.clone(),
            kind: subject.kind.as_str().to_owned(),
            instance: subject.instance.clone(),
        },
        None => UsageKey { day: *day, kind: OTHERS.to_owned(), ..UsageKey::default() },
    };
    (key, sums.stored())
}

/// What plugins did since the process started.
#[derive(Debug, Default)]
pub(super) struct SinceStart(HashMap<String, Sums>);

/// What one plugin did since the process started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginTotals {
    /// Identifier of the plugin; `(others)` for those beyond [`PLUGINS_MAX`].
    pub plugin: String,
    /// What its calls used.
    pub sums: Sums,
}

impl SinceStart {
    /// Adds a call.
    pub(super) fn add(&mut self, plugin: &str, measure: &Measure) {
        if let Some(known) = self.0.get_mut(plugin) {
            return known.add(measure);
        }
        let name = if self.0.len() < PLUGINS_MAX { plugin } else { OTHERS };
        self.0.entry(name.to_owned()).or_default().add(measure);
    }

    /// All of them, by name.
    pub(super) fn all(&self) -> Vec<PluginTotals> {
        let of = |(plugin, sums): (&String, &Sums)| PluginTotals { plugin: plugin.clone(), sums: *sums };
        let mut all: Vec<PluginTotals> = self.0.iter().map(of).collect();
        all.sort_by(|one, other| one.plugin.cmp(&other.plugin));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_counted_in_the_order_of_their_names() {
        for (index, (ended, _)) in Sums::ENDINGS.into_iter().enumerate() {
            assert_eq!(ended as usize, index);
        }
    }

    #[test]
    fn rows_are_written_in_the_order_of_their_keys() {
        let row = |instance: &str| {
            let subject = Subject {
                plugin: "p".to_owned(),
                version: "1.0.0".to_owned(),
                account: "user:a".to_owned(),
                kind: super::super::InstanceKind::Dataset,
                instance: instance.to_owned(),
            };
            (7, Some(Arc::new(subject)), Sums::default())
        };
        let stored = stored(&[row("b"), (7, None, Sums::default()), row("c"), row("a")]);
        let instances: Vec<&str> = stored.iter().map(|(key, _)| key.instance.as_str()).collect();
        assert_eq!(instances, ["", "a", "b", "c"]);
    }

    #[test]
    fn plugins_beyond_the_bound_are_counted_together() {
        let mut since = SinceStart::default();
        for number in 0..PLUGINS_MAX + 3 {
            since.add(&format!("p{number}"), &Measure::default());
        }
        let all = since.all();
        assert_eq!(all.len(), PLUGINS_MAX + 1);
        let others = all.iter().find(|totals| totals.plugin == OTHERS).unwrap();
        assert_eq!(others.sums.calls[Ended::Cancelled as usize], 3);
    }
}
