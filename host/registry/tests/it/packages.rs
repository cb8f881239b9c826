//! Install, read what is asked, consent, upgrade, roll back, remove.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use axum::response::Response;
use bytes::Bytes;
use halle_base::SystemClock;
use halle_extensions::grants::HostLimits;
use halle_extensions::installed::InstalledPlugins;
use halle_extensions::metering::Ledger;
use halle_extensions::package::{Package, SigningKey, TrustedKey};
use halle_extensions::registry::{PackageStore, Registry};
use halle_http::{Caller, ClientIp};
use halle_model::User;
use halle_store::Store;
use halle_store_sql::{FolderBlobs, SqlStore};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::sandbox::{Gate, Users};

const ARTEFACTS: &str = "/registry/api/v1/artefacts";

pub struct Site {
    pub registry: Registry,
    pub users: Users,
    pub ledger: Arc<Ledger>,
    _folder: tempfile::TempDir,
}

pub struct Answer {
    pub code: u16,
    pub text: String,
    pub json: Value,
    pub etag: Option<String>,
    pub cache_control: Option<String>,
}

pub fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[7; 32]).unwrap()
}

pub fn package(version: &str, origin: &str, component: &str, key: Option<&SigningKey>) -> Vec<u8> {
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

pub fn caller(admin_mode: bool) -> halle_model::Caller {
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
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let users = Users::default();
        let store: Arc<dyn Store> = Arc::new(SqlStore::sqlite_temporary().await.unwrap());
        let ledger = Arc::new(Ledger::new(Arc::clone(&store), Arc::new(SystemClock)));
        let registry = Registry {
            store,
            packages: PackageStore::new(Arc::new(FolderBlobs::new(folder.path()).unwrap())),
            host: Arc::new(Gate),
            trusted_keys: vec![TrustedKey::parse(&format!("us={}", signing_key().public_hex())).unwrap()],
            limits: HostLimits::default(),
            clock: Arc::new(SystemClock),
            users: vec![Arc::new(users.clone())],
        };
        Self { registry, users, ledger, _folder: folder }
    }

    pub async fn send(&self, caller: halle_model::Caller, request: Request<Body>) -> Answer {
        let router: Router = halle_registry::router(self.registry.clone(), Arc::clone(&self.ledger));
        let mut request = request;
        request.extensions_mut().insert(Caller(caller));
        request.extensions_mut().insert(ClientIp([127, 0, 0, 1].into()));
        let response: Response = router.oneshot(request).await.unwrap();
        let code = response.status().as_u16();
        let told = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (etag, cache_control) = (told(header::ETAG), told(header::CACHE_CONTROL));
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answer { code, text, json, etag, cache_control }
    }

    /// What a superadmin is sent, as bytes.
    pub async fn bytes(&self, mut request: Request<Body>) -> Bytes {
        request.extensions_mut().insert(Caller(caller(true)));
        request.extensions_mut().insert(ClientIp([127, 0, 0, 1].into()));
        let response: Response = halle_registry::router(self.registry.clone(), Arc::clone(&self.ledger))
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap()
    }

    /// The headers of what a superadmin is sent.
    pub async fn head(&self, mut request: Request<Body>) -> HeaderMap {
        request.extensions_mut().insert(Caller(caller(true)));
        request.extensions_mut().insert(ClientIp([127, 0, 0, 1].into()));
        let router: Router = halle_registry::router(self.registry.clone(), Arc::clone(&self.ledger));
        let response: Response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        response.headers().clone()
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let builder = Request::builder().method(method).uri(format!("{ARTEFACTS}{path}"));
        let request = match body {
            Some(body) => {
                builder.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
            }
            None => builder.body(Body::empty()),
        };
        self.send(caller(true), request.unwrap()).await
    }

    pub async fn upload(&self, caller: halle_model::Caller, query: &str, archive: &[u8]) -> Answer {
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
    assert_eq!(asked["admission"]["described"]["title"], "Dit bonjour");
    assert_eq!(asked["admission"]["initialMemoryBytes"], 65_536);
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
async fn a_key_of_a_plugin_sends_versions_of_it_and_consents_to_nothing() {
    let site = Site::new().await;
    let key = |id: &str| halle_model::Caller { scopes: Some(vec![format!("plugin:{id}")]), ..caller(false) };
    let signed = package("1.0.0", "https://a.example", "1", Some(&signing_key()));
    assert_eq!(site.upload(key("demo/other"), "", &signed).await.code, 403);
    assert_eq!(site.ask(Method::GET, "", None).await.json["count"], 0);
    let answer = site.upload(key("demo/import"), "", &signed).await;
    assert_eq!((answer.code, &answer.json["granted"]), (201, &json!(false)), "{}", answer.text);
    let grants = Request::put(format!("{ARTEFACTS}/demo%2Fimport/grants"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from("null"));
    assert_eq!(site.send(key("demo/import"), grants.unwrap()).await.code, 403);
    let other = package("1.0.1", "https://a.example", "2", None);
    let query = "?acceptUnsigned=true&acceptNewSigner=true";
    assert_eq!(
        site.upload(key("demo/import"), query, &other).await.code,
        400,
        "a key accepts no other signature"
    );
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
    let answer = site.upload(caller(true), "", &strange).await;
    assert!(answer.code == 400 && answer.text.contains("HALLE_TRUSTED_KEYS"), "{}", answer.text);
    let refused = package("1.0.0", "https://a.example", "refuse me", Some(&signing_key()));
    let answer = site.upload(caller(true), "", &refused).await;
    assert!(answer.code == 400 && answer.text.contains("wasi:filesystem"), "{}", answer.text);
    assert_eq!(site.upload(caller(true), "", b"no package").await.code, 400);
    assert_eq!(site.ask(Method::GET, "", None).await.json["count"], 0, "nothing was changed");
    assert_eq!(site.upload(caller(true), "?acceptUnsigned=true", &unsigned).await.code, 201);
}

#[tokio::test]
async fn many_packages_are_imported_in_one_upload() {
    let site = Site::new().await;
    let good = package("1.0.0", "https://a.example", "component", Some(&signing_key()));
    let unsigned = package("1.0.0", "https://a.example", "component", None);
    let mut body = Vec::new();
    for (name, archive) in [("bad", &unsigned), ("good", &good)] {
        body.extend_from_slice(
            format!("--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n")
                .as_bytes(),
        );
        body.extend_from_slice(archive);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b--\r\n");
    let request = |body: Vec<u8>| {
        let form = (header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        Request::post("/registry/api/v1/imports").header(form.0, form.1).body(Body::from(body)).unwrap()
    };
    assert_eq!(site.send(caller(false), request(body.clone())).await.code, 403);
    let answer = site.send(caller(true), request(body)).await;
    assert_eq!((answer.code, &answer.json["count"]), (200, &json!(2)), "{}", answer.text);
    let [bad, good] = [&answer.json["results"][0], &answer.json["results"][1]];
    assert!(bad["file"] == "bad" && bad["error"].as_str().unwrap().contains("signé"), "{bad}");
    assert_eq!((&good["id"], &good["state"]), (&json!("demo/import"), &json!("current")));
    assert_eq!(site.ask(Method::GET, "", None).await.json["count"], 1);
    assert_eq!(site.send(caller(true), request(b"--b--\r\n".to_vec())).await.code, 400);
}

/// A form of these files.
fn form(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in files {
        let head =
            format!("--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body
}

#[tokio::test]
async fn a_package_that_is_too_large_or_cut_keeps_no_other_from_being_imported() {
    let site = Site::new().await;
    let good = package("1.0.0", "https://a.example", "component", Some(&signing_key()));
    let giant = vec![0; halle_base::limits::PACKAGE_BYTES_MAX + 1];
    let import = async |body: Vec<u8>| {
        let request = Request::post("/registry/api/v1/imports")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        site.send(caller(true), request.body(Body::from(body)).unwrap()).await
    };
    let whole = [form(&[("giant", &giant), ("none", b"no package"), ("good", &good)]), b"--b--\r\n".to_vec()];
    let answer = import(whole.concat()).await;
    assert_eq!((answer.code, &answer.json["count"]), (200, &json!(3)), "{}", answer.text);
    let [giant, none, good_view] = [0, 1, 2].map(|at| &answer.json["results"][at]);
    assert!(giant["error"].as_str().unwrap().contains("dépasse"), "{giant}");
    assert!(none["file"] == "none" && none["error"].is_string(), "{none}");
    assert_eq!(good_view["state"], "current", "{good_view}");

    // The connection ends within the second file: what was installed is told.
    let second = package("2.0.0", "https://a.example", "other", Some(&signing_key()));
    let mut cut = form(&[("second", &second), ("cut", &good)]);
    cut.truncate(cut.len() - 40);
    let answer = import(cut).await;
    assert_eq!((answer.code, &answer.json["count"]), (200, &json!(2)), "{}", answer.text);
    let [second_view, cut] = [&answer.json["results"][0], &answer.json["results"][1]];
    assert_eq!((&second_view["version"], &second_view["state"]), (&json!("2.0.0"), &json!("current")));
    assert!(cut["file"] == "cut" && cut["error"].as_str().unwrap().contains("illisible"), "{cut}");
    assert_eq!(site.ask(Method::GET, "", None).await.json["results"][0]["version"], "2.0.0");

    // Cut within the first one, nothing was installed: the form is what is wrong.
    let mut cut = form(&[("cut", &good)]);
    cut.truncate(cut.len() - 40);
    let answer = import(cut).await;
    assert!(answer.code == 400 && answer.text.contains("illisible"), "{} {}", answer.code, answer.text);

    // Of too many, what became of the first ones is told, and where to go on.
    let third = package("3.0.0", "https://a.example", "third", Some(&signing_key()));
    let mut many = vec![("third", third.as_slice())];
    many.extend([("none", b"no package".as_slice()); 201]);
    let answer = import([form(&many), b"--b--\r\n".to_vec()].concat()).await;
    assert_eq!((answer.code, &answer.json["count"]), (200, &json!(201)), "{}", answer.text);
    assert_eq!(answer.json["results"][0]["state"], "current");
    let last = &answer.json["results"][200];
    assert!(last["error"].as_str().unwrap().contains("Plus de 200"), "{last}");
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
    assert!(first.cache_control.unwrap().contains("public"));
    assert_eq!(site.send(nobody(), get(first.etag.as_deref())).await.code, 304);
    let absent = Request::get(path.replace("icon", "none")).body(Body::empty()).unwrap();
    assert_eq!(site.send(nobody(), absent).await.code, 404);
}

#[tokio::test]
async fn who_stores_a_use_keeps_the_plugin_or_learns_that_it_is_gone() {
    let site = Site::new().await;
    let archive = package("1.0.0", "https://a.example", "component", Some(&signing_key()));
    assert!(site.upload(caller(true), "", &archive).await.code < 300);
    let mut work = site.registry.store.begin().await.unwrap();
    site.registry.hold(work.as_mut(), "demo/import").await.unwrap();
    drop(work);
    assert!(site.registry.remove("demo/import").await.unwrap());
    let mut work = site.registry.store.begin().await.unwrap();
    let gone = site.registry.hold(work.as_mut(), "demo/import").await.unwrap_err();
    assert_eq!(gone.code(), "plugin/unavailable");
}
