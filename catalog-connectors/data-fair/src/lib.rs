//! Another Data Fair or Halle as a catalogue: browse, search, import, publish, withdraw.
//!
//! **Invariant:** the key never comes here: the host places it in the header `x-apiKey`, and only at the configured origin.
//!
//! **Invariant:** publishing overwrites only twins that were published from the same dataset.

mod browse;
mod config;
mod fetch;
mod publish;

use halle_plugin::catalog::{Browse, CatalogConnector, Descriptor, Fetched, Listing, Publication};
use halle_plugin::serde_json::{Value, from_value};
use halle_plugin::{Prepared, Problem, Result, http};

use config::Config;

/// The connector.
pub struct DataFair;

impl CatalogConnector for DataFair {
    type Config = Config;

    fn describe() -> Descriptor {
        let abilities = ["browse", "search", "pagination", "fetch", "publish-dataset"];
        Descriptor {
            title: "Data Fair ou Halle".to_owned(),
            abilities: abilities.map(str::to_owned).to_vec(),
        }
    }

    fn prepare(draft: Value) -> Result<Prepared> {
        let config: Config = from_value(draft.clone())
            .map_err(|error| Problem::new("config/invalid", format!("Configuration illisible : {error}")))?;
        let request = config.request("GET", "/datasets?size=0");
        let answer =
            http::send(&request).map_err(|problem| Problem { field: Some("/url".to_owned()), ..problem })?;
        if matches!(answer.status, 401 | 403) {
            return Err(Problem::config("/apiKey", "Le catalogue ne reconnaît pas la clé d'API."));
        }
        let list: Result<Value> = answer.ok(&request.url).and_then(|answer| answer.json(&request.url));
        if !list.is_ok_and(|list| list["count"].is_u64()) {
            let message = format!("{} ne répond pas comme un Data Fair : vérifiez l'adresse.", config.api());
            return Err(Problem::config("/url", message));
        }
        let mut prepared = Prepared::unchanged(draft);
        if config.api_key.is_empty() {
            let note = "Sans clé d'API, seuls les jeux de données publics sont visibles et rien ne peut être publié.";
            prepared.notes.push(Problem::config("/apiKey", note));
        }
        Ok(prepared)
    }

    fn browse(config: Config, page: Browse) -> Result<Listing> {
        browse::browse(&config, &page)
    }

    fn fetch(config: Config, id: String, options: Value) -> Result<Fetched> {
        fetch::fetch(&config, &id, &options)
    }

    fn publish(config: Config, dataset: Value, current: Publication) -> Result<Publication> {
        publish::publish(&config, &dataset, &current)
    }

    fn unpublish(config: Config, current: Publication) -> Result<()> {
        publish::unpublish(&config, &current)
    }
}

halle_plugin::export_catalog_connector!(DataFair);
