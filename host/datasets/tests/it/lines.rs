//! `/lines`: envelope, pages, filters, caches, states.

use axum::body::Body;
use axum::http::{Method, Request, header};
use halle_model::Caller;
use serde_json::{Value, json};

use crate::harness::{Answer, BASE, Harness, admin, stranger};

/// Five places.
pub const PLACES: &str = "\
Code,Nom du lieu,Habitants,Surface,Ouvert,Créé le,Latitude,Longitude
a1,Rue de la Paix,10,1.5,oui,2024-01-01,48.85,2.35
a2,Place Bellecour,20,2.5,non,2024-01-02,45.75,4.83
a3,Vieux-Port,30,3.5,oui,2024-02-01,43.29,5.37
a4,\"Grand \"\"Place\"\"\",40,4.5,non,2024-03-01,50.63,3.06
a5,Quai des Chartrons,,5.5,oui,,44.85,-0.57
";

/// A dataset of [`PLACES`], with the concepts that give lines a place, readable by everybody.
pub async fn places() -> Harness {
    let harness = Harness::new().await;
    let dataset = harness.dataset("places", PLACES).await;
    let mut schema = dataset["schema"].clone();
    for column in schema.as_array_mut().unwrap() {
        let concept = match column["key"].as_str().unwrap() {
            "latitude" => "http://schema.org/latitude",
            "longitude" => "http://schema.org/longitude",
            _ => continue,
        };
        column["x-refersTo"] = concept.into();
    }
    harness.json(&admin(), Method::PATCH, "/datasets/places", json!({ "schema": schema })).await.ok();
    harness.run().await;
    let everybody = json!([{ "classes": ["list", "read"] }]);
    harness.json(&admin(), Method::PUT, "/datasets/places/permissions", everybody).await.ok();
    harness
}

pub async fn ask(harness: &Harness, query: &str) -> Answer {
    harness.get(&Caller::anonymous(), &format!("/datasets/places/{query}")).await
}

/// The codes of the lines that a question finds, in order.
async fn codes(harness: &Harness, query: &str) -> String {
    let answer = ask(harness, &format!("lines?select=code&{query}")).await.ok();
    let codes = answer["results"].as_array().unwrap().iter();
    codes.map(|line| line["code"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_page_has_its_members_in_order_and_leaves_out_what_is_missing() {
    let harness = places().await;
    let answer = ask(&harness, "lines?size=1&sort=-code&select=_id,_i,code,habitants,ouvert").await;
    let text = &answer.text;
    assert!(text.starts_with("{\"total\":5,\"next\":\""), "{text}");
    let page = answer.ok();
    let line = &page["results"][0];
    assert_eq!(
        (line["code"].as_str(), line["ouvert"].as_bool(), line["_i"].as_i64()),
        (Some("a5"), Some(true), Some(5))
    );
    assert_eq!(line.get("habitants"), None);
    assert_eq!(line.get("_score"), Some(&Value::Null));
    let id = line["_id"].as_str().unwrap();
    let one = ask(&harness, &format!("lines/{id}")).await.ok();
    assert_eq!(one["nom_du_lieu"], "Quai des Chartrons");
    ask(&harness, "lines/nothing").await.refused(404, "Identifiant de ligne inconnu");
}

#[tokio::test]
async fn following_next_reads_every_line_once() {
    let harness = places().await;
    let mut address = "lines?size=2&select=code&sort=-habitants".to_owned();
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let answer = ask(&harness, &address).await;
        let page = answer.ok();
        pages += 1;
        seen.extend(
            page["results"].as_array().unwrap().iter().map(|line| line["code"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(answer.headers[header::LINK], format!("<{next}>; rel=next"));
        address = next.strip_prefix(&format!("{BASE}/datasets/places/")).unwrap().to_owned();
    }
    assert_eq!(seen, ["a4", "a3", "a2", "a1", "a5"], "missing values come last");
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let harness = places().await;
    for (query, expect) in [
        ("code_eq=a2", "a2"),
        ("code_in=a1,a3", "a1 a3"),
        ("code_nin=a1,a3", "a2 a4 a5"),
        ("habitants_gte=20&habitants_lte=30", "a2 a3"),
        ("habitants_gt=20&ouvert_eq=true", "a3"),
        ("habitants_nexists=", "a5"),
        ("nom_du_lieu_starts=P", "a2"),
        ("nom_du_lieu_search=place", "a2 a4"),
        ("cree_le_lt=2024-02", "a1 a2"),
        ("q=place&sort=code", "a2 a4"),
        ("q=PLACES&sort=code", "a2 a4"),
        ("q=bell&q_mode=complete", "a2"),
        ("q=de la", ""),
        ("qs=nom_du_lieu:\"Vieux-Port\"", "a3"),
        ("qs=habitants:[10 TO 20] AND NOT code:a1", "a2"),
        ("qs=_exists_:cree_le AND ouvert:false", "a2 a4"),
        ("bbox=2,44,5,49", "a1 a2"),
        ("geo_distance=4.83,45.75,1km", "a2"),
        ("_c_siret_eq=1&code_eq=a1", "a1"),
    ] {
        let query = query.replace(' ', "%20").replace('"', "%22");
        assert_eq!(codes(&harness, &query).await, expect, "{query}");
    }
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let harness = places().await;
    for (query, text) in [
        (
            "rien_eq=1",
            "Impossible d'appliquer un filtre sur le champ rien, il n'existe pas dans le jeu de données.",
        ),
        ("code_eq=", "Filtre code_eq nécessite une valeur."),
        ("size=10001", "\"size\" cannot be more than 10000"),
        ("size=100&page=101", "\"size * page\" cannot be more than 10000"),
        ("size=1&size=2", "query parameter \"size\" is defined multiple times"),
        ("select=rien", "Impossible de sélectionner le champ rien, il n'existe pas dans le jeu de données."),
        ("sort=rien", "Impossible de trier sur le champ rien, il n'existe pas dans le jeu de données."),
        ("after=x", "\"after\" parameter is malformed"),
        (
            "q=a&q_fields=rien",
            "Impossible de rechercher sur le champ rien, il n'existe pas dans le jeu de données.",
        ),
        (
            "qs=code:(a",
            "Impossible d'effectuer cette recherche, la syntaxe du paramètre \"qs\" n'est pas respectée (caractère 8 : parenthèse fermante attendue).",
        ),
        (
            "habitants_eq=dix",
            "Impossible d'appliquer un filtre _eq sur le champ habitants. La valeur \"dix\" n'est pas un nombre entier.",
        ),
        (
            "finalizedAt=2999-01-01T00:00:00Z",
            "\"finalizedAt\" désigne une version plus récente que celle du jeu de données.",
        ),
    ] {
        ask(&harness, &format!("lines?{query}")).await.refused(400, text);
    }
    let answer = ask(&harness, "lines?size=0&rows=10&Code_postal_(BAN)=1").await.ok();
    let hint = "These query parameters are not known and were ignored: rows, Code_postal_(BAN).";
    assert_eq!(answer["meta"]["hints"], json!([hint]));
    assert_eq!(answer["total"], 5);
    let answer = ask(&harness, "lines?size=0&rows=10&hint=false").await.ok();
    assert_eq!(answer.get("meta"), None);
}

#[tokio::test]
async fn answers_tell_caches_and_statistics_what_they_are() {
    let harness = places().await;
    let first = ask(&harness, "lines?size=1").await;
    assert_eq!(first.headers[header::CACHE_CONTROL], "must-revalidate, public, max-age=300");
    assert_eq!(first.headers["x-accel-buffering"], "yes");
    let operation: Value = serde_json::from_slice(first.headers["x-operation"].as_bytes()).unwrap();
    assert_eq!(operation, json!({ "class": "read", "id": "readLines", "track": "readDataAPI" }));
    let again = |name: header::HeaderName, value: header::HeaderValue| {
        let request = Request::get("/datasets/places/lines?size=1").header(name, value);
        let request = request.body(Body::empty()).unwrap();
        let harness = &harness;
        async move { harness.send(&Caller::anonymous(), request).await.status.as_u16() }
    };
    assert_eq!(again(header::IF_NONE_MATCH, first.headers[header::ETAG].clone()).await, 304);
    assert_eq!(again(header::IF_MODIFIED_SINCE, first.headers[header::LAST_MODIFIED].clone()).await, 304);
    assert_eq!(again(header::IF_NONE_MATCH, header::HeaderValue::from_static("W/\"x\"")).await, 200);
    let dated = ask(&harness, "lines?size=1&finalizedAt=2020-01-01T00:00:00Z").await;
    assert_eq!(dated.headers[header::CACHE_CONTROL], "must-revalidate, public, max-age=604800");
}

#[tokio::test]
async fn who_may_not_read_gets_nothing_and_what_has_no_lines_says_so() {
    let harness = Harness::new().await;
    harness.dataset("secret", PLACES).await;
    for path in [
        "lines",
        "values_agg?field=code",
        "metric_agg?metric=sum&field=habitants",
        "values/code",
        "api-docs.json",
    ] {
        let answer = harness.get(&stranger(), &format!("/datasets/secret/{path}")).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text);
    }
    let answer = harness.get(&admin(), "/datasets/nothing/lines").await;
    assert_eq!(answer.status, 404);
    let meta = json!({ "title": "Meta", "isMetaOnly": true });
    let meta = harness.json(&admin(), Method::POST, "/datasets", meta).await.ok();
    let path = format!("/datasets/{}/lines", meta["id"].as_str().unwrap());
    harness
        .get(&admin(), &path)
        .await
        .refused(501, "Ce jeu de données n'a que des métadonnées, il ne contient pas de lignes.");
    harness.upload(&admin(), "/datasets/broken", ("a.csv", b"a,b\n1,2,3\n"), &[]).await.ok();
    harness.run().await;
    harness.get(&admin(), "/datasets/broken/lines").await.refused(
        409,
        "Le jeu de données n'est pas dans un état permettant l'opération demandée. État courant : error.",
    );
}

#[tokio::test]
async fn texts_are_cut_when_asked() {
    let harness = places().await;
    let answer = ask(&harness, "lines?truncate=4&select=nom_du_lieu&size=1").await.ok();
    assert_eq!(answer["results"][0]["nom_du_lieu"], "Rue ...");
}
