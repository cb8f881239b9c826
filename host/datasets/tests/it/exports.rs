//! CSV, ndjson and GeoJSON.

use axum::http::header;

use crate::lines::{ask, places};

#[tokio::test]
async fn csv_is_what_spreadsheets_expect_to_the_byte() {
    let harness = places().await;
    let answer = ask(
        &harness,
        "lines?format=csv&size=2&sort=-code&select=code,nom_du_lieu,habitants,surface,ouvert,cree_le",
    )
    .await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert_eq!(answer.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"data.csv\"");
    let expect = "\u{feff}\"Code\",\"Nom du lieu\",\"Habitants\",\"Surface\",\"Ouvert\",\"Créé le\"\n\
        \"a5\",\"Quai des Chartrons\",,5.5,1,\n\
        \"a4\",\"Grand \"\"Place\"\"\",40,4.5,0,\"2024-03-01\"\n";
    assert_eq!(answer.text, expect);
    let empty = ask(&harness, "lines?format=csv&select=code&code_eq=x").await;
    assert_eq!(empty.text, "\u{feff}\"Code\"\n");
    let plain = ask(&harness, "lines?format=csv&select=code,surface&sep=;&header=false&size=1").await;
    assert_eq!(plain.text, "\u{feff}\"a1\";1.5\n");
}

#[tokio::test]
async fn everything_that_matches_is_streamed_and_the_same_as_pages() {
    let harness = places().await;
    for query in [
        "format=csv",
        "format=csv&sort=-code",
        "format=ndjson&select=code,nom_du_lieu,habitants,ouvert,cree_le",
    ] {
        let page = ask(&harness, &format!("lines?{query}&size=100")).await.text;
        let all = ask(&harness, &format!("lines?{query}&size=all")).await.text;
        assert_eq!(all, page, "{query}");
    }
    let filtered = ask(&harness, "lines?format=csv&size=all&select=code&ouvert_eq=false").await.text;
    assert_eq!(filtered, "\u{feff}\"Code\"\n\"a2\"\n\"a4\"\n");
    ask(&harness, "lines?size=all")
        .await
        .refused(400, "\"size\" must be a whole number, \"all\" is for the formats csv and ndjson");
}

#[tokio::test]
async fn geojson_has_a_point_per_line_and_their_box() {
    let harness = places().await;
    let answer = ask(&harness, "lines?format=geojson&select=code&code_in=a1,a2").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/geo+json");
    let collection = answer.ok();
    assert_eq!(
        (collection["type"].as_str(), collection["total"].as_i64()),
        (Some("FeatureCollection"), Some(2))
    );
    let feature = &collection["features"][0];
    assert_eq!(feature["geometry"]["coordinates"][0].as_f64(), Some(2.35));
    assert_eq!(feature["properties"]["code"], "a1");
    assert_eq!(feature["properties"].get("latitude"), None);
    let bbox: Vec<_> = collection["bbox"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    for (found, expect) in bbox.iter().zip([2.35, 45.75, 4.83, 48.85]) {
        assert!((found - expect).abs() < 1e-4, "{bbox:?}");
    }
}
