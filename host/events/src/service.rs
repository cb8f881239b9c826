//! Reading what was sent.

use halle_base::AccountRef;
use halle_http::{ApiError, ApiResult};
use halle_model::Caller;
use halle_model::notification::Notification;
use halle_model::permission::events_account;
use halle_model::slug::fold;
use halle_store::notifications::{NOTIFICATIONS_KEPT_MAX, received_by, seen_by, sent_by};
use halle_store::{LogRecord, StoreError, UnitOfWork};
use serde_json::json;

use crate::Events;

/// Which events of an account are asked for.
#[derive(Debug, Default)]
pub(crate) struct EventsQuery {
    /// Words that occur in title, text, or title of what it is about.
    pub q: String,
    /// `type/id` of what they are about.
    pub resource: Option<String>,
    /// Those sent before the one that this names: `date/id`.
    pub before: Option<String>,
    /// Events at most.
    pub size: usize,
}

/// A page of events: the newest first.
pub(crate) struct EventsPage {
    /// The events.
    pub results: Vec<Notification>,
    /// What to give as `before` for those that come next, when there are more.
    pub next: Option<String>,
}

/// What a person received: the newest first.
pub(crate) struct Received {
    /// Notifications, and whether each was never read before.
    pub results: Vec<(Notification, bool)>,
    /// How many were never read, before this time.
    pub new: usize,
    /// How many there are.
    pub count: usize,
}

impl Events {
    /// What was sent about what the active account of the caller owns, the newest first. 401 for nobody, 403 for who does not administer the
    /// account.
    pub(crate) async fn sent(&self, caller: &Caller, query: &EventsQuery) -> ApiResult<EventsPage> {
        let mut unit = self.store.read().await.map_err(ApiError::internal)?;
        let mut found = notifications(unit.as_mut(), &sent_by(&readable(caller)?.key())).await?;
        let words = fold(&query.q);
        found.retain(|(_, event)| {
            let text =
                [event.title.as_str(), event.body.as_deref().unwrap_or_default(), &event.resource.title];
            let text = fold(&text.join(" "));
            let about = format!("{}/{}", event.resource.kind, event.resource.id);
            words.split_whitespace().all(|word| text.contains(word))
                && query.resource.as_ref().is_none_or(|wanted| *wanted == about)
        });
        let mut events = found.into_iter().map(|(_, event)| event).collect::<Vec<_>>();
        if let Some(before) = &query.before {
            let known = events.iter().position(|event| cursor(event) == *before);
            let place = known.ok_or_else(|| {
                ApiError::bad_request("\"before\" ne désigne aucun évènement : suivez le lien \"next\".")
            })?;
            events.drain(..=place);
        }
        let has_more = events.len() > query.size;
        events.truncate(query.size);
        let next = events.last().filter(|_| has_more).map(cursor);
        Ok(EventsPage { results: events, next })
    }

    /// What the person who calls received; a page of more than nothing is read by that. 401 for nobody, 403 for a key.
    pub(crate) async fn received(&self, caller: &Caller, skip: usize, size: usize) -> ApiResult<Received> {
        let user = caller.user.as_ref().ok_or_else(not_signed_in)?;
        if caller.scopes.is_some() {
            return Err(ApiError::forbidden("Une clé d'API ne lit pas les notifications d'une personne."));
        }
        let mut unit = self.store.read().await.map_err(ApiError::internal)?;
        let found = notifications(unit.as_mut(), &received_by(&user.id)).await?;
        let last = unit.logs().latest(&seen_by(&user.id), 1).await.map_err(ApiError::internal)?;
        drop(unit);
        let seen = last.first().and_then(|record| record.body["seen"].as_i64()).unwrap_or(0);
        let newest = found.first().map_or(0, |(seq, _)| *seq);
        if size > 0 && newest > seen {
            self.see(&user.id, newest).await.map_err(ApiError::internal)?;
        }
        let (count, new) = (found.len(), found.iter().filter(|(seq, _)| *seq > seen).count());
        let page = found.into_iter().skip(skip).take(size).map(|(seq, event)| (event, seq > seen));
        Ok(Received { results: page.collect(), new, count })
    }

    /// Remembers that a person has read up to the notification number `seq`.
    async fn see(&self, user: &str, seq: i64) -> Result<(), StoreError> {
        let mut unit = self.store.begin().await?;
        unit.logs().append(&seen_by(user), self.clock.now(), &json!({ "seen": seq }), 1).await?;
        unit.commit().await
    }
}

/// The account whose events the caller reads.
fn readable(caller: &Caller) -> ApiResult<&AccountRef> {
    if caller.is_anonymous() {
        return Err(not_signed_in());
    }
    events_account(caller).ok_or_else(|| {
        ApiError::forbidden(
            "Les évènements d'un compte sont lus par ceux qui l'administrent, sans clé d'API.",
        )
    })
}

fn not_signed_in() -> ApiError {
    ApiError::unauthorized("Connectez-vous pour lire des notifications.")
}

/// Where a page ends.
fn cursor(event: &Notification) -> String {
    format!("{}/{}", event.date, event.id)
}

/// Everything of a stream, with its numbers, the newest first.
async fn notifications(unit: &mut dyn UnitOfWork, stream: &str) -> ApiResult<Vec<(i64, Notification)>> {
    let records = unit.logs().latest(stream, NOTIFICATIONS_KEPT_MAX).await.map_err(ApiError::internal)?;
    let read = |record: LogRecord| serde_json::from_value(record.body).map(|event| (record.seq, event));
    records.into_iter().map(read).collect::<Result<_, _>>().map_err(ApiError::internal)
}
