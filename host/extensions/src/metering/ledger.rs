//! The account book: sums in memory, written to SQL now and then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use halle_base::Clock;
use halle_model::limits::{Limits, UNLIMITED};
use halle_store::usage::{UsageBy, UsageOf, UsagePage, day_of};
use halle_store::{EntityExt, Store, StoreError, StoreResult, limits};
use tokio_util::sync::CancellationToken;

use super::quota::{Standing, Standings};
use super::sums::{Pending, PluginTotals, SinceStart, Sums, stored};
use super::{Measure, Metering, Subject};
use crate::types::{PluginError, PluginResult};

/// How often sums are written. A process that is killed loses what it counted since, this long at most; one that is stopped
/// loses what calls use that outlive the time it gives them to end.
pub const FLUSH_EVERY: Duration = Duration::from_secs(30);

/// Rows in memory between two flushes. Half of them filled makes a flush at once.
pub const ROWS_MAX: usize = 4_096;

/// Days that SQL remembers.
pub const USAGE_DAYS_MAX: i64 = 400;

/// Rows of one transaction: writers queue up behind it.
const ROWS_PER_WRITE: usize = 256;

/// Accounts whose work waits that are read at a time.
const ACCOUNTS_PER_READ: u32 = 200;

/// Keeps the sums of all calls of this process.
#[derive(Debug)]
pub struct Ledger {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Plugin seconds of a day that an account has for which nothing else is set.
    default_seconds_max: i64,
    book: Mutex<Book>,
    /// Held while sums are on their way to SQL: whoever adds up what SQL and memory have must miss nothing.
    writing: tokio::sync::Mutex<Written>,
    half_full: tokio::sync::Notify,
}

#[derive(Debug, Default)]
struct Book {
    pending: Pending,
    standings: Standings,
    since_start: SinceStart,
}

#[derive(Debug, Default)]
struct Written {
    /// The day on which old ones were forgotten.
    expired_on: Option<i64>,
}

impl Ledger {
    /// An empty book over `store`. Accounts have no limit unless one is set for them.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            default_seconds_max: UNLIMITED,
            book: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            half_full: tokio::sync::Notify::new(),
        }
    }

    /// The same with a limit for accounts that have none of their own: plugin seconds of a day, [`UNLIMITED`] for none.
    #[must_use]
    pub fn with_default(mut self, seconds_max: i64) -> Self {
        self.default_seconds_max = seconds_max;
        self
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each plugin did since the process started, by identifier.
    pub fn since_start(&self) -> Vec<PluginTotals> {
        self.book().since_start.all()
    }

    /// Writes what is in memory. What could not be written stays for the next time. It goes on to its end when whoever waits
    /// for it goes away: rows on their way to SQL are nowhere else.
    pub async fn flush(self: &Arc<Self>) -> StoreResult<()> {
        let ledger = Arc::clone(self);
        let written = tokio::spawn(async move { ledger.write_all().await });
        written.await.map_err(StoreError::engine)?
    }

    async fn write_all(&self) -> StoreResult<()> {
        let mut written = self.writing.lock().await;
        let mut rows = self.book().pending.take();
        while !rows.is_empty() {
            let part = rows.split_off(rows.len().saturating_sub(ROWS_PER_WRITE));
            if let Err(error) = self.write(&part).await {
                let mut book = self.book();
                rows.into_iter().chain(part).for_each(|row| book.pending.restore(row, ROWS_MAX));
                return Err(error);
            }
        }
        let today = day_of(self.clock.now());
        if written.expired_on != Some(today) {
            let mut work = self.store.begin().await?;
            work.usage().expire(today - USAGE_DAYS_MAX).await?;
            work.commit().await?;
            written.expired_on = Some(today);
        }
        Ok(())
    }

    /// One page of sums, with what is in memory.
    pub async fn page(
        self: &Arc<Self>,
        of: UsageOf<'_>,
        by: UsageBy,
        skip: u32,
        limit: u32,
    ) -> StoreResult<UsagePage> {
        self.flush().await?;
        self.store.read().await?.usage().page(of, by, skip, limit).await
    }

    async fn write(&self, rows: &[(i64, Option<Arc<Subject>>, Sums)]) -> StoreResult<()> {
        let rows = stored(rows);
        let mut work = self.store.begin().await?;
        work.usage().add(&rows).await?;
        work.commit().await
    }

    /// Writes every [`FLUSH_EVERY`] until `stopping`. Whoever stops flushes once more when the last call has ended.
    pub async fn run(self: Arc<Self>, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(FLUSH_EVERY) => {}
                () = self.half_full.notified() => {}
            }
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "what plugins used could not be written; it stays in memory until the next time");
            }
        }
    }

    /// Lets the work go on that waits for plugin seconds which its account has by now. Asked at the start: the limit that accounts
    /// have by default is configuration, and nobody is told when it is raised. Number of jobs.
    pub async fn wake(&self) -> StoreResult<u64> {
        let (mut woken, mut after) = (0, String::new());
        loop {
            let accounts =
                limits::waiting(self.store.read().await?.as_mut(), &after, ACCOUNTS_PER_READ).await?;
            let Some(last) = accounts.last() else { return Ok(woken) };
            after.clone_from(last);
            for account in &accounts {
                if !self.look_up(account).await?.has_time() {
                    continue;
                }
                let mut work = self.store.begin().await?;
                woken += limits::wake_key(work.as_mut(), account, self.clock.now()).await?;
                work.commit().await?;
            }
        }
    }

    /// Reads what an account may and, if that is limited, what it used today.
    async fn look_up(&self, account: &str) -> StoreResult<Standing> {
        let set = self.store.read().await?.load::<Limits>(account).await?;
        let seconds_max = set.and_then(|stored| stored.plugin_seconds).unwrap_or(self.default_seconds_max);
        if seconds_max < 0 {
            let read_at = self.clock.now();
            let standing = Standing { used_ns: 0, seconds_max, read_at };
            self.book().standings.put(day_of(read_at), account, standing);
            return Ok(standing);
        }
        if let Some(standing) = self.while_writing(account, seconds_max) {
            return Ok(standing);
        }
        let _nothing_is_on_its_way = self.writing.lock().await;
        let read_at = self.clock.now();
        let day = day_of(read_at);
        let written_us = self.store.read().await?.usage().guest_us(account, day).await?.unsigned_abs();
        let mut book = self.book();
        let used_ns = written_us.saturating_mul(1_000).saturating_add(book.pending.guest_ns(day, account));
        let standing = Standing { used_ns, seconds_max, read_at };
        book.standings.put(day, account, standing);
        Ok(standing)
    }

    /// A limited account with a limit just read, while sums are on their way to SQL: what memory knows of its use does for
    /// a moment, so that calls do not wait behind a slow write. `None` when nothing is on its way, or nothing is known.
    fn while_writing(&self, account: &str, seconds_max: i64) -> Option<Standing> {
        if self.writing.try_lock().is_ok() {
            return None;
        }
        let read_at = self.clock.now();
        let mut book = self.book();
        let known = book.standings.get(day_of(read_at), account).filter(|known| known.is_limited())?;
        (known.seconds_max, known.read_at) = (seconds_max, read_at);
        Some(*known)
    }
}

#[async_trait]
impl Metering for Ledger {
    async fn allow(&self, subject: &Subject) -> PluginResult<()> {
        if subject.account.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let known = self.book().standings.get(day_of(now), &subject.account).copied();
        if let Some(standing) = known.filter(|standing| standing.is_fresh(now)) {
            return if standing.has_time() { Ok(()) } else { Err(standing.refusal(day_of(now))) };
        }
        let standing = self.look_up(&subject.account).await.map_err(|error| {
            tracing::error!(%error, account = subject.account, "what an account used cannot be read");
            PluginError::Temporary(
                "La consommation du compte ne peut pas être lue : réessayez. What the account used cannot be read: try again."
                    .to_owned(),
            )
        })?;
        if standing.has_time() { Ok(()) } else { Err(standing.refusal(day_of(now))) }
    }

    fn record(&self, subject: &Arc<Subject>, measure: &Measure) {
        let day = day_of(self.clock.now());
        let mut sums = Sums::default();
        sums.add(measure);
        let mut book = self.book();
        book.pending.add(day, subject, &sums, ROWS_MAX);
        book.since_start.add(&subject.plugin, measure);
        if let Some(standing) = book.standings.get(day, &subject.account) {
            standing.used_ns = standing.used_ns.saturating_add(measure.guest_ns);
        }
        if book.pending.len() >= ROWS_MAX / 2 {
            self.half_full.notify_one();
        }
    }
}
