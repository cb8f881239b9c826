//! Hostile plugins that a compiler made with the public SDK (`host/testkit/hostile`): what an administrator sees of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::attack::{Bait, LINES, SLACK_MIB, read_a_line};
use crate::server::{Client, DATASETS, PROCESSINGS, Server, ending};

/// What nobody may read.
const SECRET: &str = "hunter2-secret";

/// The secret in base64, as one would smuggle it.
const SECRET_BASE64: &str = "aHVudGVyMi1zZWNyZXQ";

/// Attacks for which the processor's limit must be far, however slow the machine: they ask the host for little, and often.
const OF_MANY_CALLS: [&str; 2] = ["log-flood", "host-call-storm"];

/// Bytes of the texts of a log, at most: a flood is cut long before.
const LOG_BYTES_MAX: usize = 2 << 20;

/// The processing with more time in the processor than another limit, or whoever cancels it, needs.
const PATIENT: &str = "hostile-patient";

/// The manifest of a hostile guest and its component, which is built once for all tests.
struct Guest {
    manifest: String,
    component: Vec<u8>,
}

impl Guest {
    fn processing() -> &'static Self {
        static BUILT: OnceLock<Guest> = OnceLock::new();
        BUILT.get_or_init(|| Self::build("processing"))
    }

    fn enricher() -> &'static Self {
        static BUILT: OnceLock<Guest> = OnceLock::new();
        BUILT.get_or_init(|| Self::build("enricher"))
    }

    fn build(kind: &str) -> Self {
        let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/hostile").join(kind);
        let out = tempfile::tempdir().unwrap();
        let mut build = Command::new(env!("CARGO_BIN_EXE_halle"));
        let built =
            build.args(["plugin", "build"]).arg(&folder).arg("--out").arg(out.path()).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let component = std::fs::read(out.path().join(format!("hostile-{kind}.wasm"))).unwrap();
        Self { manifest: std::fs::read_to_string(folder.join("plugin.toml")).unwrap(), component }
    }

    fn install(&self, server: &Server) {
        server.install_as(&self.manifest, self.component.clone());
    }

    /// Installs the processing as [`PATIENT`].
    fn install_patient(&self, server: &Server) {
        let patient =
            self.manifest.replace("hostile-processing", PATIENT).replace("cpu-ms = 3000", "cpu-ms = 600000");
        server.install_as(&patient, self.component.clone());
    }
}

/// A server on loopback that answers with all that it was sent; its origin.
async fn mirror() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.is_ok_and(|read| read > 0)
            {
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let first = head.lines().next().unwrap_or_default().to_owned();
            let seen =
                head.lines().find(|line| line.to_lowercase().starts_with("authorization")).unwrap_or("none");
            let answer = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\nx-asked: {first}\r\nx-seen: {seen}\r\n\r\n{head}",
                head.len()
            );
            // A guest that was stopped reads nothing more.
            let _gone = stream.write_all(answer.as_bytes()).await;
        }
    });
    origin
}

/// An attack, how its run ends, and what its log says.
type Expected = (&'static str, &'static str, Vec<String>);

fn expected(bait: &Bait) -> Vec<Expected> {
    let one = |attack, status, texts: &[&str]| {
        (attack, status, texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>())
    };
    vec![
        one("endless-loop", "error", &["plugin/cpu", "3000 ms"]),
        one("memory-bomb", "error", &["plugin/memory", "192 Mi"]),
        one("recursion", "error", &["plugin/trap"]),
        one("panic", "error", &["plugin/trap"]),
        one("log-flood", "finished", &["flooded", "records were dropped"]),
        one("host-call-storm", "error", &["plugin/host-calls", "1000000"]),
        one("handle-flood", "error", &["plugin/handles"]),
        one("huge-output", "error", &["plugin/output-too-large"]),
        one("egress-elsewhere", "error", &["denied/http", &bait.address]),
        one("egress-granted", "finished", &["GET /", "authorization: Bearer ***"]),
        one("secret-in-log", "finished", &["the secret is ***."]),
        one("secret-in-base64", "finished", &["the secret is ***."]),
        one("secret-in-error", "error", &["with ***"]),
        one("secret-in-url", "finished", &["?leak=***"]),
        one("secret-in-answer", "finished", &["***"]),
        one("read-other-account", "finished", &["`tresor`: denied/slot", "`input`: dataset/unbound"]),
        one("of-tomorrow", "error", &["hostile/unknown"]),
    ]
}

/// Reads lines until the work is done.
async fn while_lines_are_read<T>(reader: &Client<'_>, work: impl Future<Output = T>) -> T {
    let is_over = AtomicBool::new(false);
    let reading = async {
        while !is_over.load(Ordering::Relaxed) {
            read_a_line(reader).await;
        }
    };
    let working = async {
        let done = work.await;
        is_over.store(true, Ordering::Relaxed);
        done
    };
    tokio::join!(reading, working).1
}

/// A server with lines to read, the mirror that plugins may call, and an organisation that has nothing of its own.
async fn attacked(origin: &str) -> Server {
    let server = Server::start_with(&["--allowed-private-origins", origin]).await;
    let trees: String = (0..LINES).map(|row| format!("arbre {row},{row}\n")).collect();
    server.admin().upload("arbres", format!("nom,hauteur\n{trees}")).await;
    server.admin().upload("tresor", "nom,hauteur\nor caché,1\n".to_owned()).await;
    server
}

/// Whether a text tells the secret, or a line of the dataset of the other account.
fn leaks(text: &str) -> bool {
    [SECRET, SECRET_BASE64, "or caché"].iter().any(|secret| text.contains(secret))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hostile_processings_try_is_told_in_their_logs_and_nowhere_else() {
    let (origin, bait) = (mirror().await, Bait::lay().await);
    let server = attacked(&origin).await;
    let admin = server.admin();
    let (_, ville) = server.organization("Ville").await;
    Guest::processing().install(&server);
    Guest::processing().install_patient(&server);
    read_a_line(&admin).await;
    let (before_mib, _) = server.memory_mib();

    let mut runs = Vec::new();
    for (attack, status, texts) in expected(&bait) {
        let elsewhere = match attack {
            "read-other-account" => "tresor".to_owned(),
            _ => format!("http://{}/latest/meta-data", bait.address),
        };
        let secret = if attack == "secret-in-base64" { SECRET_BASE64 } else { SECRET };
        let hint: String = secret.chars().rev().collect();
        let plugin = if OF_MANY_CALLS.contains(&attack) { PATIENT } else { "hostile-processing" };
        let config =
            json!({ "attack": attack, "url": origin, "elsewhere": elsewhere, "hint": hint, "token": SECRET });
        let processing = ville.configured(plugin, config, json!({})).await;
        runs.push((attack, status, texts, ville.trigger(&processing).await, processing));
    }
    let all_ended = async {
        for (_, _, _, run, _) in &runs {
            ville.ended(run).await;
        }
    };
    while_lines_are_read(&admin, all_ended).await;

    let mut surprises = Vec::new();
    for (attack, status, texts, run, processing) in &runs {
        let (ended, log) = ville.ended(run).await;
        let missing: Vec<_> = texts.iter().filter(|text| !log.contains(*text)).collect();
        if ended != *status || !missing.is_empty() || log.len() > LOG_BYTES_MAX {
            let told: String = log.chars().take(2_000).collect();
            surprises.push(format!("{attack} {ended}, {} bytes without {missing:?}: {told}", log.len()));
        }
        let seen = [
            ville.run(run).await,
            ville.get(&format!("{PROCESSINGS}/processings/{processing}")).await.1,
            ville.get(&format!("{PROCESSINGS}/runs?processing={processing}")).await.1,
        ];
        if leaks(&seen.map(|seen| seen.to_string()).concat()) {
            surprises.push(format!("{attack} made a secret known"));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    assert_eq!(bait.calls.load(Ordering::SeqCst), 0, "a call went where it may not");
    let is_back = async || (server.memory_mib().0 < before_mib + SLACK_MIB).then_some(());
    server.until("the memory of the guests is given back", is_back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processing_that_ignores_a_cancellation_is_stopped_after_its_grace() {
    let origin = mirror().await;
    let server = attacked(&origin).await;
    let admin = server.admin();
    Guest::processing().install_patient(&server);
    let processing = admin.configured(PATIENT, json!({ "attack": "ignore-cancel" }), json!({})).await;
    let run = admin.trigger(&processing).await;
    let is_at_work = async || {
        let log = admin.run(&run).await["log"].to_string();
        log.contains("ignore-cancel").then_some(())
    };
    server.until("the run is at work", is_at_work).await;
    admin.json(Method::POST, &format!("{PROCESSINGS}/runs/{run}/_kill"), &json!({})).await;
    let stopped = async {
        while ending(&admin.run(&run).await).is_none() {
            tokio::task::yield_now().await;
        }
    };
    while_lines_are_read(&admin, stopped).await;
    let (status, log) = admin.ended(&run).await;
    assert_eq!(status, "killed", "{log}");
    assert!(log.contains("I was asked to stop, and go on"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_computes_offers_its_processor_while_lines_are_read() {
    const WINDOW: Duration = Duration::from_millis(300);
    let origin = mirror().await;
    let server = attacked(&origin).await;
    let admin = server.admin();
    Guest::processing().install_patient(&server);
    let processing = admin.configured(PATIENT, json!({ "attack": "endless-loop" }), json!({})).await;
    let run = admin.trigger(&processing).await;
    let is_at_work = async || admin.run(&run).await["log"].to_string().contains("endless-loop").then_some(());
    server.until("the run is at work", is_at_work).await;

    let slept_in_a_window = async || {
        let before = server.sleeps_of("plugin");
        tokio::time::sleep(WINDOW).await;
        server.sleeps_of("plugin") - before
    };
    // Those who asked whether it is at work read, too.
    tokio::time::sleep(WINDOW).await;
    let alone = slept_in_a_window().await;
    let while_read = async || {
        let slept = while_lines_are_read(&admin, slept_in_a_window()).await;
        (slept > alone * 3 + 60).then_some(())
    };
    server.until("the guest makes room", while_read).await;
    admin.json(Method::POST, &format!("{PROCESSINGS}/runs/{run}/_kill"), &json!({})).await;
}

/// The text of the last error in the journal of a dataset, once it has one; `Ok` with its columns when it is whole.
async fn extended(admin: &Client<'_>, id: &str) -> Option<Result<Value, String>> {
    let (_, dataset) = admin.get(&format!("{DATASETS}/{id}")).await;
    match dataset["status"].as_str().unwrap_or_default() {
        "error" => {
            let (_, journal) = admin.get(&format!("{DATASETS}/{id}/journal")).await;
            let error = journal.as_array().into_iter().flatten().find(|event| event["type"] == "error");
            Some(Err(error.map(|event| event["data"].to_string()).unwrap_or_default()))
        }
        "finalized" if dataset["schema"].to_string().contains("\"note\"") => Some(Ok(dataset)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hostile_enrichers_do_is_told_in_the_journal_and_the_lines_stay() {
    let origin = mirror().await;
    let server = attacked(&origin).await;
    let admin = server.admin();
    Guest::enricher().install(&server);
    // What the journal says of each, in part.
    let attacks = [
        ("endless-loop", Some("a calculé plus de 1000 ms")),
        ("memory-bomb", Some("a demandé plus de 192 Mio de mémoire")),
        ("recursion", Some("a échoué (wasm trap")),
        ("panic", Some("a échoué (wasm trap")),
        ("too-few-rows", Some("1 rows came back for 2")),
        ("huge-output", Some("a échangé plus de 65536 Kio")),
        ("none", None),
    ];
    for (attack, _) in attacks {
        admin.upload(attack, "nom,n\nif,1\nchêne,2\n".to_owned()).await;
        let extension = json!({
            "type": "enricher", "active": true, "plugin": "hostile-enricher", "config": { "attack": attack },
        });
        admin
            .json(Method::PATCH, &format!("{DATASETS}/{attack}"), &json!({ "extensions": [extension] }))
            .await;
    }
    let all = async {
        let mut all = Vec::new();
        for (attack, said) in attacks {
            let outcome = server.until(attack, async || extended(&admin, attack).await).await;
            all.push((attack, said, outcome));
        }
        all
    };
    let mut surprises = Vec::new();
    for (attack, said, outcome) in while_lines_are_read(&admin, all).await {
        let as_expected = match said {
            Some(said) => outcome.as_ref().is_err_and(|text| text.contains(said)),
            None => outcome.is_ok(),
        };
        let (_, lines) = admin.get(&format!("{DATASETS}/{attack}/lines?sort=n")).await;
        let is_noted = lines["results"][0]["_hostile_enricher.note"] == "harmless";
        if !as_expected || lines["total"] != 2 || is_noted != said.is_none() {
            surprises.push(format!("{attack}: {outcome:?} {lines}"));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}
