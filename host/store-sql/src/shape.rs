//! Statements whose text depends on how many values there are. The only place that puts SQL together, and only from
//! literals and numbers: names and values are always parameters.

use halle_store::documents::SECTION;
use halle_store::{ABSENT, Filter, Order};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::dialect::Arg;

/// Columns of a document, in the order in which `documents.rs` reads them.
macro_rules! document_columns {
    () => {
        "d.id, d.owner, d.sort_title, d.search_text, d.keys, d.body, d.revision, d.created_us, d.updated_us"
    };
}
pub(crate) use document_columns;

/// Columns of a job, in the order in which `jobs.rs` reads them.
macro_rules! job_columns {
    () => {
        "id, kind, job_key, payload, state, attempts, run_at_us, progress, cancel_requested, error, waits_for"
    };
}
pub(crate) use job_columns;

/// The conditions of a [`Filter`] on `document d`, with their parameters.
pub(crate) struct Conditions<'a> {
    sql: String,
    args: Vec<Arg<'a>>,
}

impl<'a> Conditions<'a> {
    /// The conditions that a document of `collection` must fulfil.
    pub(crate) fn new(collection: &'static str, filter: &'a Filter) -> Self {
        let mut conditions = Self { sql: "d.collection = $1".to_owned(), args: vec![collection.into()] };
        for (name, values) in &filter.any_of {
            conditions.key("", name, values);
        }
        for (name, values) in &filter.none_of {
            conditions.key("NOT ", name, values);
        }
        if let Some(ids) = &filter.ids {
            conditions.sql.push_str(" AND d.id IN ");
            conditions.list(ids);
        }
        if let Some(after) = &filter.after_id {
            let place = conditions.place(after.as_str().into());
            conditions.sql.push_str(&format!(" AND d.id > {place}"));
        }
        for word in &filter.words {
            let place = conditions.place(format!("%{}%", escape_like(word)).into());
            conditions.sql.push_str(&format!(r" AND d.search_text LIKE {place} ESCAPE '\'"));
        }
        conditions
    }

    /// Counts the documents.
    pub(crate) fn count(&self) -> (SqlStr, &[Arg<'a>]) {
        (safe(format!("SELECT COUNT(*) FROM document d WHERE {}", self.sql)), &self.args)
    }

    /// One page of the documents.
    pub(crate) fn page(mut self, filter: &Filter) -> (SqlStr, Vec<Arg<'a>>) {
        let orders = std::iter::once(filter.order).chain(filter.then.iter().copied());
        let mut terms: Vec<String> = orders.map(|order| self.order_by(order, filter)).collect();
        let is_total = terms.last().is_some_and(|term| term.trim_end_matches(" DESC").ends_with("d.id"));
        if !is_total {
            terms.push("d.created_us DESC, d.id DESC".to_owned());
        }
        let limit = self.place(i64::from(filter.limit).into());
        let skip = self.place(i64::from(filter.skip).into());
        let (columns, order) = (document_columns!(), terms.join(", "));
        let sql = format!(
            "SELECT {columns} FROM document d WHERE {} ORDER BY {order} LIMIT {limit} OFFSET {skip}",
            self.sql
        );
        (safe(sql), self.args)
    }

    /// Number of documents per value of the key `facet`.
    pub(crate) fn facet(mut self, facet: &'static str) -> (SqlStr, Vec<Arg<'a>>) {
        let name = self.place(facet.into());
        let sql = format!(
            "SELECT f.value, COUNT(*) FROM document d \
             JOIN document_key f ON f.collection = d.collection AND f.id = d.id AND f.name = {name} \
             WHERE {} GROUP BY f.value ORDER BY COUNT(*) DESC, f.value",
            self.sql
        );
        (safe(sql), self.args)
    }

    /// Sum of the whole numbers under the key `name`.
    pub(crate) fn sum(mut self, name: &'static str) -> (SqlStr, Vec<Arg<'a>>) {
        let name = self.place(name.into());
        let sql = format!(
            "SELECT CAST(COALESCE(SUM(CAST(f.value AS BIGINT)), 0) AS BIGINT) FROM document d \
             JOIN document_key f ON f.collection = d.collection AND f.id = d.id AND f.name = {name} WHERE {}",
            self.sql
        );
        (safe(sql), self.args)
    }

    fn key(&mut self, not: &'static str, name: &'static str, values: &'a [String]) {
        let name = self.place(name.into());
        self.sql.push_str(&format!(
            " AND {not}(EXISTS (SELECT 1 FROM document_key k \
             WHERE k.collection = d.collection AND k.id = d.id AND k.name = {name} AND k.value IN "
        ));
        self.list(values);
        // The limit keeps SQLite (3.51.3) from making a join of it: then a document that matches twice takes two places
        // of OFFSET, and pages overlap.
        self.sql.push_str(" LIMIT 1)");
        if values.iter().any(|value| value == ABSENT) {
            self.sql.push_str(&format!(
                " OR NOT EXISTS (SELECT 1 FROM document_key k \
                 WHERE k.collection = d.collection AND k.id = d.id AND k.name = {name} LIMIT 1)"
            ));
        }
        self.sql.push(')');
    }

    /// What to order by, without what makes the order total.
    fn order_by(&mut self, order: Order, filter: &Filter) -> String {
        let fixed = match order {
            Order::CreatedDesc => "d.created_us DESC, d.id DESC",
            Order::CreatedAsc => "d.created_us, d.id",
            Order::IdAsc => "d.id",
            Order::UpdatedDesc => "d.updated_us DESC, d.id DESC",
            Order::UpdatedAsc => "d.updated_us, d.id",
            Order::TitleAsc if filter.then.is_empty() => "d.sort_title, d.id",
            Order::TitleDesc if filter.then.is_empty() => "d.sort_title DESC, d.id DESC",
            Order::TitleAsc => "d.sort_title",
            Order::TitleDesc => "d.sort_title DESC",
            Order::KeyAsc(name) => return self.first_value(name),
            Order::KeyDesc(name) => return format!("{} DESC", self.first_value(name)),
            Order::Relevance if filter.words.is_empty() => "d.created_us DESC, d.id DESC",
            Order::Relevance => return self.relevance(&filter.words),
        };
        fixed.to_owned()
    }

    fn first_value(&mut self, name: &'static str) -> String {
        let name = self.place(name.into());
        format!(
            "COALESCE((SELECT MIN(s.value) FROM document_key s \
             WHERE s.collection = d.collection AND s.id = d.id AND s.name = {name}), '')"
        )
    }

    /// Three points for a word of the title, two for one of the summary, one for any other.
    fn relevance(&mut self, words: &[String]) -> String {
        let separator = SECTION.trim();
        let mut points = Vec::new();
        for word in words {
            let word = escape_like(word);
            let title = self.place(format!("%{word}%{separator}%{separator}%").into());
            let summary = self.place(format!("%{word}%{separator}%").into());
            points.push(format!(
                "CASE WHEN d.search_text LIKE {title} ESCAPE '\\' THEN 3 \
                 WHEN d.search_text LIKE {summary} ESCAPE '\\' THEN 2 ELSE 1 END"
            ));
        }
        format!("({}) DESC", points.join(" + "))
    }

    /// Adds `(…)` with the values as parameters. Their number is rounded up to a power of two by repeating the last, so
    /// that few statements are prepared for lists of any length.
    fn list(&mut self, values: &'a [String]) {
        let Some(last) = values.last() else {
            // No value fits in; `IN ()` is not standard.
            self.sql.push_str("(SELECT NULL WHERE 1 = 0)");
            return;
        };
        let rounded = values.len().next_power_of_two();
        self.sql.push_str(&placeholders(self.args.len() + 1, rounded));
        let repeated = std::iter::repeat_n(last, rounded - values.len());
        self.args.extend(values.iter().chain(repeated).map(|value| Arg::from(value.as_str())));
    }

    fn place(&mut self, arg: Arg<'a>) -> String {
        self.args.push(arg);
        format!("${}", self.args.len())
    }
}

/// Inserts `rows` keys: collection, id, name, value, is_unique. A key that cannot be inserted is left out.
pub(crate) fn insert_keys(rows: usize) -> SqlStr {
    safe(format!(
        "INSERT INTO document_key (collection, id, name, value, is_unique) VALUES {} ON CONFLICT DO NOTHING",
        rows_of(rows, 5)
    ))
}

/// Removes one key: collection, id, name, value.
pub(crate) const DELETE_KEY: &str =
    "DELETE FROM document_key WHERE collection = $1 AND id = $2 AND name = $3 AND value = $4";

/// Lines of `ids` identifiers: dataset, then the identifiers.
pub(crate) fn get_lines(ids: usize) -> SqlStr {
    let places: Vec<String> = (2..ids + 2).map(|place| format!("${place}")).collect();
    safe(format!(
        "SELECT id, i, body, deleted FROM line WHERE dataset = $1 AND deleted = 0 AND id IN ({})",
        places.join(", ")
    ))
}

/// Inserts or replaces `rows` lines: dataset, then id, i, body, deleted of each.
pub(crate) fn put_lines(rows: usize) -> SqlStr {
    let row = |row: usize| {
        let first = row * 4 + 2;
        format!("($1, ${first}, ${}, ${}, ${})", first + 1, first + 2, first + 3)
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    safe(format!(
        "INSERT INTO line (dataset, id, i, body, deleted) VALUES {} ON CONFLICT (dataset, id) \
         DO UPDATE SET i = excluded.i, body = excluded.body, deleted = excluded.deleted",
        rows.join(", ")
    ))
}

/// Replaces the bodies of `rows` lines that still have their number: dataset, then id, i, body of each.
pub(crate) fn amend_lines(rows: usize) -> SqlStr {
    let row = |row: usize| {
        let first = row * 3 + 2;
        format!("(CAST(${first} AS TEXT), CAST(${} AS BIGINT), CAST(${} AS TEXT))", first + 1, first + 2)
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    safe(format!(
        "UPDATE line SET body = amended.column3 FROM (VALUES {}) AS amended WHERE line.dataset = $1 \
         AND line.id = amended.column1 AND line.i = amended.column2 AND line.deleted = 0",
        rows.join(", ")
    ))
}

/// Inserts `rows` revisions of lines: dataset, i, line, action, instant, owner, body.
pub(crate) fn add_revisions(rows: usize) -> SqlStr {
    safe(format!(
        "INSERT INTO line_revision (dataset, i, line, action, at_us, owner, body) VALUES {}",
        rows_of(rows, 7)
    ))
}

/// Inserts `rows` records of logs: stream, seq, instant, body.
pub(crate) fn add_log_records(rows: usize) -> SqlStr {
    safe(format!("INSERT INTO log_record (stream, seq, at_us, body) VALUES {}", rows_of(rows, 4)))
}

/// The last revisions: dataset, number above, limit, then the line and the owner if they are named.
pub(crate) fn latest_revisions(of_line: bool, of_owner: bool) -> SqlStr {
    let condition = revision_condition(4, of_line, of_owner);
    safe(format!(
        "SELECT line, i, action, at_us, owner, body FROM line_revision \
         WHERE dataset = $1 AND i < $2{condition} ORDER BY i DESC LIMIT $3"
    ))
}

/// The number of revisions: dataset, then the line and the owner if they are named.
pub(crate) fn count_revisions(of_line: bool, of_owner: bool) -> SqlStr {
    let condition = revision_condition(2, of_line, of_owner);
    safe(format!("SELECT COUNT(*) FROM line_revision WHERE dataset = $1{condition}"))
}

fn revision_condition(first: usize, of_line: bool, of_owner: bool) -> String {
    let line = if of_line { format!(" AND line = ${first}") } else { String::new() };
    let owner = first + usize::from(of_line);
    let owner = if of_owner { format!(" AND owner = ${owner}") } else { String::new() };
    line + &owner
}

/// Leases the oldest due job of one of `kinds` kinds: worker, end of the lease, now, then the kinds.
pub(crate) fn lease(kinds: usize, skip_locked: &'static str) -> SqlStr {
    let (columns, kinds) = (job_columns!(), placeholders(4, kinds));
    safe(format!(
        "UPDATE job SET state = 'running', worker = $1, lease_until_us = $2, attempts = attempts + 1 \
         WHERE id = (SELECT j.id FROM job j WHERE j.kind IN {kinds} \
         AND ((j.state = 'ready' AND j.run_at_us <= $3) OR (j.state = 'running' AND j.lease_until_us <= $3)) \
         AND NOT EXISTS \
         (SELECT 1 FROM job r WHERE r.job_key = j.job_key AND r.state = 'running' AND r.id <> j.id) \
         ORDER BY j.run_at_us, j.id LIMIT 1{skip_locked}) RETURNING {columns}"
    ))
}

/// When the next ready job of one of `kinds` kinds is due.
pub(crate) fn next_due(kinds: usize) -> SqlStr {
    let kinds = placeholders(1, kinds);
    safe(format!("SELECT MIN(run_at_us) FROM job WHERE state = 'ready' AND kind IN {kinds}"))
}

fn rows_of(rows: usize, columns: usize) -> String {
    (0..rows).map(|row| placeholders(row * columns + 1, columns)).collect::<Vec<_>>().join(", ")
}

fn placeholders(first: usize, count: usize) -> String {
    let list: Vec<String> = (first..first + count).map(|number| format!("${number}")).collect();
    format!("({})", list.join(", "))
}

fn escape_like(word: &str) -> String {
    word.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

fn safe(sql: String) -> SqlStr {
    AssertSqlSafe(sql).into_sql_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_filter_never_enters_the_statement() {
        let evil = "'); DROP TABLE job; --".to_owned();
        let filter = Filter {
            any_of: vec![("k", vec![evil.clone()])],
            none_of: vec![("k", vec![evil.clone(), evil.clone(), evil.clone()])],
            ids: Some(vec![evil.clone()]),
            words: vec![evil.clone()],
            limit: 1,
            ..Filter::default()
        };
        let (sql, args) = Conditions::new("c", &filter).page(&filter);
        assert!(!sql.as_str().contains("DROP"), "{}", sql.as_str());
        // Collection; name and value; name and values rounded to four; id; word; limit and skip.
        assert_eq!(args.len(), 1 + 2 + 5 + 1 + 1 + 2);
        assert!(sql.as_str().ends_with("LIMIT $11 OFFSET $12"), "{}", sql.as_str());
    }

    #[test]
    fn rows_are_numbered_through() {
        assert_eq!(rows_of(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }
}
