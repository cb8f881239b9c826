//! Files of lines: their words are found, they say what they are and where they can be had.

use std::io::Write;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::harness::{BASE, Harness, admin, multipart};

const ADDRESS: &str = "/data-fair/api/v1/datasets";

/// A PDF of one page with these words.
fn pdf(words: &str) -> Vec<u8> {
    let content = format!("BT /F1 12 Tf 72 720 Td ({words}) Tj ET");
    format!(
        "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n\
         3 0 obj << /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >> endobj\n\
         4 0 obj << /Length {} >>\nstream\n{content}\nendstream endobj\n\
         5 0 obj << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >> endobj\n\
         trailer << /Root 1 0 R >>\n%%EOF\n",
        content.len()
    )
    .into_bytes()
}

/// A zip of these files.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn odt(words: &str) -> Vec<u8> {
    let content = format!("<o:d xmlns:o='o' xmlns:t='t'><o:body><t:p>{words}</t:p></o:body></o:d>");
    zip(&[("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", content.as_bytes())])
}

fn docx(words: &str) -> Vec<u8> {
    let content = format!("<w:document xmlns:w='w'><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:document>");
    zip(&[("word/document.xml", content.as_bytes())])
}

/// Acts of a town, as a zip.
async fn acts(id: &str) -> Harness {
    let harness = Harness::new().await;
    let files = zip(&[
        ("2024/arrêté n°1.pdf", &pdf("Stationnement interdit sous les tilleuls")),
        ("délibération.odt", &odt("Subvention aux associations sportives")),
        ("marché.docx", &docx("Plantation de tilleuls argentés")),
        ("cassé.pdf", b"%PDF-1.4 rien"),
        ("plan.png", b"\x89PNG"),
    ]);
    harness.upload(&admin(), &format!("/datasets/{id}"), ("actes.zip", &files), &[]).await.ok();
    harness.run().await;
    harness
}

async fn paths(harness: &Harness, path: &str, column: &str) -> Vec<String> {
    let lines = harness.get(&admin(), path).await.ok();
    let path_of = |line: &Value| line[column].as_str().unwrap_or_default().to_owned();
    lines["results"].as_array().unwrap().iter().map(path_of).collect()
}

fn keys(dataset: &Value) -> Vec<&str> {
    dataset["schema"].as_array().unwrap().iter().map(|column| column["key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn words_of_files_are_found_and_marked_but_not_answered() {
    let harness = acts("actes").await;
    let dataset = harness.get(&admin(), "/datasets/actes").await.ok();
    let computed = ["_file.content", "_file.content_type", "_file.content_length", "_attachment_url"];
    assert_eq!(keys(&dataset)[4..], computed);
    assert_eq!(dataset["schema"][4]["enum"], Value::Null, "a text is no value to choose");
    let lime = paths(&harness, "/datasets/actes/lines?q=tilleul&sort=file&select=file", "file").await;
    assert_eq!(lime, ["2024/arrêté n°1.pdf", "marché.docx"]);
    let sport = paths(&harness, "/datasets/actes/lines?q=association+sportive&q_mode=and", "file").await;
    assert_eq!(sport, ["délibération.odt"]);
    let one = "/datasets/actes/lines?_file.content_search=argent%C3%A9s&highlight=_file.content";
    let one = harness.get(&admin(), one).await.ok();
    let line = &one["results"][0];
    assert_eq!(line["_file.content"], Value::Null, "too heavy for every line");
    assert_eq!(
        line["_highlight"]["_file.content"][0],
        "Plantation de tilleuls <em class=\"highlighted\">argentés</em>"
    );
    let chosen = harness.get(&admin(), "/datasets/actes/lines?q=sportive&select=_file.content").await.ok();
    assert_eq!(chosen["results"][0]["_file.content"], "Subvention aux associations sportives");
    let id = line["_id"].as_str().unwrap();
    let alone = harness.get(&admin(), &format!("/datasets/actes/lines/{id}")).await.ok();
    assert_eq!((&alone["file"], alone.get("_file.content")), (&json!("marché.docx"), None));
    let csv = harness.get(&admin(), "/datasets/actes/lines?format=csv&size=all").await.text;
    assert!(csv.starts_with("\u{feff}\"file\"\n"), "computed columns are not exported: {csv}");
}

#[tokio::test]
async fn files_say_what_they_are_and_one_that_is_broken_stops_nothing() {
    let harness = acts("actes").await;
    let lines = harness.get(&admin(), "/datasets/actes/lines?sort=file").await.ok();
    let told: Vec<(&str, &str, u64)> = lines["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap();
            (text("file"), text("_file.content_type"), line["_file.content_length"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(told[1], ("cassé.pdf", "application/pdf", 13));
    assert_eq!(told[2].1, "application/vnd.oasis.opendocument.text");
    assert_eq!(told[4], ("plan.png", "image/png", 4));
    let small = "/datasets/actes/lines?_file.content_length_lt=10&_file.content_type_eq=image%2Fpng";
    assert_eq!(paths(&harness, small, "file").await, ["plan.png"]);
    let journal = harness.datasets.journal(&admin(), "actes").await.unwrap();
    let warning = journal.into_iter().find(|event| event.kind == "warning").unwrap().data.unwrap();
    assert!(warning.contains("1 pièces jointes") && warning.contains("\"cassé.pdf\""), "{warning}");
    let status = &harness.get(&admin(), "/datasets/actes").await.ok()["status"];
    assert_eq!(status, "finalized");
}

#[tokio::test]
async fn addresses_of_files_lead_to_them() {
    let harness = acts("actes").await;
    let line = &harness.get(&admin(), "/datasets/actes/lines?sort=file").await.ok()["results"][0];
    let address = line["_attachment_url"].as_str().unwrap();
    assert_eq!(address, format!("{BASE}{ADDRESS}/actes/attachments/2024/arr%C3%AAt%C3%A9%20n%C2%B01.pdf"));
    let path = address.strip_prefix(&format!("{BASE}/data-fair/api/v1")).unwrap();
    let file = harness.get(&admin(), path).await;
    assert_eq!((file.status.as_u16(), &file.bytes[..5]), (200, &b"%PDF-"[..]));
    for format in ["csv", "csv&size=all", "ndjson&size=all"] {
        let export = format!("/datasets/actes/lines?format={format}&select=_attachment_url&sort=file");
        let export = harness.get(&admin(), &export).await.text;
        assert!(export.contains(address), "{format}: {export}");
    }
    let id = line["_id"].as_str().unwrap();
    let alone = harness.get(&admin(), &format!("/datasets/actes/lines/{id}")).await.ok();
    assert_eq!(alone["_attachment_url"], address);
    let groups = "/datasets/actes/values_agg?field=file&size=1&agg_size=1&sort=key";
    let groups = harness.get(&admin(), groups).await.ok();
    let shown = groups["aggs"][0]["results"][0]["_attachment_url"].as_str();
    assert!(shown.is_none_or(|shown| shown.starts_with(BASE)), "{groups}");
}

#[tokio::test]
async fn a_virtual_dataset_offers_the_files_of_its_children() {
    let harness = acts("actes").await;
    let union = |keys: Value| json!({ "title": "v", "isVirtual": true, "virtual": { "children": ["actes"] }, "schema": keys });
    for (id, keys) in [("v", json!([{ "key": "file" }])), ("muet", json!([]))] {
        harness.json(&admin(), Method::PUT, &format!("/datasets/{id}"), union(keys)).await.ok();
    }
    harness.run().await;
    assert_eq!(paths(&harness, "/datasets/v/lines?q=sportive", "file").await, ["délibération.odt"]);
    let line = &harness.get(&admin(), "/datasets/v/lines?q=sportive").await.ok()["results"][0];
    let address = line["_attachment_url"].as_str().unwrap();
    assert_eq!(address, format!("{BASE}{ADDRESS}/v/attachments/actes/d%C3%A9lib%C3%A9ration.odt"));
    let path = address.strip_prefix(&format!("{BASE}/data-fair/api/v1")).unwrap();
    assert_eq!(harness.get(&admin(), path).await.status, 200);
    let hidden = harness.get(&admin(), "/datasets/muet/lines?q=sportive").await;
    assert!(!hidden.text.contains("attachments"), "what is not shown is not searched: {}", hidden.text);
    assert!(!hidden.status.is_success() || hidden.json()["total"] == 0, "{}", hidden.text);
}

#[tokio::test]
async fn an_index_built_again_has_the_words_again() {
    let harness = acts("actes").await;
    harness.datasets.reindex("actes").await.unwrap();
    assert_eq!(paths(&harness, "/datasets/actes/lines?q=sportive", "file").await, ["délibération.odt"]);
}

#[tokio::test]
async fn a_column_can_keep_the_words_of_its_files_out() {
    let harness = acts("actes").await;
    let dataset = harness.get(&admin(), "/datasets/actes").await.ok();
    let mut schema = dataset["schema"].clone();
    schema[0]["x-capabilities"] = json!({ "indexAttachment": false });
    let patched = harness.json(&admin(), Method::PATCH, "/datasets/actes", json!({ "schema": schema })).await;
    patched.ok();
    harness.run().await;
    let dataset = harness.get(&admin(), "/datasets/actes").await.ok();
    assert!(!keys(&dataset).contains(&"_file.content"));
    let found = harness.get(&admin(), "/datasets/actes/lines?q=sportive").await.ok();
    assert_eq!(found["total"], 0);
    assert!(keys(&dataset).contains(&"_attachment_url"));
}

#[tokio::test]
async fn files_of_edited_lines_are_read_when_they_come() {
    let harness = Harness::new().await;
    let schema = json!([
        { "key": "nom", "type": "string" },
        { "key": "piece", "type": "string", "x-refersTo": "http://schema.org/DigitalDocument" },
    ]);
    let body = json!({ "title": "Éditable", "isRest": true, "schema": schema });
    harness.json(&admin(), Method::PUT, "/datasets/e", body).await.ok();
    let file = pdf("Abattage d\\'un platane");
    let body = multipart(Some(("avis.pdf", &file)), &[("nom", "avis")]);
    let body = String::from_utf8_lossy(&body).replace("name=\"file\"", "name=\"attachment\"").into_bytes();
    let request = Request::post("/datasets/e/lines")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=frontier")
        .header(header::CONTENT_LENGTH, body.len());
    let line = harness.send(&admin(), request.body(Body::from(body)).unwrap()).await.ok();
    let id = line["_id"].as_str().unwrap();
    assert_eq!(paths(&harness, "/datasets/e/lines?q=platanes", "nom").await, ["avis"], "seen at once");
    let found = harness.get(&admin(), "/datasets/e/lines").await.ok();
    let url = found["results"][0]["_attachment_url"].as_str().unwrap();
    let expect = format!("{BASE}{ADDRESS}/e/attachments/{}", line["piece"].as_str().unwrap());
    assert_eq!(url, expect);
    harness.run().await;
    harness.datasets.reindex("e").await.unwrap();
    harness.run().await;
    assert_eq!(paths(&harness, "/datasets/e/lines?q=platanes", "nom").await, ["avis"], "after a rebuild");
    let change = json!({ "piece": null });
    harness.json(&admin(), Method::PATCH, &format!("/datasets/e/lines/{id}"), change).await.ok();
    assert_eq!(harness.get(&admin(), "/datasets/e/lines?q=platanes").await.ok()["total"], 0);
}
