//! Keeps remote twins up to date: when a published dataset has new data, its publications wait for a worker again.

use std::time::Duration;

use halle_http::realtime::Delivery;
use halle_model::Dataset;
use halle_store::{EntityExt, Filter, StoreResult};
use tokio_util::sync::CancellationToken;

use crate::Catalogs;
use crate::model::{ExchangeStatus, Publication};

/// How often every publication is compared with its dataset, for changes that nobody announced to this process.
const COMPARE_EVERY: Duration = Duration::from_secs(30);

/// Publications compared at a time.
const PAGE: u32 = 200;

impl Catalogs {
    /// Watches until `cancel`. Only ever enqueues jobs, so any number of processes may watch.
    pub async fn watch(self, cancel: CancellationToken) {
        let mut announced = self.datasets.hub.subscribe("datasets");
        loop {
            if let Err(error) = self.compare_all().await {
                tracing::error!(%error, "publications could not be compared with their datasets");
            }
            let waited = tokio::time::sleep(COMPARE_EVERY);
            tokio::pin!(waited);
            loop {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = &mut waited => break,
                    delivery = announced.next() => match delivery {
                        Some(Delivery::Message(message)) if message.data["type"] != "finalize-end" => {}
                        Some(_) => break,
                        // Nobody announces any more: comparing now and then is enough.
                        None => tokio::time::sleep(COMPARE_EVERY).await,
                    },
                }
            }
        }
    }

    async fn compare_all(&self) -> StoreResult<()> {
        let mut skip = 0;
        loop {
            let mut work = self.store.read().await?;
            let page = work.list::<Publication>(&Filter { skip, ..Filter::all(PAGE) }).await?;
            let mut outdated = Vec::new();
            for publication in &page.results {
                if publication.status != ExchangeStatus::Done || publication.action == "delete" {
                    continue;
                }
                let dataset = work.load::<Dataset>(&publication.data_fair_dataset.id).await?;
                let changed =
                    dataset.is_some_and(|dataset| dataset.finalized_at > publication.last_publication_date);
                if changed {
                    outdated.push(publication.id.clone());
                }
            }
            drop(work);
            for id in outdated {
                if let Err(error) = self.ask(&id, None).await {
                    tracing::warn!(%error, publication = %id, "a publication could not be asked for again");
                }
            }
            skip += PAGE;
            if u64::from(skip) >= page.count {
                return Ok(());
            }
        }
    }
}
