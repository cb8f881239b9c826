//! Small pictures of datasets and lines.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::{Method, header};
use bytes::Bytes;
use halle_datasets::pictures::{FetchError, Frame, Pictures};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::harness::{Answer, BASE, Harness, admin, stranger};

/// Servers that a test fills and empties. What is made small says from what, and how small.
#[derive(Default)]
struct Album(Mutex<HashMap<String, Result<Bytes, FetchError>>>);

impl Album {
    fn set(&self, url: &str, picture: Result<&'static [u8], FetchError>) {
        self.0.lock().unwrap().insert(url.to_owned(), picture.map(Bytes::from_static));
    }
}

#[async_trait]
impl Pictures for Album {
    async fn fetch(&self, url: &str) -> Result<Bytes, FetchError> {
        let known = self.0.lock().unwrap().get(url).cloned();
        known.unwrap_or_else(|| Err(FetchError::Failed("unreachable".to_owned())))
    }

    fn shrink(&self, picture: &[u8], frame: &Frame) -> Result<Vec<u8>, String> {
        if picture == b"broken" {
            return Err("no picture".to_owned());
        }
        let text = String::from_utf8_lossy(picture);
        Ok(format!("{text} {}x{} {:?}", frame.width_px, frame.height_px, frame.fit).into_bytes())
    }
}

const URL: &str = "https://photos.example/a.png";

async fn gallery() -> (Harness, Arc<Album>) {
    let mut harness = Harness::new().await;
    let album = Arc::new(Album::default());
    harness.datasets = harness.datasets.with_pictures(album.clone());
    let csv = format!("nom,photo\na,{URL}\nb,\nc,https://photos.example/gone.png\nd,pas une adresse\n");
    let dataset = harness.dataset("galerie", &csv).await;
    let mut schema = dataset["schema"].clone();
    for column in schema.as_array_mut().unwrap().iter_mut().filter(|column| column["key"] == "photo") {
        column["x-refersTo"] = "http://schema.org/image".into();
    }
    let body = json!({ "schema": schema, "image": "https://photos.example/cover.png" });
    harness.json(&admin(), Method::PATCH, "/datasets/galerie", body).await.ok();
    harness.run().await;
    (harness, album)
}

async fn get(harness: &Harness, path: &str) -> Answer {
    let path = path.strip_prefix(BASE).unwrap_or(path);
    let path = path.strip_prefix("/data-fair/api/v1").unwrap_or(path);
    harness.get(&admin(), path).await
}

fn status_of(answer: &Answer) -> &str {
    answer.headers["x-thumbnails-cache-status"].to_str().unwrap()
}

#[tokio::test]
async fn lines_name_their_small_pictures() {
    let (harness, album) = gallery().await;
    album.set(URL, Ok(b"photo a"));
    let page = get(&harness, "/datasets/galerie/lines?thumbnail=true&select=nom&sort=_i").await.ok();
    let lines = page["results"].as_array().unwrap();
    let address = lines[0]["_thumbnail"].as_str().unwrap();
    assert_eq!(
        address,
        format!(
            "{BASE}/data-fair/api/v1/datasets/galerie/thumbnail/{}?width=300&height=200",
            hex::encode(URL)
        )
    );
    assert_eq!(lines[0].get("photo"), None, "the column was not asked for");
    assert_eq!((lines[1].get("_thumbnail"), lines[3].get("_thumbnail")), (None, None));
    let small = get(&harness, address).await;
    assert_eq!((small.text.as_str(), status_of(&small)), ("photo a 300x200 Cover", "MISS"));
    assert_eq!(small.headers[header::CONTENT_TYPE], "image/png");
    let again = get(&harness, address).await;
    assert_eq!(status_of(&again), "HIT");
    let page = get(&harness, "/datasets/galerie/lines?thumbnail=40x30&sort=_i").await.ok();
    let address = page["results"][0]["_thumbnail"].as_str().unwrap();
    let other = get(&harness, &format!("{address}&fit=inside")).await;
    assert_eq!(other.text, "photo a 40x30 Inside");
    assert_eq!(page["results"][0]["photo"], URL);
}

#[tokio::test]
async fn a_picture_that_cannot_be_had_is_answered_as_well_as_can_be() {
    let (harness, album) = gallery().await;
    let address = format!("/datasets/galerie/thumbnail/{}", hex::encode(URL));
    let elsewhere = get(&harness, &address).await;
    assert_eq!(
        (elsewhere.status.as_u16(), elsewhere.headers[header::LOCATION].to_str().unwrap()),
        (302, URL)
    );
    album.set(URL, Ok(b"photo a"));
    get(&harness, &address).await;
    album.set(URL, Err(FetchError::Failed("down".to_owned())));
    harness.clock.advance(SignedDuration::from_hours(2));
    let stale = get(&harness, &address).await;
    assert_eq!((stale.text.as_str(), status_of(&stale)), ("photo a 300x200 Cover", "STALE"));
    let gone = "https://photos.example/gone.png";
    album.set(gone, Err(FetchError::Missing));
    get(&harness, &format!("/datasets/galerie/thumbnail/{}", hex::encode(gone)))
        .await
        .refused(404, "Cette image n'existe plus.");
    album.set(URL, Ok(b"broken"));
    let broken = get(&harness, &format!("{address}?width=7")).await;
    assert_eq!(broken.status, 302, "what is no picture is left to the client");
}

#[tokio::test]
async fn only_pictures_that_lines_name_are_fetched() {
    let (harness, album) = gallery().await;
    let other = "https://elsewhere.example/secret.png";
    album.set(other, Ok(b"secret"));
    get(&harness, &format!("/datasets/galerie/thumbnail/{}", hex::encode(other)))
        .await
        .refused(404, "Aucune ligne de ce jeu de données n'a cette image.");
    get(&harness, "/datasets/galerie/thumbnail/zz")
        .await
        .refused(404, "Cette vignette ne désigne pas l'adresse d'une image.");
    let address = format!("/datasets/galerie/thumbnail/{}", hex::encode(URL));
    assert_eq!(harness.get(&stranger(), &address).await.status, 403);
    let refused = get(&harness, &format!("{address}?width=99999")).await;
    refused.refused(400, "Le paramètre \"width\" est un nombre de pixels de 1 à 2000, pas \"99999\".");
    let plain = Harness::new().await;
    plain.dataset("sans", "a\n1\n").await;
    plain.get(&admin(), "/datasets/sans/lines?thumbnail=true").await.refused(
        400,
        "Le paramètre \"thumbnail\" ne peut pas être utilisé : aucune colonne n'a le concept \"image\".",
    );
}

#[tokio::test]
async fn a_dataset_has_the_small_picture_of_its_description() {
    let (harness, album) = gallery().await;
    album.set("https://photos.example/cover.png", Ok(b"cover"));
    let described = get(&harness, "/datasets/galerie?thumbnail=30x20").await.ok();
    let address = described["thumbnail"].as_str().unwrap();
    let small = get(&harness, address).await;
    assert_eq!(small.text, "cover 30x20 Cover");
    let mode = json!({ "thumbnails": { "resizeMode": "fitIn" } });
    harness.json(&admin(), Method::PATCH, "/datasets/galerie", mode).await.ok();
    assert_eq!(get(&harness, address).await.text, "cover 30x20 Inside");
    let dated = get(&harness, "/datasets/galerie/thumbnail?updatedAt=2026").await;
    assert_eq!(dated.headers[header::CACHE_CONTROL], "must-revalidate, private, max-age=604800");
    let plain = Harness::new().await;
    plain.dataset("sans", "a\n1\n").await;
    let view: Value = plain.get(&admin(), "/datasets/sans").await.ok();
    assert_eq!(view.get("thumbnail"), None);
    plain.get(&admin(), "/datasets/sans/thumbnail").await.refused(404, "Ce jeu de données n'a pas d'image.");
}

#[tokio::test]
async fn files_of_lines_are_pictures_when_the_producer_says_so_through_virtual_datasets_too() {
    let mut harness = Harness::new().await;
    harness.datasets = harness.datasets.with_pictures(Arc::new(Album::default()));
    let photos = crate::documents::zip(&[("été/a b.png", b"photo a"), ("c.png", b"photo c")]);
    harness.upload(&admin(), "/datasets/photos", ("photos.zip", &photos), &[]).await.ok();
    harness.run().await;
    let pictures = json!({ "attachmentsAsImage": true });
    harness.json(&admin(), Method::PATCH, "/datasets/photos", pictures).await.ok();
    let union = json!({ "title": "v", "isVirtual": true, "virtual": { "children": ["photos"] }, "schema": [{ "key": "file" }] });
    harness.json(&admin(), Method::PUT, "/datasets/v", union).await.ok();
    harness.run().await;
    for id in ["photos", "v"] {
        let page =
            get(&harness, &format!("/datasets/{id}/lines?thumbnail=true&select=file&sort=-file")).await.ok();
        let line = page["results"][0].as_object().unwrap();
        assert_eq!(line["file"], "été/a b.png");
        assert!(!line.contains_key("_attachment_url"), "{id}: it was not asked for");
        let small = get(&harness, line["_thumbnail"].as_str().unwrap()).await;
        assert_eq!(small.text, "photo a 300x200 Cover", "{id}");
    }
    let hidden = format!("/datasets/v/thumbnail/{}", hex::encode("/attachments/photos/absent.png"));
    assert_eq!(get(&harness, &hidden).await.status, 404);
}
