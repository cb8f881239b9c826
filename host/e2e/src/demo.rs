//! The demo: real data, a processing, a catalogue of its own, a chart, all public.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use crate::DemoArgs;
use crate::client::Client;
use crate::fixtures::{self, enrichment, mobility, news, paged_api, registers};
use crate::server::{ADMIN_EMAIL, ADMIN_PASSWORD, Server};
use crate::{gallery, outside};

/// The API of datasets.
pub const DATASETS: &str = "/data-fair/api/v1/datasets";

/// First-party plugins that the demo and the journey show: all of them.
pub const PLUGINS: [&str; 16] = [
    "territory",
    "clean",
    "pseudonymise",
    "language-detect",
    "import-api",
    "import-feed",
    "gbfs",
    "chart",
    "map",
    "table",
    "key-figures",
    "calendar",
    "openapi",
    "ban",
    "company",
    "data-fair",
];

/// Concept of a commune code.
const CODE_COMMUNE: &str = "http://rdf.insee.fr/def/geo#codeCommune";

/// The outside world of a demo: servers on loopback.
#[derive(Debug)]
pub struct World {
    /// Origin of the paged API.
    pub api: String,
    /// How slow it is.
    pub pace: Arc<paged_api::Pace>,
    /// Origin of the remote service.
    pub service: String,
    /// Origin of the registers of addresses and of companies.
    pub registers: String,
    /// Origin of the shared bikes.
    pub mobility: String,
    /// Origin of the feed of news.
    pub news: String,
    /// What the feed has published.
    pub published: Arc<news::Published>,
}

impl World {
    /// Starts the servers.
    pub async fn start() -> Result<Self> {
        let pace = Arc::new(paged_api::Pace::default());
        let api = fixtures::serve(paged_api::router(Arc::clone(&pace))).await?;
        let service = fixtures::serve(enrichment::router()).await?;
        let registers = fixtures::serve(registers::router()).await?;
        let mobility = fixtures::serve(mobility::router()).await?;
        let published = Arc::new(news::Published::default());
        let news = fixtures::serve(news::router(Arc::clone(&published))).await?;
        Ok(Self { api, pace, service, registers, mobility, news, published })
    }

    /// Origins that the server must be allowed to call.
    pub fn origins(&self) -> Vec<String> {
        [&self.api, &self.service, &self.registers, &self.mobility, &self.news].map(String::clone).into()
    }
}

/// Loads the demo if it is not there yet, and serves it until interrupted.
pub async fn serve(args: &DemoArgs) -> Result<()> {
    let world = World::start().await?;
    let data = args.work_dir.join("data");
    println!("starting halle on port {}", args.port);
    let server = Server::start(&args.halle, &data, args.port, &world.origins()).await?;
    let key = server.command(&["key", "new", "--user", ADMIN_EMAIL]).await?;
    let client = Client::anonymous(&server.url)?.with_key(&key);
    load(&server, &client, args, &world).await?;
    println!("\nThe demo is ready.");
    println!("  portal        {}/", server.url);
    println!("  back office   {}/admin/", server.url);
    println!("  API           {}{DATASETS}", server.url);
    println!("  account       {ADMIN_EMAIL}  {ADMIN_PASSWORD}");
    println!("Ctrl-C stops it.");
    server.wait().await
}

/// Installs the plugins and loads the data, each thing once.
async fn load(server: &Server, client: &Client, args: &DemoArgs, world: &World) -> Result<()> {
    for plugin in PLUGINS {
        install(server, &args.plugins, plugin).await?;
    }
    if client.get_any(&format!("{DATASETS}/communes")).await?.status.is_success() {
        println!("the data is loaded already");
        return Ok(());
    }
    for (id, file) in
        [("communes", "communes.csv.gz"), ("subventions", "subventions.csv"), ("bornes", "bornes.csv")]
    {
        println!("loading {file}");
        upload(client, id, &args.files.join(file)).await?;
        make_public(client, id).await?;
    }
    enrich(client, "subventions").await?;
    locate(client, "bornes").await?;
    println!("making visualisations and a processing");
    chart(client, "communes").await?;
    for piece in gallery::pieces() {
        gallery::hang(client, &piece).await?;
    }
    processing(client, world, "Stations (API de démonstration)").await?;
    println!("asking services");
    outside::establishments(client, world).await?;
    make_public(client, outside::ESTABLISHMENTS).await?;
    for made in [outside::bikes(client, world).await?, outside::news(client, world).await?] {
        let id = made["_id"].as_str().context("a processing has an id")?;
        let path = format!("/processings/api/v1/processings/{id}/_trigger");
        client.send_json(Method::POST, &path, &json!({})).await?;
    }
    Ok(())
}

/// Installs a package with all that it asks for.
pub async fn install(server: &Server, packages: &Path, plugin: &str) -> Result<String> {
    let package = package(packages, plugin)?.to_string_lossy().into_owned();
    server.command(&["plugin", "install", &package, "--accept-unsigned", "--grant"]).await
}

/// The package of a plugin, whatever its version.
pub fn package(packages: &Path, plugin: &str) -> Result<PathBuf> {
    let prefix = format!("{plugin}-");
    for entry in std::fs::read_dir(packages).with_context(|| format!("{} is missing", packages.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".halle-plugin")
            && name.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            return Ok(path);
        }
    }
    bail!("{} has no package of `{plugin}`: run `cargo xtask plugins`", packages.display())
}

/// Uploads a file as the dataset `id` and waits until it is ready.
pub async fn upload(client: &Client, id: &str, file: &Path) -> Result<Value> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let before = client.get_any(&format!("{DATASETS}/{id}")).await?;
    let since = before.json().ok().and_then(|dataset| dataset["finalizedAt"].as_str().map(str::to_owned));
    client.upload(Method::POST, &format!("{DATASETS}/{id}"), &name, bytes, &json!({})).await?;
    client.finalized(id, since.as_deref().unwrap_or_default()).await
}

/// Opens a dataset to everybody.
pub async fn make_public(client: &Client, id: &str) -> Result<()> {
    let public = json!([{ "classes": ["list", "read"] }]);
    client.send_json(Method::PUT, &format!("{DATASETS}/{id}/permissions"), &public).await.map(drop)
}

/// Says which columns hold coordinates, so that lines can be found by place.
pub async fn locate(client: &Client, id: &str) -> Result<Value> {
    let path = format!("{DATASETS}/{id}");
    let dataset = client.json(&path).await?;
    let mut schema = dataset["schema"].clone();
    for column in schema.as_array_mut().into_iter().flatten() {
        match column["key"].as_str() {
            Some("latitude") => column["x-refersTo"] = json!("http://schema.org/latitude"),
            Some("longitude") => column["x-refersTo"] = json!("http://schema.org/longitude"),
            _ => {}
        }
    }
    let since = dataset["finalizedAt"].as_str().unwrap_or_default().to_owned();
    client.send_json(Method::PATCH, &path, &json!({ "schema": schema })).await?;
    client.finalized(id, &since).await
}

/// Says which column holds commune codes, adds the territories, and waits for them.
pub async fn enrich(client: &Client, id: &str) -> Result<Value> {
    let path = format!("{DATASETS}/{id}");
    let dataset = client.json(&path).await?;
    let mut schema = dataset["schema"].clone();
    for column in schema.as_array_mut().into_iter().flatten().filter(|column| column["key"] == "code_commune")
    {
        column["x-refersTo"] = json!(CODE_COMMUNE);
    }
    let extensions = json!([{ "type": "enricher", "active": true, "plugin": "territory", "propertyPrefix": "territoire" }]);
    let since = dataset["finalizedAt"].as_str().unwrap_or_default().to_owned();
    client.send_json(Method::PATCH, &path, &json!({ "schema": schema, "extensions": extensions })).await?;
    client.finalized(id, &since).await
}

/// Makes a public chart of the biggest régions.
pub async fn chart(client: &Client, dataset: &str) -> Result<Value> {
    let configuration = json!({
        "datasets": [{ "id": dataset }], "type": "bar", "title": "Population par région", "field": "region",
        "metric": "sum", "metricField": "population", "size": 12,
    });
    let body = json!({ "title": "Population par région", "plugin": "chart", "configuration": configuration });
    let application = client.send_json(Method::POST, "/data-fair/api/v1/applications", &body).await?;
    let id = application["id"].as_str().context("an application has an id")?;
    let public = json!([{ "classes": ["list", "read"] }]);
    client
        .send_json(Method::PUT, &format!("/data-fair/api/v1/applications/{id}/permissions"), &public)
        .await?;
    Ok(application)
}

/// Makes an active processing that reads the paged API, on a schedule of every minute.
pub async fn processing(client: &Client, world: &World, title: &str) -> Result<Value> {
    let mapping = json!([
        { "key": "id", "path": "id" }, { "key": "nom", "path": "name" }, { "key": "capacite", "path": "capacity" },
        { "key": "latitude", "path": "position.lat" }, { "key": "longitude", "path": "position.lon" },
        { "key": "etiquettes", "path": "tags" },
    ]);
    let body = json!({
        "title": title, "plugin": "import-api", "active": true,
        "config": {
            "apiURL": format!("{}/api/stations", world.api), "resultsPath": "results",
            "pagination": { "method": "nextPageData", "nextPagePath": "next" }, "block": { "mapping": mapping },
        },
        "slots": { "output": { "title": title } },
        "scheduling": [{ "type": "cron", "cron": "* * * * *" }],
    });
    client.send_json(Method::POST, "/processings/api/v1/processings", &body).await
}
