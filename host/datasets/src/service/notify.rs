//! Notifications that people send to those who follow a dataset (reference §1.2).

use halle_base::{Timestamp, new_id};
use halle_http::ApiError;
use halle_http::error::StatusCode;
use halle_model::notification::{
    NewNotification, Notification, Originator, OriginatorUser, Recipient, Resource, Topic, USER_NOTIFICATION,
    Visibility,
};
use halle_model::{Caller, Dataset};
use halle_store::UnitOfWork;
use halle_store::notifications::{NOTIFICATIONS_KEPT_MAX, send, sent_by};
use jiff::SignedDuration;

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::load::{check, load_in};
use crate::state::Datasets;

impl Datasets {
    /// Sends a notification, and answers it as it is kept. 400 when it says too little or too much; a public one takes the operation
    /// `sendUserNotificationPublic` besides.
    pub async fn send_notification(
        &self,
        caller: &Caller,
        id: &str,
        written: NewNotification,
    ) -> DatasetsResult<Notification> {
        let mut unit = self.store.begin().await?;
        let dataset = load_in(unit.as_mut(), caller, id, "sendUserNotification").await?;
        if written.visibility == Visibility::Public {
            check(caller, "sendUserNotificationPublic", &dataset)?;
        }
        written.check().map_err(DatasetsError::BadRequest)?;
        self.check_pace(unit.as_mut(), &dataset).await?;
        let notification = self.signed(caller, &dataset, written);
        send(unit.as_mut(), &notification).await?;
        unit.commit().await?;
        Ok(notification)
    }

    /// Refuses more than [`NOTIFICATIONS_KEPT_MAX`] notifications of one account within a day: each recipient has a log.
    async fn check_pace(&self, unit: &mut dyn UnitOfWork, dataset: &Dataset) -> DatasetsResult<()> {
        let sent = unit.logs().latest(&sent_by(&dataset.owner.key()), NOTIFICATIONS_KEPT_MAX).await?;
        let day_ago = self.clock.now().checked_sub(SignedDuration::from_hours(24));
        let is_recent = |at: Timestamp| day_ago.is_ok_and(|day_ago| at > day_ago);
        let oldest = sent.iter().map(|entry| entry.at).min();
        if sent.len() < NOTIFICATIONS_KEPT_MAX as usize || !oldest.is_some_and(is_recent) {
            return Ok(());
        }
        let message = format!(
            "Ce compte a envoyé {NOTIFICATIONS_KEPT_MAX} notifications en un jour : réessayez demain. This account sent \
             {NOTIFICATIONS_KEPT_MAX} notifications within a day: try again tomorrow."
        );
        Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-many-notifications", message).into())
    }

    /// What was written, with what the platform says of it.
    fn signed(&self, caller: &Caller, dataset: &Dataset, written: NewNotification) -> Notification {
        let topic = written.topic.unwrap_or_default();
        let mut url_params = written.url_params;
        url_params.insert("id".to_owned(), dataset.id.clone());
        url_params.insert("slug".to_owned(), dataset.slug.clone());
        Notification {
            id: new_id(&*self.dice),
            topic: Topic {
                key: format!("data-fair:{USER_NOTIFICATION}:{}:{topic}", dataset.slug),
                title: dataset.title.clone(),
            },
            title: written.title.unwrap_or_default(),
            body: written.body,
            url_params,
            visibility: written.visibility,
            date: self.clock.now(),
            sender: dataset.owner.clone(),
            originator: originator(caller),
            resource: Resource {
                kind: "dataset".to_owned(),
                id: dataset.id.clone(),
                title: dataset.title.clone(),
            },
            recipient: written.recipient,
        }
    }
}

/// Who wrote: a superadmin is not named, a key of an account is the account.
fn originator(caller: &Caller) -> Originator {
    let named = |id: &str, name: &str| Recipient { id: id.to_owned(), name: Some(name.to_owned()) };
    let user = match &caller.user {
        Some(_) if caller.admin_mode => Some(OriginatorUser::Superadmin { admin: true }),
        Some(user) => Some(OriginatorUser::Person(named(&user.id, &user.name))),
        None => None,
    };
    let account = caller.account.as_ref().filter(|_| user.is_none());
    Originator { user, organization: account.map(|account| named(&account.id, &account.name)) }
}
