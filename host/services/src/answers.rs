//! Answers of services, kept for the next row that asks the same (reference §6).
//!
//! They live beside the edited lines, under a name that no dataset has, in the order of their last use: the oldest go first
//! when there are too many. An answer belongs to what was asked, of which operation, through which version of the adapter;
//! where the service is reached with a key, also to the account for which it was.
//!
//! **Invariant:** nothing is lost with them: whatever cannot be read or written here is asked again.

use std::collections::HashMap;

use halle_base::Timestamp;
use halle_extensions::Problem;
use halle_store::{LineRecord, StoreResult, UnitOfWork};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::RemoteServices;

/// Time after its last use for which an answer is kept (reference §6: 10 days).
const UNUSED_HOURS_MAX: i64 = 10 * 24;

/// Time after which a use is noted again, so that reading costs few writes.
const NOTED_HOURS: i64 = 24;

/// Answers kept of one service.
const ANSWERS_MAX: u64 = 50_000;

/// Bytes of one answer, as JSON: larger ones are asked again. With [`ANSWERS_MAX`], 200 MB for a service.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// Answers forgotten by one statement.
const FORGOTTEN_PER_STEP: u32 = 1_000;

/// Member of a stored line that holds the answer.
const MEMBER: &str = "answer";

/// What a service said of one input.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Values by key of column.
    pub values: Map<String, Value>,
    /// Code and text of the problem, if the service told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<(String, String)>,
}

impl Answer {
    /// The problem, as rows have it.
    pub fn problem(&self) -> Option<Problem> {
        self.problem.as_ref().map(|(code, message)| Problem::new(code.clone(), message.clone()))
    }

    /// Whether it says anything worth remembering.
    fn is_telling(&self) -> bool {
        self.problem.is_some() || !self.values.is_empty()
    }
}

/// As it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// When it was last used, to the day.
    used_at: Timestamp,
    answer: Answer,
}

/// The answers of one service, to one way of asking it.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    place: String,
    way: String,
}

impl Answers {
    /// The answers of the service `id`. `way` is all that an answer depends on besides the input.
    pub fn of(id: &str, way: &Value) -> Self {
        Self { place: place(id), way: way.to_string() }
    }

    /// Under what the answer to an input is kept.
    pub fn key(&self, input: &Value) -> String {
        let mut hash = Sha256::new();
        for part in [self.way.as_str(), &input.to_string()] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        hex::encode(hash.finalize())
    }

    /// The answers that are known, by key.
    pub async fn known(&self, services: &RemoteServices, keys: &[&str]) -> HashMap<String, Answer> {
        match self.read(services, keys).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(place = self.place, %error, "answers that were kept cannot be read");
                HashMap::new()
            }
        }
    }

    async fn read(&self, services: &RemoteServices, keys: &[&str]) -> StoreResult<HashMap<String, Answer>> {
        let now = services.clock.now();
        let hours = |since: Timestamp| now.duration_since(since).as_hours();
        let (mut known, mut noted) = (HashMap::new(), Vec::new());
        let mut unit = services.store.read().await?;
        for line in unit.lines().get_all(&self.place, keys).await? {
            let Some(kept) = kept(&line) else { continue };
            if hours(kept.used_at) >= UNUSED_HOURS_MAX {
                continue;
            }
            if hours(kept.used_at) >= NOTED_HOURS {
                noted.extend(record(&line.id, &kept.answer, now));
            }
            known.insert(line.id, kept.answer);
        }
        drop(unit);
        if !noted.is_empty() {
            self.write(services, &noted).await?;
        }
        Ok(known)
    }

    /// Keeps answers, and forgets those that were not used for longest when there are too many.
    pub async fn keep<'a>(
        &self,
        services: &RemoteServices,
        answers: impl Iterator<Item = (&'a str, &'a Answer)>,
    ) {
        let now = services.clock.now();
        let telling = answers.filter(|(_, answer)| answer.is_telling());
        let lines: Vec<LineRecord> = telling.filter_map(|(key, answer)| record(key, answer, now)).collect();
        if lines.is_empty() {
            return;
        }
        if let Err(error) = self.write(services, &lines).await {
            tracing::warn!(place = self.place, %error, "answers cannot be kept");
        }
    }

    async fn write(&self, services: &RemoteServices, lines: &[LineRecord]) -> StoreResult<()> {
        let mut unit = services.store.begin().await?;
        unit.lines().put(&self.place, lines).await?;
        make_room(unit.as_mut(), &self.place, services.clock.now(), ANSWERS_MAX).await?;
        unit.commit().await
    }
}

/// Forgets what is too old; and where there are more than `answers_max`, those that were not used for longest, with some to
/// spare, so that not every batch has to.
async fn make_room(
    unit: &mut dyn UnitOfWork,
    place: &str,
    now: Timestamp,
    answers_max: u64,
) -> StoreResult<()> {
    let count = unit.lines().count(place).await?;
    let mut surplus = if count > answers_max { count - answers_max + answers_max / 10 } else { 0 };
    loop {
        let oldest = unit.lines().after(place, 0, FORGOTTEN_PER_STEP).await?;
        let is_old = |line: &LineRecord| {
            kept(line).is_none_or(|kept| now.duration_since(kept.used_at).as_hours() >= UNUSED_HOURS_MAX)
        };
        let too_much = usize::try_from(surplus).unwrap_or(usize::MAX);
        let gone = oldest.into_iter().enumerate().take_while(|(at, line)| *at < too_much || is_old(line));
        let gone = gone.map(|(_, line)| LineRecord { deleted: true, body: Map::new(), ..line });
        let gone: Vec<LineRecord> = gone.collect();
        if gone.is_empty() {
            return Ok(());
        }
        let last = unit.lines().put(place, &gone).await?;
        unit.lines().purge(place, last).await?;
        surplus = surplus.saturating_sub(gone.len() as u64);
    }
}

/// Forgets all answers of a service.
pub(crate) async fn forget(unit: &mut dyn UnitOfWork, id: &str) -> StoreResult<()> {
    unit.lines().clear(&place(id)).await
}

/// The name under which the answers of a service are kept: no dataset's identifier has a colon.
fn place(id: &str) -> String {
    format!("{id}:answers")
}

/// `None` for an answer that is too large.
fn record(key: &str, answer: &Answer, now: Timestamp) -> Option<LineRecord> {
    let kept = serde_json::to_value(Kept { used_at: now, answer: answer.clone() }).ok()?;
    let fits = kept.to_string().len() <= ANSWER_BYTES_MAX;
    let body = Map::from_iter([(MEMBER.to_owned(), kept)]);
    fits.then(|| LineRecord { id: key.to_owned(), i: 0, body, deleted: false })
}

fn kept(line: &LineRecord) -> Option<Kept> {
    Kept::deserialize(line.body.get(MEMBER)?).ok()
}

#[cfg(test)]
mod tests {
    use halle_testkit::Stack;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_tells_every_way_of_asking_from_the_others() {
        let of = |way: Value, input: Value| Answers::of("s", &way).key(&input);
        let first = of(json!(["a"]), json!({ "x": 1 }));
        assert_eq!(first, of(json!(["a"]), json!({ "x": 1 })));
        for other in [of(json!(["b"]), json!({ "x": 1 })), of(json!(["a"]), json!({ "x": "1" }))] {
            assert_ne!(first, other);
        }
    }

    #[tokio::test]
    async fn the_answers_unused_for_longest_make_room() {
        let stack = Stack::new().await;
        let mut unit = stack.store.begin().await.unwrap();
        let now = "2026-01-15T12:00:00Z".parse().unwrap();
        let answer = Answer { values: Map::from_iter([("a".to_owned(), json!(1))]), problem: None };
        let all: Vec<LineRecord> =
            (0..12).map(|n| record(&format!("{n:02}"), &answer, now).unwrap()).collect();
        unit.lines().put("s:answers", &all).await.unwrap();
        // Used again, so that it is not the oldest.
        unit.lines().put("s:answers", &all[..1]).await.unwrap();
        make_room(unit.as_mut(), "s:answers", now, 10).await.unwrap();
        let ids = async |unit: &mut dyn UnitOfWork| -> Vec<String> {
            let left = unit.lines().after("s:answers", 0, 100).await.unwrap();
            left.into_iter().map(|line| line.id).collect()
        };
        let expected = ["04", "05", "06", "07", "08", "09", "10", "11", "00"];
        assert_eq!(ids(unit.as_mut()).await, expected);
        let later = "2026-01-25T12:00:00Z".parse().unwrap();
        make_room(unit.as_mut(), "s:answers", later, 10).await.unwrap();
        assert!(ids(unit.as_mut()).await.is_empty());
        let large =
            Answer { values: Map::from_iter([("a".to_owned(), json!("x".repeat(5_000)))]), problem: None };
        assert_eq!(record("x", &large, now), None);
    }
}
