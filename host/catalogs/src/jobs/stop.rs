//! Exchanges that do not come to their end: those that failed, and those that wait for plugin seconds.

use halle_base::Timestamp;
use halle_datasets::DatasetsError;
use halle_extensions::PluginError;
use halle_http::ApiError;
use halle_store::{EntityExt, NewJob, StoreResult, limits};

use crate::Catalogs;
use crate::model::Exchange;
use crate::service::ExchangeLog;

/// Why an exchange gave nothing.
pub(super) enum Stop {
    /// It did not begin, or waits for its dataset: an account has used up its plugin seconds, for a reason to be read and until
    /// then.
    PutOff(String, Timestamp),
    /// It failed.
    Failed(ApiError),
}

impl From<PluginError> for Stop {
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::OverQuota { message, until } => Self::PutOff(message, until),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<DatasetsError> for Stop {
    fn from(error: DatasetsError) -> Self {
        match error {
            DatasetsError::PutOff { message, until } => Self::PutOff(message, until),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

/// Lets an exchange wait until then, or until the limit of its account is raised; `job` does it.
pub(super) async fn put_off<E: Exchange>(
    catalogs: &Catalogs,
    exchange: &E,
    job: NewJob,
    log: &ExchangeLog,
    (reason, until): (String, Timestamp),
) -> StoreResult<()> {
    let now = catalogs.clock.now();
    let mut work = catalogs.store.begin().await?;
    let Some(mut stored) = work.load::<E>(exchange.id()).await? else { return Ok(()) };
    // One job of an exchange is enough, whatever its schedule or a person asked for meanwhile: it says what is to be done.
    let job = NewJob { deduplicate: true, ..job };
    let begins_at = limits::put_off(work.as_mut(), job, exchange.account(), until, now).await?;
    stored.entity.put_off(&reason);
    work.save(&mut stored, now).await?;
    work.commit().await?;
    if begins_at == until {
        log.say("warning", &reason);
        log.store(&*catalogs.store, &exchange.log_stream()).await?;
    }
    Ok(())
}
