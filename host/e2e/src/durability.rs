//! Durability: a server that is killed again and again at random moments of uploads, bulk writes and changes of schema
//! loses nothing that it acknowledged, and serves nothing half-written.
//!
//! The moments come from a seed, so that a failure can be looked for again; what the server is doing at that moment also
//! depends on the machine.

mod ledger;

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};

use crate::DurabilityArgs;
use crate::client::Client;
use crate::demo::DATASETS;
use crate::server::{ADMIN_EMAIL, Server, free_port};
use ledger::Ledger;

/// The dataset of a file, replaced by newer versions.
const FILE: &str = "fichier";

/// The editable dataset.
const BOOK: &str = "carnet";

/// Lines of one bulk write.
const BATCH_LINES: usize = 40;

/// Longest time that a server lives under load, in milliseconds.
const LIFE_MS_MAX: u64 = 1_500;

/// Kills a server `kills` times; fails with the first thing that was lost or half-written.
pub async fn prove(args: &DurabilityArgs) -> Result<()> {
    if args.work_dir.exists() {
        std::fs::remove_dir_all(&args.work_dir)?;
    }
    let mut moments = Moments(args.seed);
    let mut ledger = Ledger::default();
    let mut server = start(args).await?;
    let key = server.command(&["key", "new", "--user", ADMIN_EMAIL]).await?;
    let mut client = Client::anonymous(&server.url)?.with_key(&key);
    open(&client, &mut ledger).await?;
    for kill in 1..=args.kills {
        let life = Duration::from_millis(moments.below(LIFE_MS_MAX));
        // Whatever the writers are doing is cut with them.
        let _cut = tokio::time::timeout(life, write(&client, &mut ledger, &mut moments)).await;
        server.kill_now().await?;
        server = start(args).await?;
        client.base.clone_from(&server.url);
        let told = format!("after kill {kill} of {} (seed {}, {life:?} under load)", args.kills, args.seed);
        ledger.check_whole(&client).await.with_context(|| told.clone())?;
        ledger.check_settled(&client).await.with_context(|| told.clone())?;
    }
    server.stop().await?;
    println!("{} kills: {}; nothing was lost, nothing half-written", args.kills, ledger.summary());
    Ok(())
}

async fn start(args: &DurabilityArgs) -> Result<Server> {
    let options = [("HALLE_NO_RATE_LIMITS", "true")];
    Server::start_with(&args.halle, &args.work_dir, free_port()?, &options).await
}

/// Makes both datasets, and waits until they are served.
async fn open(client: &Client, ledger: &mut Ledger) -> Result<()> {
    let schema = json!([
        { "key": "lot", "type": "integer" },
        { "key": "rang", "type": "integer" },
        { "key": "texte", "type": "string" },
    ]);
    let book = json!({ "title": "Carnet", "isRest": true, "schema": schema });
    client.send_json(Method::PUT, &format!("{DATASETS}/{BOOK}"), &book).await?;
    ledger.columns = schema.as_array().cloned().unwrap_or_default();
    upload(client, ledger).await?;
    client.finalized(FILE, "").await?;
    Ok(())
}

/// Writes until it is cut: mostly bulk writes, now and then a file or a column.
async fn write(client: &Client, ledger: &mut Ledger, moments: &mut Moments) -> Result<()> {
    loop {
        match moments.below(8) {
            0 => upload(client, ledger).await?,
            1 => add_column(client, ledger).await?,
            2 => rename(client, ledger).await?,
            _ => add_batch(client, ledger).await?,
        }
    }
}

/// Uploads the next version of the file: the number of its rows follows from the number of the version.
async fn upload(client: &Client, ledger: &mut Ledger) -> Result<()> {
    ledger.version_sent += 1;
    let version = ledger.version_sent;
    let mut csv = String::from("version,rang,texte\n");
    for rank in 0..Ledger::rows_of(version) {
        csv.push_str(&format!("v{version},{rank},\"un texte, ligne {rank}\"\n"));
    }
    let path = format!("{DATASETS}/{FILE}");
    client.upload(Method::POST, &path, "fichier.csv", csv.into_bytes(), &json!({})).await?;
    ledger.version_taken = version;
    Ok(())
}

async fn add_batch(client: &Client, ledger: &mut Ledger) -> Result<()> {
    ledger.batches_sent += 1;
    let batch = ledger.batches_sent;
    let line = |rank: usize| json!({ "_id": format!("l{batch}-{rank}"), "lot": batch, "rang": rank, "texte": format!("lot {batch}") });
    let lines: Vec<Value> = (0..BATCH_LINES).map(line).collect();
    let path = format!("{DATASETS}/{BOOK}/_bulk_lines");
    client.send_json(Method::POST, &path, &lines.into()).await?;
    ledger.batches_taken.push(batch);
    Ok(())
}

async fn add_column(client: &Client, ledger: &mut Ledger) -> Result<()> {
    ledger.columns_sent += 1;
    let column = json!({ "key": format!("colonne{}", ledger.columns_sent), "type": "string" });
    let mut columns = ledger.columns.clone();
    columns.push(column);
    let path = format!("{DATASETS}/{BOOK}");
    client.send_json(Method::PATCH, &path, &json!({ "schema": columns })).await?;
    ledger.columns = columns;
    Ok(())
}

async fn rename(client: &Client, ledger: &mut Ledger) -> Result<()> {
    ledger.titles_sent += 1;
    let title = ledger.titles_sent;
    let path = format!("{DATASETS}/{BOOK}");
    client.send_json(Method::PATCH, &path, &json!({ "title": format!("Carnet {title}") })).await?;
    ledger.title_taken = title;
    Ok(())
}

/// Numbers from a seed (SplitMix64): this tool links nothing of the product, its dice neither.
struct Moments(u64);

impl Moments {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_follow_from_the_seed_and_differ() {
        let draw = |seed| {
            let mut moments = Moments(seed);
            std::iter::repeat_with(move || moments.below(1_000)).take(50).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).iter().all(|&moment| moment < 1_000));
        assert!(draw(1).iter().collect::<std::collections::HashSet<_>>().len() > 40);
    }
}
