//! The account book: what it adds up, who sees it, what it refuses, and what a restart leaves.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use halle_base::{AccountRef, Clock, ManualClock, Timestamp};
use halle_extensions::PluginError;
use halle_extensions::metering::{
    Ended, InstanceKind, Ledger, Measure, Metering, ROWS_MAX, Subject, USAGE_DAYS_MAX,
};
use halle_model::caller::Membership;
use halle_model::limits::Limits;
use halle_model::{Caller, User};
use halle_store::usage::{UsageBy, UsageOf, day_of};
use halle_store::{EntityExt, NewJob, Store, limits};
use halle_store_sql::SqlStore;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::packages::{Answer, Site, caller, package, signing_key};

const PLUGIN: &str = "demo/import";

fn subject(account: &str, instance: &str) -> Arc<Subject> {
    Arc::new(Subject {
        plugin: PLUGIN.to_owned(),
        version: "1.0.0".to_owned(),
        account: account.to_owned(),
        kind: InstanceKind::Processing,
        instance: instance.to_owned(),
    })
}

fn seconds(seconds: u64) -> Measure {
    Measure {
        ended: Ended::Answered,
        wall_ns: 2 * seconds * 1_000_000_000,
        guest_ns: seconds * 1_000_000_000,
        memory_peak_bytes: 1 << 20,
        host_calls: 3,
        ..Measure::default()
    }
}

async fn sqlite(folder: &Path) -> Arc<dyn Store> {
    Arc::new(SqlStore::sqlite(&folder.join("halle.db")).await.unwrap())
}

fn noon() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-01-15T12:00:00Z".parse().unwrap()))
}

/// Sets the plugin seconds of an account.
async fn limit(store: &dyn Store, account: &AccountRef, plugin_seconds: Option<i64>) {
    let now = "2026-01-15T12:00:00Z".parse().unwrap();
    let limits = Limits {
        key: account.key(),
        account: account.clone(),
        last_update: now,
        store_bytes: None,
        indexed_bytes: None,
        nb_datasets: None,
        plugin_seconds,
        hide_brand: false,
    };
    let mut work = store.begin().await.unwrap();
    match work.load::<Limits>(&account.key()).await.unwrap() {
        Some(mut stored) => {
            stored.entity = limits;
            work.save(&mut stored, now).await.unwrap();
        }
        None => work.insert(&limits, now).await.unwrap(),
    }
    work.commit().await.unwrap();
}

async fn guest_us(ledger: &Arc<Ledger>, plugin: &str, clock: &ManualClock) -> i64 {
    let to = day_of(clock.now());
    let of = UsageOf { plugin: Some(plugin), account: None, from: to - 1_000, to };
    ledger.page(of, UsageBy::Day, 0, 10).await.unwrap().total.guest_us
}

fn member(role: &str, department: Option<&str>) -> Caller {
    let membership = Membership {
        id: "ville".to_owned(),
        name: "Ville".to_owned(),
        role: role.to_owned(),
        department: department.map(str::to_owned),
        department_name: None,
    };
    let user = User {
        id: "m".to_owned(),
        name: "M".to_owned(),
        email: "m@example.org".to_owned(),
        organizations: vec![membership.clone()],
        is_admin: false,
    };
    Caller::member(user, &membership)
}

/// A site with the plugin, used by the town and by a person.
async fn used() -> Site {
    let site = Site::new().await;
    let sent = site
        .upload(caller(true), "", &package("1.0.0", "https://a.example", "c", Some(&signing_key())))
        .await;
    assert_eq!(sent.code, 201, "{}", sent.text);
    site.ledger.record(&subject("organization:ville", "p1"), &seconds(2));
    site.ledger
        .record(&subject("organization:ville", "p1"), &Measure { ended: Ended::Trapped, ..seconds(1) });
    site.ledger.record(&subject("organization:ville", "p2"), &seconds(1));
    site.ledger.record(&subject("user:zoe", "p3"), &seconds(8));
    site
}

async fn ask(site: &Site, caller: Caller, query: &str) -> Answer {
    send(site, caller, format!("/registry/api/v1/artefacts/demo%2Fimport/usage{query}")).await
}

/// What all plugins used.
async fn ask_all(site: &Site, caller: Caller, query: &str) -> Answer {
    send(site, caller, format!("/registry/api/v1/usage{query}")).await
}

async fn send(site: &Site, caller: Caller, path: String) -> Answer {
    let request = axum::http::Request::builder().method(Method::GET).uri(path);
    site.send(caller, request.body(axum::body::Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_superadmin_sees_every_account_and_each_instance_by_itself() {
    let site = used().await;
    let answer = ask(&site, caller(true), "").await;
    assert_eq!((answer.code, &answer.json["count"]), (200, &json!(3)), "{}", answer.text);
    assert_eq!(answer.json["total"]["guestMs"], 12_000.0);
    let first = &answer.json["results"][0];
    assert_eq!(
        first["instance"],
        json!({ "type": "processing", "id": "p3" }),
        "who computed most comes first"
    );
    assert_eq!(first["account"], json!({ "type": "user", "id": "zoe" }));
    let second = &answer.json["results"][1];
    assert_eq!(second["instance"]["id"], "p1");
    assert_eq!(
        (&second["calls"], &second["answered"], &second["trapped"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!((&second["wallMs"], &second["hostCalls"]), (&json!(6_000.0), &json!(6)));
    assert_eq!((&second["memoryPeakBytes"], &second["version"]), (&json!(1 << 20), &json!("1.0.0")));

    let accounts = ask(&site, caller(true), "?by=account&size=1&page=2").await.json;
    assert_eq!((&accounts["count"], &accounts["results"][0]["account"]["id"]), (&json!(2), &json!("ville")));
    assert_eq!(accounts["total"]["calls"], 4);
    let days = ask(&site, caller(true), "?by=day&account=organization:ville").await.json;
    assert_eq!((&days["count"], &days["results"][0]["guestMs"]), (&json!(1), &json!(4_000.0)));
    assert_eq!(days["results"][0]["day"], days["to"]);
}

#[tokio::test]
async fn an_administrator_sees_their_account_and_nobody_elses() {
    let site = used().await;
    let own = ask(&site, member("admin", None), "").await;
    assert_eq!((own.code, &own.json["total"]["guestMs"]), (200, &json!(4_000.0)), "{}", own.text);
    assert!(!own.text.contains("zoe") && !own.text.contains("p3"), "{}", own.text);
    assert_eq!(ask(&site, member("admin", None), "?account=user:zoe").await.code, 403);
    for refused in [member("contrib", None), member("user", None), member("admin", Some("eau"))] {
        assert_eq!(ask(&site, refused, "").await.code, 403);
    }
    assert_eq!(ask(&site, Caller::anonymous(), "").await.code, 401);
    // A person administers their own account, which used nothing.
    let nothing = ask(&site, caller(false), "").await;
    assert_eq!((nothing.code, &nothing.json["count"]), (200, &json!(0)));
}

#[tokio::test]
async fn wrong_days_and_groups_are_refused_and_an_absent_plugin_is_not_found() {
    let site = used().await;
    for query in [
        "?by=week",
        "?from=2026-02-30",
        "?from=2026-01-01T00:00:00",
        "?from=2026-02-02&to=2026-02-01",
        "?from=2024-01-01&to=2026-01-01",
        "?account=ville",
        "?size=1001",
    ] {
        assert_eq!(ask(&site, caller(true), query).await.code, 400, "{query}");
    }
    assert_eq!(ask(&site, caller(true), "?from=2020-01-01&to=2020-01-31").await.json["count"], 0);
    assert_eq!(site.ask(Method::GET, "/demo%2Fnone/usage", None).await.code, 404);
}

/// The same site, where the town also used two plugins that were never there, or are not any more.
async fn used_many() -> Site {
    let site = used().await;
    for (plugin, account, used) in
        [("gone/b", "organization:ville", 1), ("gone/a", "organization:ville", 1), ("gone/a", "user:zoe", 2)]
    {
        let of = Subject { plugin: plugin.to_owned(), ..(*subject(account, "p1")).clone() };
        site.ledger.record(&Arc::new(of), &seconds(used));
    }
    site
}

/// The plugins that lines name, with milliseconds in the guest.
fn told(answer: &Answer) -> Vec<(Value, Value)> {
    let lines = answer.json["results"].as_array().into_iter().flatten();
    lines.map(|line| (line["plugin"]["id"].clone(), line["guestMs"].clone())).collect()
}

#[tokio::test]
async fn one_request_tells_an_administrator_what_every_plugin_used_for_their_account() {
    let site = used_many().await;
    let own = ask_all(&site, member("admin", None), "").await;
    let expected = [("demo/import", 4_000.0), ("gone/a", 1_000.0), ("gone/b", 1_000.0)];
    assert_eq!(told(&own), expected.map(|(id, ms)| (json!(id), json!(ms))), "{}", own.text);
    assert_eq!(
        (own.code, &own.json["count"], &own.json["total"]["guestMs"]),
        (200, &json!(3), &json!(6_000.0))
    );
    let first = &own.json["results"][0];
    assert_eq!(first["plugin"]["title"], json!({ "fr": "Importer", "en": "Import" }));
    assert_eq!((&first["calls"], &first["trapped"]), (&json!(3), &json!(1)));
    assert_eq!(own.json["results"][1]["plugin"], json!({ "id": "gone/a" }), "what is gone has no title");
    assert!(!own.text.contains("zoe"), "{}", own.text);
    let named = ask_all(&site, member("admin", None), "?account=organization:ville").await;
    assert_eq!(named.text, own.text);

    assert_eq!(ask_all(&site, member("admin", None), "?account=user:zoe").await.code, 403);
    for refused in [member("contrib", None), member("user", None), member("admin", Some("eau"))] {
        assert_eq!(ask_all(&site, refused, "").await.code, 403);
    }
    assert_eq!(ask_all(&site, caller(false), "?account=organization:ville").await.code, 403, "a stranger");
    assert_eq!(ask_all(&site, Caller::anonymous(), "").await.code, 401);
    let nothing = ask_all(&site, caller(false), "").await;
    assert_eq!((nothing.code, &nothing.json["count"]), (200, &json!(0)), "their own account used nothing");
}

#[tokio::test]
async fn a_superadmin_sees_every_plugin_over_all_accounts_page_by_page() {
    let site = used_many().await;
    let all = ask_all(&site, caller(true), "").await;
    let expected = [("demo/import", 12_000.0), ("gone/a", 3_000.0), ("gone/b", 1_000.0)];
    assert_eq!(told(&all), expected.map(|(id, ms)| (json!(id), json!(ms))), "{}", all.text);
    let second = ask_all(&site, caller(true), "?size=1&page=2").await;
    assert_eq!(told(&second), [(json!("gone/a"), json!(3_000.0))]);
    assert_eq!((&second.json["count"], &second.json["total"]), (&json!(3), &all.json["total"]));
    let zoe = ask_all(&site, caller(true), "?account=user:zoe").await;
    assert_eq!(zoe.json["total"]["guestMs"], 10_000.0);

    let accounts = ask_all(&site, caller(true), "?by=account").await.json;
    assert_eq!((&accounts["count"], &accounts["results"][0]["account"]["id"]), (&json!(2), &json!("zoe")));
    assert_eq!(accounts["results"][0].get("plugin"), None);
    let days = ask_all(&site, caller(true), "?by=day").await.json;
    assert_eq!(
        (&days["count"], &days["results"][0]["day"], &days["results"][0]["guestMs"]),
        (&json!(1), &days["to"], &json!(16_000.0))
    );
    let instances = ask_all(&site, caller(true), "?by=instance&account=organization:ville").await.json;
    assert_eq!(instances["count"], 4);
    let first = &instances["results"][0];
    assert_eq!((&first["plugin"]["id"], &first["version"]), (&json!("demo/import"), &json!("1.0.0")));
    assert_eq!(first["instance"], json!({ "type": "processing", "id": "p1" }));
    assert_eq!(first["account"], json!({ "type": "organization", "id": "ville" }));
}

#[tokio::test]
async fn an_account_sees_what_it_used_of_plugins_that_it_does_not_see_any_more() {
    let site = used().await;
    let private = json!({ "public": false, "privateAccess": [{ "type": "user", "id": "zoe" }] });
    assert_eq!(site.ask(Method::PATCH, "/demo%2Fimport", Some(private)).await.code, 200);
    let hidden = ask_all(&site, member("admin", None), "").await;
    assert_eq!(told(&hidden), [(json!(PLUGIN), json!(4_000.0))]);
    assert_eq!(hidden.json["results"][0]["plugin"], json!({ "id": PLUGIN }), "its title is not theirs");
    assert!(site.registry.remove(PLUGIN).await.unwrap());
    assert_eq!(ask_all(&site, member("admin", None), "").await.text, hidden.text);
    assert_eq!(ask(&site, member("admin", None), "").await.code, 404, "asked for by its name, it is gone");
}

#[tokio::test]
async fn calls_that_were_not_told_apart_name_no_plugin_and_still_count() {
    let site = used().await;
    let together = Subject { plugin: String::new(), ..(*subject("", "")).clone() };
    site.ledger.record(&Arc::new(together), &seconds(20));
    let all = ask_all(&site, caller(true), "").await;
    assert_eq!(all.json["results"][0].get("plugin"), Some(&Value::Null), "{}", all.text);
    assert_eq!((&all.json["count"], &all.json["total"]["guestMs"]), (&json!(2), &json!(32_000.0)));
}

#[tokio::test]
async fn wrong_questions_about_all_plugins_are_refused_with_what_there_is() {
    let site = used().await;
    let refused = ask_all(&site, caller(true), "?by=week").await;
    assert_eq!(refused.code, 400);
    for name in ["`plugin`", "`instance`", "`day`", "`account`"] {
        assert!(refused.text.contains(name), "{name}: {}", refused.text);
    }
    for query in ["?from=2026-02-30", "?from=2026-02-02&to=2026-02-01", "?account=ville", "?size=1001"] {
        assert_eq!(ask_all(&site, caller(true), query).await.code, 400, "{query}");
    }
    assert_eq!(ask_all(&site, caller(true), "?from=2020-01-01&to=2020-01-31").await.json["count"], 0);
    let refused = ask(&site, caller(true), "?by=plugin").await;
    assert!(refused.code == 400 && !refused.text.contains("`plugin`"), "{}", refused.text);
}

#[tokio::test]
async fn sums_survive_a_restart_and_go_after_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let clock = noon();
    let ledger = Arc::new(Ledger::new(sqlite(folder.path()).await, Arc::<ManualClock>::clone(&clock)));
    ledger.record(&subject("user:a", "p"), &seconds(2));
    ledger.flush().await.unwrap();
    ledger.record(&subject("user:a", "p"), &seconds(3));
    // What a process does that is told to stop.
    ledger.flush().await.unwrap();
    drop(ledger);
    let ledger = Arc::new(Ledger::new(sqlite(folder.path()).await, Arc::<ManualClock>::clone(&clock)));
    assert_eq!(guest_us(&ledger, PLUGIN, &clock).await, 5_000_000);
    assert!(ledger.since_start().is_empty(), "the process itself starts at nothing");
    clock.advance(SignedDuration::from_hours(24 * (USAGE_DAYS_MAX + 1)));
    ledger.flush().await.unwrap();
    assert_eq!(guest_us(&ledger, PLUGIN, &clock).await, 0);
}

#[tokio::test]
async fn memory_is_bounded_and_what_finds_no_place_is_counted_together() {
    let folder = tempfile::tempdir().unwrap();
    let clock = noon();
    let ledger = Arc::new(Ledger::new(sqlite(folder.path()).await, Arc::<ManualClock>::clone(&clock)));
    let measure = Measure { guest_ns: 1_000, ..Measure::default() };
    for number in 0..ROWS_MAX + 10 {
        ledger.record(&subject("user:a", &format!("p{number}")), &measure);
    }
    // Those that have their place keep it.
    ledger.record(&subject("user:a", "p0"), &measure);
    let calls: u64 = ledger.since_start()[0].sums.calls.iter().sum();
    assert_eq!(calls, ROWS_MAX as u64 + 11, "each call is counted for its plugin");
    assert_eq!(guest_us(&ledger, PLUGIN, &clock).await, ROWS_MAX as i64 + 1);
    assert_eq!(guest_us(&ledger, "", &clock).await, 10);
}

#[tokio::test]
async fn an_account_at_its_limit_starts_nothing_until_tomorrow_or_a_higher_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = (sqlite(folder.path()).await, noon());
    let town = AccountRef::organization("ville", "Ville");
    limit(&*store, &town, Some(10)).await;
    let ledger = Arc::new(Ledger::new(Arc::clone(&store), Arc::<ManualClock>::clone(&clock)));
    let (water, other) = (subject("organization:ville", "p"), subject("user:zoe", "p"));
    ledger.allow(&water).await.unwrap();
    ledger.record(&water, &seconds(9));
    ledger.allow(&water).await.unwrap();
    ledger.record(&subject("organization:ville", "other"), &seconds(1));
    let refused = ledger.allow(&water).await.unwrap_err();
    assert!(matches!(refused, PluginError::OverQuota { .. }), "{refused:?}");
    assert!(refused.to_string().contains("10 secondes"), "{refused}");
    assert!(refused.to_string().contains("2026-01-16T00:00:00Z"), "{refused}");
    ledger.record(&other, &seconds(100));
    ledger.allow(&other).await.unwrap();

    // Neither a flush nor another process forgets it.
    ledger.flush().await.unwrap();
    ledger.allow(&water).await.unwrap_err();
    let restarted = Arc::new(Ledger::new(Arc::clone(&store), Arc::<ManualClock>::clone(&clock)));
    restarted.allow(&water).await.unwrap_err();

    limit(&*store, &town, Some(11)).await;
    // A refusal is believed for a moment, so that those who insist do not all read it again.
    ledger.allow(&water).await.unwrap_err();
    clock.advance(SignedDuration::from_secs(1));
    ledger.allow(&water).await.unwrap();
    limit(&*store, &town, Some(5)).await;
    clock.advance(SignedDuration::from_secs(10));
    ledger.allow(&water).await.unwrap_err();
    clock.advance(SignedDuration::from_hours(12));
    ledger.allow(&water).await.unwrap();
    limit(&*store, &town, None).await;
    ledger.record(&water, &seconds(1_000));
    clock.advance(SignedDuration::from_secs(1));
    ledger.allow(&water).await.unwrap();
    limit(&*store, &town, Some(1_000)).await;
    clock.advance(SignedDuration::from_secs(10));
    ledger.allow(&water).await.expect_err("what was used while there was no limit counts");
}

#[tokio::test]
async fn an_account_without_a_limit_of_its_own_has_everybodys() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = (sqlite(folder.path()).await, noon());
    limit(&*store, &AccountRef::user("rich", ""), Some(-1)).await;
    let ledger = Arc::new(Ledger::new(store, clock).with_default(0));
    ledger.allow(&subject("user:zoe", "p")).await.unwrap_err();
    ledger.allow(&subject("user:rich", "p")).await.unwrap();
    ledger.allow(&subject("", "")).await.unwrap();
}

/// When the job of this key starts.
async fn starts_at(store: &dyn Store, key: &str) -> Timestamp {
    store.begin().await.unwrap().jobs().with_key(key).await.unwrap()[0].run_at
}

#[tokio::test]
async fn what_waits_goes_on_at_a_start_with_a_higher_limit_by_default() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = (sqlite(folder.path()).await, noon());
    let with_default = |seconds_max| {
        Ledger::new(Arc::clone(&store), Arc::<ManualClock>::clone(&clock)).with_default(seconds_max)
    };
    let (town, poor) = (AccountRef::organization("ville", "Ville"), AccountRef::user("poor", "Poor"));
    limit(&*store, &poor, Some(0)).await;
    let (noon, midnight) = (clock.now(), "2026-01-16T00:00:00Z".parse().unwrap());
    let used = Arc::new(with_default(10));
    used.record(&subject("organization:ville", "p"), &seconds(10));
    used.flush().await.unwrap();
    // The limit of `poor` was not changed just now.
    clock.advance(SignedDuration::from_secs(60));
    let mut work = store.begin().await.unwrap();
    for (key, account) in [("runs/town", &town), ("runs/poor", &poor)] {
        let job = NewJob::now("run", key, json!({}), noon);
        limits::put_off(work.as_mut(), job, account, midnight, clock.now()).await.unwrap();
    }
    work.commit().await.unwrap();

    assert_eq!(with_default(10).wake().await.unwrap(), 0, "nothing has changed");
    assert_eq!(starts_at(&*store, "runs/town").await, midnight);
    assert_eq!(with_default(20).wake().await.unwrap(), 1);
    assert!(starts_at(&*store, "runs/town").await < midnight);
    assert_eq!(starts_at(&*store, "runs/poor").await, midnight, "it has a limit of its own");
}

/// Waits a moment for a flush that cannot end, and goes away.
async fn hang_up(ledger: &Arc<Ledger>) {
    tokio::time::timeout(Duration::from_millis(200), ledger.flush()).await.expect_err("it has to wait");
}

#[tokio::test]
async fn a_reader_who_hangs_up_loses_nobodys_figures() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = (sqlite(folder.path()).await, noon());
    let ledger = Arc::new(Ledger::new(Arc::clone(&store), Arc::<ManualClock>::clone(&clock)));
    ledger.record(&subject("user:a", "p"), &seconds(2));
    let busy = store.begin().await.unwrap();
    hang_up(&ledger).await;
    drop(busy);
    assert_eq!(guest_us(&ledger, PLUGIN, &clock).await, 2_000_000);
}

#[tokio::test]
async fn calls_do_not_wait_behind_a_slow_write() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = (sqlite(folder.path()).await, noon());
    limit(&*store, &AccountRef::user("poor", ""), Some(10)).await;
    let ledger = Arc::new(Ledger::new(Arc::clone(&store), Arc::<ManualClock>::clone(&clock)));
    let poor = subject("user:poor", "p");
    ledger.allow(&poor).await.unwrap();
    ledger.record(&poor, &seconds(10));
    let busy = store.begin().await.unwrap();
    hang_up(&ledger).await;
    let within = |work| tokio::time::timeout(Duration::from_secs(5), work);
    let (free, waits) = (subject("user:free", "p"), "it waited behind the write");
    within(ledger.allow(&free)).await.expect(waits).unwrap();
    clock.advance(SignedDuration::from_secs(20));
    within(ledger.allow(&free)).await.expect(waits).unwrap();
    let refused = within(ledger.allow(&poor)).await.expect(waits).unwrap_err();
    assert_eq!(refused.code(), "plugin/quota", "what is on its way to SQL counts");
    drop(busy);
}
