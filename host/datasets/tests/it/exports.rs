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
    ask(&harness, "lines?size=all").await.refused(
        400,
        "\"size\" must be a whole number, \"all\" is for the formats csv, ndjson, geojson, parquet, xlsx, ods and shp",
    );
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

#[tokio::test]
async fn geojson_streams_everything_and_is_the_same_as_a_page() {
    let harness = places().await;
    let question = "lines?format=geojson&select=code,surface&ouvert_eq=true";
    let page = ask(&harness, &format!("{question}&size=100")).await.ok();
    let all = ask(&harness, &format!("{question}&size=all")).await;
    assert_eq!(all.headers[header::CONTENT_TYPE], "application/geo+json");
    let all = all.ok();
    assert_eq!(all["bbox"], page["bbox"]);
    let (all, page) = (all["features"].as_array().unwrap(), page["features"].as_array().unwrap());
    assert_eq!(all.len(), 3);
    for (streamed, paged) in all.iter().zip(page) {
        assert_eq!(
            (&streamed["id"], &streamed["geometry"], &streamed["properties"]["surface"]),
            (&paged["id"], &paged["geometry"], &paged["properties"]["surface"])
        );
    }
}

#[tokio::test]
async fn a_workbook_has_real_dates_and_says_what_it_is() {
    let harness = places().await;
    let answer = ask(&harness, "lines?format=xlsx&size=2&page=2&select=code,cree_le,ouvert,surface").await;
    let name = "attachment; filename=\"data.xlsx\"";
    assert_eq!(
        (answer.status.as_u16(), &answer.headers[header::CONTENT_DISPOSITION]),
        (200, &name.parse().unwrap())
    );
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&answer.bytes)).unwrap();
    let mut read = |name: &str| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut archive.by_name(name).unwrap(), &mut text).unwrap();
        text
    };
    let book = read("xl/workbook.xml");
    for sheet in ["data", "metadata", "schema", "labels", "query"] {
        assert!(book.contains(&format!("name=\"{sheet}\"")), "{book}");
    }
    let data = read("xl/worksheets/sheet1.xml");
    // The second page of two lines: a3 and a4. 2024-02-01 is day 45323 of a spreadsheet.
    assert!(
        data.contains("a3") && data.contains("a4") && !data.contains("a1") && !data.contains("a5"),
        "{data}"
    );
    assert!(
        data.contains("<v>45323</v>") && data.contains("<v>3.5</v>") && data.contains("t=\"b\""),
        "{data}"
    );
    assert!(data.contains("Créé le"), "original names: {data}");
}

#[tokio::test]
async fn parquet_keeps_the_types() {
    let harness = places().await;
    let answer =
        ask(&harness, "lines?format=parquet&size=all&select=code,habitants,cree_le&sort=-code").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/vnd.apache.parquet");
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(answer.bytes.clone(), 100).unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 5);
    let kinds: Vec<String> =
        batches[0].schema().fields().iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(kinds, ["Utf8", "Int64", "Date32"]);
    ask(&harness, "lines?format=parquet&after=1")
        .await
        .refused(400, "\"after\" cannot be used with format=parquet: ask for size=all");
}
