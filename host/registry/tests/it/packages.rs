//! Install, read what is asked, consent, upgrade, roll back, remove.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use axum::response::Response;
use bytes::Bytes;
use halle_base::SystemClock;
use halle_extensions::grants::HostLimits;
use halle_extensions::package::{Package, SigningKey, TrustedKey};
use halle_extensions::registry::{PackageStore, Registry};
use halle_http::{Caller, ClientIp};
use halle_model::User;
use halle_store_sql::{FolderBlobs, SqlStore};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::sandbox::Gate;

const ARTEFACTS: &str = "/registry/api/v1/artefacts";

struct Site {
    registry: Registry,
    _folder: tempfile::TempDir,
}

struct Answer {
    code: u16,
    text: String,
    json: Value,
    etag: Option<String>,
}

fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[7; 32]).unwrap()
}

fn package(version: &str, origin: &str, component: &str, key: Option<&SigningKey>) -> Vec<u8> {
    let manifest = format!(
        r#"
        schema = 1
        [plugin]
        id = "demo/import"
        version = "{version}"
        kind = "processing"
        contract = "halle:processing@1"
        title = {{ fr = "Importer", en = "Import" }}
        licence = "MIT"
        [http.api]
        origins = ["{origin}"]
        "#
    );
    let statics = BTreeMap::from([("static/icon.svg".to_owned(), Bytes::from_static(b"<svg/>"))]);
    let mut package = Package::new(&manifest, Bytes::copy_from_slice(component.as_bytes()), statics).unwrap();
    if let Some(key) = key {
        package.sign(key);
    }
    package.write().unwrap()
}

fn caller(admin_mode: bool) -> halle_model::Caller {
    let user = User {
        id: "u".to_owned(),
        name: "U".to_owned(),
        email: "u@example.org".to_owned(),
        organizations: Vec::new(),
        is_admin: true,
    };
    halle_model::Caller { admin_mode, ..halle_model::Caller::personal(user) }
}

impl Site {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqlStore::sqlite_temporary().await.unwrap());
        let registry = Registry {
            store,
            packages: PackageStore::new(Arc::new(FolderBlobs::new(folder.path()).unwrap())),
            host: Arc::new(Gate),
            trusted_keys: vec![TrustedKey::parse(&format!("us={}", signing_key().public_hex())).unwrap()],
            limits: HostLimits::default(),
            clock: Arc::new(SystemClock),
        };
        Self { registry, _folder: folder }
    }

    async fn send(&self, caller: halle_model::Caller, request: Request<Body>) -> Answer {
        let router: Router = halle_registry::router(self.registry.clone());
        let mut request = request;
        request.extensions_mut().insert(Caller(caller));
        request.extensions_mut().insert(ClientIp([127, 0, 0, 1].into()));
        let response: Response = router.oneshot(request).await.unwrap();
        let code = response.status().as_u16();
        let etag = response.headers().get(header::ETAG).map(|tag| tag.to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answer { code, text, json, etag }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let builder = Request::builder().method(method).uri(format!("{ARTEFACTS}{path}"));
        let request = match body {
            Some(body) => {
                builder.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
            }
            None => builder.body(Body::empty()),
        };
        self.send(caller(true), request.unwrap()).await
    }

    async fn upload(&self, caller: halle_model::Caller, query: &str, archive: &[u8]) -> Answer {
        let mut body =
            b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"p\"\r\n\r\n".to_vec();
        body.extend_from_slice(archive);
        body.extend_from_slice(b"\r\n--b--\r\n");
        let request = Request::post(format!("{ARTEFACTS}{query}"))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(Body::from(body));
        self.send(caller, request.unwrap()).await
    }
}

#[tokio::test]
async fn a_package_is_installed_and_waits_for_consent() {
    let site = Site::new().await;
    let archive = package("1.0.0", "https://a.example", "component", Some(&signing_key()));
    let answer = site.upload(caller(true), "", &archive).await;
    assert_eq!(answer.code, 201, "{}", answer.text);
    let expected = (&json!("demo/import"), &json!("processing"), &json!("us"), &json!(false));
    let plugin = &answer.json;
    assert_eq!((&plugin["id"], &plugin["category"], &plugin["signedBy"], &plugin["granted"]), expected);

    let one = "/demo%2Fimport";
    let asked = site.ask(Method::GET, &format!("{one}/asked"), None).await.json;
    assert_eq!(asked["asked"]["origins"], json!(["https://a.example"]));
    assert_eq!(
        (&asked["granted"], &asked["admission"]["imports"][0]),
        (&Value::Null, &json!("halle:host/log@1.0.0"))
    );

    let grants = format!("{one}/grants");
    let more = json!({ "origins": ["https://evil.example"] });
    let refused = site.ask(Method::PUT, &grants, Some(more)).await;
    assert!(refused.code == 400 && refused.text.contains("https://evil.example"), "{}", refused.text);
    let stale = site.ask(Method::PUT, &format!("{grants}?digest=0"), Some(Value::Null)).await;
    assert_eq!(stale.code, 409);
    let digest = asked["digest"].as_str().unwrap();
    let granted = site.ask(Method::PUT, &format!("{grants}?digest={digest}"), Some(Value::Null)).await.json;
    assert_eq!(granted["granted"]["origins"], json!(["https://a.example"]));
    let list = site.ask(Method::GET, "?category=processing&q=importer", None).await.json;
    assert_eq!((&list["count"], &list["results"][0]["granted"]), (&json!(1), &json!(true)));
    assert_eq!(site.ask(Method::GET, "?category=enricher", None).await.json["count"], 0);
}

#[tokio::test]
async fn only_superadmins_in_admin_mode_and_by_session_install() {
    let site = Site::new().await;
    let archive = package("1.0.0", "https://a.example", "component", Some(&signing_key()));
    assert_eq!(site.upload(halle_model::Caller::anonymous(), "", &archive).await.code, 401);
    assert_eq!(site.upload(caller(false), "", &archive).await.code, 403);
    let key = halle_model::Caller { scopes: Some(vec!["datasets".to_owned()]), ..caller(true) };
    assert_eq!(site.upload(key, "", &archive).await.code, 403);
    assert_eq!(site.ask(Method::GET, "", None).await.json["count"], 0);
}

#[tokio::test]
async fn keys_see_plugins_when_they_reach_a_feature_with_plugins() {
    let site = Site::new().await;
    let archive = package("1.0.0", "https://a.example", "component", Some(&signing_key()));
    assert!(site.upload(caller(true), "", &archive).await.code < 300);
    let installed = site.ask(Method::GET, "", None).await.json["results"][0]["_id"].clone();
    let one = format!("/{}", installed.as_str().unwrap().replace('/', "%2F"));
    for (scopes, code) in
        [(&[][..], 403), (&["stats"], 403), (&["catalogs-read"], 200), (&["processings"], 200)]
    {
        for path in ["", one.as_str()] {
            let scopes = Some(scopes.iter().map(|&scope: &&str| scope.to_owned()).collect());
            let key = halle_model::Caller { scopes, ..caller(false) };
            let request = Request::get(format!("{ARTEFACTS}{path}")).body(Body::empty()).unwrap();
            let answer = site.send(key, request).await;
            assert_eq!(answer.code, code, "{path} {}", answer.text);
        }
    }
}

#[tokio::test]
async fn wrong_packages_are_refused_with_the_reason() {
    let site = Site::new().await;
    let unsigned = package("1.0.0", "https://a.example", "component", None);
    let answer = site.upload(caller(true), "", &unsigned).await;
    assert!(answer.code == 400 && answer.text.contains("acceptUnsigned=true"), "{}", answer.text);
    let strange =
        package("1.0.0", "https://a.example", "component", Some(&SigningKey::from_seed(&[9; 32]).unwrap()));
    assert_eq!(site.upload(caller(true), "", &strange).await.code, 400);
    let refused = package("1.0.0", "https://a.example", "refuse me", Some(&signing_key()));
    let answer = site.upload(caller(true), "", &refused).await;
    assert!(answer.code == 400 && answer.text.contains("wasi:filesystem"), "{}", answer.text);
    assert_eq!(site.upload(caller(true), "", b"no package").await.code, 400);
    assert_eq!(site.ask(Method::GET, "", None).await.json["count"], 0, "nothing was changed");
    assert_eq!(site.upload(caller(true), "?acceptUnsigned=true", &unsigned).await.code, 201);
}

#[tokio::test]
async fn an_upgrade_that_asks_for_more_waits_and_can_be_rolled_back() {
    let site = Site::new().await;
    let key = signing_key();
    let one = "/demo%2Fimport";
    site.upload(caller(true), "", &package("1.0.0", "https://a.example", "1", Some(&key))).await;
    site.ask(Method::PUT, &format!("{one}/grants"), Some(Value::Null)).await;
    assert_eq!(site.ask(Method::POST, &format!("{one}/rollback"), None).await.code, 409);
    let upgraded =
        site.upload(caller(true), "", &package("2.0.0", "https://b.example", "2", Some(&key))).await.json;
    assert_eq!((&upgraded["version"], &upgraded["granted"]), (&json!("2.0.0"), &json!(false)));
    assert_eq!(upgraded["previousVersions"][0]["version"], "1.0.0");
    let back = site.ask(Method::POST, &format!("{one}/rollback"), None).await.json;
    assert_eq!((&back["version"], &back["granted"]), (&json!("1.0.0"), &json!(true)));
    assert_eq!(site.ask(Method::DELETE, one, None).await.code, 204);
    assert_eq!(site.ask(Method::DELETE, one, None).await.code, 404);
    assert_eq!(site.ask(Method::GET, one, None).await.code, 404);
}

#[tokio::test]
async fn static_files_are_public_and_cached_by_content() {
    let site = Site::new().await;
    let archive = package("1.0.0", "https://a.example", "component", Some(&signing_key()));
    site.upload(caller(true), "", &archive).await;
    let path = format!("{ARTEFACTS}/demo%2Fimport/static/icon.svg");
    let get = |etag: Option<&str>| {
        let builder = Request::get(&path).header(header::IF_NONE_MATCH, etag.unwrap_or("\"\""));
        builder.body(Body::empty()).unwrap()
    };
    let nobody = halle_model::Caller::anonymous;
    let first = site.send(nobody(), get(None)).await;
    assert_eq!((first.code, first.text.as_str()), (200, "<svg/>"));
    assert_eq!(site.send(nobody(), get(first.etag.as_deref())).await.code, 304);
    let absent = Request::get(path.replace("icon", "none")).body(Body::empty()).unwrap();
    assert_eq!(site.send(nobody(), absent).await.code, 404);
}
