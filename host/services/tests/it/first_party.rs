//! Our own adapters, in the sandbox and over the real way out: a dataset with addresses gets coordinates, one with SIRETs
//! the names of companies, and a service that is described in OpenAPI fills columns as it describes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::extract::{Multipart, Query, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use halle_extensions::PluginResult;
use halle_extensions::grants::{Grants, Limits};
use halle_extensions::installed::InstalledPlugins;
use halle_extensions::package::Package;
use halle_extensions::registry::{Installed, MemoryComponents};
use halle_plugin_tools::build::build;
use halle_testkit::DATASETS;
use halle_transports::{EgressConfig, HttpEgress};
use halle_wasm::{WasmConfig, WasmHost};
use serde_json::{Value, json};

use crate::site::{SERVICES, Sandbox, Site};

/// What stands for the servers of the French State, and what they were asked.
#[derive(Default)]
struct Asked {
    files: Mutex<Vec<String>>,
    searches: AtomicU32,
    /// Query, key and body of what the described service was asked.
    bulks: Mutex<Vec<(String, String, String)>>,
}

/// Answers lines as a service described in OpenAPI does: in reverse order, with an error where it knows nothing.
async fn bulk(
    State(state): State<Arc<Asked>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: String,
) -> Response {
    let key = headers.get("x-apikey").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let lines = body.lines().rev().map(|line| {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        match line["siret"].as_str() {
            Some("35600000000048") => json!({
                "key": line["key"], "etatAdministratif": "A", "activites": ["Poste", "Banque"], "error": null,
            }),
            _ => json!({ "key": line["key"], "_error": "SIRET inconnu" }),
        }
    });
    let answer = lines.map(|line| format!("{line}\n")).collect::<String>();
    state.bulks.lock().expect("no test panicked").push((query.unwrap_or_default(), key, body));
    ([("content-type", "application/x-ndjson")], answer).into_response()
}

/// Answers a file as the national address base does: every column that was sent, then those of the result. Lines come back
/// in the reverse order, and addresses with `nulle part` are not found.
async fn search_csv(State(state): State<Arc<Asked>>, mut form: Multipart) -> Response {
    let mut parts = BTreeMap::new();
    while let Some(part) = form.next_field().await.expect("the form is sound") {
        let name = part.name().unwrap_or_default().to_owned();
        parts.insert(name, part.text().await.expect("a part is text"));
    }
    let file = parts.remove("data").expect("a file");
    if parts["columns"] != "adresse" || parts["citycode"] != "citycode" {
        return (StatusCode::BAD_REQUEST, format!("{parts:?}")).into_response();
    }
    let mut lines = file.lines();
    let header = lines.next().expect("a header");
    let mut answer: Vec<String> = lines
        .map(|line| match line {
            lost if lost.contains("nulle part") => format!("{lost},,,,,not-found"),
            line => format!("{line},48.39,-4.49,0.97,\"12 Rue de Siam, 29200 Brest\",ok"),
        })
        .collect();
    answer.push(format!("{header},latitude,longitude,result_score,result_label,result_status"));
    answer.reverse();
    state.files.lock().expect("no test panicked").push(file);
    answer.join("\n").into_response()
}

/// Answers a search as the register of companies does; every other request comes too soon.
async fn search(State(state): State<Arc<Asked>>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    if state.searches.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "doucement").into_response();
    }
    let siret = &query["q"];
    let place =
        json!({ "siret": siret, "libelle_commune": "PARIS", "etat_administratif": "A", "latitude": "48.83" });
    Json(json!({ "results": [{
        "siren": siret[..9], "nom_complet": "LA POSTE", "matching_etablissements": [place],
    }] }))
    .into_response()
}

/// The adapters, as `halle plugin build` makes them and an administrator accepts them.
struct Adapters(BTreeMap<String, Arc<Installed>>);

#[async_trait]
impl InstalledPlugins for Adapters {
    async fn installed(&self, id: &str) -> PluginResult<Option<Arc<Installed>>> {
        Ok(self.0.get(id).cloned())
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is here")
}

/// A site with the adapters, and what the outside was asked.
async fn site() -> (Site, String, Arc<Asked>, tempfile::TempDir) {
    let state = Arc::new(Asked::default());
    let router = Router::new()
        .route("/geocodage/search/csv", post(search_csv))
        .route("/search", get(search))
        .route("/etablissements_bulk", post(bulk))
        .with_state(Arc::clone(&state));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(axum::serve(listener, router).into_future());

    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut components, mut installed) = (MemoryComponents::default(), BTreeMap::new());
    for id in ["ban", "company", "openapi"] {
        let tools = root().join("target/plugin-tools");
        let path = build(&root().join("plugins").join(id), Some(folder.path()), &tools, &mut |_| {});
        let bytes = std::fs::read(path.expect("the plugin builds")).expect("it was just written");
        let package = Package::read(&bytes).expect("the package is sound");
        components.insert(package.digest(), package.component().clone());
        let plugin = Installed {
            id: id.to_owned(),
            digest: package.digest(),
            grants: Some(Grants::default()),
            limits: Limits::default(),
            signed_by: None,
            manifest: package.manifest.clone(),
        };
        installed.insert(id.to_owned(), Arc::new(plugin));
    }
    let allowed_private_origins = vec![origin.clone()];
    let egress = HttpEgress::new(EgressConfig { allowed_private_origins, ..EgressConfig::default() });
    let site = Site::over(|tools| {
        let config = WasmConfig::new(folder.path().join("cache"));
        let host = WasmHost::new(config, Arc::new(components), &*tools.stack.dice);
        Sandbox {
            plugins: Arc::new(host.expect("the sandbox can be set up")),
            installed: Arc::new(Adapters(installed)),
            egress: Arc::new(egress.expect("the way out opens")),
        }
    })
    .await;
    (site, origin, state, folder)
}

/// Declares the service of an adapter, by the document that comes with it.
async fn declare(site: &Site, plugin: &str, server: &str) -> Value {
    let document =
        std::fs::read(root().join("plugins").join(plugin).join("openapi.json")).expect("a document");
    let document: Value = serde_json::from_slice(&document).expect("it is JSON");
    let body = json!({ "plugin": plugin, "apiDoc": document, "server": server });
    site.owner.post(SERVICES, &body).await.ok()
}

/// Uploads a file, gives its columns concepts, and extends it by an action.
async fn extend(site: &Site, csv: &str, concepts: &[(usize, &str)], extension: Value) -> Vec<Value> {
    let dataset = site.world.upload(&site.owner, "essai", csv).await;
    let mut schema = dataset["schema"].clone();
    for (index, concept) in concepts {
        schema[index]["x-refersTo"] = json!(concept);
    }
    let mut full = json!({ "type": "remoteService", "active": true });
    full.as_object_mut().expect("an object").extend(extension.as_object().cloned().expect("an object"));
    let patch = json!({ "schema": schema, "extensions": [full] });
    site.owner.json(Method::PATCH, &format!("{DATASETS}/essai"), &patch).await.ok();
    site.world.run_pipeline().await;
    let dataset = site.owner.get(&format!("{DATASETS}/essai")).await.ok();
    let journal = site.owner.get(&format!("{DATASETS}/essai/journal")).await.ok();
    assert_eq!(dataset["status"], "finalized", "{journal}");
    let lines = site.owner.get(&format!("{DATASETS}/essai/lines?sort=_i")).await.ok();
    lines["results"].as_array().cloned().expect("lines")
}

#[tokio::test]
async fn addresses_become_points_on_a_map() {
    let (site, origin, state, _folder) = site().await;
    let service = declare(&site, "ban", &format!("{origin}/geocodage")).await;
    assert_eq!(service["actions"][0]["id"], "geocode");
    let csv = "rue,ville\n\"12, rue de Siam\",Brest\nnulle part,Brest\n?,\n\"12, rue de Siam\",Brest\n";
    let concepts = [(0, "http://schema.org/streetAddress"), (1, "http://schema.org/City")];
    let extension = json!({ "remoteService": "ban", "action": "geocode", "propertyPrefix": "geo", "select": ["lat", "lon", "label"] });
    let lines = extend(&site, csv, &concepts, extension).await;
    for line in [0, 3] {
        assert_eq!((&lines[line]["geo.lat"], &lines[line]["geo.lon"]), (&json!(48.39), &json!(-4.49)));
        assert_eq!(lines[line]["geo.label"], "12 Rue de Siam, 29200 Brest");
    }
    let told = |line: usize| lines[line]["geo._error"].as_str().unwrap_or_default().to_owned();
    assert_eq!((told(0), told(1)), (String::new(), "Aucune adresse ne correspond.".to_owned()));
    assert!(told(2).contains("trois caractères"), "{}", told(2));
    let files = state.files.lock().expect("no test panicked").clone();
    assert_eq!(
        files,
        ["halle_row,adresse,citycode\n0,\"12, rue de Siam Brest\",\n1,nulle part Brest,\n"],
        "each address once"
    );
    let near = site.owner.get(&format!("{DATASETS}/essai/lines?geo_distance=-4.49,48.39,100")).await.ok();
    assert_eq!(near["total"], 2, "the dataset is on the map");
}

#[tokio::test]
async fn sirets_become_companies_at_the_pace_of_the_register() {
    let (site, origin, state, _folder) = site().await;
    declare(&site, "company", &origin).await;
    let csv = "siret\n356 000 000 00048\n356 000 000 00049\n73282932000074\n";
    let concepts = [(0, "http://www.datatourisme.fr/ontology/core/1.0/#siret")];
    let extension =
        json!({ "remoteService": "recherche-entreprises", "action": "etablissement", "propertyPrefix": "e" });
    let lines = extend(&site, csv, &concepts, extension).await;
    assert_eq!((&lines[0]["e.nom"], &lines[0]["e.siren"]), (&json!("LA POSTE"), &json!("356000000")));
    assert_eq!((&lines[2]["e.siren"], &lines[2]["e.actif"]), (&json!("732829320"), &json!(true)));
    assert!(
        lines[1]["e._error"].as_str().is_some_and(|told| told.contains("clé de contrôle")),
        "{}",
        lines[1]
    );
    assert_eq!(lines[1]["e.nom"], Value::Null);
    assert_eq!(state.searches.load(Ordering::SeqCst), 4, "what came too soon was asked again, once each");
}

/// A service of the conventions that Data Fair follows (reference, 6.2).
fn described() -> Value {
    let key = json!({ "type": "string", "x-refersTo": "http://schema.org/identifier" });
    let siret =
        json!({ "type": "string", "x-refersTo": "http://www.datatourisme.fr/ontology/core/1.0/#siret" });
    let content = |properties: Value| json!({ "application/x-ndjson": { "schema": { "type": "object", "properties": properties } } });
    let outputs = json!({
        "key": key,
        "etatAdministratif": { "type": "string", "title": "État", "x-labels": { "A": "Actif", "F": "Fermé" } },
        "activites": { "type": "array", "items": { "type": "string" }, "separator": "|", "description": "Ce qui y est fait" },
        "_error": { "type": "string" },
    });
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Sirene", "version": "1", "x-api-id": "sirene" },
        "paths": { "/etablissements_bulk": { "post": {
            "operationId": "findEtablissementsBulk",
            "x-operationType": "http://schema.org/SearchAction",
            "requestBody": { "content": content(json!({ "key": key, "siret": siret })) },
            "responses": { "200": { "content": content(outputs) } },
        } } },
    })
}

#[tokio::test]
async fn a_described_service_fills_columns_as_it_describes_them() {
    let (site, origin, state, _folder) = site().await;
    let key = json!({ "in": "header", "name": "x-apiKey", "value": "s3cret" });
    let new = json!({ "plugin": "openapi", "apiDoc": described(), "server": origin, "apiKey": key });
    site.owner.post(SERVICES, &new).await.ok();
    // The file's codes are numbers, which the service wants as texts.
    let csv = "siret,n\n35600000000048,1\n11111111111111,2\n,3\n";
    let concepts = [(0, "http://www.datatourisme.fr/ontology/core/1.0/#siret")];
    let extension = json!({
        "remoteService": "sirene", "action": "findEtablissementsBulk", "propertyPrefix": "e",
        "select": ["etatAdministratif", "activites"],
    });
    let lines = extend(&site, csv, &concepts, extension).await;
    assert_eq!(
        (&lines[0]["e.etatAdministratif"], &lines[0]["e.activites"]),
        (&json!("A"), &json!("Poste|Banque"))
    );
    assert_eq!(
        (&lines[1]["e.etatAdministratif"], &lines[1]["e._error"]),
        (&Value::Null, &json!("SIRET inconnu"))
    );
    assert_eq!((&lines[2]["e.etatAdministratif"], &lines[2]["e._error"]), (&Value::Null, &Value::Null));
    let dataset = site.owner.get(&format!("{DATASETS}/essai")).await.ok();
    let column = |key: &str| {
        let columns = dataset["schema"].as_array().expect("columns");
        columns.iter().find(|column| column["key"] == key).cloned().unwrap_or_default()
    };
    assert_eq!(column("e.etatAdministratif")["x-labels"], json!({ "A": "Actif", "F": "Fermé" }));
    let activities = column("e.activites");
    assert_eq!(
        (&activities["separator"], &activities["description"]),
        (&json!("|"), &json!("Ce qui y est fait"))
    );
    let banks = site.owner.get(&format!("{DATASETS}/essai/lines?e.activites_eq=Banque")).await.ok();
    assert_eq!(banks["total"], 1, "a value of several is found by each");
    let bulks = state.bulks.lock().expect("no test panicked").clone();
    let body = "{\"key\":\"0\",\"siret\":\"35600000000048\"}\n{\"key\":\"1\",\"siret\":\"11111111111111\"}\n";
    let query = "select=etatAdministratif%2Cactivites";
    assert_eq!(bulks, [(query.to_owned(), "s3cret".to_owned(), body.to_owned())]);
}
