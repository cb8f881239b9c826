//! A processing reads and writes as its owner: what the owner may not do, its plugin cannot.

use halle_testkit::guests::Script;
use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{DATASETS, PROCESSINGS, Server};

const READS: &str = "[slots.input]\ndirection = \"read\"\n";
const WRITES: &str = "[slots.output]\ndirection = \"write\"\n";

fn everybody() -> Value {
    json!([{ "classes": ["list", "read"] }])
}

/// A server on which the superadmin has a dataset `arbres` that everybody reads.
async fn server() -> Server {
    let server = Server::start().await;
    let admin = server.admin();
    admin.upload("arbres", "nom,hauteur\nchêne,20\nif,12\n".to_owned()).await;
    admin.json(Method::PUT, &format!("{DATASETS}/arbres/permissions"), &everybody()).await;
    server.install(
        "reader",
        READS,
        Script::new().read("input", r#"{"select":"nom","sort":"nom"}"#, 0).component(),
    );
    let write = Script::new().blob("nom,hauteur\nif,1\n").open_write("output", "replace", &[]);
    server.install("writer", WRITES, write.replace_file("arbres.csv").commit().component());
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dataset_of_another_account_is_out_of_reach_once_it_is_no_longer_public() {
    let server = server().await;
    let (admin, (_, ville)) = (server.admin(), server.organization("Ville").await);
    let slots = json!({ "input": { "dataset": "arbres" } });
    let processing = ville.processing("reader", slots.clone()).await;
    let (status, log) = ville.ended(&ville.trigger(&processing).await).await;
    assert_eq!((status.as_str(), log.contains("chêneif")), ("finished", true), "{log}");

    admin.json(Method::PUT, &format!("{DATASETS}/arbres/permissions"), &json!([])).await;
    let (status, log) = ville.ended(&ville.trigger(&processing).await).await;
    assert_eq!(status, "error", "{log}");
    assert!(log.contains("dataset/refused") && !log.contains("chêne"), "{log}");

    let body = json!({ "title": "Encore", "plugin": "reader", "config": {}, "slots": slots });
    let (status, answer) = ville.try_json(Method::POST, &format!("{PROCESSINGS}/processings"), &body).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer.to_string().contains("slots.input.dataset"), "{answer}");

    let own = admin.processing("reader", json!({ "input": { "dataset": "arbres" } })).await;
    let (status, log) = admin.ended(&admin.trigger(&own).await).await;
    assert_eq!((status.as_str(), log.contains("chêneif")), ("finished", true), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_dataset_of_another_account_is_not_written() {
    let server = server().await;
    let (admin, (organization, ville)) = (server.admin(), server.organization("Ville").await);
    let body = json!({
        "title": "Mien", "plugin": "writer", "config": {}, "slots": { "output": { "dataset": "arbres" } },
    });
    let (status, answer) = ville.try_json(Method::POST, &format!("{PROCESSINGS}/processings"), &body).await;
    assert_eq!(status, 400, "{answer}");
    let (_, lines) = server.anonymous().get(&format!("{DATASETS}/arbres/lines?size=0")).await;
    assert_eq!(lines["total"], 2, "{lines}");

    // A grant to write that is taken back between two runs.
    let permissions = format!("{DATASETS}/arbres/permissions");
    let writers = json!([{ "type": "organization", "id": organization, "name": "Ville", "classes": ["read", "list", "write"] }]);
    admin.json(Method::PUT, &permissions, &writers).await;
    let processing = ville.processing("writer", json!({ "output": { "dataset": "arbres" } })).await;
    admin.json(Method::PUT, &permissions, &everybody()).await;
    let (status, log) = ville.ended(&ville.trigger(&processing).await).await;
    assert_eq!(status, "error", "{log}");
    assert!(log.contains("dataset/refused"), "{log}");
    let (_, lines) = server.anonymous().get(&format!("{DATASETS}/arbres/lines?size=0")).await;
    assert_eq!(lines["total"], 2, "{lines}");
}
