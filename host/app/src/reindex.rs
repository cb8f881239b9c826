//! `halle reindex`: rebuilds every index from SQL and blobs alone.

use anyhow::Result;
use halle_model::Dataset;
use halle_store::runner::Runner;
use halle_store::{EntityExt, Filter, Order};

use crate::config::ServeArgs;
use crate::wiring::App;

/// Datasets looked up at a time.
const PAGE: u32 = 200;

/// Rebuilds the indexes of all datasets, or of one. Stop the server first: it holds the folder of the indexes.
pub async fn reindex(args: &ServeArgs, only: Option<&str>) -> Result<()> {
    let app = App::build(args).await?;
    let datasets = match only {
        Some(id) => vec![id.to_owned()],
        None => every_dataset(&app).await?,
    };
    for id in &datasets {
        let rows = app.datasets.reindex(id).await?;
        println!("{id}: {rows} lines");
    }
    // Indexes of editable datasets are rebuilt by jobs.
    let runner = Runner {
        store: app.base.store.clone(),
        clock: app.base.clock.clone(),
        handlers: halle_datasets::handlers(&app.datasets),
        worker: format!("reindex-{}", std::process::id()),
        concurrency: 1,
    };
    let jobs = runner.run_ready().await;
    println!("{} datasets, {jobs} jobs", datasets.len());
    Ok(())
}

async fn every_dataset(app: &App) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    loop {
        let skip = u32::try_from(ids.len())?;
        let filter = Filter { skip, order: Order::CreatedAsc, ..Filter::all(PAGE) };
        let page = app.base.store.read().await?.list::<Dataset>(&filter).await?;
        if page.results.is_empty() {
            return Ok(ids);
        }
        ids.extend(page.results.into_iter().map(|stored| stored.entity.id));
    }
}
