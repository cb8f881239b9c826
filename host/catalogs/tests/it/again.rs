//! Exchanges that fail for the moment are tried again, and a person need not wait for that.

use axum::http::Method;
use halle_extensions::Problem;
use halle_testkit::DATASETS;
use serde_json::{Value, json};

use crate::site::{IMPORTS, PUBLICATIONS, Site, id};

/// The neighbour is busy, for a second.
fn busy() -> Problem {
    Problem { retry_after_ms: Some(1_000), ..Problem::new("remote/status", "Le voisin est occupé.") }
}

impl Site {
    /// Lets that time go by, and does what is due then; the exchange as it is after that.
    async fn after(&self, seconds: i64, path: &str) -> Value {
        self.world.tools.stack.clock.advance(jiff::SignedDuration::from_secs(seconds));
        self.run().await;
        self.owner.get(path).await.ok()
    }

    /// A publication that waits for its first exchange; its path.
    async fn publication(&self) -> String {
        self.world.upload(&self.owner, "bilan", "annee,total\n2025,12\n").await;
        let new = json!({ "catalog": { "id": self.catalog().await }, "dataFairDataset": { "id": "bilan" } });
        format!("{PUBLICATIONS}/{}", id(&self.owner.post(PUBLICATIONS, &new).await.ok()))
    }

    /// An import that waits for its first exchange; its path.
    async fn waiting_import(&self) -> String {
        self.world.tools.plugins.put_resource("arbres", "nom\nchêne\n");
        format!("{IMPORTS}/{}", self.import(&self.catalog().await).await)
    }
}

#[tokio::test]
async fn an_exchange_that_fails_for_the_moment_is_tried_again() {
    for is_import in [true, false] {
        let site = Site::new().await;
        let path = if is_import { site.waiting_import().await } else { site.publication().await };
        site.world.tools.plugins.fail_next(2, &busy());
        let waiting = site.after(0, &path).await;
        assert_eq!(
            (&waiting["status"], &waiting["error"], &waiting["retries"]),
            (&json!("waiting"), &Value::Null, &json!(1)),
            "{waiting}"
        );
        let reason = waiting["putOff"].as_str().unwrap();
        assert!(reason.contains("Le voisin est occupé.") && reason.contains("(1 sur 3)"), "{reason}");
        let last = waiting["logs"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["type"], &last["msg"]), (&json!("warning"), &json!(reason)));

        for (seconds, status) in [(29, "waiting"), (1, "waiting"), (119, "waiting"), (1, "done")] {
            assert_eq!(site.after(seconds, &path).await["status"], status, "after {seconds} seconds more");
        }
        let done = site.owner.get(&path).await.ok();
        assert_eq!((&done["retries"], &done["putOff"]), (&json!(0), &Value::Null), "{done}");
    }
}

#[tokio::test]
async fn an_exchange_has_failed_when_trying_again_did_not_help() {
    for is_import in [true, false] {
        let site = Site::new().await;
        let path = if is_import { site.waiting_import().await } else { site.publication().await };
        site.world.tools.plugins.fail_next(100, &busy());
        for seconds in [0, 30, 120] {
            assert_eq!(site.after(seconds, &path).await["status"], "waiting", "after {seconds} seconds more");
        }
        let failed = site.after(480, &path).await;
        assert_eq!((&failed["status"], &failed["retries"]), (&json!("error"), &json!(0)), "{failed}");
        assert!(failed["error"].as_str().unwrap().contains("Le voisin est occupé."), "{failed}");
    }
}

#[tokio::test]
async fn a_person_who_asks_gets_it_at_once_and_all_tries_again() {
    let site = Site::new().await;
    let path = site.waiting_import().await;
    site.world.tools.plugins.fail_next(2, &busy());
    for seconds in [0, 30] {
        site.after(seconds, &path).await;
    }
    site.world.tools.plugins.fail_next(1, &busy());
    site.owner.json(Method::PATCH, &path, &json!({ "status": "waiting" })).await.ok();
    assert_eq!(site.after(0, &path).await["retries"], 1);
    site.owner.json(Method::PATCH, &path, &json!({ "status": "waiting" })).await.ok();
    assert_eq!(site.after(0, &path).await["status"], "done");

    // What was replaced does not come back, with other content.
    site.world.tools.plugins.put_resource("arbres", "nom\nchêne\nif\n");
    let done = site.after(3_600, &path).await;
    let dataset = done["dataFairDataset"]["id"].as_str().unwrap();
    assert_eq!(site.owner.get(&format!("{DATASETS}/{dataset}/lines")).await.ok()["total"], 1);
}

#[tokio::test]
async fn a_removal_that_fails_for_the_moment_is_tried_again() {
    let site = Site::new().await;
    let path = site.publication().await;
    assert_eq!(site.after(0, &path).await["status"], "done");
    site.owner.bare(Method::DELETE, &path).await;
    site.world.tools.plugins.fail_next(1, &busy());
    assert_eq!(site.after(0, &path).await["action"], "delete");
    assert_eq!(site.world.tools.plugins.twins().len(), 1);
    site.world.tools.stack.clock.advance(jiff::SignedDuration::from_secs(30));
    site.run().await;
    site.owner.get(&path).await.refused(404);
    assert!(site.world.tools.plugins.twins().is_empty());
}
