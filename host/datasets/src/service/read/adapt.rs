//! Questions of frequent words on large datasets: which words stop choosing lines (reference §2.3, `q_mode=adapt`).
//!
//! Counts are exact here, whatever `count` asks, so that nothing is estimated; but a client that sends no mode expects the
//! lines that rank best among those of its rarer words.

use halle_search::params::{
    ADAPT_DATASET_LINES_MIN, ADAPT_MATCHES_MIN, LinesParams, Params, adaptable_words,
};

use super::Reading;
use crate::error::DatasetsResult;

impl Reading {
    /// The words of the question that go on ranking lines without choosing them, the most frequent first: as many as leave
    /// enough lines to the others.
    pub async fn ignored_words(&self, params: &Params) -> DatasetsResult<Vec<String>> {
        let words = adaptable_words(params);
        let is_large = self.dataset().count.is_some_and(|lines| lines >= ADAPT_DATASET_LINES_MIN);
        if words.is_empty() || !is_large || self.matches(params.clone()).await? < ADAPT_MATCHES_MIN {
            return Ok(Vec::new());
        }
        let mut counted = Vec::with_capacity(words.len());
        for word in words {
            let alone = params.clone().with("_c_q", "").with("q", word);
            counted.push((self.matches(alone).await?, word));
        }
        counted.sort_by_key(|(lines, _)| std::cmp::Reverse(*lines));
        let mut ignored: Vec<&str> = Vec::new();
        // One word at least goes on choosing.
        for (_, word) in counted.iter().take(counted.len() - 1) {
            ignored.push(word);
            if self.matches(params.clone().with("q_ignored", &ignored.join(","))).await? < ADAPT_MATCHES_MIN {
                ignored.pop();
                break;
            }
        }
        Ok(ignored.into_iter().map(str::to_owned).collect())
    }

    /// How many lines match.
    async fn matches(&self, params: Params) -> DatasetsResult<u64> {
        let asked = params.with("size", "0").with("count", "exact").with("highlight", "");
        let asked = LinesParams::parse(&asked, &self.fields())?;
        Ok(self.index.lines(asked.request(0)).await?.total.unwrap_or(0))
    }
}
