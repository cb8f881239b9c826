//! What plugins used, on SQL.

use async_trait::async_trait;
use halle_store::usage::{UsageBy, UsageKey, UsageOf, UsagePage, UsageSums};
use halle_store::{StoreResult, UsageRepository};

use crate::dialect::{Arg, Row};
use crate::work::SqlWork;

/// Which rows are wanted: of the plugins that the condition on `$1` says and the accounts that the one on `$4` says, from day
/// `$2` to day `$3`.
macro_rules! wanted {
    ($plugins:literal, $accounts:literal) => {
        concat!(" FROM plugin_usage WHERE ", $plugins, " AND day >= $2 AND day <= $3 AND ", $accounts)
    };
}

/// Sums over rows, in the order in which [`sums`] reads them.
macro_rules! summed {
    () => {
        "CAST(COALESCE(SUM(answered), 0) AS BIGINT), CAST(COALESCE(SUM(reported), 0) AS BIGINT), \
         CAST(COALESCE(SUM(trapped), 0) AS BIGINT), CAST(COALESCE(SUM(stopped), 0) AS BIGINT), \
         CAST(COALESCE(SUM(cancelled), 0) AS BIGINT), CAST(COALESCE(SUM(wall_us), 0) AS BIGINT), \
         CAST(COALESCE(SUM(guest_us), 0) AS BIGINT), CAST(COALESCE(MAX(memory_peak_bytes), 0) AS BIGINT), \
         CAST(COALESCE(SUM(host_calls), 0) AS BIGINT), CAST(COALESCE(SUM(bytes_in), 0) AS BIGINT), \
         CAST(COALESCE(SUM(bytes_out), 0) AS BIGINT), CAST(COALESCE(SUM(http_bytes_in), 0) AS BIGINT), \
         CAST(COALESCE(SUM(http_bytes_out), 0) AS BIGINT)"
    };
}

/// Where the sums begin in a row, after the names that it is about.
const SUMS: usize = 6;

/// The statements of one way to group: how many lines there are, and one page of them.
struct Grouping {
    count: &'static str,
    page: &'static str,
}

macro_rules! grouping {
    ($plugins:literal, $accounts:literal, $columns:literal, $group:literal, $order:literal) => {
        Grouping {
            count: concat!(
                "SELECT COUNT(*) FROM (SELECT 1",
                wanted!($plugins, $accounts),
                " GROUP BY ",
                $group,
                ") counted"
            ),
            page: concat!(
                "SELECT ",
                $columns,
                ", ",
                summed!(),
                wanted!($plugins, $accounts),
                " GROUP BY ",
                $group,
                " ORDER BY ",
                $order,
                " LIMIT $5 OFFSET $6"
            ),
        }
    };
}

/// The statements over some plugins and accounts.
struct Statements {
    total: &'static str,
    by_plugin: Grouping,
    by_instance: Grouping,
    by_day: Grouping,
    by_account: Grouping,
}

macro_rules! statements {
    ($plugins:literal, $accounts:literal) => {
        Statements {
            total: concat!("SELECT ", summed!(), wanted!($plugins, $accounts)),
            by_plugin: grouping!(
                $plugins,
                $accounts,
                "CAST(0 AS BIGINT), plugin, '', '', '', ''",
                "plugin",
                "SUM(guest_us) DESC, plugin"
            ),
            by_instance: grouping!(
                $plugins,
                $accounts,
                "CAST(0 AS BIGINT), plugin, version, account, kind, instance",
                "plugin, version, account, kind, instance",
                "SUM(guest_us) DESC, kind, instance, account, plugin, version"
            ),
            by_day: grouping!($plugins, $accounts, "day, '', '', '', '', ''", "day", "day DESC"),
            by_account: grouping!(
                $plugins,
                $accounts,
                "CAST(0 AS BIGINT), '', '', account, '', ''",
                "account",
                "SUM(guest_us) DESC, account"
            ),
        }
    };
}

// Three sets, since an engine that is asked for one or any in one condition does not look up the one by its index.
const OF_ONE_PLUGIN: Statements = statements!("plugin = $1", "($4 = '*' OR account = $4)");
const OF_ONE_ACCOUNT: Statements = statements!("$1 = '*'", "account = $4");
const OF_EVERYTHING: Statements = statements!("$1 = '*'", "$4 = '*'");

const ADD: &str = "INSERT INTO plugin_usage (day, plugin, version, account, kind, instance, answered, reported, \
     trapped, stopped, cancelled, wall_us, guest_us, memory_peak_bytes, host_calls, bytes_in, bytes_out, \
     http_bytes_in, http_bytes_out) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) \
     ON CONFLICT (plugin, day, account, kind, instance, version) DO UPDATE SET \
     answered = plugin_usage.answered + excluded.answered, \
     reported = plugin_usage.reported + excluded.reported, \
     trapped = plugin_usage.trapped + excluded.trapped, \
     stopped = plugin_usage.stopped + excluded.stopped, \
     cancelled = plugin_usage.cancelled + excluded.cancelled, \
     wall_us = plugin_usage.wall_us + excluded.wall_us, \
     guest_us = plugin_usage.guest_us + excluded.guest_us, \
     memory_peak_bytes = CASE WHEN plugin_usage.memory_peak_bytes > excluded.memory_peak_bytes \
     THEN plugin_usage.memory_peak_bytes ELSE excluded.memory_peak_bytes END, \
     host_calls = plugin_usage.host_calls + excluded.host_calls, \
     bytes_in = plugin_usage.bytes_in + excluded.bytes_in, \
     bytes_out = plugin_usage.bytes_out + excluded.bytes_out, \
     http_bytes_in = plugin_usage.http_bytes_in + excluded.http_bytes_in, \
     http_bytes_out = plugin_usage.http_bytes_out + excluded.http_bytes_out";

#[async_trait]
impl UsageRepository for SqlWork {
    async fn add(&mut self, used: &[(UsageKey, UsageSums)]) -> StoreResult<()> {
        for (key, sums) in used {
            let args: [Arg<'_>; 19] = [
                key.day.into(),
                key.plugin.as_str().into(),
                key.version.as_str().into(),
                key.account.as_str().into(),
                key.kind.as_str().into(),
                key.instance.as_str().into(),
                sums.answered.into(),
                sums.reported.into(),
                sums.trapped.into(),
                sums.stopped.into(),
                sums.cancelled.into(),
                sums.wall_us.into(),
                sums.guest_us.into(),
                sums.memory_peak_bytes.into(),
                sums.host_calls.into(),
                sums.bytes_in.into(),
                sums.bytes_out.into(),
                sums.http_bytes_in.into(),
                sums.http_bytes_out.into(),
            ];
            self.connection.execute(ADD, &args).await?;
        }
        Ok(())
    }

    async fn guest_us(&mut self, account: &str, day: i64) -> StoreResult<i64> {
        let sql = "SELECT CAST(COALESCE(SUM(guest_us), 0) AS BIGINT) FROM plugin_usage \
             WHERE day = $1 AND account = $2";
        let row = self.connection.row(sql, &[day.into(), account.into()]).await?;
        Ok(row.map(|row| row.get(0)).transpose()?.unwrap_or(0))
    }

    async fn page(&mut self, of: UsageOf<'_>, by: UsageBy, skip: u32, limit: u32) -> StoreResult<UsagePage> {
        let statements = match (of.plugin, of.account) {
            (Some(_), _) => OF_ONE_PLUGIN,
            (None, Some(_)) => OF_ONE_ACCOUNT,
            (None, None) => OF_EVERYTHING,
        };
        let grouping = match by {
            UsageBy::Plugin => statements.by_plugin,
            UsageBy::Instance => statements.by_instance,
            UsageBy::Day => statements.by_day,
            UsageBy::Account => statements.by_account,
        };
        let (plugin, account) = (of.plugin.unwrap_or("*"), of.account.unwrap_or("*"));
        let mut args: Vec<Arg<'_>> = vec![plugin.into(), of.from.into(), of.to.into(), account.into()];
        let total = self.connection.row(statements.total, &args).await?;
        let total = total.map(|row| sums(&row, 0)).transpose()?.unwrap_or_default();
        let count = self.connection.row(grouping.count, &args).await?;
        let count = count.map(|row| row.get::<i64>(0)).transpose()?.unwrap_or(0).unsigned_abs();
        args.extend([i64::from(limit).into(), i64::from(skip).into()]);
        let rows = self.connection.rows(grouping.page, &args).await?;
        let line = |row: &Row| {
            let key = UsageKey {
                day: row.get(0)?,
                plugin: row.get(1)?,
                version: row.get(2)?,
                account: row.get(3)?,
                kind: row.get(4)?,
                instance: row.get(5)?,
            };
            Ok((key, sums(row, SUMS)?))
        };
        Ok(UsagePage { count, total, lines: rows.iter().map(line).collect::<StoreResult<_>>()? })
    }

    async fn expire(&mut self, before: i64) -> StoreResult<u64> {
        self.connection.execute("DELETE FROM plugin_usage WHERE day < $1", &[before.into()]).await
    }
}

/// Sums that begin at column `first`.
fn sums(row: &Row, first: usize) -> StoreResult<UsageSums> {
    Ok(UsageSums {
        answered: row.get(first)?,
        reported: row.get(first + 1)?,
        trapped: row.get(first + 2)?,
        stopped: row.get(first + 3)?,
        cancelled: row.get(first + 4)?,
        wall_us: row.get(first + 5)?,
        guest_us: row.get(first + 6)?,
        memory_peak_bytes: row.get(first + 7)?,
        host_calls: row.get(first + 8)?,
        bytes_in: row.get(first + 9)?,
        bytes_out: row.get(first + 10)?,
        http_bytes_in: row.get(first + 11)?,
        http_bytes_out: row.get(first + 12)?,
    })
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::SqlStore;
    use crate::dialect::Mode;

    /// How SQLite finds the rows of a statement.
    async fn plan(statement: &str) -> String {
        let store = SqlStore::sqlite_temporary().await.unwrap();
        let mut connection = store.open(Mode::Read).await.unwrap().connection;
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let args: [Arg<'_>; 4] = ["*".into(), 1_i64.into(), 2_i64.into(), "organization:ville".into()];
        let rows = connection.rows(sql, &args).await.unwrap();
        rows.iter().map(|row| row.get::<String>(3).unwrap()).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn rows_of_others_are_not_read_for_one_plugin_or_one_account() {
        for (statements, index) in [
            (OF_ONE_PLUGIN, "PRIMARY KEY (plugin=? AND day>? AND day<?)"),
            (OF_ONE_ACCOUNT, "INDEX plugin_usage_account (account=? AND day>? AND day<?)"),
        ] {
            let groupings =
                [statements.by_plugin, statements.by_instance, statements.by_day, statements.by_account];
            let counts = groupings.map(|grouping| grouping.count);
            for statement in counts.into_iter().chain([statements.total]) {
                let plan = plan(statement).await;
                assert!(plan.contains(index), "{statement}\n{plan}");
            }
        }
    }
}
