//! Who may call what: every route and method, as every kind of caller, in one table that reviews can read. A route that
//! is new, or that answers somebody otherwise, changes the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use halle_http::{BaseUrl, ClientIp};
use halle_model::caller::{Membership, User};
use halle_model::{Caller, Pass};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::things::{self, PLUGIN, Things};
use crate::walk;

/// The API of datasets.
const DATASETS: &str = "/data-fair/api/v1/datasets";

/// Where links of answers begin.
const BASE: &str = "http://halle.test";

/// Who holds nothing but a key of the very resource that a request is about.
const PASS: &str = "pass";

/// Every kind of caller, with the name of its column. Resources belong to the root of the organisation `ville`, which
/// lets administrators of the organisation `port` read them.
fn callers() -> Vec<(&'static str, Caller)> {
    let key = |scopes: &[&str]| Caller {
        scopes: Some(scopes.iter().map(|&scope| scope.to_owned()).collect()),
        ..member("ville", "admin", None)
    };
    let superadmin = User { is_admin: true, ..person("root") };
    vec![
        ("anonymous", Caller::anonymous()),
        ("stranger", Caller::personal(person("zoe"))),
        ("user", member("ville", "user", None)),
        ("contrib", member("ville", "contrib", None)),
        ("admin", member("ville", "admin", None)),
        ("dep-contrib", member("ville", "contrib", Some("eau"))),
        ("dep-admin", member("ville", "admin", Some("eau"))),
        ("partner-user", member("port", "user", None)),
        ("partner-admin", member("port", "admin", None)),
        ("key-datasets", key(&["datasets"])),
        ("key-read", key(&["datasets-read"])),
        ("key-write", key(&["datasets-write"])),
        ("key-admin", key(&["datasets-admin"])),
        ("key-other", key(&["applications", "processings", "catalogs", "remote-services", "portals"])),
        ("key-none", key(&[])),
        (PASS, Caller { scopes: Some(Vec::new()), ..Caller::anonymous() }),
        ("superadmin-off", Caller::personal(superadmin.clone())),
        ("superadmin", Caller { admin_mode: true, ..Caller::personal(superadmin) }),
    ]
}

fn person(id: &str) -> User {
    let email = format!("{id}@example.org");
    User { id: id.to_owned(), name: id.to_owned(), email, organizations: Vec::new(), is_admin: false }
}

fn member(organization: &str, role: &str, department: Option<&str>) -> Caller {
    let membership = Membership {
        id: organization.to_owned(),
        name: organization.to_uppercase(),
        role: role.to_owned(),
        department: department.map(str::to_owned),
        department_name: None,
    };
    let user = User { organizations: vec![membership.clone()], ..person(&format!("{organization}-{role}")) };
    Caller::member(user, &membership)
}

/// Routes called as somebody, without a network.
struct Desk<'a> {
    router: Router,
    made: usize,
    things: Things,
    folder: &'a Path,
}

impl Desk<'_> {
    async fn status(&self, caller: &Caller, method: &str, path: &str, body: &Value) -> u16 {
        let text = body.to_string();
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        if method != "GET" {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::CONTENT_LENGTH, text.len());
        }
        let body = if method == "GET" { Body::empty() } else { Body::from(text) };
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(halle_http::Caller(caller.clone()));
        request.extensions_mut().insert(BaseUrl(BASE.into()));
        request.extensions_mut().insert(ClientIp(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        self.router.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    /// Makes an editable dataset with one line; its identifier. `public` ones are read by everybody.
    async fn dataset(&mut self, public: bool) -> String {
        self.made += 1;
        let id = format!("d{}", self.made);
        let admin = member("ville", "admin", None);
        let schema = json!([{ "key": "nom", "type": "string" }, { "key": "rang", "type": "integer" }]);
        let dataset = json!({ "title": id, "isRest": true, "schema": schema });
        let path = format!("{DATASETS}/{id}");
        assert_eq!(self.status(&admin, "PUT", &path, &dataset).await, 201);
        let line = json!({ "_id": "l1", "nom": "un", "rang": 1 });
        assert_eq!(self.status(&admin, "POST", &format!("{path}/lines"), &line).await, 200);
        let mut grants = json!([
            { "type": "organization", "id": "ville", "department": "-", "roles": ["contrib"], "classes": ["write"], "operations": ["delete"] },
            { "type": "organization", "id": "ville", "department": "-", "roles": ["contrib"], "classes": ["list", "read", "readAdvanced"], "operations": [] },
            { "type": "organization", "id": "port", "roles": ["admin"], "classes": ["list", "read"], "operations": [] },
        ]);
        if public {
            grants = json!([{ "classes": ["list", "read"], "operations": [] }]);
        }
        assert_eq!(self.status(&admin, "PUT", &format!("{path}/permissions"), &grants).await, 200);
        id
    }

    /// Makes another of what a path is about, of which a request may change what it likes; its identifier.
    async fn another(&mut self, path: &str) -> String {
        match Kind::of(path) {
            Kind::Dataset => self.dataset(false).await,
            Kind::Thing => self.things.plant().await,
            Kind::Plugin => {
                things::install(self.folder);
                PLUGIN.to_owned()
            }
        }
    }
}

/// What the `{id}` of a path is the identifier of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dataset,
    /// Anything that [`Things`] plants.
    Thing,
    Plugin,
}

impl Kind {
    fn of(path: &str) -> Self {
        let things = ["applications/", "remote-services/", "/app/", "/processings/", "/catalogs/"];
        if path.starts_with("/registry/") {
            Self::Plugin
        } else if things.iter().any(|part| path.contains(part)) {
            Self::Thing
        } else {
            Self::Dataset
        }
    }
}

/// The address of a route, its parameters filled in; `id` is that of what it is about.
fn address(path: &str, id: &str) -> String {
    let of_account = ["/settings/", "/limits/", "/identities/"].iter().any(|part| path.contains(part));
    let of_dataset = path.starts_with("/data-fair/api/v1/datasets/");
    let of_other = Kind::of(path) != Kind::Dataset;
    let mut address = Vec::new();
    for part in path.split('/') {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        address.push(match name.map(|name| name.trim_start_matches('*')) {
            None => part,
            Some("type") => "organization",
            Some("id" | "account") if of_account => "ville",
            Some("id") if of_dataset || of_other => id,
            Some("line" | "line_id" | "lineId") => "l1",
            Some("owner") if of_dataset => "organization:ville",
            Some("col" | "column" | "field" | "key") if of_dataset => "nom",
            Some(_) => "x",
        });
    }
    address.join("/")
}

/// A body that is read far enough for the permission to be asked.
fn body(method: &str, path: &str, id: &str) -> Value {
    let owner = json!({ "type": "organization", "id": "ville", "name": "VILLE" });
    let new = json!({ "title": "Nouveau", "plugin": PLUGIN, "owner": owner });
    let titled = json!({ "id": id, "title": id });
    match (method, path) {
        ("POST", "/catalogs/api/imports") => json!({ "catalog": titled, "remoteResource": titled }),
        ("POST", "/catalogs/api/publications") => json!({ "catalog": titled, "dataFairDataset": titled }),
        ("POST", "/data-fair/api/v1/remote-services") => {
            json!({ "id": "nouveau", "apiDoc": {}, "server": "https://service.example", "owner": owner })
        }
        (
            "POST",
            "/catalogs/api/catalogs" | "/data-fair/api/v1/applications" | "/processings/api/v1/processings",
        ) => new,
        ("PUT", "/data-fair/api/v1/datasets/{id}/owner") => owner,
        ("POST", path) if path.ends_with("/identities/{type}/{account}") => json!({ "name": "VILLE" }),
        ("POST", path) if path.ends_with("/publication-sites") => {
            json!({ "type": "data-fair-portals", "id": "p", "title": "P", "url": "https://p.example" })
        }
        (_, path) if path.ends_with("/keys") || path.ends_with("/permissions") => json!([]),
        _ => json!({}),
    }
}

/// Whether a request of a row may change what the next one is about.
fn changes(method: &str, path: &str) -> bool {
    let of_dataset = path.starts_with("/data-fair/api/v1/datasets/{");
    method != "GET" && (of_dataset || Kind::of(path) != Kind::Dataset) && path.contains("/{")
}

/// The rows of a method and a path: each status, and who gets it.
async fn rows(
    desk: &mut Desk<'_>,
    callers: &[(&str, Caller)],
    method: &str,
    path: &str,
    shared: &str,
) -> String {
    let mut answered = BTreeMap::<u16, Vec<&str>>::new();
    let mut own = None;
    for (name, caller) in callers {
        let id = match own.take() {
            Some(id) => id,
            None if changes(method, path) => desk.another(path).await,
            None => shared.to_owned(),
        };
        let mut caller = caller.clone();
        if *name == PASS {
            caller.passes = ["datasets", "applications"].map(|scope| Pass::reading(scope, &id)).to_vec();
        }
        let body = body(method, path, &id);
        let status = desk.status(&caller, method, &address(path, &id), &body).await;
        assert_ne!(status, 500, "{method} {path} breaks for {name}");
        answered.entry(status).or_default().push(name);
        // What was refused changed nothing.
        own = (status >= 400).then_some(id);
    }
    let mut rows = format!("{method:6} {path}\n");
    for (status, names) in &answered {
        let names = if answered.len() == 1 { "everybody".to_owned() } else { names.join(" ") };
        writeln!(rows, "       {status} {names}").unwrap();
    }
    rows
}

#[tokio::test]
async fn every_route_answers_every_kind_of_caller_as_the_table_says() {
    let folder = tempfile::tempdir().unwrap();
    things::install(folder.path());
    let router = walk::routes(folder.path()).await;
    let things = Things::over(folder.path()).await;
    let mut desk = Desk { router: router.clone(), made: 0, things, folder: folder.path() };
    let callers = callers();
    let (private, public) = (desk.dataset(false).await, desk.dataset(true).await);
    let (mut table, mut of_public) = (String::new(), String::new());
    for path in walk::paths(&router) {
        // Their names change with their content.
        if path.starts_with("/portal-assets/") {
            continue;
        }
        for method in walk::methods(&router, &path).await {
            let shared =
                if Kind::of(&path) == Kind::Dataset { private.clone() } else { desk.another(&path).await };
            table.push_str(&rows(&mut desk, &callers, &method, &path, &shared).await);
            if method == "GET" && path.starts_with("/data-fair/api/v1/datasets/{id}") {
                of_public.push_str(&rows(&mut desk, &callers, &method, &path, &public).await);
            }
        }
    }
    let table = format!("{table}\nof a dataset that everybody may list and read\n\n{of_public}");
    insta::assert_snapshot!("permissions", table);
}
