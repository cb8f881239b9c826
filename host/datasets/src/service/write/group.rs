//! Concurrent writers of one dataset, made together: one transaction and one change of the index for all that wait.
//!
//! Writers queue up. One of them leads: it takes what is waiting, makes it durable, gives the lead away, has readers see it,
//! and answers each. What comes meanwhile waits for the next lead. Alone, a writer leads itself at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use halle_http::ApiError;
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::change::{Outcome, Write};
use super::sync::shared;
use super::transaction::{Committed, Seen};
use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// Writes made by one transaction.
const WRITES_MAX: usize = 128;

/// Writes of one group whose extensions are asked in vain, one after the other, before the others fail without: each may take
/// as long as the patience with a service.
const FAILURES_MAX: u32 = 2;

/// Who waits for what became of a write.
type Answer = oneshot::Sender<DatasetsResult<Vec<Outcome>>>;

/// Writes that were made in one transaction, and those who wait for them.
type Part = (Vec<Answer>, DatasetsResult<Committed>);

/// Writes of one dataset that wait, and who leads.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    lead: Arc<tokio::sync::Mutex<()>>,
}

/// A write that waits for its answer.
#[derive(Debug)]
struct Waiting {
    write: Write,
    answer: Answer,
}

impl Datasets {
    /// Makes a write together with those that wait for the same dataset, and returns once readers see it.
    pub(super) async fn write_in_group(&self, dataset: &str, write: Write) -> DatasetsResult<Vec<Outcome>> {
        let queue = shared(&self.line_locks().queues, &dataset.to_owned());
        let (answer, mut answered) = oneshot::channel();
        queue.push(Waiting { write, answer });
        let lost = |_| DatasetsError::internal("a group of writes ended without answer");
        loop {
            let lead = tokio::select! {
                biased;
                outcome = &mut answered => return outcome.map_err(lost)?,
                lead = Arc::clone(&queue.lead).lock_owned() => lead,
            };
            let group = queue.take();
            if group.is_empty() {
                // This write is in the hands of another already.
                drop(lead);
                return answered.await.map_err(lost)?;
            }
            // A task of its own: the others wait for it, even if the client of this one goes away.
            tokio::spawn(self.clone().make(dataset.to_owned(), group, lead));
        }
    }

    async fn make(self, dataset: String, group: Vec<Waiting>, lead: OwnedMutexGuard<()>) {
        let (writes, answers): (Vec<Write>, Vec<_>) =
            group.into_iter().map(|waiting| (waiting.write, waiting.answer)).unzip();
        let parts = self.make_parts(&dataset, &writes, answers).await;
        // The next group writes while readers are shown this one; the index has them in their order.
        drop(lead);
        for (answers, committed) in parts {
            self.answer(answers, committed).await;
        }
    }

    /// Makes writes durable, together or, when extensions that some of them need do not answer, each alone.
    async fn make_parts(&self, dataset: &str, writes: &[Write], answers: Vec<Answer>) -> Vec<Part> {
        let together = self.write_together(dataset, writes, &Seen::AtOnce).await;
        if writes.len() < 2 || !together.as_ref().is_err_and(is_unanswered) {
            return vec![(answers, together)];
        }
        let (mut failures, mut silence) = (0, None);
        let mut parts = Vec::with_capacity(writes.len());
        for (write, answer) in writes.iter().zip(answers) {
            let alone = std::slice::from_ref(write);
            let mut made = self.write_asking(dataset, alone, &Seen::AtOnce, silence.as_ref()).await;
            if silence.is_none() && made.as_ref().is_err_and(is_unanswered) {
                failures += 1;
                made = made.map_err(|error| {
                    let error = ApiError::from(error);
                    silence = Some(error.clone()).filter(|_| failures == FAILURES_MAX);
                    error.into()
                });
            }
            parts.push((vec![answer], made));
        }
        parts
    }

    /// Has readers see what was made, and answers those who wrote it.
    async fn answer(&self, answers: Vec<Answer>, committed: DatasetsResult<Committed>) {
        let shown = match committed {
            Ok(committed) => self.show(committed).await,
            Err(error) => Err(error),
        };
        match shown {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // Whoever does not listen any more has gone away.
                    let _unheard = answer.send(outcome);
                }
            }
            Err(error) => {
                let error = ApiError::from(error);
                for answer in answers {
                    let _unheard = answer.send(Err(DatasetsError::Api(error.clone())));
                }
            }
        }
    }
}

/// Whether extensions that a write needs did not answer, or cannot.
fn is_unanswered(error: &DatasetsError) -> bool {
    matches!(error, DatasetsError::Remote(_) | DatasetsError::BadRequest(_))
}

impl Queue {
    fn push(&self, waiting: Waiting) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(waiting);
    }

    /// The writes that waited longest, without those whose client has gone away.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|waiting| !waiting.answer.is_closed());
        let count = waiting.len().min(WRITES_MAX);
        waiting.drain(..count).collect()
    }
}
