//! Exchanges that do not come to their end: those that failed, and those that wait for plugin seconds.

use halle_base::{AccountRef, Timestamp};
use halle_datasets::DatasetsError;
use halle_extensions::PluginError;
use halle_http::ApiError;
use halle_store::{EntityExt, NewJob, StoreResult, limits};

use crate::Catalogs;
use crate::model::Exchange;
use crate::service::ExchangeLog;

/// Why an exchange gave nothing.
pub(super) enum Stop {
    /// It did not begin, or waits for its dataset: an account has used up its plugin seconds.
    PutOff(Wait),
    /// It failed.
    Failed(ApiError),
}

/// What an exchange waits for.
pub(super) struct Wait {
    /// To be read.
    pub reason: String,
    /// When there are seconds again.
    pub until: Timestamp,
    /// Whose seconds; the account of the exchange when absent.
    pub account: Option<AccountRef>,
}

impl From<PluginError> for Stop {
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::OverQuota { message, until } => {
                Self::PutOff(Wait { reason: message, until, account: None })
            }
            error => Self::Failed(error.into()),
        }
    }
}

impl From<DatasetsError> for Stop {
    fn from(error: DatasetsError) -> Self {
        match error {
            DatasetsError::PutOff { message, until, owner } => {
                Self::PutOff(Wait { reason: message, until, account: Some(owner) })
            }
            error => Self::Failed(error.into()),
        }
    }
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

/// Lets an exchange wait until then, or until the limit of the account is raised; `job` does it.
pub(super) async fn put_off<E: Exchange>(
    catalogs: &Catalogs,
    exchange: &E,
    job: NewJob,
    log: &ExchangeLog,
    wait: Wait,
) -> StoreResult<()> {
    let Wait { reason, until, account } = wait;
    let account = account.as_ref().unwrap_or(exchange.account());
    let now = catalogs.clock.now();
    let mut work = catalogs.store.begin().await?;
    let Some(mut stored) = work.load::<E>(exchange.id()).await? else { return Ok(()) };
    // One job of an exchange is enough, whatever its schedule or a person asked for meanwhile: it says what is to be done.
    let job = NewJob { deduplicate: true, ..job };
    let begins_at = limits::put_off(work.as_mut(), job, account, until, now).await?;
    stored.entity.put_off(&reason);
    work.save(&mut stored, now).await?;
    work.commit().await?;
    if begins_at == until {
        log.say("warning", &reason);
        log.store(&*catalogs.store, &exchange.log_stream()).await?;
    }
    Ok(())
}
