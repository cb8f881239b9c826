//! Exchanges that do not come to their end: those that failed, and those that wait, for plugin seconds or to be tried again.

use halle_base::{AccountRef, Timestamp};
use halle_datasets::DatasetsError;
use halle_extensions::PluginError;
use halle_extensions::again::Again;
use halle_http::ApiError;
use halle_store::{EntityExt, NewJob, StoreResult, limits};

use crate::Catalogs;
use crate::model::Exchange;
use crate::service::ExchangeLog;

/// Why an exchange gave nothing.
pub(super) enum Stop {
    /// It did not begin, or waits for its dataset: an account has used up its plugin seconds, that of the exchange when absent.
    PutOff(String, Timestamp, Option<AccountRef>),
    /// The connector failed.
    Plugin(PluginError),
    /// It failed.
    Failed(ApiError),
}

/// What becomes of an exchange that gave nothing.
pub(super) enum Settled {
    /// It waits.
    Waits(Wait),
    /// It has failed.
    Failed(ApiError),
}

/// What an exchange waits for.
pub(super) struct Wait {
    /// To be read.
    reason: String,
    /// When it goes on.
    pub until: Timestamp,
    /// What there must be by then.
    awaited: Awaited,
}

enum Awaited {
    /// Plugin seconds of an account, that of the exchange when absent.
    Seconds(Option<AccountRef>),
    /// What failed for the moment.
    Retry,
}

impl Stop {
    /// What becomes of an exchange that was tried again that many times.
    pub(super) fn settled(self, retries: u32, now: Timestamp) -> Settled {
        match self {
            Self::PutOff(reason, until, account) => {
                Settled::Waits(Wait { reason, until, awaited: Awaited::Seconds(account) })
            }
            Self::Plugin(error) => match error.again(retries, now) {
                Some(Again { at, reason }) => {
                    Settled::Waits(Wait { reason, until: at, awaited: Awaited::Retry })
                }
                None => Settled::Failed(error.into()),
            },
            Self::Failed(error) => Settled::Failed(error),
        }
    }
}

impl From<PluginError> for Stop {
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::OverQuota { message, until } => Self::PutOff(message, until, None),
            error => Self::Plugin(error),
        }
    }
}

impl From<DatasetsError> for Stop {
    fn from(error: DatasetsError) -> Self {
        match error {
            DatasetsError::PutOff { message, until, owner } => Self::PutOff(message, until, Some(owner)),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

/// Lets an exchange wait; `job` does it then, or when the limit of the account is raised whose seconds it waits for.
pub(super) async fn put_off<E: Exchange>(
    catalogs: &Catalogs,
    exchange: &E,
    job: NewJob,
    log: &ExchangeLog,
    wait: Wait,
) -> StoreResult<()> {
    let Wait { reason, until, awaited } = wait;
    let now = catalogs.clock.now();
    let mut work = catalogs.store.begin().await?;
    let Some(mut stored) = work.load::<E>(exchange.id()).await? else { return Ok(()) };
    // One job of an exchange is enough, whatever its schedule or a person asked for meanwhile: it says what is to be done.
    let job = NewJob { deduplicate: true, ..job };
    let retries = stored.retries();
    let (begins_at, retries) = match awaited {
        Awaited::Seconds(account) => {
            let account = account.as_ref().unwrap_or(exchange.account());
            (limits::put_off(work.as_mut(), job, account, until, now).await?, retries)
        }
        Awaited::Retry => {
            work.jobs().enqueue(&job).await?;
            (until, retries + 1)
        }
    };
    stored.entity.put_off(&reason, retries);
    work.save(&mut stored, now).await?;
    work.commit().await?;
    if begins_at == until {
        log.say("warning", &reason);
        log.store(&*catalogs.store, &exchange.log_stream()).await?;
    }
    Ok(())
}
