use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use halle_extensions::services::HttpStream;

use super::*;

/// A service that tells everything it was asked.
struct Echo;

#[async_trait]
impl Egress for Echo {
    async fn send(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpResponse, Problem> {
        if request.url.ends_with("/token") {
            let body =
                json!({ "data": [{ "Access_Token": "eyJ/token", "expires_in": 3600, "id_token": 1 }] });
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            return Ok(HttpResponse {
                status: 200,
                headers,
                body: body.to_string().into(),
                truncated: false,
            });
        }
        if !policy.origins.iter().any(|origin| request.url.starts_with(origin)) {
            return Err(Problem::denied("http", "not granted"));
        }
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            header("content-type", "application/json"),
            header("set-cookie", "session=cookie-of-the-session"),
            header("x-api-token", "token-of-the-answer"),
            header("x-total-count", "1"),
        ];
        let body = json!({ "url": request.url, "headers": request.headers }).to_string();
        Ok(HttpResponse { status: 200, headers, body: body.into(), truncated: false })
    }

    async fn stream(&self, _policy: &EgressPolicy, _request: HttpRequest) -> Result<HttpStream, Problem> {
        unreachable!("exchanges are recorded whole")
    }

    async fn upload(
        &self,
        _policy: &EgressPolicy,
        _request: HttpRequest,
        _length: u64,
        _body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        unreachable!("exchanges are recorded whole")
    }
}

fn recorder(secret: &str) -> Result<Recorder, String> {
    Recorder::new(
        Arc::new(Echo),
        vec![(Secret::new(secret.to_owned()), "shown".to_owned())],
        vec!["shown".to_owned()],
    )
}

fn request(url: &str, authorization: &str) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: vec![("authorization".to_owned(), authorization.to_owned())],
        body: None,
        timeout_ms: None,
        max_bytes: None,
    }
}

fn policy() -> EgressPolicy {
    EgressPolicy { origins: vec!["https://a.example".to_owned()], ..EgressPolicy::default() }
}

#[tokio::test]
async fn what_is_written_has_no_secret_in_any_of_its_forms() {
    let secret = "p@ss \"word\"";
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let basic = BASE64_STANDARD.encode(format!("user:{secret}"));
    let recorder = recorder(secret).unwrap();
    let url = format!("https://a.example/list?key={encoded}&copy={}", BASE64_STANDARD.encode(secret));
    let answered = recorder.exchange(&policy(), request(&url, &format!("Basic {basic}"))).await.unwrap();

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.json");
    std::fs::write(&path, r#"{"description":"lists","exchanges":[],"expect":{}}"#).unwrap();
    recorder.write(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let guest = String::from_utf8(answered.body.to_vec()).unwrap() + &format!("{:?}", answered.headers);
    for hidden in
        [secret, &encoded, &basic, r#"p@ss \\"word"#, "cookie-of-the-session", "token-of-the-answer"]
    {
        assert!(!text.contains(hidden), "{hidden} was written: {text}");
        assert!(!guest.contains(hidden), "{hidden} was answered: {guest}");
    }
    let case: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(case.as_object().unwrap().keys().collect::<Vec<_>>(), ["description", "exchanges", "expect"]);
    let exchange = &case["exchanges"][0];
    assert_eq!(exchange["request"]["url"], "https://a.example/list?key=shown&copy=c2hvd24=");
    assert!(exchange["request"].get("headers").is_none());
    assert_eq!(exchange["response"]["headers"], json!({ "x-total-count": "1" }));
    assert_eq!(exchange["response"]["json"]["url"], exchange["request"]["url"]);
}

#[tokio::test]
async fn what_the_manifest_does_not_ask_for_is_neither_asked_nor_recorded() {
    let recorder = recorder("secret").unwrap();
    let refused = recorder.exchange(&policy(), request("https://b.example/", "Bearer secret")).await;
    assert_eq!(refused.unwrap_err().code, "denied/http");
    assert_eq!(recorder.count(), 0);
}

#[test]
fn a_secret_too_short_to_be_found_is_refused() {
    assert!(recorder("abc").err().unwrap().contains("fewer than 4 bytes"));
}

#[tokio::test]
async fn tokens_and_credentials_are_written_in_no_exchange() {
    let recorder = recorder("s3cret").unwrap();
    // The token of one answer and the credential of a later request are in the first request already.
    let early = "https://a.example/list?t=eyJ%2Ftoken&c=placed-by-host";
    recorder.exchange(&policy(), request(early, "Bearer other-credential")).await.unwrap();
    let form = "grant_type=refresh_token&refresh_token=r%2Frefresh&client_secret=s3cret";
    let body = r#"{"client_secret":"shown", "clientSecret":"abc", "x":"other-credential"}"#;
    for text in [form, body] {
        let asks = request("https://a.example/token", "Bearer placed-by-host");
        let asks = HttpRequest { method: "POST".to_owned(), body: Some(text.into()), ..asks };
        let answered = recorder.exchange(&policy(), asks).await.unwrap();
        let answered: Value = serde_json::from_slice(&answered.body).unwrap();
        assert_eq!(answered["data"][0]["Access_Token"], "eyJ/token", "the plugin asks with it");
    }
    let late = recorder.redacted(&request("https://a.example/list?t=eyJ%2Ftoken", "Bearer eyJ/token"));
    assert_eq!(
        (late.url.as_str(), late.headers[0].1.as_str()),
        ("https://a.example/list?t=***", "Bearer ***")
    );

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.json");
    std::fs::write(&path, "{}").unwrap();
    recorder.write(&path).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing stays beside the case");
    let text = std::fs::read_to_string(&path).unwrap();
    for hidden in ["eyJ", "placed-by-host", "other-credential", "refresh\"", "r%2Frefresh", "s3cret", "abc"] {
        assert!(!text.contains(hidden), "{hidden} was written: {text}");
    }
    let case: Value = serde_json::from_str(&text).unwrap();
    let exchanges = &case["exchanges"];
    assert_eq!(exchanges[0]["request"]["url"], "https://a.example/list?t=***&c=***");
    let token = json!({ "data": [{ "Access_Token": "***", "expires_in": 3600, "id_token": "***" }] });
    assert_eq!(exchanges[1]["response"]["json"], token);
    let form = "grant_type=refresh_token&refresh_token=***&client_secret=shown";
    assert_eq!(exchanges[1]["request"]["body"], form, "what the plugin sends again when the case is run");
    let body = r#"{"client_secret":"shown","clientSecret":"***","x":"***"}"#;
    assert_eq!(exchanges[2]["request"]["body"], body);
}

#[cfg(unix)]
#[test]
fn a_case_that_cannot_be_written_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.json");
    std::fs::write(&path, "{}").unwrap();
    // In the way of the temporary file.
    std::fs::create_dir(path.with_extension("part")).unwrap();
    assert!(recorder("s3cret").unwrap().write(&path).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}");
}
