//! Master data: lines of a reference, found for others.

use axum::body::Body;
use axum::http::{Method, Request, header};
use halle_model::Caller;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin, member, stranger};

const CSV: &str = "siret,extra,actif,debut,fin,lat,lon\n\
    82898347800011,Koumoul,oui,2020-01-01,2020-12-31,48.1,-1.6\n\
    82898347800011,Koumoul avant,oui,2019-01-01,2019-12-31,48.1,-1.6\n\
    11111111111111,Autre,non,2020-01-01,2020-12-31,47.2,-1.5\n\
    22222222222222,Nantes,oui,2021-01-01,2021-12-31,47.2,-1.55\n";

/// A reference with a search of each sort.
async fn reference() -> Harness {
    let harness = Harness::new().await;
    harness.dataset("ref", CSV).await;
    let concept =
        |key: &str, uri: &str| json!({ "key": key, "type": "string", "format": "date", "x-refersTo": uri });
    let place = |key: &str| {
        let axis = if key == "lat" { "lat" } else { "long" };
        json!({ "key": key, "type": "number", "x-refersTo": format!("http://www.w3.org/2003/01/geo/wgs84_pos#{axis}") })
    };
    let schema = json!([
        { "key": "siret", "type": "string" }, { "key": "extra", "type": "string" },
        { "key": "actif", "type": "string" },
        concept("debut", "https://schema.org/startDate"), concept("fin", "https://schema.org/endDate"),
        place("lat"), place("lon"),
    ]);
    let active = json!([{ "property": { "key": "actif" }, "values": ["oui"] }]);
    let siret = json!({ "type": "equals", "property": { "key": "siret" } });
    let master = json!({
        "bulkSearchs": [
            { "id": "siret", "title": "Par SIRET", "sort": "-debut", "filters": active, "input": [siret] },
            { "id": "jour", "input": [siret, { "type": "date-in-interval", "property": { "key": "date" } }] },
            { "id": "lieu", "filters": active,
              "input": [{ "type": "geo-distance", "distance": 1000, "property": { "key": "latlon" } }] },
        ],
        "singleSearchs": [
            { "id": "nom", "output": { "key": "siret" }, "label": { "key": "extra" }, "filters": active },
        ],
    });
    let body = json!({ "schema": schema, "masterData": master });
    harness.json(&admin(), Method::PATCH, "/datasets/ref", body).await.ok();
    harness.run().await;
    assert_eq!(harness.get(&admin(), "/datasets/ref").await.ok()["status"], "finalized");
    harness
}

async fn bulk(harness: &Harness, caller: &Caller, search: &str, kind: &str, body: &str) -> Answer {
    let request = Request::post(format!("/datasets/ref/master-data/bulk-searchs/{search}"))
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body.to_owned()))
        .unwrap();
    harness.send(caller, request).await
}

const NO_MATCH: &str = "La donnée de référence ne contient pas de ligne correspondante.";

#[tokio::test]
async fn each_line_gets_the_first_line_that_matches() {
    let harness = reference().await;
    let body = "{\"siret\":\"82898347800011\",\"_key\":\"a\"}\n{\"siret\":\"11111111111111\"}\n{\"x\":1}\n";
    let answer = bulk(&harness, &admin(), "siret?select=extra", "application/x-ndjson", body).await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/x-ndjson");
    let lines: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines[0],
        json!({ "extra": "Koumoul", "_key": "a" }),
        "the latest, by the order of the search"
    );
    assert_eq!(lines[1], json!({ "_key": 1, "_error": NO_MATCH }), "left out by the filter");
    assert_eq!(lines[2], json!({ "_key": 2, "_error": "La propriété \"siret\" est obligatoire." }));

    let csv =
        bulk(&harness, &admin(), "siret?select=siret,extra", "text/csv", "siret\n82898347800011\nx\n").await;
    let expected = format!("siret,extra,_key,_error\n82898347800011,Koumoul,0,\n,,1,{NO_MATCH}\n");
    assert_eq!(csv.text, expected);
    let array =
        bulk(&harness, &admin(), "siret?select=extra", "application/json", "[{\"siret\":82898347800011}]")
            .await;
    assert_eq!(array.json(), json!([{ "extra": "Koumoul", "_key": 0 }]));
    assert_eq!(bulk(&harness, &admin(), "siret", "application/json", "[]").await.json(), json!([]));
}

#[tokio::test]
async fn days_and_places_find_their_line() {
    let harness = reference().await;
    let body = "siret,date\n82898347800011,2019-06-01\n82898347800011,2018-06-01\n82898347800011,hier\n";
    let found = bulk(&harness, &admin(), "jour?select=extra", "text/csv", body).await;
    let lines: Vec<&str> = found.text.lines().collect();
    assert_eq!(lines[1], "Koumoul avant,0,");
    assert_eq!(lines[2], format!(",1,{NO_MATCH}"));
    assert!(lines[3].starts_with(",2,") && lines[3].contains("hier"), "{}", lines[3]);
    let body = "[{\"latlon\":\"47.2,-1.5501\"},{\"latlon\":\"47.2\"},{\"latlon\":\"10,10\"}]";
    let found = bulk(&harness, &admin(), "lieu?select=extra", "application/json", body).await.json();
    assert_eq!(found[0]["extra"], "Nantes");
    assert!(found[1]["_error"].as_str().unwrap().contains("lat,lon"), "{found}");
    assert_eq!(found[2]["_error"], NO_MATCH);
}

#[tokio::test]
async fn what_is_typed_is_completed_each_value_once() {
    let harness = reference().await;
    let path = "/datasets/ref/master-data/single-searchs/nom";
    let all = harness.get(&admin(), path).await.ok();
    assert_eq!(all["total"], 2, "{all}");
    let labels: Vec<&str> =
        all["results"].as_array().unwrap().iter().filter_map(|r| r["label"].as_str()).collect();
    assert_eq!(labels, ["Koumoul", "Nantes"], "in alphabetical order");
    let typed = harness.get(&admin(), &format!("{path}?q=nan&size=5")).await.ok();
    assert_eq!((&typed["total"], &typed["results"][0]["output"]), (&json!(1), &json!("22222222222222")));
    assert!(typed["results"][0]["score"].as_f64().is_some(), "{typed}");
    assert_eq!(
        harness.get(&admin(), "/datasets/ref/master-data/single-searchs/x").await.status.as_u16(),
        404
    );
}

#[tokio::test]
async fn only_who_may_searches_and_only_owners_offer() {
    let harness = reference().await;
    for (caller, expected) in
        [(stranger(), 403), (Caller::anonymous(), 403), (member("c", "ville", "contrib"), 200)]
    {
        let answer = bulk(&harness, &caller, "siret", "application/json", "[]").await;
        assert_eq!(answer.status.as_u16(), expected, "{}", answer.text);
    }
    assert_eq!(bulk(&harness, &admin(), "x", "application/json", "[]").await.status.as_u16(), 404);
    assert_eq!(bulk(&harness, &admin(), "siret", "text/plain", "x").await.status.as_u16(), 415);
    assert_eq!(bulk(&harness, &admin(), "siret", "application/json", "{").await.status.as_u16(), 400);

    let patch = |master: Value| json!({ "masterData": master });
    let contributor = member("c", "ville", "contrib");
    let refused = harness.json(&contributor, Method::PATCH, "/datasets/ref", patch(json!({}))).await;
    assert_eq!(refused.status.as_u16(), 403, "{}", refused.text);
    for (master, reason) in [
        (
            json!({ "bulkSearchs": [{ "id": "a", "input": [{ "type": "equals", "property": { "key": "nope" } }] }] }),
            "\"nope\"",
        ),
        (json!({ "bulkSearchs": [{ "id": "a", "input": [] }] }), "n'a pas d'entrée"),
        (
            json!({ "bulkSearchs": [{ "id": "a", "input": [{ "type": "magic", "property": "siret" }] }] }),
            "magic",
        ),
        (json!({ "singleSearchs": [{ "id": "", "output": { "key": "siret" } }] }), "\"id\""),
    ] {
        let answer = harness.json(&admin(), Method::PATCH, "/datasets/ref", patch(master)).await;
        assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
        assert!(answer.text.contains(reason), "{}", answer.text);
    }
    assert_eq!(
        bulk(&harness, &admin(), "siret", "application/json", "[]").await.json(),
        json!([]),
        "unchanged"
    );
}

#[tokio::test]
async fn long_and_several_values_are_found_and_given_as_lines_give_them() {
    let harness = Harness::new().await;
    let long = "x".repeat(300);
    harness.dataset("ref", &format!("code,noms\n{long}a,un;deux\n{long}b,trois\n")).await;
    let schema =
        json!([{ "key": "code", "type": "string" }, { "key": "noms", "type": "string", "separator": ";" }]);
    let input = |key: &str| json!([{ "type": "equals", "property": { "key": key } }]);
    let master = json!({ "bulkSearchs": [
        { "id": "code", "input": input("code"), "filters": [{ "property": { "key": "noms" }, "values": [] }] },
        { "id": "nom", "input": input("noms") },
    ] });
    let body = json!({ "schema": schema, "masterData": master });
    harness.json(&admin(), Method::PATCH, "/datasets/ref", body).await.ok();
    harness.run().await;
    let asked = json!([{ "code": format!("{long}b") }, { "code": long }]).to_string();
    let found = bulk(&harness, &admin(), "code?select=noms", "application/json", &asked).await.json();
    assert_eq!(found[0]["noms"], "trois", "{found}");
    assert_eq!(found[1]["_error"], NO_MATCH);
    let found =
        bulk(&harness, &admin(), "nom?select=noms", "application/json", "[{\"noms\":\"deux\"}]").await;
    let lines = harness.get(&admin(), "/datasets/ref/lines?select=noms&noms_eq=deux").await.ok();
    assert_eq!(found.json()[0]["noms"], lines["results"][0]["noms"]);
}

#[tokio::test]
async fn a_request_of_many_lines_is_answered_in_its_order() {
    let harness = reference().await;
    let body: String = (0..5_000)
        .map(|i| {
            let siret = if i % 2 == 0 { "22222222222222" } else { "0" };
            format!("{{\"siret\":\"{siret}\",\"_key\":\"k{i}\"}}\n")
        })
        .collect();
    let answer = bulk(&harness, &admin(), "siret?select=extra", "application/x-ndjson", &body).await;
    let lines: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5_000);
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(line["_key"], format!("k{i}"));
        assert_eq!(line.get("_error").is_some(), i % 2 == 1, "{line}");
    }
}

#[tokio::test]
async fn the_answer_has_the_format_that_is_accepted() {
    let harness = reference().await;
    let request = Request::post("/datasets/ref/master-data/bulk-searchs/siret?select=extra")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/csv")
        .body(Body::from("[{\"siret\":\"82898347800011\"}]"))
        .unwrap();
    let answer = harness.send(&admin(), request).await;
    assert_eq!(answer.text, "extra,_key,_error\nKoumoul,0,\n");
}

#[tokio::test]
async fn a_virtual_dataset_is_searched_within_what_it_shows() {
    let harness = reference().await;
    let master = json!({ "bulkSearchs": [
        { "id": "siret", "input": [{ "type": "equals", "property": { "key": "siret" } }] },
    ] });
    let filters = json!([{ "key": "actif", "operator": "in", "values": ["oui"] }]);
    let body = json!({
        "title": "Vue", "isVirtual": true, "virtual": { "children": ["ref"], "filters": filters },
        "schema": [{ "key": "siret" }, { "key": "extra" }], "masterData": master,
    });
    harness.json(&admin(), Method::PUT, "/datasets/vue", body).await.ok();
    harness.run().await;
    let request = |body: &str| {
        Request::post("/datasets/vue/master-data/bulk-searchs/siret")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap()
    };
    let asked = request("[{\"siret\":\"22222222222222\"},{\"siret\":\"11111111111111\"}]");
    let found = harness.send(&admin(), asked).await.json();
    assert_eq!(found[0], json!({ "siret": "22222222222222", "extra": "Nantes", "_key": 0 }));
    assert_eq!(found[1], json!({ "_key": 1, "_error": NO_MATCH }), "left out by the filter of the view");
}

#[tokio::test]
async fn the_document_of_a_reference_describes_its_searches() {
    let harness = reference().await;
    let document = harness.get(&admin(), "/datasets/ref/api-docs.json").await.ok();
    let bulk = &document["paths"]["/master-data/bulk-searchs/jour"]["post"];
    assert_eq!(bulk["operationId"], "masterData_bulkSearch_jour");
    assert_eq!(bulk["x-operationType"], "http://schema.org/SearchAction");
    let input = &bulk["requestBody"]["content"]["application/x-ndjson"]["schema"]["properties"];
    assert_eq!(input["_key"]["x-refersTo"], "http://schema.org/identifier");
    assert_eq!(input["date"]["x-refersTo"], "http://schema.org/Date");
    let output = &bulk["responses"]["200"]["content"]["application/x-ndjson"]["schema"]["properties"];
    assert!(
        output["extra"].is_object() && output["_error"].is_object() && output["_id"].is_null(),
        "{output}"
    );
    let single = &document["paths"]["/master-data/single-searchs/nom"]["get"];
    assert_eq!(single["operationId"], "masterData_singleSearch_nom");
    let private =
        harness.get(&member("c", "ville", "contrib"), "/datasets/ref/private-api-docs.json").await.ok();
    assert!(private["paths"]["/master-data/bulk-searchs/jour"]["post"].is_object());
}
