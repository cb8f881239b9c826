//! How much an account keeps, and how much it may (reference §1.9).

use halle_base::{AccountKind, AccountRef};
use halle_http::ApiError;
use halle_model::limits::{LimitValues, Limits, fits};
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;
use halle_store::limits::{claim, wake};
use halle_store::usage::day_of;
use halle_store::{Entity, EntityExt, Filter, UnitOfWork};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// Limits in a change; what is absent becomes what everybody has.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LimitsChange {
    /// Display name of the account.
    #[serde(default)]
    pub name: String,
    /// Bytes of everything on disk.
    #[serde(default)]
    pub store_bytes: Option<Given>,
    /// Bytes of indexes.
    #[serde(default)]
    pub indexed_bytes: Option<Given>,
    /// Datasets.
    #[serde(default)]
    pub nb_datasets: Option<Given>,
    /// Seconds that plugins compute in a day.
    #[serde(default)]
    pub plugin_seconds: Option<Given>,
    /// Whether pages do without the platform's name.
    #[serde(default)]
    pub hide_brand: Option<GivenFlag>,
}

/// A limit as clients write it: the number, or the object that a read answers.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub enum Given {
    /// The number.
    Number(i64),
    /// `{limit}`.
    Object {
        /// The number.
        limit: i64,
    },
}

/// A flag as clients write it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub enum GivenFlag {
    /// The flag.
    Flag(bool),
    /// `{limit}`.
    Object {
        /// The flag.
        limit: bool,
    },
}

/// What an account keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumption {
    /// Bytes on disk.
    pub store_bytes: i64,
    /// Bytes of indexes.
    pub indexed_bytes: i64,
    /// Datasets.
    pub nb_datasets: i64,
    /// Seconds that plugins computed today, rounded up. What was not yet written down is not there: see
    /// `halle_extensions::metering`.
    pub plugin_seconds: i64,
}

/// Limits of an account with what it keeps.
#[derive(Debug, Clone)]
pub struct LimitsView {
    limits: Limits,
    defaults: LimitValues,
    consumption: Consumption,
}

impl Serialize for LimitsView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

impl LimitsView {
    /// As clients see them.
    pub fn json(&self) -> Value {
        let values = self.limits.over(self.defaults);
        let of = |limit: i64, consumption: i64| json!({ "limit": limit, "consumption": consumption });
        json!({
            "type": self.limits.account.kind,
            "id": self.limits.account.id,
            "name": self.limits.account.name,
            "lastUpdate": self.limits.last_update,
            "defaults": self.limits.store_bytes.is_none()
                && self.limits.indexed_bytes.is_none()
                && self.limits.nb_datasets.is_none()
                && self.limits.plugin_seconds.is_none(),
            "store_bytes": of(values.store_bytes, self.consumption.store_bytes),
            "indexed_bytes": of(values.indexed_bytes, self.consumption.indexed_bytes),
            "nb_datasets": of(values.nb_datasets, self.consumption.nb_datasets),
            "plugin_seconds": of(values.plugin_seconds, self.consumption.plugin_seconds),
            "hide_brand": { "limit": self.limits.hide_brand },
        })
    }
}

impl Datasets {
    /// Limits and consumption of an account: for its members, superadmins, and who has the secret of the configuration.
    pub async fn limits(
        &self,
        caller: &Caller,
        account: &AccountRef,
        key: Option<&str>,
    ) -> DatasetsResult<LimitsView> {
        if !self.has_limits_key(key)? && !belongs(caller, account) {
            return Err(not_a_member(caller, account).into());
        }
        let mut unit = self.store.read().await?;
        self.limits_in(unit.as_mut(), account).await
    }

    /// Sets the limits of an account: for superadmins, and who has the secret of the configuration.
    pub async fn set_limits(
        &self,
        caller: &Caller,
        account: &AccountRef,
        key: Option<&str>,
        change: &LimitsChange,
    ) -> DatasetsResult<LimitsView> {
        if !self.has_limits_key(key)? {
            superadmin(caller)?;
        }
        let account = root(account);
        let number = |given: Option<Given>| {
            given.map(|given| match given {
                Given::Number(limit) | Given::Object { limit } => limit,
            })
        };
        let now = self.clock.now();
        let mut unit = self.store.begin().await?;
        claim(unit.as_mut(), &account).await?;
        let mut stored = match unit.load::<Limits>(&account.key()).await? {
            Some(stored) => stored,
            None => {
                Stored { entity: unlimited(&account, now), revision: 0, created_at: now, updated_at: now }
            }
        };
        let before = stored.over(self.config.limits).plugin_seconds;
        let name = if change.name.is_empty() { stored.account.name.clone() } else { change.name.clone() };
        stored.entity = Limits {
            key: account.key(),
            account: AccountRef { name, ..account.clone() },
            last_update: now,
            store_bytes: number(change.store_bytes),
            indexed_bytes: number(change.indexed_bytes),
            nb_datasets: number(change.nb_datasets),
            plugin_seconds: number(change.plugin_seconds),
            hide_brand: change.hide_brand.is_some_and(|given| match given {
                GivenFlag::Flag(flag) | GivenFlag::Object { limit: flag } => flag,
            }),
        };
        unit.save(&mut stored, now).await?;
        let after = stored.over(self.config.limits).plugin_seconds;
        if before >= 0 && (after < 0 || after > before) {
            wake(unit.as_mut(), &account, now).await?;
        }
        let view = self.limits_in(unit.as_mut(), &account).await?;
        unit.commit().await?;
        Ok(view)
    }

    /// Limits that were set, newest first: for superadmins.
    pub async fn list_limits(
        &self,
        caller: &Caller,
        skip: u32,
        size: u32,
    ) -> DatasetsResult<(u64, Vec<LimitsView>)> {
        superadmin(caller)?;
        let mut unit = self.store.read().await?;
        let page = unit.list::<Limits>(&Filter::page(skip, size)).await?;
        let mut views = Vec::with_capacity(page.results.len());
        for stored in page.results {
            let consumption = self.consumption(unit.as_mut(), &stored.account).await?;
            views.push(LimitsView { limits: stored.entity, defaults: self.config.limits, consumption });
        }
        Ok((page.count, views))
    }

    /// 429 when `owner` may not keep `bytes` and `datasets` more than it does; 413 when a file alone is more than all that
    /// it may ever keep.
    pub(crate) async fn check_room(
        &self,
        owner: &AccountRef,
        bytes: u64,
        datasets: i64,
    ) -> DatasetsResult<()> {
        let mut unit = self.store.read().await?;
        self.check_room_in(unit.as_mut(), owner, bytes, datasets).await
    }

    /// As [`Self::check_room`], within a unit of work. Where bytes are added, but nobody knows how many, one is enough to
    /// say so.
    pub(crate) async fn check_room_in(
        &self,
        unit: &mut dyn UnitOfWork,
        owner: &AccountRef,
        bytes: u64,
        datasets: i64,
    ) -> DatasetsResult<()> {
        let set = unit.load::<Limits>(&root(owner).key()).await?;
        let values = set.map_or(self.config.limits, |limits| limits.over(self.config.limits));
        if values == LimitValues::default() {
            return Ok(());
        }
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if !fits(values.store_bytes, 0, bytes) {
            let limit = u64::try_from(values.store_bytes).unwrap_or(0);
            return Err(DatasetsError::TooLarge(limit));
        }
        let kept = self.consumption(unit, owner).await?;
        let exceeded = if !fits(values.nb_datasets, kept.nb_datasets, datasets) {
            format!(
                "Vous avez atteint la limite de votre nombre de jeux de données ({}).",
                values.nb_datasets
            )
        } else if bytes > 0 && !fits(values.store_bytes, kept.store_bytes, bytes) {
            format!(
                "Vous avez atteint la limite de votre espace de stockage ({} octets).",
                values.store_bytes
            )
        } else if bytes > 0 && !fits(values.indexed_bytes, kept.indexed_bytes, 1) {
            format!("Vous avez atteint la limite de vos données indexées ({} octets).", values.indexed_bytes)
        } else {
            return Ok(());
        };
        let advice = "Supprimez des jeux de données, ou demandez une limite plus haute.";
        let message = format!("{exceeded} {advice}");
        Err(DatasetsError::over_quota(message))
    }

    pub(crate) async fn limits_in(
        &self,
        unit: &mut dyn UnitOfWork,
        account: &AccountRef,
    ) -> DatasetsResult<LimitsView> {
        let account = root(account);
        let set = unit.load::<Limits>(&account.key()).await?.map(|stored| stored.entity);
        let consumption = self.consumption(unit, &account).await?;
        let limits = set.unwrap_or_else(|| unlimited(&account, self.clock.now()));
        Ok(LimitsView { limits, defaults: self.config.limits, consumption })
    }

    /// What an account, its departments included, takes.
    async fn consumption(
        &self,
        unit: &mut dyn UnitOfWork,
        account: &AccountRef,
    ) -> DatasetsResult<Consumption> {
        let key = root(account).key();
        let guest_us = unit.usage().guest_us(&key, day_of(self.clock.now())).await?;
        let filter = Filter::all(0).with("owner-filter", key);
        let documents = unit.documents();
        let nb_datasets = documents.list(Dataset::COLLECTION, &filter).await?.count;
        Ok(Consumption {
            store_bytes: documents.sum(Dataset::COLLECTION, &filter, "stored-bytes").await?,
            indexed_bytes: documents.sum(Dataset::COLLECTION, &filter, "indexed-bytes").await?,
            nb_datasets: i64::try_from(nb_datasets).unwrap_or(i64::MAX),
            plugin_seconds: guest_us.saturating_add(999_999) / 1_000_000,
        })
    }

    /// Whether the secret of the configuration was given; 401 for a wrong one.
    pub(crate) fn has_limits_key(&self, key: Option<&str>) -> DatasetsResult<bool> {
        let Some(key) = key else { return Ok(false) };
        match &self.config.services_key {
            Some(known) if is_same_secret(known.reveal(), key) => Ok(true),
            _ => Err(ApiError::unauthorized("Le paramètre \"key\" n'est pas la clé attendue.").into()),
        }
    }
}

/// Compares digests, so that the time it takes tells nothing of the secret.
pub(crate) fn is_same_secret(known: &str, given: &str) -> bool {
    use sha2::{Digest, Sha256};
    Sha256::digest(known.as_bytes()) == Sha256::digest(given.as_bytes())
}

/// 403 unless superadmin powers are on; 401 for nobody.
pub(crate) fn superadmin(caller: &Caller) -> Result<(), ApiError> {
    if caller.admin_mode {
        return Ok(());
    }
    if caller.is_anonymous() {
        return Err(ApiError::unauthorized("Veuillez vous connecter en mode super-administration."));
    }
    Err(ApiError::forbidden("Réservé aux super-administrateurs, en mode administration."))
}

/// Whether the caller is a member of the account, whatever the active account.
pub(crate) fn belongs(caller: &Caller, account: &AccountRef) -> bool {
    let member = caller.user.as_ref().is_some_and(|user| match account.kind {
        AccountKind::User => user.id == account.id,
        AccountKind::Organization => user.organizations.iter().any(|membership| membership.id == account.id),
    });
    let active = caller.account.as_ref().is_some_and(|own| own.kind == account.kind && own.id == account.id);
    member || active || caller.admin_mode
}

fn not_a_member(caller: &Caller, account: &AccountRef) -> ApiError {
    if caller.is_anonymous() {
        return ApiError::unauthorized("Veuillez vous connecter.");
    }
    ApiError::forbidden(format!("Réservé aux membres du compte `{account}`."))
}

fn root(account: &AccountRef) -> AccountRef {
    AccountRef { department: None, department_name: None, ..account.clone() }
}

fn unlimited(account: &AccountRef, now: halle_base::Timestamp) -> Limits {
    Limits {
        key: account.key(),
        account: account.clone(),
        last_update: now,
        store_bytes: None,
        indexed_bytes: None,
        nb_datasets: None,
        plugin_seconds: None,
        hide_brand: false,
    }
}
