//! Publication sites, what an account's settings change in its datasets, and every filter of lists.

use axum::http::Method;
use halle_base::AccountRef;
use halle_model::{Caller, Settings};
use halle_store::EntityExt;
use serde_json::{Value, json};

use crate::harness::{BASE, Harness, admin, member, stranger};

/// Settings of the organisation `ville`.
async fn settings(harness: &Harness, content: Value) {
    let content = serde_json::from_value(content).unwrap();
    let settings = Settings { content, ..Settings::new(AccountRef::organization("ville", "VILLE")) };
    let mut unit = harness.datasets.store.begin().await.unwrap();
    unit.insert(&settings, halle_base::Timestamp::UNIX_EPOCH).await.unwrap();
    unit.commit().await.unwrap();
}

async fn patch(harness: &Harness, caller: &Caller, id: &str, body: Value) -> crate::harness::Answer {
    harness.json(caller, Method::PATCH, &format!("/datasets/{id}"), body).await
}

async fn make(harness: &Harness, id: &str, mut body: Value) {
    body["title"] = body.get("title").cloned().unwrap_or_else(|| json!(id));
    harness.json(&admin(), Method::PUT, &format!("/datasets/{id}"), body).await.ok();
    harness.clock.advance(jiff::SignedDuration::from_secs(1));
}

async fn ids(harness: &Harness, caller: &Caller, path: &str) -> Vec<String> {
    let answer = harness.get(caller, path).await.ok();
    let results = answer["results"].as_array().unwrap();
    results.iter().map(|dataset| dataset["id"].as_str().unwrap().to_owned()).collect()
}

fn site(id: &str, more: Value) -> Value {
    let mut site = json!({ "type": "portail", "id": id, "title": "Portail", "url": format!("https://{id}.fr"),
        "datasetUrlTemplate": "https://p.fr/d/{slug}" });
    site.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    site
}

#[tokio::test]
async fn publishing_takes_the_operation_a_known_site_and_the_metadata_it_requires() {
    let harness = Harness::new().await;
    let contributor = member("c", "ville", "contrib");
    settings(
        &harness,
        json!({ "publicationSites": [
        site("p", json!({ "settings": { "datasetsRequiredMetadata": ["license", "custom.service"] } })),
        site("brouillon", json!({ "settings": { "staging": true } })),
    ] }),
    )
    .await;
    make(&harness, "d", json!({ "isMetaOnly": true })).await;
    let on = |site: &str| json!({ "publicationSites": [site] });
    assert_eq!(patch(&harness, &contributor, "d", on("portail:p")).await.status, 403);
    patch(&harness, &contributor, "d", json!({ "requestedPublicationSites": ["portail:p"] })).await.ok();
    let lacking = patch(&harness, &admin(), "d", on("portail:p")).await;
    assert!(lacking.status == 400 && lacking.text.contains("license, custom.service"), "{}", lacking.text);
    let unknown = patch(&harness, &admin(), "d", on("portail:autre")).await;
    assert!(unknown.status == 400 && unknown.text.contains("portail:autre"), "{}", unknown.text);
    let whole = json!({ "publicationSites": ["portail:p"], "license": { "title": "L", "href": "https://l.fr" },
        "customMetadata": { "service": "eau" } });
    patch(&harness, &admin(), "d", whole).await.ok();
    assert_eq!(patch(&harness, &contributor, "d", json!({ "publicationSites": [] })).await.status, 403);
    patch(&harness, &contributor, "d", json!({ "publicationSites": ["portail:p", "portail:brouillon"] }))
        .await
        .ok();
    let creation = json!({ "title": "e", "isMetaOnly": true, "publicationSites": ["portail:p"] });
    assert_eq!(harness.json(&contributor, Method::POST, "/datasets", creation).await.status, 403);
    assert_eq!(ids(&harness, &admin(), "/datasets?requestedPublicationSites=portail:p").await, ["d"]);
}

#[tokio::test]
async fn a_catalogue_has_what_is_published_on_its_site_and_may_be_listed() {
    let harness = Harness::new().await;
    let own = json!({ "type": "portail", "id": "ici", "title": "Ici", "url": BASE });
    settings(&harness, json!({ "publicationSites": [site("p", json!({})), own] })).await;
    harness.dataset("fichier", "code\n1\n").await;
    for id in ["cache", "ailleurs"] {
        make(&harness, id, json!({ "isMetaOnly": true, "keywords": ["k"] })).await;
    }
    for id in ["fichier", "cache"] {
        patch(&harness, &admin(), id, json!({ "publicationSites": ["portail:p"] })).await.ok();
    }
    patch(&harness, &admin(), "ailleurs", json!({ "publicationSites": ["portail:ici"] })).await.ok();
    for id in ["fichier", "ailleurs"] {
        let public = json!([{ "classes": ["list", "read"] }]);
        harness.json(&admin(), Method::PUT, &format!("/datasets/{id}/permissions"), public).await.ok();
    }
    let nobody = Caller::anonymous();
    let on_p = "/catalog/datasets?publicationSites=portail:p";
    assert_eq!(ids(&harness, &nobody, on_p).await, ["fichier"]);
    assert_eq!(ids(&harness, &admin(), &format!("{on_p}&sort=title")).await, ["cache", "fichier"]);
    assert_eq!(ids(&harness, &nobody, "/catalog/datasets").await, ["ailleurs"], "the site at this address");
    assert_eq!(harness.get(&nobody, "/catalog/datasets?publicationSites=portail:x").await.status, 404);

    let dcat = harness.get(&nobody, "/catalog/dcat?publicationSites=portail:p").await;
    assert_eq!(dcat.headers["content-type"], "application/ld+json");
    let dcat = dcat.ok();
    assert_eq!(dcat["dataset"].as_array().map(Vec::len), Some(1));
    let dataset = &dcat["dataset"][0];
    assert_eq!(dataset["landingPage"], "https://p.fr/d/data");
    assert_eq!(
        dataset["distribution"][0]["downloadURL"],
        format!("{BASE}/data-fair/api/v1/datasets/fichier/raw")
    );
    let document = harness.get(&nobody, "/catalog/api-docs.json").await.ok();
    harness.json(&admin(), Method::POST, "/_check-api", document).await.ok();

    let elsewhere = Harness::new().await;
    assert_eq!(elsewhere.get(&nobody, "/catalog/dcat").await.status, 400);
}

#[tokio::test]
async fn concepts_and_forms_of_an_account_reach_its_datasets() {
    let harness = Harness::new().await;
    settings(&harness, json!({
        "privateVocabulary": [{ "id": "arret", "title": "Arrêt", "identifiers": ["https://ville.fr/arret"] }],
        "datasetsMetadata": { "spatial": { "active": true } },
    })).await;
    let own = harness.get(&admin(), "/vocabulary").await.ok();
    let last = own.as_array().unwrap().last().unwrap();
    assert_eq!((&last["id"], &last["private"]), (&json!("arret"), &json!(true)));
    let standard = harness.get(&Caller::anonymous(), "/vocabulary").await.ok();
    assert_eq!(standard.as_array().map(Vec::len), Some(54));
    let columns = json!([{ "key": "stop", "type": "string", "x-refersTo": "https://ville.fr/arret" }]);
    make(&harness, "d", json!({ "isRest": true, "schema": columns })).await;
    let expected = json!({ "id": "arret", "title": "Arrêt", "primary": true });
    for path in ["/datasets/d", "/datasets/d/schema"] {
        let answer = harness.get(&admin(), path).await.ok();
        let columns = answer.get("schema").unwrap_or(&answer);
        assert_eq!(columns[0]["x-concept"], expected, "{path}");
    }
    let forms = harness.get(&admin(), "/datasets/d/metadata-settings").await.ok();
    assert_eq!(forms, json!({ "spatial": { "active": true } }));
    assert_eq!(harness.get(&stranger(), "/datasets/d/metadata-settings").await.status, 403);
}

/// Four datasets: a file, whose title is `data`, and three descriptions.
async fn catalogue() -> Harness {
    let harness = Harness::new().await;
    harness.dataset("fichier", "siret,jour\n12345678901234,2024-01-01\n12345678901235,2024-01-02\n").await;
    harness.clock.advance(jiff::SignedDuration::from_secs(1));
    make(
        &harness,
        "eau",
        json!({ "title": "  Éau potable ", "isMetaOnly": true, "spatial": "Lyon",
        "keywords": ["bleu"], "modified": "2020-05-01" }),
    )
    .await;
    make(
        &harness,
        "zoo",
        json!({ "title": "Zoo", "isMetaOnly": true, "spatial": "Brest", "summary": "L'eau des bassins" }),
    )
    .await;
    make(
        &harness,
        "arbres",
        json!({ "title": "arbres", "isMetaOnly": true, "description": "arrosés à l'eau",
        "conformsTo": { "title": "scdl", "url": "https://scdl.fr" } }),
    )
    .await;
    harness
}

#[tokio::test]
async fn every_filter_finds_what_it_names() {
    let harness = catalogue().await;
    for (query, expected) in [
        ("spatial=Lyon", &["eau"][..]),
        ("spatial=Lyon,Brest&sort=title", &["eau", "zoo"]),
        ("spatial=null&sort=title", &["arbres", "fichier"]),
        ("spatial=-null&sort=title", &["eau", "zoo"]),
        ("spatial=-Lyon&sort=title", &["arbres", "fichier", "zoo"]),
        ("filename=data.csv", &["fichier"]),
        ("title=Zoo", &["zoo"]),
        ("conformsTo=scdl", &["arbres"]),
        ("field-format=date", &["fichier"]),
        ("field-type=string", &["fichier"]),
        ("keywords=null&field-type=null&sort=title", &["arbres", "zoo"]),
        ("type=file,metaOnly&sort=title", &["arbres", "fichier", "eau", "zoo"]),
        ("queryable=true", &["fichier"]),
        ("file=true", &["fichier"]),
        ("services=x", &[]),
        ("sort=modified", &["eau", "fichier", "zoo", "arbres"]),
        ("sort=-modified&size=1", &["arbres"]),
        ("sort=spatial,-title", &["fichier", "arbres", "zoo", "eau"]),
        // Title, then summary, then the rest.
        ("q=eau", &["eau", "zoo", "arbres"]),
        ("q=EAU&sort=title", &["arbres", "eau", "zoo"]),
        ("shared=false&size=1&sort=title", &["arbres"]),
    ] {
        let found = ids(&harness, &admin(), &format!("/datasets?{query}")).await;
        assert_eq!(found, expected, "{query}");
    }
    let sums = harness.get(&admin(), "/datasets?size=0&sums=count").await.ok();
    assert_eq!((&sums["sums"], &sums["count"]), (&json!({ "count": 2 }), &json!(4)));
    let raw = harness.get(&admin(), "/datasets?raw=true&size=1").await.ok();
    let id = raw["results"][0]["id"].as_str().unwrap();
    let one = harness.get(&admin(), &format!("/datasets/{id}?raw=true")).await.ok();
    assert!(one["title"].is_string() && one.get("userPermissions").is_none(), "{one}");
    assert!(raw["results"][0].get("userPermissions").is_none() && raw["results"][0].get("href").is_none());
    assert_eq!(harness.get(&admin(), "/datasets?sums=nothing").await.status, 400);
}

#[tokio::test]
async fn can_keeps_what_the_caller_may_do_and_tells_nothing_of_the_rest() {
    let harness = catalogue().await;
    for (id, entries) in [
        ("eau", json!([{ "classes": ["list", "read"] }])),
        (
            "zoo",
            json!([{ "classes": ["list"] }, { "type": "user", "id": "zoe", "operations": ["readLines"] }]),
        ),
        ("arbres", json!([{ "type": "user", "id": "zoe", "classes": ["write"] }])),
    ] {
        harness.json(&admin(), Method::PUT, &format!("/datasets/{id}/permissions"), entries).await.ok();
    }
    let zoe = stranger();
    for (can, expected) in [
        ("read", &["eau"][..]),
        ("readLines", &["eau", "zoo"]),
        ("readLines,readSchema", &["eau", "zoo"]),
        ("write", &[]),
        ("delete", &[]),
        ("nothing", &[]),
    ] {
        let query = format!("/datasets?can={can}&sort=title");
        assert_eq!(ids(&harness, &zoe, &query).await, expected, "{can}");
        assert_eq!(harness.get(&zoe, &query).await.ok()["count"], expected.len());
    }
    assert_eq!(ids(&harness, &admin(), "/datasets?can=delete&size=1&sort=title").await, ["arbres"]);
    let key = Caller { scopes: Some(vec!["datasets-read".to_owned()]), ..admin() };
    assert!(ids(&harness, &key, "/datasets?can=writeDescription").await.is_empty());
    assert_eq!(ids(&harness, &key, "/datasets?can=readLines").await.len(), 4);
    let facets = "/datasets?size=0&can=readLines&facets=spatial,field-type,title";
    let facets = harness.get(&zoe, facets).await.ok();
    assert_eq!(facets["facets"]["spatial"].as_array().map(Vec::len), Some(2));
    assert_eq!(facets["facets"]["field-type"], json!([]));
}

#[tokio::test]
async fn webhooks_of_the_owner_are_called_for_what_they_want() {
    let harness = Harness::new().await;
    let hook = |title: &str, events: Value| {
        json!({ "title": title, "events": events,
            "target": { "type": "http", "params": { "url": "https://example.org/hook" } } })
    };
    settings(
        &harness,
        json!({
            "webhooks": [hook("erreurs", json!(["dataset-error"])), hook("tout", json!([]))],
            "publicationSites": [site("p", json!({}))],
        }),
    )
    .await;
    harness.dataset("d", "code\n1\n").await;
    patch(&harness, &admin(), "d", json!({ "publicationSites": ["portail:p"] })).await.ok();
    patch(&harness, &admin(), "d", json!({ "publicationSites": ["portail:p"], "title": "D" })).await.ok();
    let mut unit = harness.datasets.store.read().await.unwrap();
    let mut events = Vec::new();
    for title in ["erreurs", "tout"] {
        let jobs = unit.jobs().with_key(&format!("webhooks/organization:ville/{title}")).await.unwrap();
        events.push(
            jobs.iter().map(|job| job.payload["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
        );
    }
    assert_eq!(events, [vec![], vec!["dataset-created", "finalize-end", "publication"]]);
}

#[tokio::test]
async fn lines_are_filtered_by_concepts_of_the_owner_alone() {
    let harness = Harness::new().await;
    let concept =
        json!({ "id": "matricule", "title": "Matricule", "identifiers": ["https://ville.fr/matricule"] });
    settings(&harness, json!({ "privateVocabulary": [concept] })).await;
    harness.dataset("d", "numero,nom\n1,a\n2,b\n3,c\n").await;
    let schema = json!([{ "key": "numero", "x-refersTo": "https://ville.fr/matricule" }, { "key": "nom" }]);
    patch(&harness, &admin(), "d", json!({ "schema": schema })).await.ok();
    harness.run().await;
    let total = async |query: &str| {
        harness.get(&admin(), &format!("/datasets/d/lines?{query}")).await.ok()["total"].clone()
    };
    assert_eq!(total("_c_matricule_eq=2").await, 1);
    assert_eq!(total("_c_matricule_gte=2").await, 2);
    assert_eq!(total("_c_autre_eq=2").await, 3, "a concept that no column holds is ignored");
}
