//! Datasets of reference among the services.

use std::collections::BTreeSet;

use axum::http::Method;
use halle_model::Dataset;
use halle_store::EntityExt;
use halle_testkit::{Api, DATASETS};
use serde_json::{Value, json};

use crate::site::{ACTIONS, SERVICES, Site, body};

const COMMUNE: &str = "http://rdf.insee.fr/def/geo%23codeCommune";

/// The dataset `communes`, in which names are looked up by code.
async fn offer(site: &Site, more: Value) {
    let dataset = site.world.upload(&site.owner, "communes", "code,nom\n01001,Ici\n75056,Paris\n").await;
    let mut schema = dataset["schema"].clone();
    schema[0]["x-refersTo"] = json!("http://rdf.insee.fr/def/geo#codeCommune");
    let input = json!([{ "type": "equals", "property": { "key": "code" } }]);
    let mut offers = json!({ "bulkSearchs": [{ "id": "code", "title": "Par code", "input": input }] });
    for (name, value) in more.as_object().into_iter().flatten() {
        offers[name] = value.clone();
    }
    let patch = json!({ "title": "Communes de France", "schema": schema, "masterData": offers });
    site.owner.json(Method::PATCH, &format!("{DATASETS}/communes"), &patch).await.ok();
    site.world.run_pipeline().await;
}

async fn ids(api: &Api, query: &str) -> Vec<Value> {
    let page = api.get(&format!("{SERVICES}?{query}")).await.ok();
    assert_eq!(page["count"], page["results"].as_array().map_or(0, Vec::len), "{page}");
    page["results"].as_array().into_iter().flatten().map(|service| service["id"].clone()).collect()
}

async fn permit(site: &Site, entries: Value) {
    let path = format!("{DATASETS}/communes/permissions");
    site.owner.json(Method::PUT, &path, &entries).await.ok();
}

#[tokio::test]
async fn a_reference_is_a_service_with_the_actions_that_it_offers() {
    let site = Site::new().await;
    site.owner.post(SERVICES, &body("salut")).await.ok();
    offer(&site, json!({})).await;
    assert_eq!(ids(&site.owner, "").await, ["salut", "dataset:communes"], "declared ones first");
    assert_eq!(
        site.owner.get(&format!("{SERVICES}?size=1&page=2")).await.ok()["results"][0]["id"],
        "dataset:communes"
    );
    let second = site.owner.get(&format!("{SERVICES}?size=1")).await.ok();
    assert_eq!((&second["count"], second["results"].as_array().unwrap().len()), (&json!(2), 1));
    assert_eq!(ids(&site.owner, "q=communes").await, ["dataset:communes"]);
    assert_eq!(ids(&site.owner, "output-concepts=http://schema.org/latitude").await, Vec::<Value>::new());

    let service = site.owner.get(&format!("{SERVICES}/dataset:communes")).await.ok();
    let action = &service["actions"][0];
    assert_eq!(
        (&action["id"], &action["summary"]),
        (&json!("masterData_bulkSearch_code"), &json!("Par code"))
    );
    assert_eq!(
        (&action["input"][0]["name"], &action["input"][0]["required"]),
        (&json!("code"), &json!(true))
    );
    assert_eq!(action["output"][1]["name"], "nom");
    assert!(
        service["server"].as_str().unwrap().ends_with("/data-fair/api/v1/datasets/communes"),
        "{service}"
    );
    let document = site.owner.get(&format!("{SERVICES}/dataset:communes/api-docs.json")).await.ok();
    let operation = &document["paths"]["/master-data/bulk-searchs/code"]["post"];
    assert_eq!(operation["operationId"], "masterData_bulkSearch_code");
    let actions = site.owner.get(&format!("{ACTIONS}?input-concepts={COMMUNE}")).await.ok();
    let of: Vec<&Value> = (0..2).map(|at| &actions["results"][at]["remoteService"]["id"]).collect();
    assert_eq!(of, ["salut", "dataset:communes"]);

    let path = format!("{SERVICES}/dataset:communes");
    let change = site.owner.json(Method::PATCH, &path, &json!({ "title": "x" })).await;
    assert!(change.refused(400).contains("masterData"));
    assert_eq!(site.owner.get(&format!("{SERVICES}/dataset:rien")).await.status.as_u16(), 404);
}

#[tokio::test]
async fn a_reference_is_offered_to_those_with_whom_it_is_shared_and_who_may_read_it() {
    let site = Site::new().await;
    offer(&site, json!({ "shareOrgs": [{ "id": "port", "name": "Port" }] })).await;
    let (port, quay) = (site.anonymous.by("oscar@port:admin"), site.anonymous.by("q@quai:admin"));
    let one = format!("{SERVICES}/dataset:communes");
    assert_eq!(ids(&port, "").await, Vec::<Value>::new(), "being offered it gives no right");
    assert_eq!(port.get(&one).await.status.as_u16(), 403);
    let read =
        |id: &str| json!({ "type": "organization", "id": id, "classes": ["list", "read"], "operations": [] });
    permit(&site, json!([read("port"), read("quai")])).await;
    assert_eq!(ids(&port, "").await, ["dataset:communes"]);
    assert_eq!(ids(&quay, "").await, Vec::<Value>::new(), "what they may read is not pushed on everybody");
    assert_eq!(quay.get(&one).await.ok()["id"], "dataset:communes", "though they may use it");
    assert_eq!(ids(&site.anonymous, "").await, Vec::<Value>::new());
    permit(&site, json!([{ "classes": ["list", "read"], "operations": [] }])).await;
    assert_eq!(ids(&site.anonymous, "").await, ["dataset:communes"]);
    assert_eq!(ids(&quay, "").await, ["dataset:communes"]);
}

#[tokio::test]
async fn references_are_found_page_by_page_however_many_there_are() {
    let site = Site::new().await;
    site.owner.post(SERVICES, &body("salut")).await.ok();
    offer(&site, json!({})).await;
    let mut unit = site.world.tools.stack.store.begin().await.unwrap();
    let reference = unit.load::<Dataset>("communes").await.unwrap().unwrap().entity;
    for n in 0..230 {
        let id = format!("c{n}");
        let mut copy = Dataset { slug: id.clone(), id, ..reference.clone() };
        if n % 2 == 0 {
            // Nothing is known of what is searched by.
            copy.schema.iter_mut().for_each(|column| column.refers_to = None);
        }
        unit.insert(&copy, copy.created_at).await.unwrap();
    }
    unit.commit().await.unwrap();
    let page = async |query: &str| {
        let page = site.owner.get(&format!("{SERVICES}?{query}")).await.ok();
        let results = page["results"].as_array().unwrap().iter();
        (page["count"].clone(), results.map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
    };
    for (condition, references) in
        [("q=communes", 231), (&*format!("q=communes&input-concepts={COMMUNE}"), 116)]
    {
        let mut seen = BTreeSet::new();
        for at in 1..=references / 100 + 1 {
            let (count, ids) = page(&format!("{condition}&size=100&page={at}")).await;
            assert_eq!(count, references, "{condition}");
            assert_eq!(ids.len(), (references - (at - 1) * 100).min(100) as usize);
            seen.extend(ids);
        }
        assert_eq!(seen.len(), references as usize, "each once");
    }
    assert_eq!(page("size=0").await, (json!(232), vec![]));
    assert_eq!(page("size=2&skip=230").await.1.len(), 2);
}

#[tokio::test]
async fn whoever_reads_lines_only_is_told_no_description() {
    let site = Site::new().await;
    offer(&site, json!({})).await;
    let described = json!({ "description": "Entre nous", "summary": "Entre nous" });
    site.owner.json(Method::PATCH, &format!("{DATASETS}/communes"), &described).await.ok();
    let port = site.anonymous.by("oscar@port:admin");
    let one = format!("{SERVICES}/dataset:communes");
    assert_eq!(site.owner.get(&one).await.ok()["description"], "Entre nous");
    let entry = |operations: Value| json!([{ "type": "organization", "id": "port", "operations": operations, "classes": ["list"] }]);
    permit(&site, entry(json!(["readLines"]))).await;
    let told = port.get(&one).await.ok();
    assert_eq!(
        (&told["description"], &told["actions"][0]["id"]),
        (&json!(""), &json!("masterData_bulkSearch_code"))
    );
    assert!(!told.to_string().contains("Entre nous"), "{told}");
    permit(&site, entry(json!(["readLines", "readDescription"]))).await;
    assert_eq!(port.get(&one).await.ok()["description"], "Entre nous");
}

#[tokio::test]
async fn references_without_searches_serve_virtual_datasets_and_schemas() {
    let site = Site::new().await;
    offer(&site, json!({ "bulkSearchs": [], "virtualDatasets": { "active": true } })).await;
    assert_eq!(ids(&site.owner, "virtual-datasets=true").await, ["dataset:communes"]);
    assert_eq!(ids(&site.owner, "standard-schema=true").await, Vec::<Value>::new());
    assert_eq!(ids(&site.owner, &format!("input-concepts={COMMUNE}")).await, Vec::<Value>::new());
    let service = site.owner.get(&format!("{SERVICES}/dataset:communes")).await.ok();
    assert_eq!(service["virtualDatasets"]["parent"]["id"], "communes");
    offer(&site, json!({ "bulkSearchs": [] })).await;
    assert_eq!(ids(&site.owner, "").await, Vec::<Value>::new());
    assert_eq!(site.owner.get(&format!("{SERVICES}/dataset:communes")).await.status.as_u16(), 404);
}
