//! What the demo takes from services of the world outside: first-party remote services and processings, of which two are
//! written in JavaScript and in Python. The services are those of [`fixtures`](crate::fixtures).

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::demo::{DATASETS, World};
use crate::fixtures::registers::PLACES;

/// The dataset whose lines both registers complete.
pub const ESTABLISHMENTS: &str = "etablissements";

/// The editable dataset of news.
pub const NEWS: &str = "actualites";

/// Descriptions of the services, as an administrator gives them.
const REGISTERS: [(&str, &str); 2] = [
    ("ban", include_str!("../../../plugins/ban/openapi.json")),
    ("company", include_str!("../../../plugins/company/openapi.json")),
];

/// Concepts of the columns that the registers are asked by.
const CONCEPTS: [(&str, &str); 4] = [
    ("siret", "http://www.datatourisme.fr/ontology/core/1.0/#siret"),
    ("adresse", "http://schema.org/address"),
    ("code_postal", "http://schema.org/postalCode"),
    ("commune", "http://schema.org/City"),
];

/// Uploads establishments with their number and their address, and has both registers complete them: `geo.lat`, `geo.label`,
/// `entreprise.nom`... The last line has an address and a number that nobody knows.
pub async fn establishments(client: &Client, world: &World) -> Result<Value> {
    let mut extensions = Vec::new();
    for ((plugin, document), (action, prefix)) in
        REGISTERS.into_iter().zip([("geocode", "geo"), ("etablissement", "entreprise")])
    {
        let document: Value = serde_json::from_str(document)?;
        let body = json!({ "plugin": plugin, "apiDoc": document, "server": world.registers });
        let service = client.send_json(Method::POST, "/data-fair/api/v1/remote-services", &body).await?;
        extensions.push(json!({
            "type": "remoteService", "active": true, "remoteService": service["id"], "action": action,
            "propertyPrefix": prefix,
        }));
    }
    let mut csv = "siret,adresse,code_postal,commune\n".to_owned();
    for (siret, _, address, postcode, city, ..) in PLACES {
        csv.push_str(&format!("{siret},{address},{postcode},{city}\n"));
    }
    csv.push_str("90000004300019,5 chemin Inconnu,99999,Nulle-Part\n");
    let path = format!("{DATASETS}/{ESTABLISHMENTS}");
    let about = json!({ "title": "Établissements (démonstration)" });
    client.upload(Method::POST, &path, "etablissements.csv", csv.into_bytes(), &about).await?;
    let dataset = client.finalized(ESTABLISHMENTS, "").await?;
    let mut schema = dataset["schema"].clone();
    for column in schema.as_array_mut().into_iter().flatten() {
        if let Some((_, concept)) = CONCEPTS.iter().find(|(key, _)| column["key"] == *key) {
            column["x-refersTo"] = json!(concept);
        }
    }
    let since = dataset["finalizedAt"].as_str().context("a finalized dataset has a date")?;
    client.send_json(Method::PATCH, &path, &json!({ "schema": schema, "extensions": extensions })).await?;
    client.finalized(ESTABLISHMENTS, since).await
}

/// Makes an active processing in Python that reads a service of shared bikes.
pub async fn bikes(client: &Client, world: &World) -> Result<Value> {
    let config = json!({ "url": format!("{}/gbfs/gbfs.json", world.mobility) });
    let title = "Vélos en libre-service (démonstration)";
    processing(client, "gbfs", title, &config, &json!({ "output": { "title": title } })).await
}

/// Makes an editable dataset, and an active processing in JavaScript that adds to it what a feed of news publishes.
pub async fn news(client: &Client, world: &World) -> Result<Value> {
    let mut schema =
        json!([{ "key": "date", "type": "string", "format": "date-time", "title": "Date de publication" }]);
    let texts = ["identifiant", "titre", "lien", "resume", "auteur", "categories", "image", "piece_jointe"];
    schema.as_array_mut().context("a list")?.extend(texts.map(|key| json!({ "key": key, "type": "string" })));
    let dataset = json!({
        "title": "Actualités (démonstration)", "isRest": true, "schema": schema, "primaryKey": ["identifiant"],
    });
    client.send_json(Method::PUT, &format!("{DATASETS}/{NEWS}"), &dataset).await?;
    let config = json!({ "url": format!("{}/atom.xml", world.news), "keep": true });
    let slots = json!({ "output": { "dataset": NEWS } });
    processing(client, "import-feed", "Actualités (démonstration)", &config, &slots).await
}

async fn processing(
    client: &Client,
    plugin: &str,
    title: &str,
    config: &Value,
    slots: &Value,
) -> Result<Value> {
    let body = json!({
        "title": title, "plugin": plugin, "active": true, "config": config, "slots": slots,
        "scheduling": [{ "type": "hourly", "hourStep": 1, "minute": 0 }],
    });
    client.send_json(Method::POST, "/processings/api/v1/processings", &body).await
}
