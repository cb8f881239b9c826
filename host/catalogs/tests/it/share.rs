//! Exchanges of an account that has used up its plugin seconds wait, and go on when there are more.

use std::sync::Arc;

use axum::http::Method;
use halle_base::{AccountRef, Clock as _};
use halle_model::{Caller, Dataset};
use halle_store::EntityExt;
use halle_testkit::DATASETS;
use serde_json::{Value, json};

use crate::site::{IMPORTS, PUBLICATIONS, Site, id, import_of};

/// When the seconds of the next day begin.
const MIDNIGHT: &str = "2026-01-17T00:00:00Z";

impl Site {
    /// From now on no account has plugin seconds left until then.
    fn spend_until(&self, until: Option<&str>) {
        self.world.tools.plugins.spend_until(until.map(|until| until.parse().expect("an instant")));
    }

    fn advance_seconds(&self, seconds: i64) {
        self.world.tools.stack.clock.advance(jiff::SignedDuration::from_secs(seconds));
    }

    /// Sets the limit of the organisation that owns everything.
    async fn limit(&self, plugin_seconds: i64) {
        self.limit_of("ville", plugin_seconds).await;
    }

    async fn limit_of(&self, organization: &str, plugin_seconds: i64) {
        let owner = AccountRef::organization(organization, organization);
        let root = Caller { admin_mode: true, ..Caller::platform_for(owner.clone()) };
        let change = serde_json::from_value(json!({ "plugin_seconds": plugin_seconds })).expect("a change");
        self.world.datasets.set_limits(&root, &owner, None, &change).await.expect("a superadmin sets limits");
    }

    /// An import, done once, whose dataset has an extension: its path, and that of the dataset.
    async fn import_with_extension(&self) -> (String, String) {
        self.world.tools.plugins.put_resource("arbres", "nom\nchêne\n");
        let path = format!("{IMPORTS}/{}", self.import(&self.catalog().await).await);
        self.run().await;
        let import = self.owner.get(&path).await.ok();
        let dataset = format!("{DATASETS}/{}", import["dataFairDataset"]["id"].as_str().expect("a dataset"));
        let extension = json!({ "extensions": [{ "type": "enricher", "plugin": "capitals" }] });
        self.owner.json(Method::PATCH, &dataset, &extension).await.ok();
        self.world.run_pipeline().await;
        (path, dataset)
    }

    /// Asks for the import when there is one line more, of which nothing is left for the extension: it waits with its dataset.
    async fn ask_too_much(&self, path: &str) -> Value {
        self.world.tools.plugins.put_resource("arbres", "nom\nchêne\nif\n");
        self.owner.json(Method::PATCH, path, &json!({ "status": "waiting" })).await.ok();
        self.world.tools.plugins.spend_with_next_call(MIDNIGHT.parse().expect("an instant"));
        self.run().await;
        self.owner.get(path).await.ok()
    }

    /// An import at three each night, done once, whose second time comes when nothing is left; its path.
    async fn import_put_off(&self) -> String {
        self.world.tools.plugins.put_resource("arbres", "nom\nchêne\n");
        let mut new = import_of(&self.catalog().await, "arbres");
        new["scheduling"] = json!([{ "type": "daily", "hour": 3 }]);
        let path = format!("{IMPORTS}/{}", id(&self.owner.post(IMPORTS, &new).await.ok()));
        self.run().await;
        self.world.tools.plugins.put_resource("arbres", "nom\nchêne\nif\n");
        self.spend_until(Some(MIDNIGHT));
        self.advance_seconds(15 * 3_600);
        self.run().await;
        path
    }

    /// A publication, done once, that a change of its dataset asks for again when nothing is left; its path.
    async fn publication_put_off(&self) -> String {
        self.world.upload(&self.owner, "bilan", "annee,total\n2025,12\n").await;
        let new = json!({ "catalog": { "id": self.catalog().await }, "dataFairDataset": { "id": "bilan" } });
        let path = format!("{PUBLICATIONS}/{}", id(&self.owner.post(PUBLICATIONS, &new).await.ok()));
        self.run().await;
        let title = json!({ "title": "Bilan 2025" });
        self.owner.json(Method::PATCH, &format!("{DATASETS}/bilan"), &title).await.ok();
        self.owner.bare(Method::POST, &path).await.ok();
        self.spend_until(Some(MIDNIGHT));
        self.run().await;
        path
    }

    fn published_title(&self) -> Value {
        self.world.tools.plugins.twins()["jumeau-bilan"]["title"].clone()
    }
}

#[tokio::test]
async fn an_import_without_plugin_seconds_waits_for_the_next_day() {
    let site = Site::new().await;
    let path = site.import_put_off().await;
    let waiting = site.owner.get(&path).await.ok();
    assert_eq!(
        (&waiting["status"], &waiting["putOff"], &waiting["error"]),
        (&json!("waiting"), &json!("plus de secondes"), &Value::Null)
    );
    let last = waiting["logs"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["type"], &last["msg"]), (&json!("warning"), &json!("plus de secondes")));
    let refusal = site.owner.json(Method::PATCH, &path, &json!({ "status": "waiting" })).await.refused(429);
    assert!(refusal.contains("plus de secondes"), "{refusal}");
    site.owner.json(Method::PATCH, &path, &json!({ "shouldUpdateMetadata": true })).await.ok();
    site.run().await;
    assert_eq!(site.owner.get(&path).await.ok()["putOff"], "plus de secondes", "a change does not forget it");

    site.spend_until(None);
    site.advance_seconds(21 * 3_600);
    site.run().await;
    let after = site.owner.get(&path).await.ok();
    assert_eq!((&after["status"], &after["putOff"]), (&json!("done"), &Value::Null), "{after}");
    assert_eq!(after["nextImportDate"], "2026-01-17T02:00:00Z", "its schedule goes on");
    let dataset = after["dataFairDataset"]["id"].as_str().unwrap();
    assert_eq!(site.owner.get(&format!("{DATASETS}/{dataset}/lines")).await.ok()["total"], 2);
}

#[tokio::test]
async fn a_higher_limit_wakes_the_import_that_waits() {
    let site = Site::new().await;
    let path = site.import_put_off().await;
    site.spend_until(None);
    for (seconds, status) in [(10, "waiting"), (20, "done")] {
        site.limit(seconds).await;
        site.advance_seconds(3);
        site.run().await;
        assert_eq!(site.owner.get(&path).await.ok()["status"], status, "with {seconds} seconds");
    }
}

/// How an import that waits goes on.
#[derive(Clone, Copy, PartialEq)]
enum GoesOn {
    Tomorrow,
    ByAHigherLimit,
    BecauseSomebodyAsks,
}

#[tokio::test]
async fn an_import_waits_with_its_dataset_and_takes_what_it_had_fetched() {
    for how in [GoesOn::Tomorrow, GoesOn::ByAHigherLimit, GoesOn::BecauseSomebodyAsks] {
        let site = Site::new().await;
        let plugins = Arc::clone(&site.world.tools.plugins);
        let (path, dataset) = site.import_with_extension().await;
        let waiting = site.ask_too_much(&path).await;
        assert_eq!((&waiting["status"], &waiting["error"]), (&json!("waiting"), &Value::Null), "{waiting}");
        assert!(waiting["putOff"].as_str().unwrap().contains("« Les arbres » attend"), "{waiting}");

        plugins.put_resource("arbres", "nom\nchêne\nif\norme\n");
        site.spend_until(None);
        match how {
            GoesOn::Tomorrow => site.advance_seconds(36 * 3_600),
            GoesOn::ByAHigherLimit => {
                site.limit(10).await;
                site.limit(20).await;
                site.advance_seconds(3);
            }
            GoesOn::BecauseSomebodyAsks => {
                site.owner.json(Method::PATCH, &path, &json!({ "status": "waiting" })).await.ok();
            }
        }
        site.run().await;
        let done = site.owner.get(&path).await.ok();
        assert_eq!((&done["status"], &done["putOff"]), (&json!("done"), &Value::Null), "{done}");
        let lines = site.owner.get(&format!("{dataset}/lines?select=_capitals.maj&sort=_i")).await.ok();
        let expected = if how == GoesOn::BecauseSomebodyAsks { 3 } else { 2 };
        assert_eq!(
            (&lines["total"], &lines["results"][1]["_capitals.maj"]),
            (&json!(expected), &json!("IF"))
        );
    }
}

#[tokio::test]
async fn an_import_that_waits_with_the_dataset_of_another_account_is_woken_by_the_limit_of_that() {
    let site = Site::new().await;
    let (path, dataset) = site.import_with_extension().await;
    let id = dataset.rsplit('/').next().unwrap();
    let mut work = site.world.tools.stack.store.begin().await.unwrap();
    let mut stored = work.load::<Dataset>(id).await.unwrap().unwrap();
    stored.entity.owner = AccountRef::organization("port", "Port");
    work.save(&mut stored, site.world.tools.stack.clock.now()).await.unwrap();
    work.commit().await.unwrap();
    let grants = json!([{ "type": "organization", "id": "ville", "name": "Ville", "classes": ["list", "read", "write"] }]);
    let port = site.anonymous.by("bob@port:admin");
    port.json(Method::PUT, &format!("{dataset}/permissions"), &grants).await.ok();
    let waiting = site.ask_too_much(&path).await;
    assert_eq!(waiting["status"], "waiting", "{waiting}");

    site.spend_until(None);
    for (organization, status) in [("ville", "waiting"), ("port", "done")] {
        for seconds in [10, 20] {
            site.limit_of(organization, seconds).await;
        }
        site.advance_seconds(3);
        site.run().await;
        assert_eq!(site.owner.get(&path).await.ok()["status"], status, "{organization}");
    }
}

#[tokio::test]
async fn a_publication_without_plugin_seconds_waits_until_it_has_some() {
    for is_raised in [false, true] {
        let site = Site::new().await;
        let path = site.publication_put_off().await;
        let waiting = site.owner.get(&path).await.ok();
        assert_eq!(
            (&waiting["status"], &waiting["putOff"], &waiting["error"]),
            (&json!("waiting"), &json!("plus de secondes"), &Value::Null)
        );
        assert_eq!(site.published_title(), "data", "as its file is named");
        site.owner.bare(Method::POST, &path).await.refused(429);
        site.spend_until(None);
        if is_raised {
            site.limit(10).await;
            site.limit(20).await;
            site.advance_seconds(3);
        } else {
            site.advance_seconds(36 * 3_600);
        }
        site.run().await;
        let after = site.owner.get(&path).await.ok();
        assert_eq!((&after["status"], &after["putOff"]), (&json!("done"), &Value::Null), "{after}");
        assert_eq!(site.published_title(), "Bilan 2025");
    }
}

#[tokio::test]
async fn a_person_who_asks_is_told_at_once_but_may_always_remove() {
    let site = Site::new().await;
    let catalog = site.catalog().await;
    let path = site.publication_put_off().await;
    site.world.upload(&site.owner, "budget", "a\n1\n").await;
    site.owner.post(IMPORTS, &import_of(&catalog, "arbres")).await.refused(429);
    let new = json!({ "catalog": { "id": catalog }, "dataFairDataset": { "id": "budget" } });
    site.owner.post(PUBLICATIONS, &new).await.refused(429);
    for list in [IMPORTS, PUBLICATIONS] {
        let list = site.owner.get(&format!("{list}?catalogId={catalog}")).await.ok();
        assert_eq!(list["count"], 0, "what was refused leaves nothing");
    }
    assert_eq!(site.owner.bare(Method::DELETE, &path).await.status.as_u16(), 204);
    site.run().await;
    let removed = site.owner.get(&path).await.ok();
    assert_eq!((&removed["action"], &removed["putOff"]), (&json!("delete"), &json!("plus de secondes")));
    site.spend_until(None);
    site.advance_seconds(36 * 3_600);
    site.run().await;
    site.owner.get(&path).await.refused(404);
    assert!(site.world.tools.plugins.twins().is_empty());
}
