//! A source that cannot be reached: the run waits for it, and says so.

use halle_base::Timestamp;
use halle_testkit::guests::Script;
use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{PROCESSINGS, Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_source_is_out_of_reach_waits_to_be_tried_again() {
    // Nobody listens there any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let origin = format!("http://{closed}");
    let server = Server::start_in(vec![("HALLE_ALLOWED_PRIVATE_ORIGINS", origin.clone())], &[]).await;
    let (_, own) = server.organization("Ville").await;
    let asks = format!("[http.api]\norigins = [\"{origin}\"]\n");
    server.install("asks", &asks, Script::new().send("GET", &format!("{origin}/")).component());
    let run = own.trigger(&own.processing("asks", json!({})).await).await;

    let waits = async || Some(own.run(&run).await).filter(|run| run["retries"] == 1);
    let waiting = server.until("the run waits to be tried again", waits).await;
    assert_eq!(
        (&waiting["status"], &waiting["finishedAt"]),
        (&json!("scheduled"), &Value::Null),
        "{waiting}"
    );
    let reason = waiting["putOff"].as_str().unwrap();
    assert!(
        reason.contains("« 127.0.0.1 » est injoignable") && reason.contains("remote/unreachable"),
        "{reason}"
    );
    let [created, begins]: [Timestamp; 2] =
        ["createdAt", "scheduledAt"].map(|name| waiting[name].as_str().unwrap().parse().unwrap());
    assert!(begins.duration_since(created).as_secs() >= 30, "{waiting}");

    let killed = own.json(Method::POST, &format!("{PROCESSINGS}/runs/{run}/_kill"), &json!({})).await;
    assert_eq!(killed["status"], "killed", "nobody has to wait for it");
}
