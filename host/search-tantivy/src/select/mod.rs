//! Which rows match, and how well: a plan, evaluated part by part.

mod late;
pub(crate) mod plan;
mod rows;
mod scores;
pub(crate) mod texts;

use halle_search::ast::Operand;
use halle_search::engine::SearchResult;
use halle_search::{Query, SearchError};

use self::plan::{Plan, Words};
use self::rows::{OperandExt as _, RowTest};
pub(crate) use self::scores::Scores;
use crate::analysis::View;
use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::part::Part;
use crate::part::words::{Statistics, WordField};
use crate::snapshot::Snapshot;

/// The rows of a part that match.
#[derive(Debug)]
pub(crate) struct Hits {
    pub(crate) rows: Bits,
    /// What each of the rows scores; only when asked. Of no meaning for rows that do not match.
    pub(crate) scores: Option<Scores>,
}

/// A query ready to be asked to each part.
pub(crate) struct Selection<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) plan: Plan,
    pub(crate) deadline: &'a Deadline,
    statistics: Statistics<'a>,
}

impl<'a> Selection<'a> {
    /// Prepares a query.
    ///
    /// # Errors
    ///
    /// `BadRequest` when the query does not fit the columns.
    pub(crate) fn new(snapshot: &'a Snapshot, query: &Query, deadline: &'a Deadline) -> SearchResult<Self> {
        let plan = plan::plan(snapshot, query)?;
        let statistics = snapshot.parts.iter().filter_map(|live| live.part.words.as_ref()).collect();
        Ok(Self { snapshot, plan, deadline, statistics: Statistics::new(statistics) })
    }

    /// The rows of a part that match, without those that were removed.
    pub(crate) fn hits(&self, part: usize, scored: bool) -> SearchResult<Hits> {
        self.deadline.check()?;
        let live = &self.snapshot.parts[part];
        let scope = Scope { selection: self, at: part, part: &live.part };
        let mut hits = scope.eval(&self.plan, scored && self.plan.scores())?;
        if let Some(deleted) = &live.deleted {
            hits.rows.and_not(deleted);
        }
        self.deadline.check()?;
        Ok(hits)
    }
}

/// An operand as the texts of a column are compared with it.
pub(crate) fn operand_text(operand: &Operand) -> String {
    operand.text()
}

struct Scope<'a> {
    selection: &'a Selection<'a>,
    at: usize,
    part: &'a Part,
}

impl Scope<'_> {
    fn plain(&self, rows: Bits, scored: bool) -> Hits {
        Hits { rows, scores: scored.then(|| Scores::zero(self.part.rows)) }
    }

    fn eval(&self, plan: &Plan, scored: bool) -> SearchResult<Hits> {
        let count = self.part.rows;
        Ok(match plan {
            Plan::All => self.plain(Bits::all(count), scored),
            Plan::Nothing | Plan::Neutral => self.plain(Bits::none(count), scored),
            Plan::And(parts) => self.and(parts, scored)?,
            Plan::Or(parts) => self.or(parts, scored)?,
            Plan::Not(part) => {
                let mut rows = self.eval(part, false)?.rows;
                rows.invert();
                self.plain(rows, scored)
            }
            Plan::Text(field, words) => self.text(field, words, scored)?,
            Plan::Constant(part) => {
                let mut hits = self.plain(self.eval(part, false)?.rows, scored);
                if let Some(scores) = &mut hits.scores {
                    hits.rows.each(|row| scores[row] = 1.0);
                }
                hits
            }
            Plan::Unscored(part) => self.plain(self.eval(part, false)?.rows, scored),
            Plan::Column(..) | Plan::Box(_) | Plan::Near { .. } => {
                self.plain(self.test(plan)?.fill(count), scored)
            }
        })
    }

    fn test(&self, plan: &Plan) -> SearchResult<RowTest<'_>> {
        match plan {
            Plan::Column(field, test) => RowTest::of_column(self.selection.snapshot, self.at, *field, test),
            Plan::Box(area) => Ok(RowTest::in_box(self.part, *area)),
            Plan::Near { lon, lat, metres } => Ok(RowTest::near(self.part, (*lon, *lat), *metres)),
            _ => Err(SearchError::engine("only filters are tested row by row")),
        }
    }

    /// Words first: what is left is often few rows, of which each is then asked for its values.
    fn and(&self, parts: &[Plan], scored: bool) -> SearchResult<Hits> {
        let is_filter = |part: &&Plan| part.is_filter();
        let mut found: Option<Hits> = None;
        for part in parts.iter().filter(|part| !is_filter(part)) {
            let next = self.eval(part, scored && part.scores())?;
            found = Some(match found {
                None => next,
                Some(hits) => intersect(hits, next),
            });
        }
        let tests = parts.iter().filter(is_filter).map(|part| self.test(part));
        let mut tests = tests.collect::<SearchResult<Vec<_>>>()?;
        // What few rows pass is asked first.
        tests.sort_by_key(|test| !test.is_selective());
        for test in tests {
            self.selection.deadline.check()?;
            match &mut found {
                Some(hits) if hits.rows.count() < self.part.rows / 16 => {
                    hits.rows.retain(|row| test.matches(row));
                }
                Some(hits) => hits.rows.and(&test.fill(self.part.rows)),
                None => found = Some(self.plain(test.fill(self.part.rows), false)),
            }
        }
        let mut hits = found.unwrap_or_else(|| self.plain(Bits::all(self.part.rows), false));
        if scored && hits.scores.is_none() {
            hits.scores = Some(Scores::zero(self.part.rows));
        }
        Ok(hits)
    }

    fn or(&self, parts: &[Plan], scored: bool) -> SearchResult<Hits> {
        let mut found = self.plain(Bits::none(self.part.rows), scored);
        for part in parts {
            if let Plan::Text(field, words) = part {
                self.add_text(field, words, &mut found)?;
                continue;
            }
            let next = self.eval(part, scored && part.scores())?;
            found.rows.or(&next.rows);
            if let (Some(scores), Some(more)) = (&mut found.scores, &next.scores) {
                next.rows.each(|row| scores[row] += more[row]);
            }
        }
        Ok(found)
    }

    fn text(&self, field: &WordField, words: &Words, scored: bool) -> SearchResult<Hits> {
        let mut hits = self.plain(Bits::none(self.part.rows), scored);
        self.add_text(field, words, &mut hits)?;
        Ok(hits)
    }

    fn add_text(&self, field: &WordField, words: &Words, hits: &mut Hits) -> SearchResult<()> {
        self.selection.deadline.check()?;
        let Some(index) = &self.part.words else { return Ok(()) };
        if !index.has(field) {
            // Of the members of a union, one may keep the whole texts of a column as words and another not.
            if let Some(texts) = self.part.columns[field.column].texts().filter(|_| field.view == View::Whole)
            {
                let found = texts::of_whole_texts(texts, words).fill(self.part.rows);
                found.each(|row| hits.scores.iter_mut().for_each(|scores| scores[row] += field.boost));
                hits.rows.or(&found);
            }
            return Ok(());
        }
        let statistics = &self.selection.statistics;
        let scores = hits.scores.as_deref_mut();
        match words {
            Words::Any(words) => {
                let mut scores = scores;
                for word in words {
                    index.word(field, word, statistics, &mut hits.rows, scores.as_deref_mut())?;
                }
                Ok(())
            }
            Words::Fuzzy(word, distance) => {
                let mut rows = Bits::none(self.part.rows);
                index.near(field, word, *distance, &mut rows)?;
                if let Some(scores) = scores {
                    rows.iter().for_each(|row| scores[row] += field.boost);
                }
                hits.rows.or(&rows);
                Ok(())
            }
            Words::Phrase(words, slop) => {
                index.phrase(field, words, *slop, statistics, &mut hits.rows, scores)
            }
            Words::Prefix(required, prefix) => {
                let mut rows = Bits::none(self.part.rows);
                index.prefix(field, prefix, &mut rows)?;
                for word in required {
                    let mut with = Bits::none(self.part.rows);
                    index.word(field, word, statistics, &mut with, None)?;
                    rows.and(&with);
                }
                if let Some(scores) = scores {
                    rows.iter().for_each(|row| scores[row] += field.boost);
                }
                hits.rows.or(&rows);
                Ok(())
            }
        }
    }
}

fn intersect(mut hits: Hits, next: Hits) -> Hits {
    hits.rows.and(&next.rows);
    match (&mut hits.scores, next.scores) {
        (Some(scores), Some(more)) => hits.rows.each(|row| scores[row] += more[row]),
        (None, scores) => hits.scores = scores,
        (Some(_), None) => {}
    }
    hits
}
