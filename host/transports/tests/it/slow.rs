//! Servers that hold a connection without using it: the whole exchange has a time, and so has each silence.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use halle_extensions::services::Egress;
use halle_transports::{EgressConfig, HttpEgress};

use crate::server::Server;
use crate::{Names, code, egress, get, policy};

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_meets_the_time_of_the_exchange() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    let granted = policy(&[&server.origin]);
    let mut request = get(&server.url("/drip"));
    request.timeout_ms = Some(300);
    assert_eq!(code(&egress, &granted, request.clone()).await, "remote/timeout");
    let pieces: Vec<_> = egress.stream(&granted, request).await.unwrap().body.collect().await;
    assert_eq!(pieces.last().unwrap().as_ref().unwrap_err().code, "remote/timeout");
}

#[tokio::test]
async fn a_body_that_stops_coming_meets_the_time_of_a_silence() {
    let server = Server::start().await;
    let config = EgressConfig {
        allowed_private_origins: vec![server.origin.clone()],
        idle_ms_max: 100,
        ..EgressConfig::default()
    };
    let egress = HttpEgress::with_resolver(config, Arc::new(Names::default())).unwrap();
    // There would be ten seconds for the whole.
    assert_eq!(code(&egress, &policy(&[&server.origin]), get(&server.url("/stall"))).await, "remote/timeout");
}

#[tokio::test]
async fn a_sink_that_does_not_read_meets_the_time_of_the_exchange() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    let mut request = get(&server.url("/deaf"));
    request.method = "PUT".to_owned();
    request.timeout_ms = Some(300);
    let mut granted = policy(&[&server.origin]);
    granted.methods = vec!["PUT".to_owned()];
    // More than the buffers of a connection hold.
    let piece = Bytes::from(vec![0; 1 << 20]);
    let body = futures::stream::repeat_with(move || Ok(piece.clone())).take(64).boxed();
    let problem = egress.upload(&granted, request, 64 << 20, body).await.unwrap_err();
    assert_eq!(problem.code, "remote/timeout");
}

#[tokio::test]
async fn a_packed_answer_counts_by_what_it_inflates_to() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    let mut granted = policy(&[&server.origin]);
    // 10 MB of zeroes come as some kB.
    granted.response_bytes_max = 1 << 20;
    assert_eq!(code(&egress, &granted, get(&server.url("/gzip"))).await, "remote/too-large");
    let mut request = get(&server.url("/gzip"));
    request.max_bytes = Some(1_000);
    let answer = egress.send(&granted, request).await.unwrap();
    assert_eq!((answer.body.as_ref(), answer.truncated), (&[0; 1_000][..], true));
}
