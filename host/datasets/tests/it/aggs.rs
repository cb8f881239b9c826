//! Aggregations.

use halle_model::Caller;
use serde_json::json;

use crate::harness::{Harness, admin};
use crate::lines::{ask, places};

#[tokio::test]
async fn a_superadmin_is_told_how_groups_are_found() {
    let harness = Harness::new().await;
    harness.dataset("d", "ville,code\nLille,1\nArras,2\nLille,3\n").await;
    let question = "/datasets/d/values_agg?field=ville&q=lille&code_gte=2&explain=true";
    let root = Caller { admin_mode: true, ..admin() };
    let answer = harness.get(&root, question).await;
    let told = answer.ok();
    assert_eq!(told["aggs"][0]["total"], 1);
    let explained = &told["explain"];
    let steps = explained["lines"].as_array().unwrap();
    assert_eq!(
        steps.last().unwrap(),
        &json!({ "read": "values", "column": "code" }),
        "words first: {explained}"
    );
    assert!(steps.contains(&json!({ "read": "words", "column": "ville" })), "{explained}");
    assert_eq!(explained["groups"], json!(["ville"]));
    assert_eq!(explained["parts"], json!([{ "rows": 3, "deleted": 0, "matched": 1 }]));
    assert!(answer.headers["cache-control"].to_str().unwrap().contains("private"));
    assert_eq!(harness.get(&admin(), question).await.ok().get("explain"), None);
}

#[tokio::test]
async fn groups_have_counts_metrics_and_lines() {
    let harness = places().await;
    let answer = ask(&harness, "values_agg?field=ouvert&metric=sum&metric_field=surface&size=1&select=code")
        .await
        .ok();
    assert_eq!(answer["total"], 5);
    assert_eq!(answer["total_values"], 2);
    let groups = answer["aggs"].as_array().unwrap();
    let shown: Vec<_> = groups
        .iter()
        .map(|g| (g["value"].as_str().unwrap(), g["total"].as_i64().unwrap(), g["metric"].as_f64().unwrap()))
        .collect();
    assert_eq!(shown, [("true", 3, 10.5), ("false", 2, 7.0)]);
    assert_eq!(groups[0]["results"][0]["code"], "a1");
}

#[tokio::test]
async fn groups_in_order_of_their_values_can_be_followed() {
    let harness = places().await;
    let first = ask(&harness, "values_agg?field=code&agg_size=3&sort=key").await.ok();
    let next = first["next"].as_str().unwrap();
    assert!(next.ends_with("values_agg?field=code&agg_size=3&sort=key&code_gt=a3"), "{next}");
    let second = ask(&harness, "values_agg?field=code&agg_size=3&sort=key&code_gt=a3").await.ok();
    let values: Vec<_> = second["aggs"].as_array().unwrap().iter().map(|g| g["value"].clone()).collect();
    assert_eq!(values, ["a4", "a5"]);
    assert_eq!(second.get("next"), None);
}

#[tokio::test]
async fn groups_nest_and_dates_group_by_month() {
    let harness = places().await;
    let answer = ask(&harness, "values_agg?field=cree_le;ouvert&interval=month;value").await.ok();
    let months: Vec<_> = answer["aggs"].as_array().unwrap().iter().collect();
    assert_eq!(months[0]["total"], 2);
    assert_eq!(months[0]["aggs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn metrics_and_values() {
    let harness = places().await;
    let answer = ask(&harness, "metric_agg?metric=sum&field=habitants&code_neq=a1").await.ok();
    assert_eq!(answer["metric"].as_f64(), Some(90.0));
    let answer = ask(&harness, "metric_agg?metric=stats&field=surface").await.ok();
    assert_eq!(answer["metric"]["max"].as_f64(), Some(5.5));
    let answer = ask(&harness, "simple_metrics_agg?fields=code,habitants").await.ok();
    assert_eq!(answer["metrics"]["code"], json!({ "cardinality": 5 }));
    assert_eq!(answer["metrics"]["habitants"]["min"].as_f64(), Some(10.0));
    let answer = ask(&harness, "simple_metrics_agg?metrics=sum").await.ok();
    assert!(answer["metrics"].get("code").is_none(), "texts have no sum: {answer}");
    assert_eq!(answer["metrics"]["habitants"]["sum"].as_f64(), Some(100.0));
    let answer = ask(&harness, "values_agg?field=code&precision_threshold=0").await.ok();
    assert_eq!(answer.get("total_values"), None);
    let answer = ask(&harness, "values/code?sort=desc&size=2").await.ok();
    assert_eq!(answer, json!(["a5", "a4"]));
    let answer = ask(&harness, "values-labels/code?code_eq=a1").await.ok();
    assert_eq!(answer, json!([{ "value": "a1", "label": "a1" }]));
}

#[tokio::test]
async fn wrong_questions_are_refused_with_the_texts_clients_know() {
    let harness = places().await;
    for (query, text) in [
        ("values_agg", "Le paramètre \"field\" est obligatoire"),
        ("values_agg?field=rien", "Le paramètre \"field\" référence un champ inconnu rien"),
        ("values_agg?field=code&agg_size=1001", "\"agg_size\" cannot be more than 1000"),
        ("metric_agg?field=code", "Le paramètre \"metric\" est obligatoire"),
        (
            "metric_agg?metric=avg&field=code",
            "Impossible de calculer une métrique sur le champ code. La métrique \"avg\", n'est pas supportée pour ce type de champ.",
        ),
        (
            "simple_metrics_agg?metrics=somme",
            "Le paramètre \"metrics\" ne connaît pas \"somme\". Au choix : avg, sum, min, max, stats, value_count, percentiles, cardinality.",
        ),
        ("values/rien", "field \"rien\" is unknown"),
        ("values/code?size=1001", "\"size\" cannot be more than 1000"),
    ] {
        ask(&harness, query).await.refused(400, text);
    }
}

#[tokio::test]
async fn lines_group_by_where_they_are() {
    let harness = places().await;
    let answer =
        ask(&harness, "geo_agg?agg_size=3&metric=sum&metric_field=surface&select=code&size=2").await.ok();
    assert_eq!(answer["total"], 5);
    // The places are spread over 370,000 km²: two characters are the finest grid with fewer than three cells.
    let cells = answer["aggs"].as_array().unwrap();
    let shown: Vec<_> =
        cells.iter().map(|cell| (cell["value"].as_str().unwrap(), cell["total"].as_i64().unwrap())).collect();
    assert_eq!(shown, [("u0", 2), ("ez", 1), ("sp", 1)]);
    let (first, last) = (&cells[0], &cells[2]);
    assert_eq!(first["results"].as_array().unwrap().len(), 2, "`size` lines of each cell");
    assert_eq!(first["metric"].as_f64(), Some(4.0));
    assert_eq!(first["bbox"], json!([0.0, 45.0, 11.25, 50.625]));
    assert_eq!(first["center"], json!({ "lat": 47.8125, "lon": 5.625 }));
    assert_eq!(last["centroid"], json!({ "lat": 43.29, "lon": 5.37 }), "one line is its own mean");

    let fine = ask(&harness, "geo_agg?bbox=2,48,3,49&agg_size=1000").await.ok();
    assert_eq!(fine["total"], 1, "filters apply");
    assert_eq!(
        fine["aggs"][0]["value"].as_str().unwrap().len(),
        5,
        "the box asked tells how fine the grid is"
    );

    let features = ask(&harness, "geo_agg?agg_size=3&size=0&format=geojson").await.ok();
    assert_eq!(features["features"][2]["geometry"], json!({ "type": "Point", "coordinates": [5.37, 43.29] }));
    assert_eq!(features["features"][0]["properties"]["total"], 2);
    ask(&harness, "geo_agg?size=101").await.refused(400, "\"size\" cannot be more than 100");
}
