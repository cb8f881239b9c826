//! What few rows score, when most matches need no score: their order is decided by something else.

use halle_search::engine::SearchResult;

use super::plan::{Plan, Words};
use super::{Scope, Selection};

impl Selection<'_> {
    /// What each of these rows of a part scores, the same number to the last bit as [`Selection::hits`] gives. Rows ascend,
    /// and match.
    pub(crate) fn scores_of(&self, part: usize, rows: &[u32]) -> SearchResult<Vec<f32>> {
        let scope = Scope { selection: self, at: part, part: &self.snapshot.parts[part].part };
        let mut scores = vec![0.0; rows.len()];
        scope.add_scores(&self.plan, rows, &mut scores)?;
        Ok(scores)
    }
}

impl Scope<'_> {
    /// Adds what the rows score, in the order in which all rows are scored, and tells which of them match.
    fn add_scores(&self, plan: &Plan, rows: &[u32], scores: &mut [f32]) -> SearchResult<Vec<bool>> {
        self.selection.deadline.check()?;
        Ok(match plan {
            Plan::And(parts) => {
                let mut all = vec![true; rows.len()];
                for part in parts {
                    let one = self.add_apart(part, rows, scores)?;
                    all.iter_mut().zip(one).for_each(|(all, one)| *all &= one);
                }
                all
            }
            Plan::Or(parts) => {
                let mut any = vec![false; rows.len()];
                for part in parts {
                    let one = match part {
                        Plan::Text(..) => self.add_scores(part, rows, scores)?,
                        _ => self.add_apart(part, rows, scores)?,
                    };
                    any.iter_mut().zip(one).for_each(|(any, one)| *any |= one);
                }
                any
            }
            Plan::Text(field, Words::Any(words))
                if let Some(index) = self.part.words.as_ref().filter(|index| index.has(field)) =>
            {
                let mut any = vec![false; rows.len()];
                for word in words {
                    let word = self.selection.statistics.weighed(self.at, field, word)?;
                    index.score_rows(field, &word, rows, scores, &mut any)?;
                }
                any
            }
            Plan::Constant(part) => {
                let matches = self.matching(part, rows)?;
                scores.iter_mut().zip(&matches).filter(|(_, one)| **one).for_each(|(score, _)| *score += 1.0);
                matches
            }
            Plan::Text(..) => {
                let hits = self.eval(plan, true)?;
                let matches: Vec<bool> = rows.iter().map(|row| hits.rows.get(*row as usize)).collect();
                let of_row = |row: u32| hits.scores.as_ref().map_or(0.0, |scores| scores[row as usize]);
                for ((score, row), _) in scores.iter_mut().zip(rows).zip(&matches).filter(|(_, one)| **one) {
                    *score += of_row(*row);
                }
                matches
            }
            _ => self.matching(plan, rows)?,
        })
    }

    /// Adds what the rows that match score together.
    fn add_apart(&self, plan: &Plan, rows: &[u32], scores: &mut [f32]) -> SearchResult<Vec<bool>> {
        let mut own = vec![0.0; rows.len()];
        let matches = self.add_scores(plan, rows, &mut own)?;
        for ((score, own), one) in scores.iter_mut().zip(own).zip(&matches) {
            *score += if *one { own } else { 0.0 };
        }
        Ok(matches)
    }

    fn matching(&self, plan: &Plan, rows: &[u32]) -> SearchResult<Vec<bool>> {
        if let Plan::Column(..) | Plan::Box(_) | Plan::Near { .. } = plan {
            let test = self.test(plan)?;
            return Ok(rows.iter().map(|row| test.matches(*row as usize)).collect());
        }
        let hits = self.eval(plan, false)?.rows;
        Ok(rows.iter().map(|row| hits.get(*row as usize)).collect())
    }
}
