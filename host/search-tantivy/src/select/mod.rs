//! Which rows match, and how well: a plan, evaluated part by part.

mod late;
pub(crate) mod plan;
mod rows;
mod scores;
#[cfg(test)]
mod tests;
pub(crate) mod texts;

use halle_search::ast::Operand;
use halle_search::engine::SearchResult;
use halle_search::{Query, SearchError};
use tantivy::postings::TermInfo;

use self::plan::{Plan, Words};
use self::rows::{OperandExt as _, RowTest};
pub(crate) use self::scores::Scores;
use crate::analysis::View;
use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::part::Part;
use crate::part::fields::WordField;
use crate::part::statistics::Statistics;
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
        let statistics = snapshot.parts.iter().map(|live| live.part.words.as_ref()).collect();
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
        let mut found = self.unset(scored);
        let mut parts = parts;
        while let Some((part, others)) = parts.split_first() {
            parts = others;
            let Plan::Text(field, words) = part else {
                let next = self.eval(part, scored && part.scores())?;
                match &mut found.scores {
                    None => found.rows.or(&next.rows),
                    Some(scores) => {
                        let of_row = |row| next.scores.as_ref().map_or(0.0, |scores| scores[row]);
                        next.rows.each(|row| scores.add(&mut found.rows, row as u32, of_row(row)));
                    }
                }
                continue;
            };
            if let (Words::Any(words), Some((Plan::Text(second, Words::Any(more)), others))) =
                (words, others.split_first())
                && let ([word], [other]) = (&words[..], &more[..])
                && self.part.words.as_ref().is_some_and(|index| index.share(field, second))
            {
                self.add_words(&[(field, word), (second, other)], &mut found)?;
                parts = others;
                continue;
            }
            self.add_text(field, words, &mut found)?;
        }
        Ok(found)
    }

    fn text(&self, field: &WordField, words: &Words, scored: bool) -> SearchResult<Hits> {
        let mut hits = self.unset(scored);
        self.add_text(field, words, &mut hits)?;
        Ok(hits)
    }

    /// No rows yet.
    fn unset(&self, scored: bool) -> Hits {
        let count = self.part.rows;
        Hits { rows: Bits::none(count), scores: scored.then(|| Scores::unset(count)) }
    }

    /// Adds the rows that hold one of the words, which are looked up in the same terms.
    fn add_words(&self, words: &[(&WordField, &String)], hits: &mut Hits) -> SearchResult<()> {
        self.selection.deadline.check()?;
        let (Some(index), Some((field, _))) = (&self.part.words, words.first()) else { return Ok(()) };
        let statistics = &self.selection.statistics;
        let Hits { rows, scores } = hits;
        let Some(scores) = scores else {
            let found = words.iter().map(|(field, word)| statistics.terms(self.at, field, word));
            let found = found.collect::<SearchResult<Vec<_>>>()?;
            for (place, terms) in found.iter().enumerate() {
                let is_new = |term: &&TermInfo| found[..place].iter().all(|known| !known.contains(term));
                index.fill(field, terms.iter().filter(is_new), rows)?;
            }
            return Ok(());
        };
        let weighed = words.iter().map(|(field, word)| statistics.weighed(self.at, field, word));
        index.score(field, &weighed.collect::<SearchResult<Vec<_>>>()?, rows, scores)
    }

    fn add_text(&self, field: &WordField, words: &Words, hits: &mut Hits) -> SearchResult<()> {
        self.selection.deadline.check()?;
        let Some(index) = &self.part.words else { return Ok(()) };
        if !index.has(field) {
            // Of the members of a union, one may keep the whole texts of a column as words and another not.
            if let Some(texts) = self.part.columns[field.column].texts().filter(|_| field.view == View::Whole)
            {
                let found = texts::of_whole_texts(texts, words).fill(self.part.rows);
                add_all(&found, field.boost, hits);
            }
            return Ok(());
        }
        let statistics = &self.selection.statistics;
        match words {
            Words::Any(words) => words.iter().try_for_each(|word| self.add_words(&[(field, word)], hits)),
            Words::Fuzzy(word, distance) => {
                let mut rows = Bits::none(self.part.rows);
                index.near(field, word, *distance, &mut rows)?;
                add_all(&rows, field.boost, hits);
                Ok(())
            }
            Words::Phrase(words, slop) => {
                index.phrase(field, words, *slop, statistics, &mut hits.rows, hits.scores.as_mut())
            }
            Words::Prefix(required, prefix) => {
                let mut rows = Bits::none(self.part.rows);
                index.prefix(field, prefix, &mut rows)?;
                for word in required {
                    let mut with = Bits::none(self.part.rows);
                    index.fill(field, &*statistics.terms(self.at, field, word)?, &mut with)?;
                    rows.and(&with);
                }
                add_all(&rows, field.boost, hits);
                Ok(())
            }
        }
    }
}

/// Adds rows that all score the same.
fn add_all(found: &Bits, score: f32, hits: &mut Hits) {
    match &mut hits.scores {
        None => hits.rows.or(found),
        Some(scores) => found.each(|row| scores.add(&mut hits.rows, row as u32, score)),
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
