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
use super::transaction::Seen;
use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// Writes made by one transaction.
const WRITES_MAX: usize = 128;

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
    answer: oneshot::Sender<DatasetsResult<Vec<Outcome>>>,
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
        let committed = self.write_together(&dataset, &writes, Seen::AtOnce).await;
        // The next group writes while readers are shown this one; the index has them in their order.
        drop(lead);
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
