//! Keys that open one dataset to whoever reads: `readApiKey` (reference §5.5).

use halle_base::{Timestamp, new_id};
use halle_http::ApiError;
use halle_model::read_key::{ReadKey, Wanted};
use halle_model::{Caller, Dataset, Pass};
use serde_json::{Map, Value};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::limits::is_same_secret;
use crate::service::load::{SCOPE, check};
use crate::state::Datasets;

impl Datasets {
    /// The dataset with its keys. 404 while it has none, 403 for who holds nothing but one of them.
    pub(crate) async fn read_key(&self, caller: &Caller, id: &str) -> DatasetsResult<(Dataset, ReadKey)> {
        let dataset = self.load(caller, id, "getReadApiKey").await?.entity;
        let key = dataset.read_key.clone().ok_or_else(|| {
            let message = "Ce jeu de données n'a pas de clé de lecture : activez \"readApiKey\".";
            DatasetsError::Missing(message.to_owned())
        })?;
        Ok((dataset, key))
    }

    /// Who holds the key `clear` of the dataset that `resource` is about: `datasets/{id}` and what may follow. `None` when
    /// that dataset has no such key, or has it no more.
    pub async fn holder_of_key(&self, clear: &str, resource: &str) -> Result<Option<Caller>, ApiError> {
        let mut segments = resource.split('/');
        let (Some("datasets"), Some(id)) = (segments.next(), segments.next()) else { return Ok(None) };
        let Some(dataset) = self.known(&Caller::anonymous(), id).await? else { return Ok(None) };
        let Some(key) = &dataset.read_key else { return Ok(None) };
        let is_valid = key.valid(self.clock.now()).any(|known| is_same_secret(known, clear));
        let holder = || Caller {
            scopes: Some(Vec::new()),
            passes: vec![Pass::reading(SCOPE, &dataset.id)],
            ..Caller::anonymous()
        };
        Ok(is_valid.then(holder))
    }

    /// Sets the keys of a dataset as a body asks: makes the first, changes the rhythm, or drops them. Takes
    /// `setReadApiKey` when that changes anything.
    pub(crate) fn apply_read_key(
        &self,
        caller: &Caller,
        dataset: &mut Dataset,
        attributes: &Map<String, Value>,
    ) -> DatasetsResult<()> {
        let Some(wanted) = attributes.get("readApiKey") else { return Ok(()) };
        let wanted = Wanted::parse(wanted).map_err(DatasetsError::BadRequest)?;
        let now = self.clock.now();
        match &mut dataset.read_key {
            None if !wanted.active => return Ok(()),
            None => dataset.read_key = Some(ReadKey::new(wanted.interval, self.fresh_key(), now)),
            Some(_) if !wanted.active => dataset.read_key = None,
            Some(key) if key.interval == wanted.interval => return Ok(()),
            Some(key) => key.set_interval(wanted.interval, now),
        }
        check(caller, "setReadApiKey", dataset)
    }

    /// A key that nobody guesses.
    pub(crate) fn fresh_key(&self) -> String {
        format!("{}{}", new_id(&*self.dice), new_id(&*self.dice))
    }

    /// Other keys for a dataset that has some: those that its old owner knows stop working at once.
    pub(crate) fn forget_read_keys(&self, dataset: &mut Dataset, now: Timestamp) {
        if let Some(key) = &mut dataset.read_key {
            *key = ReadKey::new(key.interval, self.fresh_key(), now);
        }
    }
}
