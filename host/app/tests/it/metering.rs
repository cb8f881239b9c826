//! What plugins use is counted for whoever calls them, is still there after a restart, and may be limited.

use std::io::{Read, Write};

use halle_testkit::guests::{Request, Script};
use reqwest::Method;
use serde_json::{Value, json};

use crate::postgres_server;
use crate::server::{Client, PROCESSINGS, SERVICES_KEY, Server};

/// What an account used of a plugin, by what called.
async fn usage(client: &Client<'_>, plugin: &str) -> Value {
    let (status, usage) = client.get(&format!("/registry/api/v1/artefacts/{plugin}/usage")).await;
    assert_eq!(status, 200, "{usage}");
    usage
}

/// What one instance used; null where it used nothing.
fn of(usage: &Value, instance: &str) -> Value {
    let mut rows = usage["results"].as_array().into_iter().flatten();
    rows.find(|row| row["instance"]["id"] == instance).cloned().unwrap_or_default()
}

/// Sets the plugin seconds of an organisation.
async fn limit(server: &Server, organization: &str, seconds: i64) -> Value {
    let path = format!("/data-fair/api/v1/limits/organization/{organization}?key={SERVICES_KEY}");
    server.anonymous().json(Method::POST, &path, &json!({ "plugin_seconds": seconds })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_counted_by_instance_survives_a_restart_and_may_be_limited() {
    let server = Server::start().await;
    let (town, own) = server.organization("Ville").await;
    let (port, others) = server.organization("Port").await;
    server.install("steady", "", Script::new().say("au travail").component());
    server.install("crasher", "", Script::new().raw("(unreachable)").component());
    let steady = own.processing("steady", json!({})).await;
    let crasher = own.processing("crasher", json!({})).await;
    assert_eq!(own.ended(&own.trigger(&steady).await).await.0, "finished");
    assert_eq!(own.ended(&own.trigger(&crasher).await).await.0, "error");
    let of_others = others.processing("steady", json!({})).await;

    // Beside its runs, a plugin was asked once whether it takes the configuration, before there was a processing.
    let seen = usage(&own, "crasher").await;
    assert_eq!(seen["total"]["trapped"], 1, "{seen}");
    let run = of(&seen, &crasher);
    assert_eq!((&run["trapped"], &run["instance"]["type"]), (&json!(1), &json!("processing")), "{seen}");
    assert_eq!(run["account"]["id"], json!(town));
    let seen = usage(&own, "steady").await;
    let run = of(&seen, &steady);
    assert_eq!((&run["answered"], &seen["total"]["trapped"]), (&json!(1), &json!(0)), "{seen}");
    assert!(run["hostCalls"].as_u64() >= Some(1), "{seen}");
    let seen = usage(&others, "steady").await;
    assert_eq!(of(&seen, &of_others), Value::Null, "what never ran used nothing: {seen}");
    assert_eq!((&seen["count"], &of(&seen, "")["account"]["id"]), (&json!(1), &json!(port)), "{seen}");

    let metrics = server.metrics().await;
    let trapped = "halle_plugin_calls_total{plugin=\"crasher\",outcome=\"trapped\"} 1";
    assert!(metrics.lines().any(|line| line == trapped), "{metrics}");
    assert!(!metrics.contains(&town) && !metrics.contains(&crasher), "no line is per account or instance");

    let before = usage(&own, "crasher").await["total"].clone();
    let limits = limit(&server, &town, 0).await;
    assert_eq!(limits["plugin_seconds"], json!({ "limit": 0, "consumption": 1 }));
    let server = server.restart().await;
    // With `=`, since an identifier may begin with a dash.
    let organization = format!("--organization={town}");
    let key = server.command(&["key", "new", "--user", "admin@example.org", &organization]);
    let own = server.client(key);
    assert_eq!(
        usage(&own, "crasher").await["total"],
        before,
        "a server that is told to stop forgets nothing"
    );

    let new = json!({ "title": "T", "plugin": "steady", "active": true, "config": {}, "slots": {} });
    let (status, text) = own.try_json(Method::POST, &format!("{PROCESSINGS}/processings"), &new).await;
    assert_eq!(status, 429, "{text}");
    assert!(text.as_str().unwrap().contains("plugin_seconds"), "{text}");
    let trigger = format!("{PROCESSINGS}/processings/{steady}/_trigger");
    let (status, text) = own.try_json(Method::POST, &trigger, &json!({})).await;
    assert_eq!(status, 429, "{text}");
    assert!(text.as_str().unwrap().contains("0 secondes par jour"), "{text}");
    limit(&server, &town, -1).await;
    // A refusal is believed for a second.
    let triggered = async || {
        let (status, run) = own.try_json(Method::POST, &trigger, &json!({})).await;
        (status == 200).then(|| run["_id"].as_str().unwrap().to_owned())
    };
    let run = server.until("a higher limit counts", triggered).await;
    assert_eq!(own.ended(&run).await.0, "finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_plugin_seconds_goes_on_at_a_start_with_a_higher_limit_by_default() {
    let server = Server::start_with(&["--limit-plugin-seconds", "0"]).await;
    let (town, own) = server.organization("Ville").await;
    server.install("steady", "", Script::new().say("au travail").component());
    // With a limit of its own, the account may make a processing; then it has the one by default, and the schedule runs.
    limit(&server, &town, -1).await;
    let id = own.processing("steady", json!({})).await;
    let path = format!("{PROCESSINGS}/processings/{id}");
    let limits = format!("/data-fair/api/v1/limits/organization/{town}?key={SERVICES_KEY}");
    server.anonymous().json(Method::POST, &limits, &json!({})).await;
    let every_minute = json!({ "scheduling": [{ "type": "cron", "cron": "* * * * *" }] });
    own.json(Method::PATCH, &path, &every_minute).await;
    let put_off = async || {
        let (_, seen) = own.get(&path).await;
        // A moment after a change of a limit it is tried again soon; the next day is what counts.
        let starts_at = seen["nextRun"]["scheduledAt"].as_str()?.to_owned();
        (seen["nextRun"]["putOff"].is_string() && starts_at.ends_with("T00:00:00Z"))
            .then(|| seen["nextRun"]["_id"].as_str().unwrap().to_owned())
    };
    let run = server.until("the run is put off", put_off).await;

    let server = server.restart().await;
    let organization = format!("--organization={town}");
    let key = server.command(&["key", "new", "--user", "admin@example.org", &organization]);
    assert_eq!(server.client(key).ended(&run).await.0, "finished");
}

/// How often the guest reads its configuration `{}` and says it.
const READS: u64 = 200;

/// Somebody on loopback who answers one request with `hello`; its origin.
fn neighbour() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let (mut asked, mut part) = (Vec::new(), [0; 4_096]);
        while !asked.ends_with(b"seven b") && !asked.ends_with(b"seven b\r\n0\r\n\r\n") {
            let read = peer.read(&mut part).unwrap();
            assert!(read > 0, "the request ends with its body: {}", String::from_utf8_lossy(&asked));
            asked.extend_from_slice(&part[..read]);
        }
        peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").unwrap();
    });
    origin
}

/// Known host calls and bytes of guests, on a server with this database, or its own.
async fn what_guests_exchange_is_told(database: Option<String>) {
    let origin = neighbour();
    let mut env = vec![("HALLE_ALLOWED_PRIVATE_ORIGINS", origin.clone())];
    env.extend(database.map(|url| ("HALLE_DATABASE_URL", url)));
    let server = Server::start_in(env, &[]).await;
    let (_, own) = server.organization("Ville").await;
    let reads = (0..READS).fold(Script::new().say("twelve bytes"), |script, _| script.config());
    server.install("reader", "", reads.component());
    let url = format!("{origin}/");
    let request = Request { method: "POST", url: &url, ..Request::default() };
    let asks = format!("[http.api]\norigins = [\"{origin}\"]\nmethods = [\"POST\"]\n");
    server.install("sender", &asks, Script::new().blob("seven b").upload(request).component());
    let reader = own.processing("reader", json!({})).await;
    let sender = own.processing("sender", json!({})).await;
    for processing in [&reader, &reader, &sender] {
        let (status, log) = own.ended(&own.trigger(processing).await).await;
        assert_eq!(status, "finished", "{log}");
    }

    let seen = usage(&own, "reader").await;
    let run = of(&seen, &reader);
    // Of each of two runs: a text said, and each time the configuration asked for and said.
    assert_eq!((&run["calls"], &run["hostCalls"]), (&json!(2), &json!(2 * (1 + 2 * READS))), "{seen}");
    assert_eq!(run["bytesOut"], json!(2 * (12 + 2 * READS)), "{seen}");
    // The configurations, and what each run is told of itself, which has dates in it.
    let told = run["bytesIn"].as_u64().unwrap() - 2 * 2 * READS;
    assert!((2 * 50..2 * 300).contains(&told), "{seen}");
    assert_eq!((&run["httpBytesIn"], &run["httpBytesOut"]), (&json!(0), &json!(0)), "{seen}");
    let sent = of(&usage(&own, "sender").await, &sender);
    assert_eq!((&sent["httpBytesOut"], &sent["httpBytesIn"]), (&json!(7), &json!(5)), "{sent}");

    let (status, all) = own.get("/registry/api/v1/usage?by=instance").await;
    assert_eq!(status, 200, "{all}");
    for (instance, alone) in [(&reader, &run), (&sender, &sent)] {
        let among_all = of(&all, instance);
        for figure in ["hostCalls", "bytesIn", "bytesOut", "httpBytesIn", "httpBytesOut"] {
            assert_eq!(among_all[figure], alone[figure], "{figure}: {all}");
        }
    }
    let metrics = server.metrics().await;
    let total = &seen["total"];
    for line in [
        format!("halle_plugin_host_calls_total{{plugin=\"reader\"}} {}", total["hostCalls"]),
        format!("halle_plugin_bytes_total{{plugin=\"reader\",direction=\"in\"}} {}", total["bytesIn"]),
        format!("halle_plugin_bytes_total{{plugin=\"reader\",direction=\"out\"}} {}", total["bytesOut"]),
        "halle_plugin_bytes_total{plugin=\"sender\",direction=\"http_in\"} 5".to_owned(),
        "halle_plugin_bytes_total{plugin=\"sender\",direction=\"http_out\"} 7".to_owned(),
    ] {
        assert!(metrics.lines().any(|known| known == line), "{line}\nis not in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn host_calls_and_bytes_are_told_from_the_embedded_database() {
    what_guests_exchange_is_told(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn host_calls_and_bytes_are_told_from_postgresql() {
    let database = postgres_server::Server::start();
    what_guests_exchange_is_told(Some(database.url())).await;
}
