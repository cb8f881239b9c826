//! What a client is told when it asks for something wrong; nothing is changed then.

use axum::body::Body;
use axum::http::{Method, Request, header};
use halle_model::Caller;
use serde_json::json;

use crate::harness::{Harness, UPLOAD_BYTES_MAX, admin, member, multipart};

const CSV: &str = "code,nom\n1,a\n2,b\n";

#[tokio::test]
async fn uploads_that_cannot_be_taken_are_refused_before_anything_changes() {
    let harness = Harness::new().await;
    let upload = |name: &'static str, content: Vec<u8>| {
        let harness = &harness;
        async move { harness.upload(&admin(), "/datasets", (name, &content), &[]).await }
    };
    upload("a.pdf", b"x".to_vec()).await.refused(400, "application/pdf type is not supported");
    upload("a.csv", Vec::new()).await.refused(400, "Le fichier \"a.csv\" est vide.");
    let large = vec![b'a'; usize::try_from(UPLOAD_BYTES_MAX).unwrap() + 1];
    upload("a.csv", large).await.refused(413, "Un fichier téléversé dépasse la limite de 1048576 octets.");

    let body = multipart(Some(("a.csv", CSV.as_bytes())), &[]);
    let request = |length: Option<usize>, body: Vec<u8>| {
        let mut request =
            Request::post("/datasets").header(header::CONTENT_TYPE, "multipart/form-data; boundary=frontier");
        if let Some(length) = length {
            request = request.header(header::CONTENT_LENGTH, length);
        }
        request.body(Body::from(body)).unwrap()
    };
    harness
        .send(&admin(), request(None, body.clone()))
        .await
        .refused(411, "Content-Length is expected for multipart requests");
    let too_long = usize::try_from(UPLOAD_BYTES_MAX * 10).unwrap();
    harness
        .send(&admin(), request(Some(too_long), body.clone()))
        .await
        .refused(413, "Un fichier téléversé dépasse la limite de 1048576 octets.");
    let cut = body[..body.len() / 2].to_vec();
    let answer = harness.send(&admin(), request(Some(body.len()), cut)).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.text.starts_with("Le corps multipart est incorrect ou incomplet"), "{}", answer.text);

    let reserved = harness.upload(&admin(), "/datasets", ("a.csv", CSV.as_bytes()), &[("id", "x")]).await;
    reserved.refused(400, "Le champ \"id\" est réservé.");
    assert_eq!(harness.get(&admin(), "/datasets").await.ok()["count"], 0);
    assert_eq!(harness.files("tmp"), Vec::<String>::new(), "nothing is left in the temporary folder");
    assert_eq!(harness.files("blobs/datasets"), Vec::<String>::new());
}

#[tokio::test]
async fn bodies_that_are_not_what_they_should_be_are_refused() {
    let harness = Harness::new().await;
    let send = |content_type: &'static str, body: &'static str| {
        let request = Request::post("/datasets")
            .header(header::CONTENT_TYPE, content_type)
            .header(header::CONTENT_LENGTH, body.len())
            .body(Body::from(body))
            .unwrap();
        let harness = &harness;
        async move { harness.send(&admin(), request).await }
    };
    send("text/html", "<p>").await.refused(
        415,
        "Cette API attend un header content-type compatible, le plus souvent application/json.",
    );
    let broken = send("application/json", "{\"title\":").await;
    assert_eq!(broken.status, 400);
    assert!(
        broken.text.contains("n'est pas du JSON") && broken.text.contains("line 1 column 9"),
        "{}",
        broken.text
    );
    send("application/json", "[]").await.refused(400, "Le corps de la requête doit être un objet JSON.");
    send("application/json", "{}")
        .await
        .refused(400, "Le titre est obligatoire : envoyez un attribut \"title\" ou un fichier.");
    send("application/json", r#"{"title":"a","nope":1}"#)
        .await
        .refused(400, "L'attribut \"nope\" n'existe pas ou ne peut pas être modifié.");
    let two_kinds = send("application/json", r#"{"title":"a","isVirtual":true,"isRest":true}"#).await;
    two_kinds.refused(400, "\"isRest\", \"isVirtual\" et \"isMetaOnly\" s'excluent.");

    let large = json!({ "title": "a", "description": "x".repeat(1_100_000) });
    harness
        .json(&admin(), Method::POST, "/datasets", large)
        .await
        .refused(413, "Le corps de la requête dépasse 1000 ko.");
}

#[tokio::test]
async fn identifiers_and_owners_are_checked() {
    let harness = Harness::new().await;
    let create = |caller: Caller, path: &'static str, body: serde_json::Value| {
        let harness = &harness;
        async move { harness.json(&caller, Method::POST, path, body).await }
    };
    let answer = create(admin(), "/datasets/Not%20An%20Id", json!({ "title": "a" })).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("is not a valid identifier"), "{}", answer.text);
    let nobody = create(Caller::anonymous(), "/datasets", json!({ "title": "a" })).await;
    nobody.refused(401, "Veuillez vous connecter pour créer ou modifier un jeu de données.");
    let reader = create(member("u", "ville", "user"), "/datasets", json!({ "title": "a" })).await;
    reader.refused(403, "Permission manquante pour l'opération \"post\" ou la catégorie \"write\".");
    let owner = json!({ "type": "organization", "id": "port", "name": "Port" });
    let elsewhere = create(admin(), "/datasets", json!({ "title": "a", "owner": owner })).await;
    assert_eq!(elsewhere.status, 403);
    harness.get(&admin(), "/datasets/nowhere").await.refused(404, "Dataset not found");
}

#[tokio::test]
async fn broken_files_end_in_an_error_that_names_the_place() {
    for (content, error) in [
        ("code,nom\n1,a\n2,b,c,d\n", "Échec du traitement de la ligne 3 du fichier."),
        ("code,nom\n1,\"a\n2,b\n", "Échec du traitement de la ligne 2 du fichier."),
        ("\n\n", "Échec de l'analyse du fichier tabulaire, pas de colonne détectée."),
        ("a\0b\n", "Le fichier n'est pas un fichier texte"),
    ] {
        let harness = Harness::new().await;
        let created = harness.upload(&admin(), "/datasets/d", ("x.csv", content.as_bytes()), &[]).await;
        assert_eq!(created.status, 201);
        harness.run().await;
        assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "error", "{content:?}");
        let text = harness.last_error("d").await;
        assert!(text.starts_with(error), "{content:?} gave {text}");
    }
}

#[tokio::test]
async fn a_truncated_archive_ends_in_an_error() {
    let harness = Harness::new().await;
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\xce";
    harness.upload(&admin(), "/datasets/d", ("x.csv.gz", gzip), &[]).await.ok();
    harness.run().await;
    assert!(harness.last_error("d").await.starts_with("Le fichier compressé est endommagé ou incomplet"));
}

#[tokio::test]
async fn a_kind_without_a_file_refuses_one() {
    let harness = Harness::new().await;
    harness
        .json(&admin(), Method::PUT, "/datasets/fiche", json!({ "title": "F", "isMetaOnly": true }))
        .await
        .ok();
    let answer = harness.upload(&admin(), "/datasets/fiche", ("a.csv", CSV.as_bytes()), &[]).await;
    answer.refused(
        501,
        "Ce jeu de données n'est pas constitué d'un fichier : il n'a pas de fichier à remplacer.",
    );
    harness
        .get(&admin(), "/datasets/fiche/raw")
        .await
        .refused(404, "Ce jeu de données n'a pas de fichier original.");
    harness
        .get(&admin(), "/datasets/fiche/full")
        .await
        .refused(404, "Ce jeu de données n'a pas de fichier complet.");
}
