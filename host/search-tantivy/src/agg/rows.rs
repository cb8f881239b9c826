//! The rows of a group: of all matches, or of one group of an outer level.

use halle_search::engine::SearchResult;

use crate::bits::Bits;
use crate::deadline::Deadline;

/// Rows handed out at once.
const CHUNK_ROWS: usize = 4_096;

/// Rows of every part.
pub(crate) enum RowSet {
    Hits(Vec<Bits>),
    Listed(Vec<Vec<u32>>),
}

impl RowSet {
    /// Number of rows.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Hits(parts) => parts.iter().map(|rows| rows.count() as u64).sum(),
            Self::Listed(parts) => parts.iter().map(|rows| rows.len() as u64).sum(),
        }
    }

    /// Hands the rows out, a few thousand of one part at a time.
    pub(crate) fn each_chunk(
        &self,
        deadline: &Deadline,
        mut take: impl FnMut(usize, &[u32]) -> SearchResult<()>,
    ) -> SearchResult<()> {
        match self {
            Self::Listed(parts) => {
                for (part, rows) in parts.iter().enumerate() {
                    for chunk in rows.chunks(CHUNK_ROWS) {
                        deadline.check()?;
                        take(part, chunk)?;
                    }
                }
            }
            Self::Hits(parts) => {
                let mut chunk = Vec::with_capacity(CHUNK_ROWS + 64);
                for (part, rows) in parts.iter().enumerate() {
                    for (index, &word) in rows.words().iter().enumerate() {
                        let base = index as u32 * 64;
                        if word == u64::MAX {
                            chunk.extend(base..base + 64);
                        } else {
                            let mut left = word;
                            while left != 0 {
                                chunk.push(base + left.trailing_zeros());
                                left &= left - 1;
                            }
                        }
                        if chunk.len() >= CHUNK_ROWS {
                            deadline.check()?;
                            take(part, &chunk)?;
                            chunk.clear();
                        }
                    }
                    take(part, &chunk)?;
                    chunk.clear();
                }
            }
        }
        Ok(())
    }
}
