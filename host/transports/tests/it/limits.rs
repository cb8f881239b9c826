//! Limits on time, bytes and rate, and what is said when they are reached.

use futures::StreamExt;
use halle_extensions::services::Egress;

use crate::server::Server;
use crate::{Names, code, egress, get, policy};

#[tokio::test]
async fn a_long_answer_is_cut_or_refused_as_asked() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    let mut policy = policy(&[&server.origin]);
    policy.response_bytes_max = 50_000;
    assert_eq!(code(&egress, &policy, get(&server.url("/large"))).await, "remote/too-large");
    let mut request = get(&server.url("/large"));
    request.max_bytes = Some(10);
    let answer = egress.send(&policy, request).await.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (10, true));
}

#[tokio::test]
async fn a_stream_ends_with_a_problem_at_its_limit() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    let policy = policy(&[&server.origin]);
    let mut request = get(&server.url("/large"));
    let whole = egress.stream(&policy, request.clone()).await.unwrap();
    let bytes: usize =
        whole.body.map(|piece| piece.unwrap().len()).fold(0, |sum, n| async move { sum + n }).await;
    assert_eq!(bytes, 100_000);
    request.max_bytes = Some(1_000);
    let pieces: Vec<_> = egress.stream(&policy, request).await.unwrap().body.collect().await;
    assert_eq!(pieces.last().unwrap().as_ref().unwrap_err().code, "remote/too-large");
}

#[tokio::test]
async fn silence_and_absence_are_told_apart_without_the_path() {
    let server = Server::start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}");
    let egress = egress(&[&server.origin, &closed], Names::default());
    let policy = policy(&[&server.origin, &closed]);
    let mut silent = get(&server.url("/silent?token=s3"));
    silent.timeout_ms = Some(200);
    for (request, code) in [
        (silent, "remote/timeout"),
        (get(&format!("{closed}/?token=s3")), "remote/unreachable"),
        (get(&server.url("/headers?token=s3")), "remote/too-large"),
    ] {
        let problem = egress.send(&policy, request).await.unwrap_err();
        assert_eq!(problem.code, code);
        let may_pass = code != "remote/too-large";
        assert_eq!(problem.retry_after_ms.is_some(), may_pass, "{code}");
        assert!(
            problem.message.contains("« 127.0.0.1 »") && !problem.message.contains("s3"),
            "{}",
            problem.message
        );
    }
}

#[tokio::test]
async fn the_rate_of_a_policy_holds() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    let mut policy = policy(&[&server.origin]);
    policy.requests_per_minute_max = 2;
    for expected in ["ok", "ok", "limit/rate"] {
        assert_eq!(code(&egress, &policy, get(&server.url("/hello"))).await, expected);
    }
}
