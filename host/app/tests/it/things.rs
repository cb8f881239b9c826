//! One of each resource that is no dataset, planted in the store as the routes would have made it, without the plugins and
//! the other catalogues that making them takes.

use std::path::Path;
use std::process::Command;

use halle_applications::Application;
use halle_base::AccountRef;
use halle_catalogs::model::{Catalog, Import, Publication};
use halle_extensions::package::Package;
use halle_model::permission::default_grants;
use halle_processings::model::{Processing, Run};
use halle_services::model::RemoteService;
use halle_store::{Entity, EntityExt, Store};
use halle_store_sql::SqlStore;
use halle_testkit::guests::Script;
use serde_json::{Value, json};

/// The plugin that [`install`] installs.
pub const PLUGIN: &str = "plug";

/// When everything was made.
const MADE: &str = "2026-01-01T00:00:00Z";

/// Resources of the root of the organisation `ville`, which lets administrators of the organisation `port` read them.
pub struct Things {
    store: SqlStore,
    made: usize,
}

impl Things {
    /// In the data folder of a program.
    pub async fn over(folder: &Path) -> Self {
        Self { store: SqlStore::sqlite(&folder.join("halle.db")).await.unwrap(), made: 0 }
    }

    /// Makes one of each, all with the same identifier, which it gives.
    pub async fn plant(&mut self) -> String {
        self.made += 1;
        let id = format!("t{}", self.made);
        let owner = AccountRef::organization("ville", "VILLE");
        let partner = json!({
            "type": "organization", "id": "port", "roles": ["admin"], "classes": ["list", "read"], "operations": [],
        });
        let mut grants = json!(default_grants(&owner));
        grants.as_array_mut().unwrap().push(partner);
        let titled = json!({ "id": id, "title": id });
        let common = json!({
            "id": id, "_id": id, "slug": id, "title": id, "owner": owner, "permissions": grants, "plugin": PLUGIN,
            "createdAt": MADE, "updatedAt": MADE, "configured": {}, "catalog": titled, "remoteResource": titled,
        });
        let with = |more: Value| {
            let mut body = common.clone();
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        self.insert::<Application>(with(json!({}))).await;
        self.insert::<Processing>(with(json!({ "active": true }))).await;
        let processing = json!({ "_id": id, "title": id });
        self.insert::<Run>(with(json!({ "processing": processing, "status": "scheduled" }))).await;
        self.insert::<Catalog>(with(json!({ "capabilities": ["browse"] }))).await;
        self.insert::<Import>(with(json!({ "status": "done" }))).await;
        let publication = json!({ "status": "done", "dataFairDataset": titled, "action": "update" });
        self.insert::<Publication>(with(publication)).await;
        let service = json!({ "apiDoc": {}, "server": "https://service.example", "operations": [] });
        self.insert::<RemoteService>(with(service)).await;
        id
    }

    async fn insert<E: Entity>(&self, body: Value) {
        let entity: E = serde_json::from_value(body).unwrap();
        let mut unit = self.store.begin().await.unwrap();
        unit.insert(&entity, MADE.parse().unwrap()).await.unwrap();
        unit.commit().await.unwrap();
    }
}

/// Installs a processing that does nothing, as the command line does.
pub fn install(folder: &Path) {
    let manifest = format!(
        "schema = 1\n[plugin]\nid = \"{PLUGIN}\"\nversion = \"1.0.0\"\nkind = \"processing\"\n\
         contract = \"halle:processing@1\"\ntitle = {{ en = \"Nothing\" }}\nlicence = \"MIT\"\n"
    );
    let package = Package::new(&manifest, Script::new().component().into(), Default::default()).unwrap();
    let path = folder.join("plug.halle-plugin");
    std::fs::write(&path, package.write().unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_halle"));
    command.args(["plugin", "install", path.to_str().unwrap(), "--accept-unsigned", "--grant", "--data-dir"]);
    let output = command.arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
