//! A plugin is upgraded while it runs: what runs ends on the version that it began with, what begins later has the new one.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};

use halle_testkit::guests::Script;
use serde_json::json;

use crate::server::Server;

/// Somebody on loopback who answers one request when it is told to; says when it was asked.
fn neighbour() -> (String, Receiver<()>, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let ((was_asked, asked), (answer, may_answer)) = (channel(), channel());
    std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        assert!(peer.read(&mut [0; 4_096]).unwrap() > 0, "a request without a byte");
        was_asked.send(()).unwrap();
        may_answer.recv().unwrap();
        peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").unwrap();
    });
    (origin, asked, answer)
}

/// Installs a version of the plugin, which makes the one before no longer current.
fn install(server: &Server, version: &str, origin: &str, script: Script) {
    let manifest = format!(
        "schema = 1\n[plugin]\nid = \"talks\"\nversion = \"{version}\"\nkind = \"processing\"\n\
         contract = \"halle:processing@1\"\ntitle = {{ en = \"Talks\" }}\nlicence = \"MIT\"\n\
         [http.api]\norigins = [\"{origin}\"]\n"
    );
    server.install_as(&manifest, script.component());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_on_the_version_that_it_began_with_while_others_begin_on_the_next() {
    let (origin, asked, answer) = neighbour();
    let server = Server::start_in(vec![("HALLE_ALLOWED_PRIVATE_ORIGINS", origin.clone())], &[]).await;
    let (_, own) = server.organization("Ville").await;
    let first =
        Script::new().say("the first begins").send("GET", &format!("{origin}/")).say("the first ends");
    install(&server, "1.0.0", &origin, first);
    let (one, other) = (own.processing("talks", json!({})).await, own.processing("talks", json!({})).await);
    let run = own.trigger(&one).await;
    tokio::task::spawn_blocking(move || asked.recv().unwrap()).await.unwrap();

    install(&server, "2.0.0", &origin, Script::new().say("the second"));
    let (status, log) = own.ended(&own.trigger(&other).await).await;
    assert_eq!(status, "finished", "{log}");
    assert!(log.contains("the second") && !log.contains("the first"), "{log}");
    assert_eq!(own.run(&run).await["status"], "running", "the upgrade waits for nobody, and stops nobody");

    answer.send(()).unwrap();
    let (status, log) = own.ended(&run).await;
    assert_eq!(status, "finished", "{log}");
    assert!(log.contains("the first ends") && !log.contains("the second"), "{log}");
    let (_, log) = own.ended(&own.trigger(&one).await).await;
    assert!(log.contains("the second") && !log.contains("the first"), "{log}");
}
