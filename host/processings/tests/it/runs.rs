//! Triggered, scheduled, failed and killed runs, with their logs.

use axum::http::Method;
use halle_extensions::Problem;
use serde_json::{Value, json};

use crate::site::{PROCESSINGS, RUNS, Site, body};

/// `type` and text of the records of a run's log.
fn log(run: &Value) -> Vec<(&str, &str)> {
    let records = run["log"].as_array().into_iter().flatten();
    records
        .map(|record| {
            (record["type"].as_str().unwrap_or_default(), record["msg"].as_str().unwrap_or_default())
        })
        .collect()
}

#[tokio::test]
async fn a_run_makes_a_dataset_and_the_next_one_fills_the_same() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let first = site.trigger(&id).await;
    site.run().await;
    let run = site.read_run(&first).await;
    assert_eq!(run["status"], "finished", "{run}");
    assert_eq!(log(&run), [("info", "au travail"), ("info", "2 lignes écrites")]);
    let one = format!("{PROCESSINGS}/{id}");
    let processing = site.owner.get(&one).await.ok();
    assert_eq!((&processing["lastRun"]["_id"], &processing["nextRun"]), (&json!(first), &Value::Null));
    let dataset = processing["slots"]["output"]["dataset"].clone();
    assert!(dataset.is_string(), "{processing}");
    site.world.tools.stack.clock.advance(jiff::SignedDuration::from_mins(1));
    site.trigger(&id).await;
    site.run().await;
    assert_eq!(site.owner.get(&one).await.ok()["slots"]["output"]["dataset"], dataset);
    let runs = site.owner.get(&format!("{RUNS}?processing={id}&size=1")).await.ok();
    assert_eq!((&runs["count"], runs["results"].as_array().unwrap().len()), (&json!(2), 1));
    assert_ne!(runs["results"][0]["_id"], json!(first), "newest first");
    let datasets = site.owner.get(halle_testkit::DATASETS).await.ok();
    assert_eq!(datasets["count"], 1);
}

#[tokio::test]
async fn a_run_is_told_why_it_runs() {
    let site = Site::new().await;
    let mut new = body("trigger");
    new["scheduling"] = json!([{ "type": "daily", "hour": 3, "minute": 30 }]);
    let id = site.owner.post(PROCESSINGS, &new).await.ok()["_id"].as_str().unwrap().to_owned();
    let by_schedule = site.owner.get(&format!("{PROCESSINGS}/{id}")).await.ok()["nextRun"].clone();
    assert_eq!(by_schedule["reason"], "schedule", "{by_schedule}");
    site.world.tools.stack.clock.advance(jiff::SignedDuration::from_hours(24));
    site.run().await;
    let by_schedule = by_schedule["_id"].as_str().unwrap().to_owned();
    let by_hand = site.trigger(&id).await;
    site.run().await;
    for (run, reason) in [(by_schedule, "schedule"), (by_hand, "manual")] {
        let shown = site.read_run(&run).await;
        assert_eq!((&shown["status"], &shown["reason"]), (&json!("finished"), &json!(reason)), "{shown}");
        let told: Value = serde_json::from_str(shown["summary"].as_str().unwrap()).unwrap();
        assert_eq!(told, json!({ "reason": reason, "runId": run, "startedAt": shown["startedAt"] }));
    }
}

#[tokio::test]
async fn a_failed_run_says_why() {
    let site = Site::new().await;
    let id = site.processing("fail").await;
    let run = site.trigger(&id).await;
    site.run().await;
    let run = site.read_run(&run).await;
    assert_eq!(run["status"], "error");
    let last = *log(&run).last().unwrap();
    assert_eq!(last.0, "error");
    assert!(last.1.contains("la source est vide"), "{}", last.1);
    assert_eq!(site.owner.get(halle_testkit::DATASETS).await.ok()["count"], 0);
}

#[tokio::test]
async fn a_run_is_told_at_once_that_its_dataset_waits_for_plugin_seconds() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    site.trigger(&id).await;
    site.run().await;
    let processing = site.owner.get(&format!("{PROCESSINGS}/{id}")).await.ok();
    let output = processing["slots"]["output"]["dataset"].as_str().unwrap();
    let dataset = format!("{}/{output}", halle_testkit::DATASETS);
    let extension = json!({ "extensions": [{ "type": "enricher", "plugin": "capitals" }] });
    site.owner.json(Method::PATCH, &dataset, &extension).await.ok();
    site.world.run_pipeline().await;

    let run = site.trigger(&id).await;
    site.world.tools.plugins.spend_with_next_call("2026-01-16T00:00:00Z".parse().unwrap());
    site.run().await;
    let run = site.read_run(&run).await;
    assert_eq!(run["status"], "error", "{run}");
    let last = *log(&run).last().unwrap();
    assert!(last.1.contains("« Stations » attend jusqu'à 2026-01-16T00:00:00Z"), "{}", last.1);
    assert!(last.1.contains("dataset/put-off"), "{}", last.1);
    assert_ne!(site.owner.get(&dataset).await.ok()["status"], "finalized");

    site.world.tools.plugins.spend_until(None);
    site.world.tools.stack.clock.advance(jiff::SignedDuration::from_hours(12));
    site.world.run_pipeline().await;
    assert_eq!(site.owner.get(&dataset).await.ok()["status"], "finalized");
    let lines = site.owner.get(&format!("{dataset}/lines?sort=_i")).await.ok();
    assert_eq!(lines["results"][0]["_capitals.maj"], "UN", "{lines}");
}

#[tokio::test]
async fn a_running_processing_is_killed_and_not_started_twice() {
    // The second meets another limit while it has its grace.
    for (mode, last) in
        [("hang", "Exécution interrompue sur demande."), ("stubborn", "trop d'appels (plugin/host-calls)")]
    {
        let site = Site::new().await;
        let id = site.processing(mode).await;
        let run = site.trigger(&id).await;
        let path = format!("{RUNS}/{run}");
        let people = async {
            while site.read_run(&run).await["status"] != "running" {
                tokio::task::yield_now().await;
            }
            let again = format!("{PROCESSINGS}/{id}/_trigger");
            site.owner.bare(Method::POST, &again).await.refused(400);
            site.owner.bare(Method::POST, &format!("{path}/_kill")).await.ok()
        };
        let ((), asked) = tokio::join!(site.run(), people);
        assert_eq!(asked["status"], "kill");
        let run = site.read_run(&run).await;
        assert_eq!(run["status"], "killed", "{run}");
        assert_eq!(log(&run).last().unwrap(), &("warning", last));
        let again = site.owner.bare(Method::POST, &format!("{path}/_kill")).await.ok();
        assert_eq!(again["status"], "killed", "an ended run stays what it is");
    }
}

#[tokio::test]
async fn a_run_that_waits_is_killed_at_once() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let run = site.trigger(&id).await;
    assert_eq!(site.owner.bare(Method::POST, &format!("{RUNS}/{run}/_kill")).await.ok()["status"], "killed");
    site.run().await;
    assert_eq!(site.read_run(&run).await["status"], "killed");
    assert_eq!(site.owner.get(halle_testkit::DATASETS).await.ok()["count"], 0);
}

#[tokio::test]
async fn a_schedule_runs_by_itself_and_plans_the_next_time() {
    let site = Site::new().await;
    let mut new = body("rows");
    new["scheduling"] = json!([{ "type": "daily", "hour": 3, "minute": 30 }]);
    let created = site.owner.post(PROCESSINGS, &new).await.ok();
    // The clock of tests stands at 12:00 UTC on 15 January, 13:00 in Paris.
    assert_eq!(created["nextRun"]["scheduledAt"], "2026-01-16T02:30:00Z");
    site.run().await;
    let one = format!("{PROCESSINGS}/{}", created["_id"].as_str().unwrap());
    assert_eq!(site.owner.get(&one).await.ok()["lastRun"], Value::Null, "it is not its time yet");
    site.world.tools.stack.clock.advance(jiff::SignedDuration::from_hours(15));
    site.run().await;
    let after = site.owner.get(&one).await.ok();
    assert_eq!(after["lastRun"]["status"], "finished", "{after}");
    assert_eq!(after["nextRun"]["scheduledAt"], "2026-01-17T02:30:00Z");
    let stopped = site.owner.json(Method::PATCH, &one, &json!({ "active": false })).await.ok();
    assert_eq!(stopped["nextRun"], Value::Null);
    site.owner.bare(Method::POST, &format!("{one}/_trigger")).await.refused(409);
}

/// The site when its account has used up its plugin seconds of the day, with a processing that was to run at three: it waits.
async fn put_off() -> (Site, String) {
    let site = Site::new().await;
    let mut new = body("rows");
    new["scheduling"] = json!([{ "type": "daily", "hour": 3, "minute": 30 }]);
    let created = site.owner.post(PROCESSINGS, &new).await.ok();
    site.world.tools.stack.clock.advance(jiff::SignedDuration::from_hours(15));
    site.world.tools.plugins.spend_until("2026-01-17T00:00:00Z".parse().ok());
    site.run().await;
    (site, format!("{PROCESSINGS}/{}", created["_id"].as_str().expect("a processing has an id")))
}

#[tokio::test]
async fn a_run_without_plugin_seconds_waits_for_the_next_day() {
    let (site, one) = put_off().await;
    let waiting = site.owner.get(&one).await.ok();
    let next = &waiting["nextRun"];
    assert_eq!(
        (&next["status"], &next["scheduledAt"]),
        (&json!("scheduled"), &json!("2026-01-17T00:00:00Z"))
    );
    assert_eq!((&next["putOff"], &waiting["lastRun"]), (&json!("plus de secondes"), &Value::Null));
    let run = site.read_run(next["_id"].as_str().unwrap()).await;
    assert_eq!(log(&run), [("warning", "plus de secondes")]);
    site.owner.json(Method::PATCH, &one, &json!({ "title": "Vélos" })).await.ok();
    site.owner.bare(Method::POST, &format!("{one}/_trigger")).await.refused(429);
    site.run().await;
    let same = site.owner.get(&one).await.ok();
    assert_eq!(
        same["nextRun"]["_id"], next["_id"],
        "neither a change nor a person who asks for another forgets it"
    );
    site.world.tools.plugins.spend_until(None);
    site.world.tools.stack.clock.advance(jiff::SignedDuration::from_hours(21));
    site.run().await;
    let after = site.owner.get(&one).await.ok();
    assert_eq!((&after["lastRun"]["_id"], &after["lastRun"]["status"]), (&next["_id"], &json!("finished")));
    assert_eq!(
        (&after["lastRun"]["putOff"], &after["nextRun"]["scheduledAt"]),
        (&Value::Null, &json!("2026-01-17T02:30:00Z"))
    );
}

#[tokio::test]
async fn a_higher_limit_wakes_the_run_that_waits() {
    let (site, one) = put_off().await;
    site.world.tools.plugins.spend_until(None);
    let owner = halle_base::AccountRef::organization("ville", "Ville");
    let tools = &site.world.tools;
    let root = halle_model::Caller { admin_mode: true, ..halle_model::Caller::platform_for(owner.clone()) };
    for (seconds, status) in [(10, Value::Null), (20, json!("finished"))] {
        let change = serde_json::from_value(json!({ "plugin_seconds": seconds })).unwrap();
        site.world.datasets.set_limits(&root, &owner, None, &change).await.unwrap();
        tools.stack.clock.advance(jiff::SignedDuration::from_secs(3));
        site.run().await;
        assert_eq!(site.owner.get(&one).await.ok()["lastRun"]["status"], status, "with {seconds} seconds");
    }
}

#[tokio::test]
async fn a_run_that_is_refused_just_after_a_higher_limit_is_tried_again_soon() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let run = site.trigger(&id).await;
    let owner = halle_base::AccountRef::organization("ville", "Ville");
    let root = halle_model::Caller { admin_mode: true, ..halle_model::Caller::platform_for(owner.clone()) };
    let change = serde_json::from_value(json!({ "plugin_seconds": 20 })).unwrap();
    site.world.datasets.set_limits(&root, &owner, None, &change).await.unwrap();
    // What was before is remembered for a moment.
    site.world.tools.plugins.spend_until(Some("2026-01-16T00:00:00Z".parse().unwrap()));
    site.run().await;
    assert_eq!(site.read_run(&run).await["status"], "scheduled");
    site.world.tools.plugins.spend_until(None);
    site.world.tools.stack.clock.advance(jiff::SignedDuration::from_secs(3));
    site.run().await;
    assert_eq!(site.read_run(&run).await["status"], "finished");
}

/// A problem that is gone after a while.
fn passing(retry_after_ms: u64) -> Problem {
    Problem {
        retry_after_ms: Some(retry_after_ms),
        ..Problem::new("remote/status", "La source est occupée.")
    }
}

#[tokio::test]
async fn a_run_that_fails_for_the_moment_is_tried_again() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let one = format!("{PROCESSINGS}/{id}");
    let run = site.trigger(&id).await;
    site.world.tools.plugins.fail_next(2, &passing(60_000));
    site.run().await;
    let waiting = site.owner.get(&one).await.ok();
    let next = &waiting["nextRun"];
    assert_eq!(
        (&next["_id"], &next["status"], &next["scheduledAt"], &next["retries"]),
        (&json!(run), &json!("scheduled"), &json!("2026-01-15T12:01:00Z"), &json!(1)),
        "{waiting}"
    );
    let reason = next["putOff"].as_str().unwrap();
    assert!(reason.contains("La source est occupée.") && reason.contains("2026-01-15T12:01:00Z"), "{reason}");
    assert_eq!(log(&site.read_run(&run).await), [("warning", reason)]);

    // Twice: the second wait is two minutes, whatever the source said.
    for (seconds, status) in [(59, "scheduled"), (1, "scheduled"), (119, "scheduled"), (1, "finished")] {
        site.world.tools.stack.clock.advance(jiff::SignedDuration::from_secs(seconds));
        site.run().await;
        assert_eq!(site.read_run(&run).await["status"], status);
    }
    let ended = site.read_run(&run).await;
    assert_eq!(
        (&ended["retries"], &ended["putOff"], &ended["reason"]),
        (&json!(2), &Value::Null, &json!("manual"))
    );
    assert_eq!(site.owner.get(halle_testkit::DATASETS).await.ok()["count"], 1);
}

#[tokio::test]
async fn a_run_has_failed_when_trying_again_did_not_help_or_was_not_asked_for() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let run = site.trigger(&id).await;
    site.world.tools.plugins.fail_next(100, &passing(1));
    for wait in [0, 30, 120, 480] {
        assert_ne!(site.read_run(&run).await["status"], "error", "before {wait} seconds");
        site.world.tools.stack.clock.advance(jiff::SignedDuration::from_secs(wait));
        site.run().await;
    }
    let ended = site.read_run(&run).await;
    assert_eq!((&ended["status"], &ended["retries"]), (&json!("error"), &json!(3)));
    assert_eq!(log(&ended).last().unwrap(), &("error", "La source est occupée. (remote/status)"));

    let run = site.trigger(&id).await;
    site.world.tools.plugins.fail_next(1, &Problem::new("remote/status", "La page n'existe pas."));
    site.run().await;
    let ended = site.read_run(&run).await;
    assert_eq!((&ended["status"], &ended["retries"]), (&json!("error"), &json!(0)));
}

#[tokio::test]
async fn a_person_need_not_wait_for_a_run_that_is_tried_again() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    for is_killed in [true, false] {
        let run = site.trigger(&id).await;
        site.world.tools.plugins.fail_next(1, &passing(1));
        site.run().await;
        if is_killed {
            site.owner.bare(Method::POST, &format!("{RUNS}/{run}/_kill")).await.ok();
        }
        // The last run is the one that was made last.
        site.world.tools.stack.clock.advance(jiff::SignedDuration::from_secs(1));
        let other = site.trigger(&id).await;
        site.run().await;
        assert_eq!(site.read_run(&other).await["status"], "finished");
        site.world.tools.stack.clock.advance(jiff::SignedDuration::from_secs(30));
        site.run().await;
        let ended = site.owner.get(&format!("{PROCESSINGS}/{id}")).await.ok();
        assert_eq!(ended["lastRun"]["_id"], json!(other), "what was replaced does not come back");
        let replaced = site.read_run(&run).await;
        assert_eq!(replaced["status"], if is_killed { "killed" } else { "error" }, "what was done is kept");
        assert!(log(&replaced)[0].1.contains("La source est occupée."), "{replaced}");
    }
}

#[tokio::test]
async fn a_list_of_runs_must_say_of_what() {
    let site = Site::new().await;
    let refusal = site.owner.get(RUNS).await.refused(400);
    assert!(refusal.contains("processing"), "{refusal}");
    site.owner.get(&format!("{RUNS}?processing=absent")).await.refused(404);
}

#[tokio::test]
async fn a_configuration_that_an_upgrade_made_invalid_does_not_run() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let plugins = &site.world.tools.plugins;
    plugins.upgrade_to(json!({ "properties": { "url": { "type": "string", "maxLength": 5 } } }));
    let run = site.trigger(&id).await;
    site.run().await;
    let run = site.read_run(&run).await;
    assert_eq!(run["status"], "error");
    let said = log(&run);
    let last = *said.last().unwrap();
    assert_eq!(last.0, "error");
    for part in ["/url", "2.0.0", "corrigez-la", "does not fit", "config/invalid"] {
        assert!(last.1.contains(part), "{part}: {}", last.1);
    }
    assert!(!said.iter().any(|record| record.1 == "au travail"), "the plugin was not called: {said:?}");
    assert_eq!(site.owner.get(halle_testkit::DATASETS).await.ok()["count"], 0);
    // Once it is corrected, it runs.
    plugins.upgrade_to(json!({ "properties": { "url": { "type": "string" } } }));
    let run = site.trigger(&id).await;
    site.run().await;
    assert_eq!(site.read_run(&run).await["status"], "finished");
}
