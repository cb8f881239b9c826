//! Redirects: each one is checked like a request of its own.

use halle_extensions::services::Egress;

use crate::server::Server;
use crate::{Names, code, egress, get, policy};

#[tokio::test]
async fn a_redirect_is_followed_within_the_policy() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    let answer = egress.send(&policy(&[&server.origin]), get(&server.url("/to?/hello"))).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (200, &b"hello"[..]));
}

#[tokio::test]
async fn a_redirect_out_of_the_policy_is_refused() {
    let (server, other) = (Server::start().await, Server::start().await);
    let egress = egress(&[&server.origin], Names::default());
    let granted = policy(&[&server.origin]);
    for location in ["https://example.org/", "file:///etc/passwd", "//example.org/", &other.origin] {
        let request = get(&server.url(&format!("/to?{location}")));
        assert_eq!(code(&egress, &granted, request).await, "denied/http", "{location}");
    }
    assert_eq!(other.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused_even_if_granted() {
    let (server, other) = (Server::start().await, Server::start().await);
    let egress = egress(&[&server.origin], Names::default());
    let both = policy(&[&server.origin, &other.origin]);
    for location in [other.url("/hello"), format!("http://2130706433:{}/", other.port)] {
        let request = get(&server.url(&format!("/to?{location}")));
        assert_eq!(code(&egress, &both, request).await, "denied/address", "{location}");
    }
    assert_eq!(other.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn secrets_do_not_follow_to_another_origin() {
    let (server, other) = (Server::start().await, Server::start().await);
    let egress = egress(&[&server.origin, &other.origin], Names::default());
    let both = policy(&[&server.origin, &other.origin]);
    let with_secrets = |url: &str| {
        let mut request = get(url);
        request.headers = [("Authorization", "Bearer s3"), ("x-apiKey", "s3"), ("Accept", "text/csv")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        request
    };
    egress.send(&both, with_secrets(&server.url(&format!("/to?{}", other.url("/hello"))))).await.unwrap();
    let arrived = other.requests().remove(0);
    assert!(!arrived.contains("s3") && arrived.contains("text/csv"), "{arrived}");
    egress.send(&both, with_secrets(&server.url("/to?/hello"))).await.unwrap();
    let at_home = server.requests().remove(2);
    assert!(at_home.contains("Bearer s3"), "{at_home}");
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    assert_eq!(
        code(&egress, &policy(&[&server.origin]), get(&server.url("/loop"))).await,
        "remote/redirects"
    );
    assert_eq!(server.requests().len(), 6);
}
