//! The connector lists, searches and imports from a second Halle, keeps in sync, and publishes one back.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::Journey;
use crate::client::Client;
use crate::demo::{self, DATASETS};
use crate::server::{ADMIN_EMAIL, Server, free_port};

const API: &str = "/catalogs/api";

pub async fn prove(journey: &mut Journey) -> Result<String> {
    let port = free_port()?;
    let folder = journey.args.work_dir.join("check/second");
    let second = Server::start(&journey.args.halle, &folder, port, &[]).await?;
    let outcome = exchange(journey, &second).await;
    second.stop().await?;
    outcome
}

async fn exchange(journey: &mut Journey, second: &Server) -> Result<String> {
    let key = second.command(&["key", "new", "--user", ADMIN_EMAIL]).await?;
    let remote = Client::anonymous(&second.url)?.with_key(&key);
    let first_version = b"code;nom\n01;un\n02;deux\n".to_vec();
    remote
        .upload(
            Method::POST,
            &format!("{DATASETS}/petits"),
            "petits.csv",
            first_version,
            &json!({ "title": "Petits nombres" }),
        )
        .await?;
    remote.finalized("petits", "").await?;
    demo::upload(&remote, "bornes", &journey.args.files.join("bornes.csv")).await?;
    restart_with(journey, &second.url).await?;
    let catalog = catalog(journey, &second.url, &key).await?;
    let resources = journey.admin.json(&format!("{API}/catalogs/{catalog}/resources")).await?;
    ensure!(resources["count"] == 2, "the catalogue lists {}", resources["count"]);
    let found = journey.admin.json(&format!("{API}/catalogs/{catalog}/resources?q=petits")).await?;
    ensure!(found["count"] == 1, "the search finds {}", found["count"]);
    let resource = &found["results"][0];
    let body = json!({
        "catalog": { "id": catalog }, "remoteResource": { "id": resource["id"], "title": resource["title"] },
        "scheduling": [{ "type": "daily", "hour": 3 }],
    });
    let import = journey.admin.send_json(Method::POST, &format!("{API}/imports"), &body).await?;
    let import = import["_id"].as_str().context("an import has an id")?.to_owned();
    let dataset = imported(journey, &import, "01").await?;
    sync(journey, &remote, &import, &dataset).await?;
    publish(journey, &remote, &catalog).await?;
    Ok("two resources listed, one found, imported, kept in sync, and one published there, updated and removed".to_owned())
}

/// The first server must be allowed to call the second one, whose port is known only now.
async fn restart_with(journey: &mut Journey, origin: &str) -> Result<()> {
    let mut origins = journey.world.origins();
    origins.push(origin.to_owned());
    journey.restart(&origins).await
}

async fn catalog(journey: &Journey, url: &str, key: &str) -> Result<String> {
    let body = json!({ "title": "Voisin", "plugin": "data-fair", "config": { "url": url, "apiKey": key } });
    let catalog = journey.admin.send_json(Method::POST, &format!("{API}/catalogs"), &body).await?;
    ensure!(!catalog.to_string().contains(key), "the API key comes back in the answer");
    Ok(catalog["_id"].as_str().context("a catalogue has an id")?.to_owned())
}

/// Waits until the import is done; the dataset must hold `code`.
async fn imported(journey: &Journey, import: &str, code: &str) -> Result<String> {
    let over =
        |import: &Value| matches!(import["status"].as_str(), Some("done" | "error")).then(|| import.clone());
    let import = journey.admin.until(&format!("{API}/imports/{import}"), over).await?;
    ensure!(import["status"] == "done", "the import ended as {}: {}", import["status"], import["error"]);
    let dataset = import["dataFairDataset"]["id"].as_str().context("the import made no dataset")?.to_owned();
    let lines = journey.admin.json(&format!("{DATASETS}/{dataset}/lines?code_eq={code}")).await?;
    ensure!(lines["total"] == 1, "the imported dataset has not {code}: {lines}");
    Ok(dataset)
}

async fn sync(journey: &Journey, remote: &Client, import: &str, dataset: &str) -> Result<()> {
    let since = remote.json(&format!("{DATASETS}/petits")).await?["finalizedAt"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let second_version = b"code;nom\n01;un\n03;trois\n".to_vec();
    remote
        .upload(Method::POST, &format!("{DATASETS}/petits"), "petits.csv", second_version, &json!({}))
        .await?;
    remote.finalized("petits", &since).await?;
    journey
        .admin
        .send_json(Method::PATCH, &format!("{API}/imports/{import}"), &json!({ "status": "waiting" }))
        .await?;
    let same = imported(journey, import, "03").await?;
    ensure!(same == dataset, "the second import made another dataset");
    Ok(())
}

async fn publish(journey: &Journey, remote: &Client, catalog: &str) -> Result<()> {
    let file = b"annee;total\n2024;10\n2025;12\n".to_vec();
    journey
        .admin
        .upload(
            Method::POST,
            &format!("{DATASETS}/bilan"),
            "bilan.csv",
            file,
            &json!({ "title": "Bilan publié" }),
        )
        .await?;
    let since =
        journey.admin.finalized("bilan", "").await?["finalizedAt"].as_str().unwrap_or_default().to_owned();
    let body = json!({ "catalog": { "id": catalog }, "dataFairDataset": { "id": "bilan" } });
    let publication = journey.admin.send_json(Method::POST, &format!("{API}/publications"), &body).await?;
    let path = format!("{API}/publications/{}", publication["_id"].as_str().unwrap_or_default());
    let over = |publication: &Value| {
        matches!(publication["status"].as_str(), Some("done" | "error")).then(|| publication.clone())
    };
    let done = journey.admin.until(&path, over).await?;
    ensure!(done["status"] == "done", "the publication ended as {}: {}", done["status"], done["error"]);
    let twin = done["remote"]["remoteId"].as_str().context("the publication has no remote id")?.to_owned();
    let title = remote.finalized(&twin, "").await?["title"].clone();
    ensure!(title == "Bilan publié", "the twin is called {title}");
    let file = b"annee;total\n2024;10\n2025;12\n2026;15\n".to_vec();
    journey.admin.upload(Method::POST, &format!("{DATASETS}/bilan"), "bilan.csv", file, &json!({})).await?;
    journey.admin.finalized("bilan", &since).await?;
    let three = |lines: &Value| (lines["total"] == 3).then_some(());
    remote
        .until(&format!("{DATASETS}/{twin}/lines?size=0"), three)
        .await
        .context("the twin does not follow")?;
    journey.admin.until(&path, |publication| (publication["status"] == "done").then_some(())).await?;
    journey.admin.send(journey.admin.request(Method::DELETE, &path)).await?;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while remote.get_any(&format!("{DATASETS}/{twin}")).await?.status != 404 {
        ensure!(tokio::time::Instant::now() < deadline, "the twin is not removed");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    Ok(())
}
