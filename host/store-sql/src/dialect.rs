//! What differs between SQLite and PostgreSQL: how to connect, how a transaction begins, how a lease locks.
//! Above this file there is one SQL.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use halle_base::Secret;
use halle_store::{StoreError, StoreResult};
use sqlx::database::Database;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPool, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteRow, SqliteSynchronous,
};
use sqlx::{Decode, Encode, Row as _, SqlSafeStr, SqlStr, Transaction, Type};

/// Connections that read SQLite; each is a thread.
const SQLITE_READERS_MAX: u32 = 8;

/// Connections to PostgreSQL, per process.
const POSTGRES_CONNECTIONS_MAX: u32 = 20;

/// How long a unit of work waits for a connection, or for the write lock of another process.
const WAIT_SECONDS_MAX: u64 = 30;

/// Statements kept prepared, per connection.
const PREPARED_STATEMENTS_MAX: usize = 256;

/// Bytes to which SQLite's write-ahead log shrinks once it is folded into the database.
const WAL_BYTES_KEPT: &str = "67108864";

/// Pages that a connection to SQLite keeps, in KiB (as a negative number). 2 MB, which is the default, is less than a bulk of
/// lines changes.
const PAGES_KEPT_KIB: &str = "-16384";

/// Number of PostgreSQL's advisory lock under which jobs are leased.
const LEASE_LOCK: i64 = 0x6861_6c6c_6501;

/// Whether a commit waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Yes: it survives a power failure.
    Full,
    /// No: for databases that nobody keeps.
    None,
}

/// What a unit of work may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Read one snapshot.
    Read,
    /// Read and write.
    Write,
}

/// Connections to one engine.
#[derive(Debug)]
pub(crate) enum Engine {
    /// Writers queue up for the one connection of `writer`; readers never wait for them (WAL).
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        /// One connection that never writes: it sees the commits of all others.
        watcher: SqlitePool,
    },
    /// Every connection does both.
    Postgres(PgPool),
}

impl Engine {
    pub(crate) async fn sqlite(path: &Path, durability: Durability) -> StoreResult<Self> {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(|error| {
                StoreError::engine(format!("cannot create the folder {}: {error}", folder.display()))
            })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match durability {
                Durability::Full => SqliteSynchronous::Full,
                Durability::None => SqliteSynchronous::Off,
            })
            .pragma("journal_size_limit", WAL_BYTES_KEPT)
            .pragma("cache_size", PAGES_KEPT_KIB)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(WAIT_SECONDS_MAX))
            .statement_cache_capacity(PREPARED_STATEMENTS_MAX);
        let writer = pool(1).connect_with(options.clone()).await.map_err(|error| {
            StoreError::engine(format!("cannot open the database {}: {error}", path.display()))
        })?;
        let options = options.pragma("query_only", "ON");
        let watcher = pool(1).connect_lazy_with(options.clone());
        let readers = pool(SQLITE_READERS_MAX).connect_lazy_with(options);
        Ok(Self::Sqlite { writer, readers, watcher })
    }

    pub(crate) async fn postgres(url: &Secret<String>) -> StoreResult<Self> {
        // The text of a parse error could hold the password.
        let options: PgConnectOptions = url.reveal().parse().map_err(|_secret| {
            StoreError::engine("the database URL is not like postgres://user:password@host:port/database")
        })?;
        let pool = pool(POSTGRES_CONNECTIONS_MAX)
            .connect_with(options.statement_cache_capacity(PREPARED_STATEMENTS_MAX))
            .await
            .map_err(|error| StoreError::engine(format!("cannot connect to PostgreSQL: {error}")))?;
        Ok(Self::Postgres(pool))
    }

    /// Opens a transaction.
    pub(crate) async fn open(&self, mode: Mode) -> StoreResult<Connection> {
        match (self, mode) {
            // Immediate: it waits for the write lock now, and cannot lose its snapshot to another writer later.
            (Self::Sqlite { writer, .. }, Mode::Write) => {
                writer.begin_with("BEGIN IMMEDIATE").await.map(Connection::Sqlite)
            }
            (Self::Sqlite { readers, .. }, Mode::Read) => {
                readers.begin_with("BEGIN DEFERRED").await.map(Connection::Sqlite)
            }
            (Self::Postgres(pool), Mode::Write) => {
                pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await.map(Connection::Postgres)
            }
            (Self::Postgres(pool), Mode::Read) => pool
                .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .await
                .map(Connection::Postgres),
        }
        .map_err(failed)
    }

    /// Whether [`Self::data_version`] costs less than reading.
    pub(crate) fn tells_changes(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// SQLite's number that changes when another connection, of this process or another, committed
    /// (<https://www.sqlite.org/pragma.html#pragma_data_version>); 0 where there is none.
    pub(crate) async fn data_version(&self) -> StoreResult<i64> {
        let Self::Sqlite { watcher, .. } = self else { return Ok(0) };
        sqlx::query_scalar("PRAGMA data_version").fetch_one(watcher).await.map_err(failed)
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers, watcher } => {
                watcher.close().await;
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

fn pool<DB: Database>(connections_max: u32) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(WAIT_SECONDS_MAX))
        .idle_timeout(None)
        .max_lifetime(None)
}

/// An open transaction; dropped, it rolls back.
pub(crate) enum Connection {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Connection {
    /// Runs a statement. Number of rows it changed.
    pub(crate) async fn execute(&mut self, sql: impl SqlSafeStr, args: &[Arg<'_>]) -> StoreResult<u64> {
        let sql = sql.into_sql_str();
        match self {
            Self::Sqlite(tx) => bound(sql, args).execute(&mut **tx).await.map(|done| done.rows_affected()),
            Self::Postgres(tx) => bound(sql, args).execute(&mut **tx).await.map(|done| done.rows_affected()),
        }
        .map_err(failed)
    }

    /// The rows that a statement returns.
    pub(crate) async fn rows(&mut self, sql: impl SqlSafeStr, args: &[Arg<'_>]) -> StoreResult<Vec<Row>> {
        let sql = sql.into_sql_str();
        match self {
            Self::Sqlite(tx) => bound(sql, args)
                .fetch_all(&mut **tx)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Self::Postgres(tx) => bound(sql, args)
                .fetch_all(&mut **tx)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        }
        .map_err(failed)
    }

    /// The first row that a statement returns. For statements that return one at most: all are read.
    pub(crate) async fn row(&mut self, sql: impl SqlSafeStr, args: &[Arg<'_>]) -> StoreResult<Option<Row>> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    pub(crate) async fn commit(self) -> StoreResult<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
        .map_err(failed)
    }

    /// Makes leases of other processes wait until this transaction ends. SQLite has one writer anyway.
    pub(crate) async fn lock_leases(&mut self) -> StoreResult<()> {
        if let Self::Postgres(_) = self {
            self.rows("SELECT pg_advisory_xact_lock($1)", &[LEASE_LOCK.into()]).await?;
        }
        Ok(())
    }

    /// Makes other transactions that lock this name wait until this one ends. SQLite has one writer anyway.
    pub(crate) async fn lock_name(&mut self, name: &str) -> StoreResult<()> {
        if let Self::Postgres(_) = self {
            // Locks of two numbers are apart from those of one, such as that of leases. Two names of one hash only wait for
            // each other.
            self.rows("SELECT pg_advisory_xact_lock(1, hashtext($1))", &[name.into()]).await?;
        }
        Ok(())
    }

    /// Finds a document and keeps others from writing it. SQLite has one writer anyway.
    pub(crate) fn holding(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SELECT 1 FROM document WHERE collection = $1 AND id = $2",
            Self::Postgres(_) => "SELECT 1 FROM document WHERE collection = $1 AND id = $2 FOR SHARE",
        }
    }

    /// End of the `SELECT` that chooses the job to lease: skips one that a heartbeat or a settlement is writing just now.
    pub(crate) fn skip_locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR UPDATE OF j SKIP LOCKED",
        }
    }
}

/// A parameter of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Arg<'a> {
    Text(Cow<'a, str>),
    MaybeText(Option<&'a str>),
    Int(i64),
    MaybeReal(Option<f64>),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Arg<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::MaybeText(text)
    }
}

impl From<i64> for Arg<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Arg<'_> {
    fn from(flag: bool) -> Self {
        Self::Int(flag.into())
    }
}

impl From<Option<f64>> for Arg<'_> {
    fn from(number: Option<f64>) -> Self {
        Self::MaybeReal(number)
    }
}

fn bound<'q, DB: Database>(sql: SqlStr, args: &[Arg<'_>]) -> Query<'q, DB, DB::Arguments>
where
    for<'t> &'t str: Encode<'t, DB> + Type<DB>,
    for<'t> Option<&'t str>: Encode<'t, DB> + Type<DB>,
    for<'t> i64: Encode<'t, DB> + Type<DB>,
    for<'t> Option<f64>: Encode<'t, DB> + Type<DB>,
{
    args.iter().fold(sqlx::query(sql), |query, arg| match arg {
        Arg::Text(text) => query.bind(text.as_ref()),
        Arg::MaybeText(text) => query.bind(*text),
        Arg::Int(number) => query.bind(*number),
        Arg::MaybeReal(number) => query.bind(*number),
    })
}

/// A row of an answer.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A type that both engines give.
pub(crate) trait Column:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl<T> Column for T where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl Row {
    /// The value of the column at `index`, from 0.
    pub(crate) fn get<T: Column>(&self, index: usize) -> StoreResult<T> {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        }
        .map_err(failed)
    }
}

fn failed(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::PoolTimedOut => StoreError::engine(format!(
            "no connection became free within {WAIT_SECONDS_MAX} s: a unit of work is held across a slow call, or a \
             task that holds one opens another"
        )),
        error => StoreError::engine(error),
    }
}
